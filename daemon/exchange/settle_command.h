// SPDX-License-Identifier: Apache-2.0
// Settles cases that wait for review: an order and its envelopes, or the envelopes of cases whose
// time is over. All of it is appended, or nothing.
//
// The envelopes were made off the writer's thread, and into copies of stored chunks. If the writer
// finds that somebody has settled a row of these chunks in between, or that the order now names
// other rows, nothing is appended and the outcome is `stale`: whoever made them makes them anew.
//
// When to use  For ReleaseCase and RefuseCases, and for expired cases.
// Threads      See Command. `done` runs on the executor.
// Ownership    The command owns what it was given until `done` has returned.
// Errors       In the outcome.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "daemon/exchange/command.h"
#include "daemon/exchange/entry_batch.h"
#include "daemon/exchange/executor.h"
#include "daemon/exchange/order_command.h"

namespace holdfast::exchange {

// A chunk of envelopes with some more of them in their places.
struct SettledChunk {
  store::ChunkKey key;
  Bytes bytes;
  std::uint16_t deposited = 0;  // How many envelopes of the chunk there were when it was read.
};

struct Settlement {
  // Null for cases whose time is over.
  Bytes dsse;
  std::shared_ptr<const policy::OpenedOrder> order;

  // The envelopes, in order of row. Null if there are none, which is what an order gets that names
  // no case: the policy then says why it is refused. REQUIRES: sealed.
  std::unique_ptr<EntryBatch> envelopes;
  std::vector<SettledChunk> chunks;
};

struct SettleOutcome {
  OrderOutcome order;
  bool stale = false;  // Nothing was decided.
};

class SettleCommand final : public Command {
 public:
  using DoneCallback = std::function<void(SettleOutcome)>;

  SettleCommand(Settlement settlement, Executor& executor, DoneCallback done);

  void Run(Turn& turn) override;
  void Done(const absl::Status& status, const LedgerHead& head) override;

 private:
  // Whether the chunks are still as they were read.
  bool IsCurrent(const policy::State& state) const;
  void RunOrder(Turn& turn);
  void RunExpiry(Turn& turn);
  void AppendEnvelopes(Turn& turn);

  Settlement settlement_;
  Executor& executor_;
  DoneCallback done_;
  ledger::v1::Entry fact_;
  SettleOutcome outcome_;
};

}  // namespace holdfast::exchange
