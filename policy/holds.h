// SPDX-License-Identifier: Apache-2.0
//
// Legal holds, and the way in which one is lifted.
//
// When to use  Through State (policy/state.h), which owns a HoldBook.
// Threads      Const methods may be called concurrently; others not.
// Ownership    A HoldBook owns its holds. They are never removed: history has no cap.
// Errors       None; what is unknown is null.
//
// Invariants
//   (1) What is in force is a union: lifting a hold changes no other (R21).
//   (2) A hold leaves force only by a confirmed lift whose cooling period is over at a trusted
//       `early` time. No review date and no other fact ends it.
//   (3) After a PRESERVE has left force it keeps protecting for the agreement's destruction
//       window: destruction becomes pending, never instant (R26).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"

#include "base/time.h"
#include "holdfast/order/v1/order.pb.h"
#include "policy/agreement.h"
#include "policy/scope.h"

namespace holdfast::policy {

enum class HoldState : std::uint8_t {
  kInForce = 1,
  kLiftProposed = 2,   // In force.
  kLiftConfirmed = 3,  // In force until `lift_at`.
  kLifted = 4,
};

struct Hold {
  std::uint32_t number = 0;  // Position in the book.
  std::shared_ptr<const order::v1::PlaceHold> order;
  CompiledScope scope;
  bool freezes = false;    // No deposit, collection or key release.
  bool preserves = false;  // No destruction.

  std::uint64_t placed_index = 0;
  UnixMillis placed_at;
  MemberNumber placed_by;

  HoldState state = HoldState::kInForce;
  std::uint64_t proposal_index = 0;  // The newest proposal; 0 if none stands.
  MemberNumber proposed_by;
  std::uint64_t confirm_index = 0;
  MemberNumber confirmed_by;
  UnixMillis lift_at;    // Where kLiftConfirmed or kLifted.
  UnixMillis lifted_at;  // Where kLifted: the `early` time at which it left force.

  bool in_force() const { return state != HoldState::kLifted; }
  const std::string& id() const { return order->hold_id(); }
};

class HoldBook final {
 public:
  std::span<const Hold> all() const { return holds_; }

  // Null if there is none. Both also find lifted ones.
  const Hold* Find(std::string_view id) const;
  const Hold* FindByIndex(std::uint64_t placed_index) const;

  // One that is in force and covers the record, or null.
  const Hold* Freezing(const RecordFacts& record) const;
  const Hold* Preserving(const RecordFacts& record) const;

  // Calls `visit(hold)` for each that is in force and preserves the record.
  void ForEachPreserving(const RecordFacts& record,
                         absl::FunctionRef<void(const Hold&)> visit) const;

  // A PRESERVE that left force less than a window ago and covers the record, or null.
  const Hold* Lingering(const RecordFacts& record) const;

  // One that freezes, or preserves, every record of the transfer, or null.
  const Hold* FreezingWhole(const TransferFacts& transfer) const;
  const Hold* PreservingWhole(const TransferFacts& transfer) const;

  bool nothing_freezes() const { return freezes_.empty(); }
  bool nothing_preserves() const { return preserves_.empty() && lingering_.empty(); }
  std::size_t freezes_in_force() const { return freezes_.size(); }
  std::size_t preserves_in_force() const { return preserves_.size(); }

  // The earliest `early` time at which a lift takes effect or a protection stops lingering;
  // kMaxTime if there is none.
  UnixMillis NextChange(std::chrono::milliseconds window) const;

  // Changes, for Apply alone.
  void Place(Hold hold);
  void Propose(std::string_view id, std::uint64_t index, MemberNumber by);
  void Confirm(std::string_view id, std::uint64_t index, MemberNumber by, UnixMillis lift_at);
  void Cancel(std::string_view id);

  // Lets lifts take effect that are due at `early`, and protections end that lingered for
  // `window`. Only at a trusted time.
  void Advance(UnixMillis early, std::chrono::milliseconds window);

 private:
  friend class StateCodec;  // policy/state_snapshot.cc

  Hold* FindMutable(std::string_view id);

  std::vector<Hold> holds_;
  absl::flat_hash_map<std::string, std::uint32_t> by_id_;
  ScopeIndex freezes_;
  ScopeIndex preserves_;
  ScopeIndex lingering_;
  std::multimap<UnixMillis, std::uint32_t> lifts_;       // Confirmed, by lift_at.
  std::multimap<UnixMillis, std::uint32_t> lingerings_;  // Lifted PRESERVE, by lifted_at.
};

// Returns whether a repeated PlaceHold says the same as the one that was accepted: then the answer
// is that one's receipt. With the same id and another content Decide refuses.
bool SameHold(const Hold& hold, const order::v1::PlaceHold& again);

}  // namespace holdfast::policy
