// SPDX-License-Identifier: Apache-2.0
// The release of the keys of one batch of rows.
//
// A hold, an ended lease, an untrusted clock or a brake refuses the batch whole. Rows that are
// expired, revoked or destroyed are refused one by one, and the others go.
//
// When to use  By the key service, once a message.
// Threads      See Command. `done` runs on the executor.
// Ownership    The command owns what it was given until `done` has returned.
// Errors       In the outcome.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "daemon/exchange/command.h"
#include "daemon/exchange/egress.h"
#include "daemon/exchange/entry_batch.h"
#include "daemon/exchange/executor.h"
#include "daemon/exchange/leaf_ref.h"

namespace holdfast::exchange {

struct ReleasedRow {
  std::uint32_t row = 0;
  LeafRef leaf;
};

struct ReleaseOutcome {
  absl::Status status;        // As ActOutcome.
  policy::Decision decision;  // About the batch. Rows may have been refused all the same.
  std::string matter;         // Where a hold refused.

  std::vector<ReleasedRow> released;  // Entries first_index, first_index + 1, ...
  std::uint64_t first_index = 0;
  std::vector<std::uint32_t> refused_rows;  // One by one.
  std::uint64_t refusal_index = 0;          // The first refusal's entry, where there is one.

  std::unique_ptr<Egress::Token> egress;
};

struct Release {
  std::unique_ptr<EntryBatch> batch;  // KeyReleased facts of one lease, sealed.
  std::string member;
  std::uint32_t transfer = 0;
  std::function<void()> cut;
  std::function<void(ReleaseOutcome)> done;
};

class ReleaseCommand final : public Command {
 public:
  ReleaseCommand(Release release, Executor& executor, std::shared_ptr<Egress> egress)
      : release_(std::move(release)), executor_(executor), egress_(std::move(egress)) {}

  void Run(Turn& turn) override;
  void Done(const absl::Status& status, const LedgerHead& head) override;

 private:
  void Refuse(Turn& turn, policy::Decision decision, std::vector<std::uint32_t> rows);

  Release release_;
  Executor& executor_;
  std::shared_ptr<Egress> egress_;
  ReleaseOutcome outcome_;
};

}  // namespace holdfast::exchange
