// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/drill_command.h"

#include <optional>
#include <utility>

#include "daemon/exchange/act_command.h"
#include "policy/decide.h"
#include "policy/holds.h"
#include "policy/queries.h"

namespace holdfast::exchange {
namespace {

// What the order would freeze; nullopt if it freezes nothing at once.
std::optional<policy::CompiledScope> WouldFreeze(const policy::State& state,
                                                 const order::v1::Order& order) {
  const order::v1::PlaceHold* says = order.has_place_hold()   ? &order.place_hold()
                                     : order.has_amend_hold() ? &order.amend_hold().hold()
                                                              : nullptr;
  if (says != nullptr) {
    if (says->kind() == order::v1::PRESERVE) return std::nullopt;
    return policy::CompileScope(state, says->scope()).scope;
  }
  if (!order.has_restore_hold()) return std::nullopt;
  const policy::Hold* hold = state.holds().Find(order.restore_hold().hold_id());
  if (hold == nullptr || !hold->freezes) return std::nullopt;
  return hold->scope;
}

// REQUIRES: the policy allows it.
bool Widens(const policy::State& state, const order::v1::AmendHold& act) {
  const policy::Hold& hold = *state.holds().Find(act.hold().hold_id());
  policy::ScopeResult scope = policy::CompileScope(state, act.hold().scope());
  return policy::FormOf(act.hold(), std::move(scope.scope)).Includes(hold);
}

}  // namespace

DrillCommand::DrillCommand(const Bytes& dsse, std::shared_ptr<const policy::OpenedOrder> drill,
                           Executor& executor, DoneCallback done)
    : drill_(std::move(drill)), executor_(executor), done_(std::move(done)) {
  fact_.mutable_order_accepted()->set_order_dsse(ToString(dsse));
}

void DrillCommand::Run(Turn& turn) {
  outcome_ = {};
  const policy::State& state = turn.state();
  turn.Stamp(fact_);
  outcome_.decision = policy::Decide(state, {fact_, drill_.get()});
  outcome_.ledger_size = state.ledger_size();
  outcome_.decided_at_ms = state.now().late.value();
  if (!outcome_.decision.allowed()) {
    outcome_.matter = MatterOf(state, outcome_.decision.hold_index);
    return;
  }
  const order::v1::Order& order = drill_->order;
  outcome_.needs_second_person = order.has_amend_hold() && !Widens(state, order.amend_hold());
  if (outcome_.needs_second_person) return;
  if (const auto scope = WouldFreeze(state, order)) {
    outcome_.open_leases = LeasesInScope(state, *scope);
  }
}

void DrillCommand::Done(const absl::Status& status, const LedgerHead&) {
  outcome_.status = status;
  auto outcome = std::make_shared<DrillOutcome>(std::move(outcome_));
  executor_.Post([done = std::move(done_), outcome] { done(std::move(*outcome)); });
}

}  // namespace holdfast::exchange
