// SPDX-License-Identifier: Apache-2.0
//
// Legal holds: how one is placed, amended, lifted and restored, and who got notice of it.
//
// When to use  Through State (policy/state.h), which owns a HoldBook.
// Threads      Const methods may be called concurrently; others not.
// Ownership    A HoldBook owns its holds. They are never removed: history has no cap.
// Errors       None; what is unknown is null.
//
// Invariants
//   (1) What is in force is a union: lifting a hold changes no other (R21).
//   (2) A hold leaves force, or gets narrower, only by a confirmed lift or amendment whose cooling
//       period is over at a trusted `early` time. No review date and no other fact does it.
//   (3) What a PRESERVE has left goes on being protected for the agreement's destruction window:
//       destruction becomes pending, never instant (R26).
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
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
  kAmendmentProposed = 5,   // In force as it is.
  kAmendmentConfirmed = 6,  // In force as it is until `lift_at`.
};

// Wire numbers of holdfast.v1.HoldEvent.Kind.
enum class HoldEventKind : std::uint8_t {
  kPlaced = 1,
  kRestored = 2,
  kAmended = 3,
  kLiftProposed = 4,
  kLiftConfirmed = 5,
  kAmendmentProposed = 6,
  kAmendmentConfirmed = 7,
  kCancelled = 8,
  kLifted = 9,
  kDocumentAttached = 10,
};

struct HoldEvent {
  HoldEventKind kind = HoldEventKind::kPlaced;
  std::uint64_t index = 0;  // Of the entry that did it.
  UnixMillis at;
  std::optional<MemberNumber> person;  // None where time did it.
};

// Notice of a hold to one requester (R30).
struct Notice {
  std::uint64_t placed_index = 0;  // The hold's last placing when it was given.
  std::uint64_t index = 0;
  UnixMillis given_at;
  UnixMillis due_at;
  std::uint64_t acknowledged_index = 0;  // 0: not yet.
  MemberNumber acknowledged_by;
};

// What a hold says.
struct HoldForm {
  std::shared_ptr<const order::v1::PlaceHold> order;
  CompiledScope scope;
  bool freezes = false;    // No deposit, collection or key release.
  bool preserves = false;  // No destruction.

  // Whether it certainly stops and covers all that `other` does, now and later. When in doubt, no.
  bool Includes(const HoldForm& other) const;
};

// Sides of the agreement as bits.
using SideBits = std::uint8_t;
constexpr SideBits SideBit(Side side) {
  return static_cast<SideBits>(1U << static_cast<unsigned>(side));
}

// What became of it.
struct HoldLife {
  std::uint32_t number = 0;  // Position in the book.
  std::shared_ptr<const order::v1::PlaceHold>
      placed;  // As it was placed; `order` is what it says now.

  std::uint64_t placed_index = 0;  // Of its first placing.
  UnixMillis placed_at;
  MemberNumber placed_by;

  // Of the newest order that placed, restored or amended it.
  std::uint64_t last_placed_index = 0;
  UnixMillis last_placed_at;

  // The sides that placed, restored or widened it: what one of them wants is not another's to lift.
  SideBits sides = 0;

  HoldState state = HoldState::kInForce;
  std::uint64_t proposal_index = 0;  // The newest proposal; 0 if none stands.
  MemberNumber proposed_by;
  std::uint64_t confirm_index = 0;
  MemberNumber confirmed_by;
  UnixMillis lift_at;                 // Where confirmed or kLifted.
  UnixMillis lifted_at;               // Where kLifted: the `early` time at which it left force.
  std::optional<HoldForm> amendment;  // Where one is proposed or confirmed.

  std::map<MemberNumber, Notice> notices;  // By requester, of its last placing.
  std::vector<HoldEvent> history;
};

struct Hold : HoldForm, HoldLife {
  bool in_force() const { return state != HoldState::kLifted; }
  bool confirmed() const {
    return state == HoldState::kLiftConfirmed || state == HoldState::kAmendmentConfirmed;
  }
  bool lacks_document() const { return order->document_sha256().empty(); }
  const std::string& id() const { return order->hold_id(); }
  const std::string& matter() const { return order->matter(); }
};

// Holds over which a court lets records be destroyed, as they were last placed then: by number.
using OverriddenHolds = std::map<std::uint32_t, std::uint64_t>;

class HoldBook final {
 public:
  // Who did what, when.
  struct Act {
    std::uint64_t index = 0;
    UnixMillis at;
    MemberNumber by;
    Side side = agreement::v1::SIDE_UNSPECIFIED;
  };

  std::span<const Hold> all() const { return holds_; }

  // Null if there is none. All also find lifted ones. A placing is any of a hold's.
  const Hold* Find(std::string_view id) const;
  const Hold* FindByPlacing(std::uint64_t index) const;

  // One that is in force and covers the record, or null.
  const Hold* Freezing(const RecordFacts& record) const;
  const Hold* Preserving(const RecordFacts& record) const;

  // The same of those that are not overridden.
  const Hold* Preserving(const RecordFacts& record, const OverriddenHolds& but) const;

  // Calls `visit(hold)` for each that is in force and preserves the record.
  void ForEachPreserving(const RecordFacts& record,
                         absl::FunctionRef<void(const Hold&)> visit) const;

  // Those that preserve, by their numbers.
  const ScopeIndex& preserving() const { return preserves_; }

  // A PRESERVE that covered the record, and left it less than a window ago.
  struct Left {
    const Hold* hold = nullptr;
    UnixMillis since;
  };
  std::optional<Left> Lingering(const RecordFacts& record) const;
  std::optional<Left> Lingering(const RecordFacts& record, const OverriddenHolds& but) const;

  // One that freezes, or preserves, every record of the transfer, or null.
  const Hold* FreezingWhole(const TransferFacts& transfer) const;
  const Hold* PreservingWhole(const TransferFacts& transfer) const;

  bool nothing_freezes() const { return freezes_.empty(); }
  bool nothing_preserves() const { return preserves_.empty() && lingering_.empty(); }
  std::size_t freezes_in_force() const { return freezes_.size(); }
  std::size_t preserves_in_force() const { return preserves_.size(); }

  // The earliest `early` time at which what was confirmed takes effect, kMaxTime if there is none;
  // and the earliest at which a protection stops lingering, too.
  UnixMillis NextEffect() const;
  UnixMillis NextChange(std::chrono::milliseconds window) const;

  // How often holds have entered or left force, or changed what they say.
  std::uint64_t changes() const { return changes_; }

  // Calls `visit(hold, requester, notice)` for each notice of a hold in force that nobody has
  // acknowledged, by the time at which it has to be; and how often there were others.
  void ForEachUnacknowledged(
      absl::FunctionRef<void(const Hold&, MemberNumber, const Notice&)> visit) const;
  std::uint64_t notice_changes() const { return notice_changes_; }

  // Notices that are not acknowledged although their time is over, of holds in force.
  std::size_t overdue_notices() const { return overdue_.size(); }

  // Changes, for Apply alone. REQUIRES: what Decide (policy/decide_hold.cc) has looked at.
  void Place(Hold hold, const Act& act);
  void Restore(const Hold& hold, const Act& act);
  void Propose(const Hold& hold, const Act& act);
  void ProposeAmendment(const Hold& hold, HoldForm amendment, const Act& act);
  void Confirm(const Hold& hold, const Act& act, UnixMillis lift_at);
  void Cancel(const Hold& hold, const Act& act);
  void Widen(const Hold& hold, HoldForm form, const Act& act);
  void AttachDocument(const Hold& hold, const order::v1::AttachDocument& document, const Act& act);
  void Give(const Hold& hold, MemberNumber requester, std::uint64_t index, UnixMillis at,
            UnixMillis due_at);
  void Acknowledge(const Hold& hold, MemberNumber requester, std::uint64_t index, MemberNumber by);

  // What this person has proposed or confirmed and has not taken effect counts no more.
  void Withdraw(MemberNumber person, const Act& act);

  // Lets what was confirmed take effect where it is due at `early`, and protections end that
  // lingered for `window`, by the entry `index` with the late time `at`. Only at a trusted time.
  void Advance(UnixMillis early, std::chrono::milliseconds window, std::uint64_t index,
               UnixMillis at);

  // Notes which notices are overdue by `late`.
  void AdvanceNotices(UnixMillis late);

 private:
  friend class StateCodec;  // policy/state_snapshot.cc

  // A form that a PRESERVE had, and left.
  struct Lingerer {
    std::uint32_t hold = 0;
    std::uint64_t placed_index = 0;  // The last placing of that form.
    UnixMillis since;
    std::shared_ptr<const order::v1::PlaceHold> order;
    CompiledScope scope;
  };
  // A notice that waits for an acknowledgement.
  struct Waiting {
    UnixMillis due_at;
    std::uint32_t hold = 0;
    MemberNumber requester;

    friend auto operator<=>(const Waiting&, const Waiting&) = default;
  };

  Hold& Mutable(const Hold& hold) { return holds_[hold.number]; }
  void Note(Hold& hold, HoldEventKind kind, const Act& act);
  void EnterForce(const Hold& hold);
  void LeaveForce(const Hold& hold, UnixMillis since);
  void Settle(Hold& hold);  // Nothing is proposed or confirmed any more.
  void LastPlaced(Hold& hold, std::uint64_t index, UnixMillis at);
  void ForgetWaiting(const Hold& hold);
  void Await(const Hold& hold, MemberNumber requester, const Notice& notice, UnixMillis late);

  std::vector<Hold> holds_;
  absl::flat_hash_map<std::string, std::uint32_t> by_id_;
  absl::flat_hash_map<std::uint64_t, std::uint32_t> by_placing_;
  ScopeIndex freezes_;
  ScopeIndex preserves_;
  ScopeIndex lingering_;  // By Lingerer.
  std::map<std::uint32_t, Lingerer> lingerers_;
  std::uint32_t next_lingerer_ = 0;
  std::uint64_t changes_ = 0;
  std::uint64_t notice_changes_ = 0;
  std::multimap<UnixMillis, std::uint32_t> effects_;     // Confirmed, by lift_at.
  std::multimap<UnixMillis, std::uint32_t> lingerings_;  // Lingerers, by `since`.
  std::set<Waiting> waiting_;                            // Notices that are not overdue yet.
  std::set<Waiting> overdue_;
};

// Returns what `order` says, compiled as `scope`.
HoldForm FormOf(const order::v1::PlaceHold& order, CompiledScope scope);

// Returns whether a repeated PlaceHold says the same as the one that was accepted: then the answer
// is that one's receipt. With the same id and another content Decide refuses.
bool SameHold(const Hold& hold, const order::v1::PlaceHold& again);

}  // namespace holdfast::policy
