// SPDX-License-Identifier: Apache-2.0
#include "policy/holds.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace holdfast::policy {

const Hold* HoldBook::Find(std::string_view id) const {
  const auto found = by_id_.find(absl::string_view(id.data(), id.size()));
  return found == by_id_.end() ? nullptr : &holds_[found->second];
}

const Hold* HoldBook::FindByIndex(std::uint64_t placed_index) const {
  // Holds stand in the order of their placing.
  const auto found = std::lower_bound(
      holds_.begin(), holds_.end(), placed_index,
      [](const Hold& hold, std::uint64_t index) { return hold.placed_index < index; });
  return found != holds_.end() && found->placed_index == placed_index ? &*found : nullptr;
}

Hold* HoldBook::FindMutable(std::string_view id) {
  const auto found = by_id_.find(absl::string_view(id.data(), id.size()));
  return found == by_id_.end() ? nullptr : &holds_[found->second];
}

const Hold* HoldBook::Freezing(const RecordFacts& record) const {
  const auto tag = freezes_.Find(record);
  return tag ? &holds_[*tag] : nullptr;
}

const Hold* HoldBook::Preserving(const RecordFacts& record) const {
  const auto tag = preserves_.Find(record);
  return tag ? &holds_[*tag] : nullptr;
}

void HoldBook::ForEachPreserving(const RecordFacts& record,
                                 absl::FunctionRef<void(const Hold&)> visit) const {
  static_cast<void>(preserves_.FindIf(record, [&](std::uint32_t tag) {
    visit(holds_[tag]);
    return false;
  }));
}

const Hold* HoldBook::Lingering(const RecordFacts& record) const {
  const auto tag = lingering_.Find(record);
  return tag ? &holds_[*tag] : nullptr;
}

const Hold* HoldBook::FreezingWhole(const TransferFacts& transfer) const {
  const auto tag = freezes_.FindWhole(transfer);
  return tag ? &holds_[*tag] : nullptr;
}

const Hold* HoldBook::PreservingWhole(const TransferFacts& transfer) const {
  const auto tag = preserves_.FindWhole(transfer);
  return tag ? &holds_[*tag] : nullptr;
}

UnixMillis HoldBook::NextChange(std::chrono::milliseconds window) const {
  UnixMillis next = kMaxTime;
  if (!lifts_.empty()) next = std::min(next, lifts_.begin()->first);
  if (!lingerings_.empty()) next = std::min(next, lingerings_.begin()->first + window);
  return next;
}

void HoldBook::Place(Hold hold) {
  hold.number = static_cast<std::uint32_t>(holds_.size());
  const bool is_new = by_id_.emplace(hold.id(), hold.number).second;
  HF_CHECK(is_new);
  if (hold.freezes) freezes_.Add(hold.number, hold.scope);
  if (hold.preserves) preserves_.Add(hold.number, hold.scope);
  holds_.push_back(std::move(hold));
}

void HoldBook::Propose(std::string_view id, std::uint64_t index, MemberNumber by) {
  Hold* hold = FindMutable(id);
  HF_CHECK(hold != nullptr && hold->in_force());
  hold->state = HoldState::kLiftProposed;
  hold->proposal_index = index;
  hold->proposed_by = by;
}

void HoldBook::Confirm(std::string_view id, std::uint64_t index, MemberNumber by,
                       UnixMillis lift_at) {
  Hold* hold = FindMutable(id);
  HF_CHECK(hold != nullptr && hold->state == HoldState::kLiftProposed);
  hold->state = HoldState::kLiftConfirmed;
  hold->confirm_index = index;
  hold->confirmed_by = by;
  hold->lift_at = lift_at;
  lifts_.emplace(lift_at, hold->number);
}

void HoldBook::Cancel(std::string_view id) {
  Hold* hold = FindMutable(id);
  HF_CHECK(hold != nullptr && hold->in_force());
  if (hold->state == HoldState::kLiftConfirmed) {
    auto [at, end] = lifts_.equal_range(hold->lift_at);
    while (at != end && at->second != hold->number) ++at;
    HF_CHECK(at != end);
    lifts_.erase(at);
  }
  hold->state = HoldState::kInForce;
  hold->proposal_index = 0;
  hold->proposed_by = MemberNumber();
  hold->confirm_index = 0;
  hold->confirmed_by = MemberNumber();
  hold->lift_at = UnixMillis();
}

void HoldBook::Advance(UnixMillis early, std::chrono::milliseconds window) {
  while (!lifts_.empty() && lifts_.begin()->first <= early) {
    Hold& hold = holds_[lifts_.begin()->second];
    lifts_.erase(lifts_.begin());
    hold.state = HoldState::kLifted;
    hold.lifted_at = early;
    if (hold.freezes) freezes_.Remove(hold.number, hold.scope);
    if (hold.preserves) {
      preserves_.Remove(hold.number, hold.scope);
      lingering_.Add(hold.number, hold.scope);
      lingerings_.emplace(early, hold.number);
    }
  }
  while (!lingerings_.empty() && lingerings_.begin()->first + window <= early) {
    const Hold& hold = holds_[lingerings_.begin()->second];
    lingerings_.erase(lingerings_.begin());
    lingering_.Remove(hold.number, hold.scope);
  }
}

bool SameHold(const Hold& hold, const order::v1::PlaceHold& again) {
  // Deterministic within one program, and neither message has a map or an unknown field: both were
  // read from strict JSON.
  return hold.order->SerializeAsString() == again.SerializeAsString();
}

}  // namespace holdfast::policy
