// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/order_command.h"

#include "base/limits.h"
#include "daemon/exchange/act_command.h"
#include "policy/decide.h"
#include "policy/holds.h"

namespace holdfast::exchange {
namespace {

// The hold that the order puts in force, or makes wider if the policy says so; null for other
// orders.
const policy::Hold* HoldOf(const policy::State& state, const order::v1::Order& order) {
  if (order.has_place_hold()) return state.holds().Find(order.place_hold().hold_id());
  if (order.has_amend_hold()) return state.holds().Find(order.amend_hold().hold().hold_id());
  if (order.has_restore_hold()) return state.holds().Find(order.restore_hold().hold_id());
  return nullptr;
}

// What takes effect whatever becomes of its epoch: it never fails for want of a keyslot.
bool NeverFails(const order::v1::Order& order) {
  return order.has_place_hold() || order.has_amend_hold() || order.has_restore_hold();
}

}  // namespace

std::vector<LeaseAtHold> LeasesInScope(const policy::State& state,
                                       const policy::CompiledScope& scope) {
  std::vector<LeaseAtHold> leases;
  for (const policy::LeaseInScope& lease : policy::OpenLeasesInScope(state, scope)) {
    leases.push_back({state.agreement().member(lease.requester).id,
                      policy::TransferName(state.transfer(lease.transfer)->id), lease.records,
                      lease.not_after.value()});
  }
  return leases;
}

bool Restricts(const policy::OpenedOrder& order) {
  return NeverFails(order.order) || order.order.has_cancel_lift() || order.order.has_strike_off() ||
         order.order.has_revoke_records() || order.order.has_cancel_destruction() ||
         order.order.has_deny_transfer() || order.order.has_suspend_transfer() ||
         order.order.has_cap_transfer() || order.order.has_end_transfer();
}

std::uint64_t RefuseOrder(Turn& turn, const policy::OpenedOrder& order,
                          const policy::Decision& decision) {
  ledger::v1::Refused refused;
  refused.set_member(turn.state().agreement().member(order.person).id);
  refused.set_act(ledger::v1::Refused::SUBMIT_ORDER);
  refused.set_refusal(static_cast<std::uint32_t>(decision.refusal));
  refused.set_hold_index(decision.hold_index);
  refused.set_order_digest(ToString(order.envelope_digest));
  return turn.Refuse(std::move(refused));
}

OrderCommand::OrderCommand(Bytes dsse, std::shared_ptr<const policy::OpenedOrder> order,
                           Executor& executor, std::shared_ptr<Egress> egress, DoneCallback done)
    : order_(std::move(order)),
      executor_(executor),
      egress_(std::move(egress)),
      done_(std::move(done)) {
  fact_.mutable_order_accepted()->set_order_dsse(ToString(dsse));
  advances_epoch_ = policy::AdvancesEpoch(fact_, order_.get());
}

bool OrderCommand::AcceptedBefore(const policy::State& state) {
  if (const auto index = state.FindOrder(order_->payload_digest)) {
    outcome_.index = *index;
    return true;
  }
  if (order_->order.has_place_hold()) {
    const policy::Hold* hold = state.holds().Find(order_->order.place_hold().hold_id());
    if (hold != nullptr && policy::SameHold(*hold, order_->order.place_hold())) {
      outcome_.index = hold->placed_index;
      return true;
    }
  }
  return false;
}

void OrderCommand::Run(Turn& turn) {
  outcome_ = {};
  if (AcceptedBefore(turn.state())) {
    // Whoever asks again may never have seen the first answer: this one says as much.
    outcome_.already = true;
    unanchored_ = turn.state().epoch_pending();
    NoteHold(turn.state());
    return;
  }
  turn.Stamp(fact_);
  outcome_.decision = policy::Decide(turn.state(), {fact_, order_.get()});
  if (!outcome_.decision.allowed()) {
    outcome_.matter = MatterOf(turn.state(), outcome_.decision.hold_index);
    outcome_.index = RefuseOrder(turn, *order_, outcome_.decision);
    return;
  }
  outcome_.index = turn.AppendFact(fact_, order_.get());
  outcome_.entry = ToBytes(turn.last_entry());
  outcome_.leaf_hash = turn.last_leaf_hash();
  NoteHold(turn.state());
  if (advances_epoch_) {
    turn.ChangeEpoch({}, NeverFails(order_->order) ? Anchoring::kMayWait : Anchoring::kRequired);
  }
}

void OrderCommand::NoteHold(const policy::State& state) {
  const policy::Hold* hold = HoldOf(state, order_->order);
  if (hold == nullptr) return;
  outcome_.needs_second_person = order_->order.has_amend_hold() &&
                                 hold->proposal_index == outcome_.index && !hold->confirmed();
  freezes_ = hold->freezes && !outcome_.needs_second_person;
  outcome_.open_leases = LeasesInScope(state, hold->scope);
}

void OrderCommand::Done(const absl::Status& status, const LedgerHead& head) {
  outcome_.status = status;
  outcome_.head = head;
  const bool accepted = status.ok() && (outcome_.already || outcome_.decision.allowed());
  if (outcome_.already) {
    outcome_.anchored = !unanchored_;
  } else {
    // The epoch's own entry follows the order's, if it was made.
    outcome_.anchored = !accepted || !advances_epoch_ || head.size > outcome_.index + 1;
  }
  auto outcome = std::make_shared<OrderOutcome>(std::move(outcome_));

  const order::v1::Order& order = order_->order;
  const bool stops = freezes_ || order.has_strike_off() || order.has_revoke_records() ||
                     order.has_suspend_transfer() || order.has_cap_transfer() ||
                     order.has_end_transfer();
  outcome->stops = accepted && stops;
  if (!outcome->stops) {
    executor_.Post([done = std::move(done_), outcome] { done(std::move(*outcome)); });
    return;
  }
  // Whatever a lower entry let out has left, or is cut off, before the answer; also before an
  // answer that is given again, because the first may still be waiting for that.
  const std::uint64_t index = outcome->index;
  egress_->Drain(index, std::nullopt, kHoldDrain,
                 [done = std::move(done_), outcome](const Egress::Drained& drained) {
                   outcome->cut = drained.cut;
                   done(std::move(*outcome));
                 });
}

}  // namespace holdfast::exchange
