// SPDX-License-Identifier: Apache-2.0
#include "policy/holds.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace holdfast::policy {

bool HoldForm::Includes(const HoldForm& other) const {
  return (freezes || !other.freezes) && (preserves || !other.preserves) &&
         scope.Contains(other.scope);
}

const Hold* HoldBook::Find(std::string_view id) const {
  const auto found = by_id_.find(absl::string_view(id.data(), id.size()));
  return found == by_id_.end() ? nullptr : &holds_[found->second];
}

const Hold* HoldBook::FindByPlacing(std::uint64_t index) const {
  const auto found = by_placing_.find(index);
  return found == by_placing_.end() ? nullptr : &holds_[found->second];
}

const Hold* HoldBook::Freezing(const RecordFacts& record) const {
  const auto tag = freezes_.Find(record);
  return tag ? &holds_[*tag] : nullptr;
}

const Hold* HoldBook::Preserving(const RecordFacts& record) const {
  const auto tag = preserves_.Find(record);
  return tag ? &holds_[*tag] : nullptr;
}

const Hold* HoldBook::Preserving(const RecordFacts& record, const OverriddenHolds& but) const {
  const auto tag = preserves_.FindIf(record, [&](std::uint32_t number) {
    const auto over = but.find(number);
    return over == but.end() || over->second != holds_[number].last_placed_index;
  });
  return tag ? &holds_[*tag] : nullptr;
}

void HoldBook::ForEachPreserving(const RecordFacts& record,
                                 absl::FunctionRef<void(const Hold&)> visit) const {
  static_cast<void>(preserves_.FindIf(record, [&](std::uint32_t tag) {
    visit(holds_[tag]);
    return false;
  }));
}

std::optional<HoldBook::Left> HoldBook::Lingering(const RecordFacts& record) const {
  return Lingering(record, {});
}

std::optional<HoldBook::Left> HoldBook::Lingering(const RecordFacts& record,
                                                  const OverriddenHolds& but) const {
  const auto tag = lingering_.FindIf(record, [&](std::uint32_t lingerer) {
    const Lingerer& left = lingerers_.at(lingerer);
    const auto over = but.find(left.hold);
    return over == but.end() || over->second != left.placed_index;
  });
  if (!tag) return std::nullopt;
  const Lingerer& left = lingerers_.at(*tag);
  return Left{&holds_[left.hold], left.since};
}

const Hold* HoldBook::FreezingWhole(const TransferFacts& transfer) const {
  const auto tag = freezes_.FindWhole(transfer);
  return tag ? &holds_[*tag] : nullptr;
}

const Hold* HoldBook::PreservingWhole(const TransferFacts& transfer) const {
  const auto tag = preserves_.FindWhole(transfer);
  return tag ? &holds_[*tag] : nullptr;
}

UnixMillis HoldBook::NextEffect() const {
  return effects_.empty() ? kMaxTime : effects_.begin()->first;
}

UnixMillis HoldBook::NextChange(std::chrono::milliseconds window) const {
  const UnixMillis next = NextEffect();
  return lingerings_.empty() ? next : std::min(next, lingerings_.begin()->first + window);
}

void HoldBook::Note(Hold& hold, HoldEventKind kind, const Act& act) {
  hold.history.push_back({kind, act.index, act.at, act.by});
}

void HoldBook::EnterForce(const Hold& hold) {
  ++changes_;
  if (hold.freezes) freezes_.Add(hold.number, hold.scope);
  if (hold.preserves) preserves_.Add(hold.number, hold.scope);
}

void HoldBook::LeaveForce(const Hold& hold, UnixMillis since) {
  ++changes_;
  if (hold.freezes) freezes_.Remove(hold.number, hold.scope);
  if (!hold.preserves) return;
  preserves_.Remove(hold.number, hold.scope);
  const std::uint32_t lingerer = next_lingerer_++;
  lingering_.Add(lingerer, hold.scope);
  lingerings_.emplace(since, lingerer);
  lingerers_.emplace(lingerer,
                     Lingerer{hold.number, hold.last_placed_index, since, hold.order, hold.scope});
}

void HoldBook::LastPlaced(Hold& hold, std::uint64_t index, UnixMillis at) {
  hold.last_placed_index = index;
  hold.last_placed_at = at;
  by_placing_.emplace(index, hold.number);
}

void HoldBook::Settle(Hold& hold) {
  if (hold.confirmed()) {
    auto [at, end] = effects_.equal_range(hold.lift_at);
    while (at != end && at->second != hold.number) ++at;
    HF_CHECK(at != end);
    effects_.erase(at);
  }
  hold.state = HoldState::kInForce;
  hold.proposal_index = 0;
  hold.proposed_by = MemberNumber();
  hold.confirm_index = 0;
  hold.confirmed_by = MemberNumber();
  hold.lift_at = UnixMillis();
  hold.amendment.reset();
}

void HoldBook::ForEachUnacknowledged(
    absl::FunctionRef<void(const Hold&, MemberNumber, const Notice&)> visit) const {
  for (const std::set<Waiting>* notices : {&overdue_, &waiting_}) {
    for (const Waiting& one : *notices) {
      const Hold& hold = holds_[one.hold];
      visit(hold, one.requester, hold.notices.at(one.requester));
    }
  }
}

void HoldBook::ForgetWaiting(const Hold& hold) {
  if (!hold.notices.empty()) ++notice_changes_;
  for (const auto& [requester, notice] : hold.notices) {
    waiting_.erase({notice.due_at, hold.number, requester});
    overdue_.erase({notice.due_at, hold.number, requester});
  }
}

void HoldBook::Place(Hold hold, const Act& act) {
  hold.number = static_cast<std::uint32_t>(holds_.size());
  const bool is_new = by_id_.emplace(hold.id(), hold.number).second;
  HF_CHECK(is_new);
  hold.placed = hold.order;
  hold.placed_index = act.index;
  hold.placed_at = act.at;
  hold.placed_by = act.by;
  hold.sides = SideBit(act.side);
  LastPlaced(hold, act.index, act.at);
  Note(hold, HoldEventKind::kPlaced, act);
  EnterForce(hold);
  holds_.push_back(std::move(hold));
}

void HoldBook::Restore(const Hold& of, const Act& act) {
  Hold& hold = Mutable(of);
  HF_CHECK(!hold.in_force());
  Settle(hold);
  hold.lifted_at = UnixMillis();
  hold.sides |= SideBit(act.side);
  hold.notices.clear();
  LastPlaced(hold, act.index, act.at);
  Note(hold, HoldEventKind::kRestored, act);
  EnterForce(hold);
}

void HoldBook::Propose(const Hold& of, const Act& act) {
  Hold& hold = Mutable(of);
  HF_CHECK(hold.in_force() && !hold.confirmed());
  Settle(hold);
  hold.state = HoldState::kLiftProposed;
  hold.proposal_index = act.index;
  hold.proposed_by = act.by;
  Note(hold, HoldEventKind::kLiftProposed, act);
}

void HoldBook::ProposeAmendment(const Hold& of, HoldForm amendment, const Act& act) {
  Hold& hold = Mutable(of);
  HF_CHECK(hold.in_force() && !hold.confirmed());
  Settle(hold);
  hold.state = HoldState::kAmendmentProposed;
  hold.amendment = std::move(amendment);
  hold.proposal_index = act.index;
  hold.proposed_by = act.by;
  Note(hold, HoldEventKind::kAmendmentProposed, act);
}

void HoldBook::Confirm(const Hold& of, const Act& act, UnixMillis lift_at) {
  Hold& hold = Mutable(of);
  const bool lifts = hold.state == HoldState::kLiftProposed;
  HF_CHECK(lifts || hold.state == HoldState::kAmendmentProposed);
  hold.state = lifts ? HoldState::kLiftConfirmed : HoldState::kAmendmentConfirmed;
  hold.confirm_index = act.index;
  hold.confirmed_by = act.by;
  hold.lift_at = lift_at;
  effects_.emplace(lift_at, hold.number);
  Note(hold, lifts ? HoldEventKind::kLiftConfirmed : HoldEventKind::kAmendmentConfirmed, act);
}

void HoldBook::Cancel(const Hold& of, const Act& act) {
  Hold& hold = Mutable(of);
  HF_CHECK(hold.in_force());
  Settle(hold);
  Note(hold, HoldEventKind::kCancelled, act);
}

void HoldBook::Widen(const Hold& of, HoldForm form, const Act& act) {
  Hold& hold = Mutable(of);
  HF_CHECK(hold.in_force());
  // Whoever wanted it lifted or narrowed had another hold before them.
  if (hold.proposal_index != 0) Cancel(hold, act);
  if (hold.freezes) freezes_.Remove(hold.number, hold.scope);
  if (hold.preserves) preserves_.Remove(hold.number, hold.scope);
  ForgetWaiting(hold);
  hold.notices.clear();
  static_cast<HoldForm&>(hold) = std::move(form);
  hold.sides |= SideBit(act.side);
  LastPlaced(hold, act.index, act.at);
  Note(hold, HoldEventKind::kAmended, act);
  EnterForce(hold);
}

void HoldBook::AttachDocument(const Hold& of, const order::v1::AttachDocument& document,
                              const Act& act) {
  Hold& hold = Mutable(of);
  const auto name = [&](HoldForm& form) {
    auto named = std::make_shared<order::v1::PlaceHold>(*form.order);
    named->set_court(document.court());
    named->set_order_reference(document.order_reference());
    named->set_document_sha256(document.document_sha256());
    form.order = std::move(named);
  };
  name(hold);
  // What waits to be confirmed was drafted before, and must not take the document away again.
  if (hold.amendment && hold.amendment->order->document_sha256().empty()) name(*hold.amendment);
  Note(hold, HoldEventKind::kDocumentAttached, act);
}

void HoldBook::Give(const Hold& of, MemberNumber requester, std::uint64_t index, UnixMillis at,
                    UnixMillis due_at) {
  Hold& hold = Mutable(of);
  Notice notice;
  notice.placed_index = hold.last_placed_index;
  notice.index = index;
  notice.given_at = at;
  notice.due_at = due_at;
  Await(hold, requester, notice, at);
  hold.notices.emplace(requester, notice);
  ++notice_changes_;
}

void HoldBook::Await(const Hold& hold, MemberNumber requester, const Notice& notice,
                     UnixMillis late) {
  (notice.due_at <= late ? overdue_ : waiting_).insert({notice.due_at, hold.number, requester});
}

void HoldBook::Acknowledge(const Hold& of, MemberNumber requester, std::uint64_t index,
                           MemberNumber by) {
  Hold& hold = Mutable(of);
  Notice& notice = hold.notices.at(requester);
  waiting_.erase({notice.due_at, hold.number, requester});
  overdue_.erase({notice.due_at, hold.number, requester});
  ++notice_changes_;
  notice.acknowledged_index = index;
  notice.acknowledged_by = by;
}

void HoldBook::Withdraw(MemberNumber person, const Act& act) {
  for (Hold& hold : holds_) {
    if (!hold.in_force() || hold.proposal_index == 0) continue;
    if (hold.proposed_by == person || (hold.confirmed() && hold.confirmed_by == person)) {
      Cancel(hold, act);
    }
  }
}

void HoldBook::Advance(UnixMillis early, std::chrono::milliseconds window, std::uint64_t index,
                       UnixMillis at) {
  std::vector<std::uint32_t> narrowed;
  while (!effects_.empty() && effects_.begin()->first <= early) {
    Hold& hold = holds_[effects_.begin()->second];
    LeaveForce(hold, early);
    if (hold.state == HoldState::kLiftConfirmed) {
      effects_.erase(effects_.begin());
      hold.state = HoldState::kLifted;
      hold.lifted_at = early;
      ForgetWaiting(hold);
      hold.history.push_back({HoldEventKind::kLifted, index, at, std::nullopt});
      continue;
    }
    const std::uint64_t amended_by = hold.proposal_index;
    static_cast<HoldForm&>(hold) = *std::move(hold.amendment);
    Settle(hold);
    LastPlaced(hold, amended_by, at);
    hold.history.push_back({HoldEventKind::kAmended, index, at, std::nullopt});
    narrowed.push_back(hold.number);
  }
  // In an order that can be told from the holds alone: a snapshot makes the same indices.
  std::sort(narrowed.begin(), narrowed.end());
  for (const std::uint32_t number : narrowed) EnterForce(holds_[number]);
  while (!lingerings_.empty() && lingerings_.begin()->first + window <= early) {
    const auto lingerer = lingerers_.find(lingerings_.begin()->second);
    lingering_.Remove(lingerer->first, lingerer->second.scope);
    lingerers_.erase(lingerer);
    lingerings_.erase(lingerings_.begin());
  }
}

void HoldBook::AdvanceNotices(UnixMillis late) {
  while (!waiting_.empty() && waiting_.begin()->due_at <= late) {
    overdue_.insert(waiting_.extract(waiting_.begin()));
  }
}

HoldForm FormOf(const order::v1::PlaceHold& order, CompiledScope scope) {
  HoldForm form;
  form.order = std::make_shared<const order::v1::PlaceHold>(order);
  form.scope = std::move(scope);
  form.freezes = order.kind() != order::v1::PRESERVE;
  form.preserves = order.kind() != order::v1::FREEZE;
  return form;
}

bool SameHold(const Hold& hold, const order::v1::PlaceHold& again) {
  // Deterministic within one program, and neither message has a map or an unknown field: both were
  // read from strict JSON.
  return hold.placed->SerializeAsString() == again.SerializeAsString();
}

}  // namespace holdfast::policy
