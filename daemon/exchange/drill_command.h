// SPDX-License-Identifier: Apache-2.0
// A drill, decided by the writer in the order of everything else, and not carried out.
//
// When to use  By DrillService. The group that decides it notes the time, as any other; of the
// drill
//              itself the ledger has nothing.
// Threads      As Command.
// Ownership    Owns the drill. Borrows the executor.
// Errors       In the outcome.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "daemon/exchange/command.h"
#include "daemon/exchange/executor.h"
#include "daemon/exchange/order_command.h"
#include "policy/opened_order.h"

namespace holdfast::exchange {

struct DrillOutcome {
  absl::Status status;
  policy::Decision decision;  // On the order that it is a drill of.
  std::string matter;
  std::uint64_t ledger_size = 0;  // On which it was decided.
  std::int64_t decided_at_ms = 0;
  bool needs_second_person = false;
  std::vector<LeaseAtHold> open_leases;
};

class DrillCommand final : public Command {
 public:
  using DoneCallback = std::function<void(DrillOutcome)>;

  // REQUIRES: `drill` was opened from `dsse` by policy::OpenDrill, and its head was checked.
  DrillCommand(const Bytes& dsse, std::shared_ptr<const policy::OpenedOrder> drill,
               Executor& executor, DoneCallback done);

  void Run(Turn& turn) override;
  void Done(const absl::Status& status, const LedgerHead& head) override;

 private:
  ledger::v1::Entry fact_;
  std::shared_ptr<const policy::OpenedOrder> drill_;
  Executor& executor_;
  DoneCallback done_;
  DrillOutcome outcome_;
};

}  // namespace holdfast::exchange
