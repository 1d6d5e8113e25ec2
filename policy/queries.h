// SPDX-License-Identifier: Apache-2.0
//
// Questions about a state that are answered by looking at many records.
//
// When to use  On the writer's thread, to answer previews, to draft what is then decided, and for
//              the sweeper. Decide asks the same functions, so an answer from here is what it
//              accepts.
// Threads      Read the state: not while Apply runs.
// Ownership    Values.
// Errors       CompileScope answers with a Refusal; the others cannot fail.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "holdfast/v1/scope.pb.h"
#include "policy/disposal.h"
#include "policy/refusal.h"
#include "policy/state.h"

namespace holdfast::policy {

// A scope, or why it cannot be one: kScopeEmpty or kScopeInvalid.
struct [[nodiscard]] ScopeResult {
  Refusal refusal = Refusal::kUndecided;
  CompiledScope scope;  // Where `refusal` is kAllowed.

  bool ok() const { return refusal == Refusal::kAllowed; }
};

// Compiles `scope`. An officer or a person that nobody has named yet is valid: records to come are
// born held. A transfer or an authority that does not exist is not.
ScopeResult CompileScope(const State& state, const v1::Scope& scope);

// Returns "transfers/" and 32 hexadecimal digits, and reads it back.
std::string TransferName(const TransferId& id);
std::optional<TransferId> ParseTransferName(std::string_view name);

// Returns the records that a revocation of `scope` would take now: accepted, not destroyed, and in
// no revocation that still waits. Those of a cancelled one, which stay revoked, are listed again.
RecordList ListForScope(const State& state, const CompiledScope& scope);

// Returns every record that `scope` covers now, whatever became of it.
RecordList ListCovered(const State& state, const CompiledScope& scope);

// What a scope covers now.
struct Coverage {
  std::uint64_t records = 0;    // Accepted rows that are not destroyed.
  std::uint64_t released = 0;   // Of these, those whose key left at least once.
  std::uint64_t preserved = 0;  // Of these, those that a PRESERVE in force covers.
  std::uint32_t open_leases = 0;
  std::uint32_t transfers = 0;   // With at least one such record.
  std::uint32_t requesters = 0;  // That have a copy of one, and would get notice of a hold.
};
Coverage CountCoverage(const State& state, const CompiledScope& scope);

// An open lease in a hold's scope.
struct LeaseInScope {
  std::uint32_t lease = 0;
  std::uint32_t transfer = 0;
  MemberNumber requester;
  UnixMillis not_after;
  std::uint32_t records = 0;  // Released under it and covered; more than 0.
};
std::vector<LeaseInScope> OpenLeasesInScope(const State& state, const CompiledScope& scope);

// Whether the transfer's requester has got the record's envelope or its key.
bool HasCopy(const Transfer& transfer, std::uint32_t row, const Record& record);

// Requesters that have a copy of a record of the scope.
std::vector<MemberNumber> RequestersToNotify(const State& state, const CompiledScope& scope);

// Transfers of which the scope can cover a record.
std::vector<std::uint32_t> TransfersTouched(const State& state, const CompiledScope& scope);

// A destruction that Decide would allow now, ready to be proposed.
//
// One for each revocation that is due, and one for each transfer with expired records that nothing
// preserves. Empty while the clock is not trusted. Does not look at records of transfers whose
// time has not come. `max_records` bounds the rows of one expiry; a revocation is whole or not at
// all. Revocations that a PRESERVE stops are listed in `preserved`, by revocation index.
struct DueDestructions {
  std::vector<ledger::v1::RecordsDestroyed> due;
  std::vector<std::uint64_t> preserved;
};
DueDestructions DueForDestruction(const State& state, std::uint64_t max_records);

// The earliest `early` time at which DueForDestruction may have an answer that it does not have
// now; kMaxTime if there is none. For the sweeper's timer.
UnixMillis NextDestructionTime(const State& state);

// Whether a PRESERVE in force that no court has overridden for it covers one of the revocation's
// records; the hold, or null.
const Hold* PreservingDisposal(const State& state, const Disposal& disposal);

// Every hold in force that preserves one of the records, in ascending order of id.
std::vector<const Hold*> HoldsPreserving(const State& state, const RecordList& list);

// A hold in force that preserves records of a list.
struct HoldAgainst {
  std::uint32_t hold = 0;     // Its number.
  std::uint64_t records = 0;  // How many of the list it covers.
};

// Every hold that does, by number.
std::vector<HoldAgainst> HoldsAgainst(const State& state, const RecordList& list);

// When a revocation may be destroyed, lifted PRESERVE holds that linger included.
UnixMillis DisposalDueAt(const State& state, const Disposal& disposal);

// Rows of a chunk, ascending.
std::vector<std::uint32_t> AcceptedRows(const Transfer& transfer, std::uint32_t chunk);

// Rows of a chunk that the source can be shown: accepted and not destroyed.
std::vector<std::uint32_t> RowsToFetch(const Transfer& transfer, std::uint32_t chunk);

// Rows of a chunk for which the source owes, or has delivered, an envelope: accepted, and not
// destroyed before there was one.
std::vector<std::uint32_t> RowsToDeposit(const Transfer& transfer, std::uint32_t chunk);

// Rows of a chunk that have an envelope that can still be opened: not destroyed.
std::vector<std::uint32_t> DepositedRows(const Transfer& transfer, std::uint32_t chunk);

// Whether every row of the chunk was judged. Only the last chunk of a transfer may have fewer
// than 256.
bool ChunkJudged(const Transfer& transfer, std::uint32_t chunk, std::uint32_t rows);

// Whether each row of RowsToDeposit has its envelope, and there is at least one.
bool ChunkDeposited(const Transfer& transfer, std::uint32_t chunk);

// Chunks of a finished transfer: [0, ChunkCount).
std::uint32_t ChunkCount(const Transfer& transfer);

// Whether one more accepted subject would be too many for the officer at `position`; `more` are
// about to be accepted in the same command. The daemon then records OFFICER_LOAD_EXCEEDED.
bool OfficerIsFull(const State& state, const Transfer& transfer, std::uint32_t position,
                   std::uint32_t more);

// Counts of records by what can become of them.
struct RecordTotals {
  std::uint64_t active = 0;
  std::uint64_t expired = 0;
  std::uint64_t revoked = 0;
  std::uint64_t destroyed = 0;
};
RecordTotals CountRecords(const State& state);

// Verdicts of the release gate by whether they can be run again: their openings live and die with
// the row's SUBJECT leaf.
struct VerdictTotals {
  std::uint64_t replayable = 0;
  std::uint64_t not_replayable = 0;
};
VerdictTotals CountVerdicts(const State& state);

}  // namespace holdfast::policy
