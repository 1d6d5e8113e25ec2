// SPDX-License-Identifier: Apache-2.0
//
// Which records a hold or a revocation covers: a predicate, compiled, and an index of many.
//
// When to use  Compile a holdfast.v1.Scope against a state with CompileScope (policy/queries.h);
// ask
//              Covers for one record. A ScopeIndex answers "does any of these cover it?".
// Threads      Const methods may be called concurrently; others not.
// Ownership    Values.
// Errors       None here.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"

#include "base/ids.h"
#include "policy/agreement.h"
#include "policy/person_key.h"

namespace holdfast::policy {

// Officers are numbered, exchange-wide, from 0 in the order in which the ledger names them.
using OfficerNumber = StrongId<struct OfficerNumberTag, std::uint32_t>;

// What a scope looks at. Times are those of RecordSeconds (policy/records.h): 0 is never.
struct RecordFacts {
  std::uint32_t transfer = 0;
  std::uint32_t row = 0;
  OfficerNumber officer;
  AuthorityNumber authority;
  PersonKey person;
  PersonKey alias;  // Nobody: it has none.
  std::uint32_t requested_at = 0;
  std::uint32_t approved_at = 0;
  std::uint32_t deposited_at = 0;
  std::uint32_t first_released_at = 0;
  std::uint32_t last_released_at = 0;
  std::uint8_t release_verdict = 0;  // The release gate's ReleaseReason; 0 until it has judged.
  std::uint8_t outcome = 0;          // Record::outcome().
  std::uint8_t gate_version = 0;     // Of the gate that gave `release_verdict`.

  // The same record, as if its key left at this time too.
  RecordFacts ReleasedAt(std::uint32_t second) const;
};

// What a scope can know of a whole transfer.
struct TransferFacts {
  std::uint32_t number = 0;
  AuthorityNumber authority;
  std::uint32_t requested_at = 0;
  std::uint32_t approved_at = 0;
};

// Wire numbers of holdfast.v1.RecordDate.
enum class RecordDate : std::uint8_t {
  kRequested = 1,
  kApproved = 2,
  kDeposited = 3,
  kReleased = 4
};
inline constexpr std::size_t kRecordDates = 4;

// The seconds [from, until), of one date.
struct DateSpan {
  RecordDate of = RecordDate::kRequested;
  std::uint32_t from = 0;
  std::uint32_t until = 0;

  bool Meets(const RecordFacts& record) const;

  friend bool operator==(const DateSpan&, const DateSpan&) = default;
};

// Release verdicts, by number. None: any, also of a record that has none yet.
using VerdictSet = std::bitset<256>;

// Rows [first, last], both included.
struct RowSpan {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

// How many pseudonyms a scope may name.
inline constexpr int kMaxPeopleOfScope = 8;

// Everything that is set must match. The default covers nothing.
struct CompiledScope {
  bool everything = false;
  std::optional<std::uint32_t> transfer;
  std::vector<RowSpan> rows;  // Ascending, disjoint, not adjacent. Empty: all rows.
  std::optional<OfficerNumber> officer;
  std::optional<AuthorityNumber> authority;
  std::vector<PersonKey> people;  // Ascending; any of them. Empty: anybody.
  std::optional<DateSpan> dates;
  VerdictSet verdicts;
  std::uint8_t gate_version = 0;  // Of the gate that found one of `verdicts`; 0: any.

  bool Covers(const RecordFacts& record) const;

  // Whether it covers every record, now and later, of that transfer.
  bool CoversWholeTransfer(const TransferFacts& of) const;

  // Whether it can cover a record of that transfer at all, now or later.
  bool Touches(const TransferFacts& of) const;

  // Whether it certainly covers all that `other` does, now and later. Decided part by part: a no
  // may be wrong where two different rules happen to say the same, a yes never is.
  bool Contains(const CompiledScope& other) const;
};

namespace internal {

struct ScopeItem {
  std::uint32_t tag;
  CompiledScope scope;
};

// Scopes of one kind of date, by their spans: finds those that a span of a record's times meets
// without looking at the others.
class DateIndex final {
 public:
  // REQUIRES: the scope has dates.
  void Add(std::uint32_t tag, const CompiledScope& scope);
  void Remove(std::uint32_t tag, const CompiledScope& scope);

  bool empty() const { return spans_.empty(); }

  // Calls `visit(item)` for those of which a second in [first, last] is in the span, until it
  // returns true. Returns whether it did.
  bool Visit(std::uint32_t first, std::uint32_t last,
             absl::FunctionRef<bool(const ScopeItem&)> visit) const;

 private:
  struct Span {
    std::uint32_t from;
    std::uint32_t until;
    std::shared_ptr<const ScopeItem> item;  // Shared by copies of a state; it never changes.
  };

  void Rebuild();
  bool VisitNode(std::size_t node, std::size_t begin, std::size_t size, std::size_t end,
                 std::uint32_t after, absl::FunctionRef<bool(const ScopeItem&)> visit) const;

  std::vector<Span> spans_;  // Ascending by `from`, then in the order of Add().

  // A heap-shaped tree over the spans: each node has the latest `until` below it.
  std::vector<std::uint32_t> latest_;
};

}  // namespace internal

// Finds, among many scopes, one that covers a record, in time that does not grow with the number
// of scopes unless many name the very same person, officer, authority or rows.
//
// Invariant: of several that match, the answer depends only on the order of Add() and Remove().
class ScopeIndex final {
 public:
  // `tag` is the caller's name for it. REQUIRES: `tag` is not in the index.
  void Add(std::uint32_t tag, const CompiledScope& scope);

  // REQUIRES: added before with the same scope.
  void Remove(std::uint32_t tag, const CompiledScope& scope);

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  // Returns the tag of one that covers `record`.
  std::optional<std::uint32_t> Find(const RecordFacts& record) const;

  // The same, of those for whose tag `wanted` says yes.
  std::optional<std::uint32_t> FindIf(const RecordFacts& record,
                                      absl::FunctionRef<bool(std::uint32_t)> wanted) const;

  // Returns the tag of one that covers every record of the transfer.
  std::optional<std::uint32_t> FindWhole(const TransferFacts& of) const;

 private:
  using Item = internal::ScopeItem;
  using Items = std::vector<Item>;
  using Dates = std::array<internal::DateIndex, kRecordDates>;
  struct OfTransfer {
    Items items;                                               // Whole, or of very many rows.
    absl::flat_hash_map<std::uint32_t, Items> items_by_chunk;  // Few rows: by chunk of 256.
    Dates dates;

    bool empty() const;
  };

  // Calls `add(items)`, or `add_date(index)`, with where a scope belongs: under the part that
  // fewest records share.
  template <typename InItems, typename InDates>
  void Place(const CompiledScope& scope, InItems in_items, InDates in_dates);

  std::size_t size_ = 0;
  Items everything_;
  absl::flat_hash_map<std::uint32_t, OfTransfer> by_transfer_;
  absl::flat_hash_map<OfficerNumber, Items> by_officer_;
  absl::flat_hash_map<AuthorityNumber, Items> by_authority_;
  absl::flat_hash_map<PersonKey, Items> by_person_;
  Dates by_date_;
  absl::flat_hash_map<std::uint8_t, Items> by_verdict_;
};

}  // namespace holdfast::policy
