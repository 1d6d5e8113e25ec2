// SPDX-License-Identifier: Apache-2.0
//
// Doubtful cases that wait for a custodian.
//
// A row whose verdict needs a review has a ReviewOpened in the ledger and no envelope. It gets one
// when a custodian's order has settled it, with the record or with nothing, or with nothing when
// its window is over. Only cases that wait are remembered; the ledger has the others.
//
// When to use  Through Transfer and State; the queries below on the writer's thread.
// Threads      As policy/state.h.
// Ownership    Values.
// Errors       None.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "holdfast/v1/scope.pb.h"
#include "policy/agreement.h"
#include "policy/release_gate.h"
#include "policy/scope.h"

namespace holdfast::policy {

class State;
struct Transfer;

// The most cases that one order refuses.
inline constexpr std::uint32_t kMaxCasesPerOrder = 4096;

struct ReviewCase {
  std::uint64_t opened_index = 0;
  UnixMillis opened_at;  // The late time.
  UnixMillis due_at;     // Settled with nothing from this early time on.
  Digest32 commitment{};
  Digest32 digest{};             // What an order to release names: CaseDigest().
  std::uint64_t releasable = 0;  // Bit i: a person may release candidate i.
  std::uint32_t gate_version = 0;
  std::uint32_t shown = 0;  // How often.
  ReleaseReason verdict = ReleaseReason::kUnspecified;
  AddressComparison address = AddressComparison::kUnspecified;
  std::uint8_t candidates = 0;  // At most 255 are counted.

  // What an order has said whose envelope is the next entry or one of the next; else kUnspecified.
  ReleaseReason ordered = ReleaseReason::kUnspecified;
};

// The order of the queue: by age, then by officer.
struct ReviewKey {
  UnixMillis due_at;
  OfficerNumber officer;
  std::uint32_t transfer = 0;
  std::uint32_t row = 0;

  friend bool operator==(const ReviewKey&, const ReviewKey&) = default;
  friend auto operator<=>(const ReviewKey&, const ReviewKey&) = default;
};

// SHA-256 of what a custodian is shown of a case. docs/ledger-format.md#case
Digest32 CaseDigest(const TransferId& transfer, std::uint64_t opened_index,
                    const ledger::v1::ReviewOpened& fact);

// Rows of `transfer` that wait, in these ranges, ascending. At most `most` + 1 are returned, so
// that too many are noticed. Empty if the ranges are none, overlap or do not ascend.
std::vector<std::uint32_t> WaitingRows(
    const Transfer& transfer, const google::protobuf::RepeatedPtrField<v1::RowRange>& ranges,
    std::size_t most);

// Cases of one chunk that are to be settled.
struct ChunkOfCases {
  std::uint32_t transfer = 0;
  std::uint32_t chunk = 0;
  std::vector<std::uint32_t> rows;  // Ascending.
};

// Cases that are over at the time `early` and that Decide would then let be settled with nothing,
// at most `max_chunks` chunks of them. Empty while the clock is not trusted. Frozen ones are left
// out.
std::vector<ChunkOfCases> DueReviews(const State& state, UnixMillis early, std::size_t max_chunks);

// The earliest `early` time at which a case is over; kMaxTime if none waits.
UnixMillis NextReviewTime(const State& state);

}  // namespace holdfast::policy
