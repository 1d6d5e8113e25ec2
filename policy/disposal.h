// SPDX-License-Identifier: Apache-2.0
//
// Lists of records, and what a revocation does with one.
//
// When to use  Through State and policy/queries.h.
// Threads      Values and pure functions.
// Ownership    Values.
// Errors       Only ReadRows fails.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"

#include "base/ids.h"
#include "base/time.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "holdfast/order/v1/order.pb.h"
#include "policy/agreement.h"
#include "policy/holds.h"

namespace holdfast::policy {

// Rows [first, first + count).
struct RowRun {
  std::uint32_t first = 0;
  std::uint32_t count = 0;

  friend bool operator==(const RowRun&, const RowRun&) = default;
};

// Rows of one transfer: ascending, disjoint, not adjacent, none empty.
struct RowRuns {
  std::uint32_t transfer = 0;
  std::vector<RowRun> runs;

  // Appends a row. REQUIRES: it is higher than every row so far.
  void Append(std::uint32_t row);
  std::uint64_t size() const;

  friend bool operator==(const RowRuns&, const RowRuns&) = default;
};

// Returns `rows` in the ledger's form: skip, take, skip, take, and so on from row 0.
ledger::v1::Rows ToLedgerRows(const RowRuns& rows);

// Reads the ledger's form. One list has one form: no empty run but a first skip of 0, no
// trailing skip, at least one row.
// Errors: kRequestMalformed.
absl::StatusOr<RowRuns> ReadRows(const ledger::v1::Rows& rows);

// A list of records over several transfers, ascending by transfer, and its digest.
struct RecordList {
  std::vector<RowRuns> transfers;
  std::uint64_t count = 0;

  // SHA-256 over, for each record in ascending order, transfer number and row, each as four
  // bytes, high byte first. docs/ledger-format.md#lists
  Digest32 digest{};
};

enum class DisposalState : std::uint8_t {
  kAwaitingApproval = 1,
  kApproved = 2,  // Waits for its time, and for PRESERVE to go.
  kDestroyed = 3,
  kCancelled = 4,  // The records stay revoked.
};

// What two people say: that a court wants the records destroyed although holds preserve them (R27).
struct Authorisation {
  std::shared_ptr<const order::v1::AuthoriseDestruction> order;
  std::uint64_t first_index = 0;
  MemberNumber first_by;
  std::uint64_t second_index = 0;  // 0: the second person has not spoken.
  MemberNumber second_by;
  UnixMillis due_at;     // From the second on: not destroyed under a hold before this early time.
  OverriddenHolds over;  // From the second on.

  bool complete() const { return second_index != 0; }
};

// A revocation and what became of it.
struct Disposal {
  std::uint64_t revocation_index = 0;
  RecordList records;
  MemberNumber revoked_by;
  UnixMillis revoked_at;  // The late time.
  UnixMillis due_at;      // Not destroyed before this early time.
  std::vector<MemberNumber> approvals;
  DisposalState state = DisposalState::kAwaitingApproval;
  std::uint64_t destroyed_index = 0;
  std::optional<Authorisation> authorisation;

  // The holds that do not keep its records any more.
  const OverriddenHolds& overridden() const {
    static const OverriddenHolds kNone;
    return authorisation ? authorisation->over : kNone;
  }
};

}  // namespace holdfast::policy
