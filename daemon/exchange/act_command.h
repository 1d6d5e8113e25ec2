// SPDX-License-Identifier: Apache-2.0
// One act that is allowed whole or refused whole: a chunk of verdicts, a transfer, a lease.
//
// When to use  For everything but key releases (release_command.h) and orders (order_command.h).
// Threads      See Command. `done` runs on the executor.
// Ownership    The command owns what it was given until `done` has returned.
// Errors       In the outcome.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "base/bytes.h"
#include "daemon/exchange/command.h"
#include "daemon/exchange/egress.h"
#include "daemon/exchange/entry_batch.h"
#include "daemon/exchange/executor.h"
#include "policy/decide.h"

namespace holdfast::exchange {

// What became of an act.
struct ActOutcome {
  // Not OK: it is unknown whether the act took effect, or it was never tried.
  absl::Status status;

  // Whether it was allowed; in the ledger either way, at `index` (the first of its entries).
  policy::Decision decision;
  std::uint64_t index = 0;
  std::size_t appended = 0;  // Facts, if it was allowed: see Act::if_refused.
  LedgerHead head;

  // It had been done before: nothing was appended, and `index` is 0.
  bool already = false;

  // Where the act lets something out: held until that has left. See Act::cut.
  std::unique_ptr<Egress::Token> egress;
};

// Returns the error of an outcome that is not an allowed act, or OK. A refusal by a hold names the
// matter.
absl::Status ErrorOf(const ActOutcome& outcome, const std::string& matter);

// What becomes of an act of which a fact is refused.
enum class IfRefused {
  kNothing = 0,  // It is refused as a whole.
  kRest,         // The facts before that one are done, unless it is the first.
};

struct Act {
  // The facts. REQUIRES: sealed; if more than one, they are of one kind and transfer. Null where
  // `declined` is set.
  std::unique_ptr<EntryBatch> batch;

  // A rule that needs no state has refused it already: the policy is not asked, and the refusal is
  // put on the record.
  std::optional<policy::Refusal> declined;

  IfRefused if_refused = IfRefused::kNothing;

  // Chunks that are stored with them.
  std::vector<std::pair<store::ChunkKey, Bytes>> chunks;

  // What a refusal entry says; the reason is filled in.
  ledger::v1::Refused refused;

  // Asked first, on the writer's thread: true if the act was done before. May take what the answer
  // needs from the state.
  std::function<bool(const policy::State&)> already;

  // Called after the facts were applied, on the writer's thread, to take what the answer needs.
  std::function<void(const policy::State&)> applied;

  // Where the act lets something out: the transfer, and how to cut it off.
  std::optional<std::uint32_t> lets_out;
  std::function<void()> cut;

  std::function<void(ActOutcome, const std::string& matter)> done;
};

class ActCommand final : public Command {
 public:
  ActCommand(Act act, Executor& executor, std::shared_ptr<Egress> egress)
      : act_(std::move(act)), executor_(executor), egress_(std::move(egress)) {}

  void Run(Turn& turn) override;
  void Done(const absl::Status& status, const LedgerHead& head) override;

 private:
  policy::Decision DecideAll(const policy::State& state);

  Act act_;
  Executor& executor_;
  std::shared_ptr<Egress> egress_;
  ActOutcome outcome_;
  std::string matter_;
};

// The matter of the hold whose placing is entry `placed_index`; empty if there is none.
std::string MatterOf(const policy::State& state, std::uint64_t placed_index);

}  // namespace holdfast::exchange
