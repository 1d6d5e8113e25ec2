// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/act_command.h"

#include "base/error.h"

namespace holdfast::exchange {

absl::Status ErrorOf(const ActOutcome& outcome, const std::string& matter) {
  if (!outcome.status.ok()) return outcome.status;
  if (outcome.already || outcome.decision.allowed()) return absl::OkStatus();
  absl::Status error = policy::RefusalError(outcome.decision.refusal);
  error = AddMetadata(std::move(error), "ledger_index", std::to_string(outcome.index));
  if (!matter.empty()) error = AddMetadata(std::move(error), "matter", matter);
  return error;
}

std::string MatterOf(const policy::State& state, std::uint64_t placed_index) {
  const policy::Hold* hold = state.holds().FindByPlacing(placed_index);
  return hold == nullptr ? std::string() : hold->matter();
}

policy::Decision ActCommand::DecideAll(const policy::State& state) {
  if (act_.declined.has_value()) return {*act_.declined};
  EntryBatch& batch = *act_.batch;
  outcome_.appended = batch.size();
  if (batch.size() == 1) return policy::Decide(state, {batch.entry(0)});
  policy::DecisionBatch decisions(state);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const policy::Decision decision = decisions.Decide({batch.entry(i)});
    if (decision.allowed()) continue;
    if (act_.if_refused == IfRefused::kNothing || i == 0) return decision;
    outcome_.appended = i;
    for (std::size_t rest = i; rest < batch.size(); ++rest) batch.Skip(rest);
    break;
  }
  return {policy::Refusal::kAllowed};
}

void ActCommand::Run(Turn& turn) {
  outcome_ = {};
  if (act_.already && act_.already(turn.state())) {
    outcome_.already = true;
    return;
  }
  outcome_.decision = DecideAll(turn.state());
  if (!outcome_.decision.allowed()) {
    if (outcome_.decision.hold_index != 0) {
      matter_ = MatterOf(turn.state(), outcome_.decision.hold_index);
    }
    act_.refused.set_refusal(static_cast<std::uint32_t>(outcome_.decision.refusal));
    act_.refused.set_hold_index(outcome_.decision.hold_index);
    outcome_.index = turn.Refuse(act_.refused);
    return;
  }
  outcome_.index = turn.Append(*act_.batch);
  for (const auto& [key, bytes] : act_.chunks) {
    turn.WriteChunk(key, bytes, store::IfChunkExists::kFail);
  }
  if (act_.applied) act_.applied(turn.state());
}

void ActCommand::Done(const absl::Status& status, const LedgerHead& head) {
  outcome_.status = status;
  outcome_.head = head;
  if (status.ok() && act_.lets_out.has_value() && outcome_.decision.allowed()) {
    outcome_.egress = egress_->Begin(outcome_.index, *act_.lets_out, std::move(act_.cut));
  }
  // Shared, because a std::function must be copyable.
  auto outcome = std::make_shared<ActOutcome>(std::move(outcome_));
  executor_.Post([done = std::move(act_.done), outcome, matter = std::move(matter_)] {
    done(std::move(*outcome), matter);
  });
}

}  // namespace holdfast::exchange
