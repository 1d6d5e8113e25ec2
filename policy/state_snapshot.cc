// SPDX-License-Identifier: Apache-2.0
#include "policy/state_snapshot.h"

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "crypto/sha256.h"
#include "policy/queries.h"

namespace holdfast::policy {
namespace {

constexpr std::string_view kMagic = "holdfast-state\n";

// A build whose state has other fields does not take the bytes, even if somebody forgot to give
// them another form: whatever the fields are, the structs that hold them are of another size.
constexpr std::array<std::uint32_t, 7> kLayout = {
    sizeof(State),    sizeof(Transfer), sizeof(Record), sizeof(ReviewCase),
    sizeof(Disposal), sizeof(Hold),     sizeof(Lease)};

absl::Status Corrupt() {
  return MakeError(Reason::kStoreCorrupt, "this is no snapshot of a state");
}

// Appends numbers, little-endian.
class Encoder final {
 public:
  static constexpr bool kReads = false;

  explicit Encoder(Bytes room) : bytes_(std::move(room)) { bytes_.clear(); }

  template <std::unsigned_integral Number>
  void Put(Number number) {
    std::byte* at = Room(sizeof(Number));
    for (std::size_t i = 0; i < sizeof(Number); ++i) {
      at[i] = static_cast<std::byte>(static_cast<std::uint64_t>(number) >> (8 * i) & 0xff);
    }
  }

  void PutBytes(ByteSpan bytes) {
    if (!bytes.empty()) std::memcpy(Room(bytes.size()), bytes.data(), bytes.size());
  }

  Bytes Take() {
    bytes_.resize(used_);
    return std::move(bytes_);
  }

 private:
  std::byte* Room(std::size_t more) {
    constexpr std::size_t kAhead = std::size_t{1} << 16;
    if (bytes_.size() - used_ < more) bytes_.resize(used_ + more + kAhead);
    return bytes_.data() + std::exchange(used_, used_ + more);
  }

  Bytes bytes_;
  std::size_t used_ = 0;
};

// Takes them off again. After an error every number is 0.
class Decoder final {
 public:
  static constexpr bool kReads = true;

  explicit Decoder(ByteSpan bytes) : rest_(bytes) {}

  template <std::unsigned_integral Number>
  Number Get() {
    std::uint64_t number = 0;
    const ByteSpan bytes = GetBytes(sizeof(Number));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      number |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
    }
    return static_cast<Number>(number);
  }

  ByteSpan GetBytes(std::uint64_t count) {
    if (count > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const ByteSpan bytes = rest_.first(static_cast<std::size_t>(count));
    rest_ = rest_.subspan(bytes.size());
    return bytes;
  }

  // How many elements follow. Each takes at least a byte.
  std::size_t GetCount() {
    const auto count = Get<std::uint64_t>();
    if (count > rest_.size()) failed_ = true;
    return failed_ ? 0 : static_cast<std::size_t>(count);
  }

  void Fail() { failed_ = true; }
  bool done() const { return !failed_ && rest_.empty(); }

 private:
  ByteSpan rest_;
  bool failed_ = false;
};

template <typename T>
concept Number = std::integral<T> || std::is_enum_v<T>;
template <typename T>
concept Id = requires(const T& id) {
  typename T::value_type;
  { id.value() } -> std::same_as<const typename T::value_type&>;
};
template <typename T>
concept Text = std::same_as<T, std::string>;
template <typename T>
concept Associative = requires {
  typename T::key_type;
};
template <typename T>
concept Mapping = Associative<T> && requires {
  typename T::mapped_type;
};
template <typename T>
concept Pointed = requires {
  typename T::element_type;
};

template <typename T>
concept Duration = requires {
  typename T::rep;
  typename T::period;
};

// The entry with which the hold entered force as it is.
std::uint64_t EnteredForceAt(const Hold& hold) {
  const auto last =
      std::find_if(hold.history.rbegin(), hold.history.rend(), [](const HoldEvent& e) {
        return e.kind == HoldEventKind::kPlaced || e.kind == HoldEventKind::kRestored ||
               e.kind == HoldEventKind::kAmended;
      });
  return last == hold.history.rend() ? 0 : last->index;
}

template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};
template <typename T>
struct IsVector<std::deque<T>> : std::true_type {};
template <typename T>
struct IsArray : std::false_type {};
template <typename T, std::size_t N>
struct IsArray<std::array<T, N>> : std::true_type {};

}  // namespace

// The one list of what a state is made of. `A` is an Encoder, and the state const, or a Decoder.
class StateCodec final {
 public:
  template <typename A, typename S>
  static void Fields(A& a, S& state) requires std::same_as<std::remove_const_t<S>, State> {
    auto& [ledger_size, agreement, checkpoint_key, now, untrusted_since, trust_ordered, time_ahead,
           epoch, erased_epoch, process_starts, order_unanchored, destruction_unanchored, transfers,
           transfer_by_id, transfer_by_request, deadlines, expired, records, refusals, ends,
           reviews, review_verdicts, unsettled, officers, officer_by_id, open_cases, segments,
           holds, disposals, open_disposals, open_leases, lease_ends, lease_count, open_records,
           open_leases_of, volumes, addresses, struck_off, copies, clock, evidence, last_orders,
           order_by_digest, order_by_id] = state;
    static_cast<void>(agreement);  // Beside it: SnapshotOf().
    All(a, ledger_size, checkpoint_key, now, untrusted_since, trust_ordered, time_ahead, epoch,
        erased_epoch, process_starts, order_unanchored, destruction_unanchored, transfers,
        transfer_by_id, transfer_by_request, deadlines, expired, records, refusals, ends, reviews,
        review_verdicts, unsettled, officers, officer_by_id, open_cases, segments, holds, disposals,
        open_disposals, open_leases, lease_ends, lease_count, open_records, open_leases_of, volumes,
        addresses, struck_off, copies, clock, evidence, last_orders, order_by_digest, order_by_id);
  }

  // What the list leaves out because it follows from the rest. False if it does not.
  static bool Complete(State& state, std::shared_ptr<const OpenedAgreement> agreement) {
    state.agreement_ = std::move(agreement);
    if (!state.addresses_.Whole()) return false;
    HoldBook& book = state.holds_;
    const auto compile = [&state](const order::v1::PlaceHold& order, CompiledScope& out) {
      ScopeResult compiled = CompileScope(state, order.scope());
      out = std::move(compiled.scope);
      return compiled.ok();
    };
    for (Hold& hold : book.holds_) {
      if (&hold != book.holds_.data() + hold.number) return false;
      if (!compile(*hold.order, hold.scope)) return false;
      if (hold.amendment && !compile(*hold.amendment->order, hold.amendment->scope)) return false;
      for (const auto& [requester, notice] : hold.notices) {
        const bool waits = hold.in_force() && notice.acknowledged_index == 0;
        if (waits) book.Await(hold, requester, notice, state.now_.late);
      }
    }
    // In the order in which they came to be as they are: of several that cover a record, that order
    // says which one is named.
    std::vector<std::pair<std::uint64_t, std::uint32_t>> in_force;
    for (const Hold& hold : book.holds_) {
      if (hold.in_force()) in_force.emplace_back(EnteredForceAt(hold), hold.number);
    }
    std::sort(in_force.begin(), in_force.end());
    for (const auto& [index, number] : in_force) {
      static_cast<void>(index);
      const Hold& hold = book.holds_[number];
      if (hold.freezes) book.freezes_.Add(number, hold.scope);
      if (hold.preserves) book.preserves_.Add(number, hold.scope);
    }
    for (auto& [number, lingerer] : book.lingerers_) {
      if (lingerer.hold >= book.holds_.size()) return false;
      if (!compile(*lingerer.order, lingerer.scope)) return false;
      book.lingering_.Add(number, lingerer.scope);
    }
    return true;
  }

 private:
  template <typename A, typename... T>
  static void All(A& a, T&... fields) {
    (One(a, fields), ...);
  }

  template <typename A, typename T>
  static void One(A& a, T& field) {
    using Plain = std::remove_const_t<T>;
    if constexpr (std::same_as<Plain, bool>) {
      if constexpr (A::kReads) {
        field = a.template Get<std::uint8_t>() != 0;
      } else {
        a.Put(static_cast<std::uint8_t>(field ? 1 : 0));
      }
    } else if constexpr (Number<Plain>) {
      OneNumber(a, field);
    } else if constexpr (IsOptional<Plain>::value) {
      OneOptional(a, field);
    } else if constexpr (Id<Plain>) {
      if constexpr (A::kReads) {
        typename Plain::value_type value{};
        One(a, value);
        field = Plain(value);
      } else {
        One(a, field.value());
      }
    } else if constexpr (Duration<Plain>) {
      auto count = field.count();
      OneNumber(a, count);
      if constexpr (A::kReads) field = Plain(count);
    } else if constexpr (Text<Plain>) {
      if constexpr (A::kReads) {
        field = ToString(a.GetBytes(a.template Get<std::uint32_t>()));
      } else {
        a.Put(static_cast<std::uint32_t>(field.size()));
        a.PutBytes(AsBytes(field));
      }
    } else if constexpr (IsArray<Plain>::value) {
      for (auto& element : field) One(a, element);
    } else if constexpr (IsVector<Plain>::value) {
      if constexpr (A::kReads) {
        field.resize(a.GetCount());
      } else {
        a.Put(std::uint64_t{field.size()});
      }
      for (auto& element : field) One(a, element);
    } else if constexpr (Associative<Plain>) {
      OneAssociative(a, field);
    } else if constexpr (Pointed<Plain>) {
      OnePointed(a, field);
    } else {
      Fields(a, field);
    }
  }

  // An enum's or number's own width.
  template <typename A, typename T>
  static void OneNumber(A& a, T& field) {
    using Plain = std::remove_const_t<T>;
    if constexpr (std::is_enum_v<Plain>) {
      auto value = static_cast<std::underlying_type_t<Plain>>(field);
      OneNumber(a, value);
      if constexpr (A::kReads) field = static_cast<Plain>(value);
    } else {
      using Unsigned = std::make_unsigned_t<Plain>;
      if constexpr (A::kReads) {
        field = static_cast<Plain>(a.template Get<Unsigned>());
      } else {
        a.Put(static_cast<Unsigned>(field));
      }
    }
  }

  template <typename A, typename T>
  static void OneOptional(A& a, T& field) {
    bool there = field.has_value();
    One(a, there);
    if (!there) return;
    // Not emplace(): clang does not take a nested struct with defaults for one that has them.
    if constexpr (A::kReads) field = typename T::value_type{};
    One(a, *field);
  }

  // By ascending key, and what has the same key in the order in which it came.
  template <typename A, typename T>
  static void OneAssociative(A& a, T& field) {
    using Plain = std::remove_const_t<T>;
    if constexpr (A::kReads) {
      for (std::size_t left = a.GetCount(); left > 0; --left) {
        typename Plain::key_type key{};
        One(a, key);
        if constexpr (Mapping<Plain>) {
          typename Plain::mapped_type value{};
          One(a, value);
          field.emplace(std::move(key), std::move(value));
        } else {
          field.insert(std::move(key));
        }
      }
    } else {
      using Value = typename Plain::value_type;
      const auto key_of = [](const Value& value) -> const typename Plain::key_type& {
        if constexpr (Mapping<Plain>) {
          return value.first;
        } else {
          return value;
        }
      };
      std::vector<const Value*> sorted;
      sorted.reserve(field.size());
      for (const Value& value : field) sorted.push_back(&value);
      std::stable_sort(sorted.begin(), sorted.end(),
                       [&](const Value* x, const Value* y) { return key_of(*x) < key_of(*y); });
      a.Put(std::uint64_t{sorted.size()});
      for (const Value* value : sorted) {
        One(a, key_of(*value));
        if constexpr (Mapping<Plain>) One(a, value->second);
      }
    }
  }

  // A message that never changes, or an object that may not be there.
  template <typename A, typename T>
  static void OnePointed(A& a, T& field) {
    using Element = typename std::remove_const_t<T>::element_type;
    if constexpr (std::is_const_v<Element>) {
      std::string bytes;
      if constexpr (A::kReads) {
        One(a, bytes);
        auto message = std::make_shared<std::remove_const_t<Element>>();
        if (!message->ParseFromString(bytes)) a.Fail();
        field = std::move(message);
      } else {
        bytes = field->SerializeAsString();
        One(a, bytes);
      }
    } else {
      bool there = field != nullptr;
      One(a, there);
      if (!there) return;
      if constexpr (A::kReads) field = std::make_unique<Element>();
      Fields(a, *field);
    }
  }

  // The parts. Each names every member: one that is missing, or new, does not compile.

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, Now> {
    auto& [late, early, trusted, wall] = s;
    All(a, late, early, trusted, wall);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, Transfer> {
    auto& [number, id, requester, authority, terms, created_index, created_at, state, records,
           officers, accepted_by_officer, request_verdicts, release_verdicts, judged, accepted,
           deposited, released, revoked, destroyed, rows, dossier_digest, subjects_digest,
           officer_open_cases, brakes, let_go, second_addresses, suspended_index, record_cap,
           ends_at, approvals, not_before, not_after, approved_index, agreement_digest,
           envelopes_due, envelopes, cases, envelopes_root, closed_index, over] = s;
    All(a, number, id, requester, authority, terms, created_index, created_at, state, records,
        officers, accepted_by_officer, request_verdicts, release_verdicts, judged, accepted,
        deposited, released, revoked, destroyed, rows, dossier_digest, subjects_digest,
        officer_open_cases, brakes, let_go, second_addresses, suspended_index, record_cap, ends_at,
        approvals, not_before, not_after, approved_index, agreement_digest, envelopes_due,
        envelopes, cases, envelopes_root, closed_index, over);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, State::Volume> {
    auto& [day, on_day, total] = s;
    All(a, day, on_day, total);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, AddressMemory> {
    auto& [shards, other_day, size] = s;
    // Those that are not empty, by number: a small state has few.
    if constexpr (A::kReads) {
      for (std::size_t left = a.GetCount(); left > 0; --left) {
        const auto number = a.template Get<std::uint32_t>();
        if (number >= shards.size()) return a.Fail();
        One(a, shards[number]);
      }
    } else {
      a.Put(static_cast<std::uint64_t>(
          std::count_if(shards.begin(), shards.end(), [](const auto& of) { return !of.empty(); })));
      for (std::size_t number = 0; number < shards.size(); ++number) {
        if (shards[number].empty()) continue;
        a.Put(static_cast<std::uint32_t>(number));
        One(a, shards[number]);
      }
    }
    All(a, other_day, size);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, RecordTable> {
    auto& [chunks] = s;
    All(a, chunks);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, RecordChunk> {
    auto& [records, judged, accepted, deposited, destroyed, first_outcome, fetched, collected,
           tails] = s;
    All(a, records, judged, accepted, deposited, destroyed, first_outcome, fetched, collected,
        tails);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, Record> {
    auto& [person, alias, officer, subject_segment, subject_leaf, record_segment, record_leaf,
           releases, open_leases, request_verdict, release_verdict, flags, gate_version,
           deposited_at, first_released_at, last_released_at] = s;
    All(a, person, alias, officer, subject_segment, subject_leaf, record_segment, record_leaf,
        releases, open_leases, request_verdict, release_verdict, flags, gate_version, deposited_at,
        first_released_at, last_released_at);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, ReviewCase> {
    auto& [opened_index, opened_at, due_at, commitment, digest, releasable, gate_version, shown,
           verdict, address, candidates, ordered] = s;
    All(a, opened_index, opened_at, due_at, commitment, digest, releasable, gate_version, shown,
        verdict, address, candidates, ordered);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, ReviewKey> {
    auto& [due_at, officer, transfer, row] = s;
    All(a, due_at, officer, transfer, row);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, EnvelopesRoot> {
    auto& [bases, partial, whole, missing] = s;
    All(a, bases, partial, whole, missing);
  }

  template <typename A, typename S>
  static void Fields(A& a,
                     S& s) requires std::same_as<std::remove_const_t<S>, EnvelopesRoot::Node> {
    auto& [level, index, hash] = s;
    All(a, level, index, hash);
  }

  template <typename A, typename S>
  static void Fields(A& a,
                     S& s) requires std::same_as<std::remove_const_t<S>, EnvelopesRoot::Partial> {
    auto& [leaf_hashes, missing] = s;
    All(a, leaf_hashes, missing);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, SegmentTable> {
    auto& [segments, by_id, first_in_use, used] = s;
    All(a, segments, by_id, first_in_use, used);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, Segment> {
    auto& [id, kind, transfer, opened_index] = s;
    All(a, id, kind, transfer, opened_index);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, HoldBook> {
    auto& [holds, by_id, by_placing, freezes, preserves, lingering, lingerers, next_lingerer,
           changes, notice_changes, effects, lingerings, waiting, overdue] = s;
    static_cast<void>(freezes);  // Complete() makes these five.
    static_cast<void>(preserves);
    static_cast<void>(lingering);
    static_cast<void>(waiting);
    static_cast<void>(overdue);
    All(a, holds, by_id, by_placing, lingerers, next_lingerer, changes, notice_changes, effects,
        lingerings);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, Hold> {
    Fields(a, static_cast<std::conditional_t<std::is_const_v<S>, const HoldForm, HoldForm>&>(s));
    Fields(a, static_cast<std::conditional_t<std::is_const_v<S>, const HoldLife, HoldLife>&>(s));
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, HoldLife> {
    auto& [number, placed, placed_index, placed_at, placed_by, last_placed_index, last_placed_at,
           sides, state, proposal_index, proposed_by, confirm_index, confirmed_by, lift_at,
           lifted_at, amendment, notices, history] = s;
    All(a, number, placed, placed_index, placed_at, placed_by, last_placed_index, last_placed_at,
        sides, state, proposal_index, proposed_by, confirm_index, confirmed_by, lift_at, lifted_at,
        amendment, notices, history);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, HoldForm> {
    auto& [order, scope, freezes, preserves] = s;
    static_cast<void>(scope);  // Complete() compiles it again.
    All(a, order, freezes, preserves);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, HoldEvent> {
    auto& [kind, index, at, person] = s;
    All(a, kind, index, at, person);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, Notice> {
    auto& [placed_index, index, given_at, due_at, acknowledged_index, acknowledged_by] = s;
    All(a, placed_index, index, given_at, due_at, acknowledged_index, acknowledged_by);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, HoldBook::Lingerer> {
    auto& [hold, placed_index, since, order, scope] = s;
    static_cast<void>(scope);  // Complete() compiles it again.
    All(a, hold, placed_index, since, order);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, Authorisation> {
    auto& [order, first_index, first_by, second_index, second_by, due_at, over] = s;
    All(a, order, first_index, first_by, second_index, second_by, due_at, over);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, StruckOff> {
    auto& [members, keys] = s;
    All(a, members, keys);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, ClockRecord> {
    auto& [boot, since_boot_ms, elapsed_ms, unexplained_ms, unexplained_since, drift] = s;
    All(a, boot, since_boot_ms, elapsed_ms, unexplained_ms, unexplained_since, drift);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, EvidenceRecord> {
    auto& [witnesses, quorum_at, newest_act, accounts, key_destruction_index, key_destruction_by,
           key_destruction_reason, key_destroyed_index, keyslots, keyslots_since_epoch,
           struck_off_keyslots] = s;
    All(a, witnesses, quorum_at, newest_act, accounts, key_destruction_index, key_destruction_by,
        key_destruction_reason, key_destroyed_index, keyslots, keyslots_since_epoch,
        struck_off_keyslots);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, StruckOffKeyslots> {
    auto& [index, epoch, keyslots, members] = s;
    All(a, index, epoch, keyslots, members);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, WitnessedHead> {
    auto& [size, at] = s;
    All(a, size, at);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, PersonAccount> {
    auto& [reader, people] = s;
    All(a, reader, people);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, ClockDrift> {
    auto& [last, steps, sum_ms, residue_ms] = s;
    All(a, last, steps, sum_ms, residue_ms);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, ClockDrift::Step> {
    auto& [at_boot_ms, size_ms] = s;
    All(a, at_boot_ms, size_ms);
  }

  template <typename A, typename S>
  static void Fields(A& a,
                     S& s) requires std::same_as<std::remove_const_t<S>, ClockDrift::Reading> {
    auto& [wall_ms, boot_ms] = s;
    All(a, wall_ms, boot_ms);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, Disposal> {
    auto& [revocation_index, records, revoked_by, revoked_at, due_at, approvals, state,
           destroyed_index, authorisation] = s;
    All(a, revocation_index, records, revoked_by, revoked_at, due_at, approvals, state,
        destroyed_index, authorisation);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, RecordList> {
    auto& [transfers, count, digest] = s;
    All(a, transfers, count, digest);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, RowRuns> {
    auto& [transfer, runs] = s;
    All(a, transfer, runs);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, RowRun> {
    auto& [first, count] = s;
    All(a, first, count);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, Lease> {
    auto& [number, transfer, requester, not_after, opened_index, rows] = s;
    All(a, number, transfer, requester, not_after, opened_index, rows);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, RowSet> {
    auto& [chunks, size] = s;
    All(a, chunks, size);
  }

  template <typename A, typename S>
  static void Fields(A& a, S& s) requires std::same_as<std::remove_const_t<S>, OrderPrev> {
    auto& [any, digest] = s;
    All(a, any, digest);
  }
};

std::size_t SnapshotRoom(const State& state) {
  // Nearly all of it is records, a little less each than in memory, and people's addresses. Room
  // that is not used is never touched.
  constexpr std::size_t kRest = std::size_t{1} << 18;
  return 2 * sizeof(Record) * state.records() + kRest;
}

Bytes BeginSnapshot(const State& state, Bytes room) {
  HF_CHECK(state.open());
  Encoder out(std::move(room));
  out.PutBytes(AsBytes(kMagic));
  out.Put(kSnapshotForm);
  for (const std::uint32_t size : kLayout) out.Put(size);
  out.PutBytes(state.agreement().digest());
  StateCodec::Fields(out, state);
  return out.Take();
}

Bytes EndSnapshot(Bytes begun) {
  const Digest32 digest = crypto::Sha256Of(begun);
  begun.insert(begun.end(), digest.begin(), digest.end());
  return begun;
}

Bytes SnapshotOf(const State& state) {
  Bytes room;
  room.reserve(SnapshotRoom(state));
  return EndSnapshot(BeginSnapshot(state, std::move(room)));
}

absl::StatusOr<State> StateFromSnapshot(ByteSpan snapshot,
                                        std::shared_ptr<const OpenedAgreement> agreement) {
  if (snapshot.size() < sizeof(Digest32)) return Corrupt();
  const ByteSpan body = snapshot.first(snapshot.size() - sizeof(Digest32));
  const Digest32 digest = crypto::Sha256Of(body);
  if (!std::equal(digest.begin(), digest.end(), snapshot.last(sizeof(Digest32)).begin())) {
    return Corrupt();
  }
  Decoder in(body);
  if (AsText(in.GetBytes(kMagic.size())) != kMagic || in.Get<std::uint32_t>() != kSnapshotForm) {
    return Corrupt();
  }
  for (const std::uint32_t size : kLayout) {
    if (in.Get<std::uint32_t>() != size) return Corrupt();
  }
  const ByteSpan wanted = in.GetBytes(sizeof(Digest32));
  if (!std::equal(wanted.begin(), wanted.end(), agreement->digest().begin(),
                  agreement->digest().end())) {
    return MakeError(Reason::kAgreementMismatch, "the snapshot is of another agreement");
  }
  State state;
  StateCodec::Fields(in, state);
  if (!in.done() || !StateCodec::Complete(state, std::move(agreement))) return Corrupt();
  return state;
}

}  // namespace holdfast::policy
