// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/settle_command.h"

#include <algorithm>
#include <utility>

#include "daemon/exchange/act_command.h"
#include "policy/decide.h"

namespace holdfast::exchange {

SettleCommand::SettleCommand(Settlement settlement, Executor& executor, DoneCallback done)
    : settlement_(std::move(settlement)), executor_(executor), done_(std::move(done)) {
  if (settlement_.order != nullptr) {
    fact_.mutable_order_accepted()->set_order_dsse(ToString(settlement_.dsse));
  }
}

bool SettleCommand::IsCurrent(const policy::State& state) const {
  return std::all_of(settlement_.chunks.begin(), settlement_.chunks.end(),
                     [&](const SettledChunk& chunk) {
                       const policy::Transfer* transfer = state.transfer(chunk.key.transfer);
                       const policy::RecordChunk* found =
                           transfer == nullptr ? nullptr : transfer->records.chunk(chunk.key.chunk);
                       return found != nullptr && found->deposited == chunk.deposited;
                     });
}

void SettleCommand::Run(Turn& turn) {
  outcome_ = {};
  if (settlement_.order != nullptr) {
    RunOrder(turn);
  } else {
    RunExpiry(turn);
  }
}

void SettleCommand::RunOrder(Turn& turn) {
  OrderOutcome& out = outcome_.order;
  const policy::OpenedOrder& order = *settlement_.order;
  if (const auto index = turn.state().FindOrder(order.payload_digest)) {
    out.index = *index;
    out.already = true;
    return;
  }
  turn.Stamp(fact_);
  std::vector<const ledger::v1::Entry*> envelopes;
  for (std::size_t i = 0; settlement_.envelopes != nullptr && i < settlement_.envelopes->size();
       ++i) {
    envelopes.push_back(&settlement_.envelopes->entry(i));
  }
  out.decision = policy::DecideSettlement(turn.state(), {fact_, &order}, envelopes);
  if (out.decision.refusal == policy::Refusal::kCasesUnsettled ||
      (out.decision.allowed() && !IsCurrent(turn.state()))) {
    outcome_.stale = true;
    return;
  }
  if (!out.decision.allowed()) {
    out.matter = MatterOf(turn.state(), out.decision.hold_index);
    out.index = RefuseOrder(turn, order, out.decision);
    return;
  }
  out.index = turn.AppendFact(fact_, &order);
  out.entry = ToBytes(turn.last_entry());
  out.leaf_hash = turn.last_leaf_hash();
  AppendEnvelopes(turn);
}

void SettleCommand::RunExpiry(Turn& turn) {
  policy::DecisionBatch decisions(turn.state());
  bool allowed = IsCurrent(turn.state());
  for (std::size_t i = 0; allowed && i < settlement_.envelopes->size(); ++i) {
    allowed = decisions.Decide({settlement_.envelopes->entry(i)}).allowed();
  }
  // Nobody asked for it: what is not allowed now is tried again later, and is no refusal.
  outcome_.stale = !allowed;
  if (allowed) AppendEnvelopes(turn);
}

void SettleCommand::AppendEnvelopes(Turn& turn) {
  turn.Append(*settlement_.envelopes);
  for (const SettledChunk& chunk : settlement_.chunks) {
    turn.WriteChunk(chunk.key, chunk.bytes, store::IfChunkExists::kReplace);
  }
}

void SettleCommand::Done(const absl::Status& status, const LedgerHead& head) {
  outcome_.order.status = status;
  outcome_.order.head = head;
  auto outcome = std::make_shared<SettleOutcome>(std::move(outcome_));
  executor_.Post([done = std::move(done_), outcome] { done(std::move(*outcome)); });
}

}  // namespace holdfast::exchange
