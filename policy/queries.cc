// SPDX-License-Identifier: Apache-2.0
#include "policy/queries.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "policy/hash_writer.h"
#include "policy/release_gate.h"
#include "policy/scope_walk.h"

namespace holdfast::policy {
namespace {

constexpr std::string_view kTransferPrefix = "transfers/";

// Ascending, disjoint, not adjacent.
std::vector<RowSpan> Joined(std::vector<RowSpan> spans) {
  std::sort(spans.begin(), spans.end(),
            [](const RowSpan& a, const RowSpan& b) { return a.first < b.first; });
  std::vector<RowSpan> joined;
  for (const RowSpan& span : spans) {
    if (!joined.empty() && span.first <= std::uint64_t{joined.back().last} + 1) {
      joined.back().last = std::max(joined.back().last, span.last);
    } else {
      joined.push_back(span);
    }
  }
  return joined;
}

// A second that a record's time can be; whole, because records' times are kept in seconds.
std::optional<std::uint32_t> ReadSecond(const google::protobuf::Timestamp& time) {
  if (time.nanos() != 0 || time.seconds() < 1 ||
      time.seconds() > std::numeric_limits<std::uint32_t>::max()) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(time.seconds());
}

std::optional<DateSpan> ReadDates(const v1::DateRange& range) {
  if (!v1::RecordDate_IsValid(range.of()) || range.of() == v1::RECORD_DATE_UNSPECIFIED ||
      !range.has_from() || !range.has_until()) {
    return std::nullopt;
  }
  const auto from = ReadSecond(range.from());
  const auto until = ReadSecond(range.until());
  if (!from || !until || *from >= *until) return std::nullopt;
  return DateSpan{static_cast<RecordDate>(range.of()), *from, *until};
}

bool AddPerson(const std::string& hex, CompiledScope& out) {
  const auto bytes = FromHex(hex);
  if (!bytes.ok()) return false;
  const auto pseudonym = IdFromBytes<Pseudonym>(*bytes);
  if (!pseudonym.ok()) return false;
  const PersonKey key = KeyOf(*pseudonym);
  const auto at = std::lower_bound(out.people.begin(), out.people.end(), key);
  if (at == out.people.end() || *at != key) out.people.insert(at, key);
  return true;
}

ScopeResult Invalid() { return {Refusal::kScopeInvalid, {}}; }

// How many of a lease's records the scope covers, without a look at each where it covers all.
std::uint32_t RecordsInScope(const Transfer& transfer, const Lease& lease,
                             const CompiledScope& scope) {
  if (!scope.Touches(transfer.Facts())) return 0;
  if (scope.CoversWholeTransfer(transfer.Facts())) return lease.rows.size();
  std::uint32_t records = 0;
  lease.rows.ForEach([&](std::uint32_t row) {
    if (scope.Covers(transfer.FactsOf(row, *transfer.records.Find(row)))) ++records;
  });
  return records;
}

}  // namespace

ScopeResult CompileScope(const State& state, const v1::Scope& scope) {
  CompiledScope out;
  const bool narrow = !scope.transfer().empty() || scope.rows_size() > 0 ||
                      !scope.officer().empty() || !scope.authority().empty() ||
                      !scope.person().empty() || !scope.people().empty() || scope.has_dates() ||
                      scope.has_verdicts();
  if (scope.everything()) {
    if (narrow) return Invalid();
    out.everything = true;
    return {Refusal::kAllowed, std::move(out)};
  }
  if (!narrow) return {Refusal::kScopeEmpty, {}};
  if (!scope.transfer().empty()) {
    const auto id = ParseTransferName(scope.transfer());
    const Transfer* transfer = id ? state.FindTransfer(*id) : nullptr;
    if (transfer == nullptr) return Invalid();
    out.transfer = transfer->number;
  }
  if (scope.rows_size() > 0) {
    if (!out.transfer) return Invalid();
    for (const v1::RowRange& range : scope.rows()) {
      if (range.first() > range.last() ||
          range.last() == std::numeric_limits<std::uint32_t>::max()) {
        return Invalid();
      }
      out.rows.push_back({range.first(), range.last()});
    }
    out.rows = Joined(std::move(out.rows));
  }
  if (!scope.officer().empty()) {
    // One that the ledger has not named yet matches nobody, until it does.
    out.officer = state.FindOfficer(scope.officer())
                      .value_or(OfficerNumber(std::numeric_limits<std::uint32_t>::max()));
  }
  if (!scope.authority().empty()) {
    const Authority* authority = state.agreement().FindAuthority(scope.authority());
    if (authority == nullptr) return Invalid();
    out.authority = authority->number;
  }
  if (!scope.person().empty() && !scope.people().empty()) return Invalid();
  if (scope.people_size() > kMaxPeopleOfScope) return Invalid();
  if (!scope.person().empty() && !AddPerson(scope.person(), out)) return Invalid();
  for (const std::string& person : scope.people()) {
    if (!AddPerson(person, out)) return Invalid();
  }
  if (scope.has_dates()) {
    out.dates = ReadDates(scope.dates());
    if (!out.dates) return Invalid();
  }
  if (scope.has_verdicts()) {
    // An empty list would say nothing, and must not be read as "all".
    if (scope.verdicts().release().empty()) return Invalid();
    for (const std::string& name : scope.verdicts().release()) {
      const ReleaseReason reason = ReleaseReasonNamed(name);
      if (reason == ReleaseReason::kUnspecified) return Invalid();
      out.verdicts.set(static_cast<std::size_t>(reason));
    }
    const std::uint32_t version = scope.verdicts().gate_version();
    if (version > std::numeric_limits<std::uint8_t>::max()) return Invalid();
    out.gate_version = static_cast<std::uint8_t>(version);
  }
  return {Refusal::kAllowed, std::move(out)};
}

std::string TransferName(const TransferId& id) {
  return std::string(kTransferPrefix) + Hex(BytesOf(id));
}

std::optional<TransferId> ParseTransferName(std::string_view name) {
  if (name.substr(0, kTransferPrefix.size()) != kTransferPrefix) return std::nullopt;
  const auto bytes = FromHex(name.substr(kTransferPrefix.size()));
  if (!bytes.ok()) return std::nullopt;
  const auto id = IdFromBytes<TransferId>(*bytes);
  if (!id.ok()) return std::nullopt;
  return *id;
}

namespace {

template <typename Wanted>
RecordList List(const State& state, const CompiledScope& scope, Wanted wanted) {
  RecordList list;
  HashWriter hash;
  ForEachCovered(
      state, scope, [&](const Transfer& transfer, std::uint32_t row, const Record& record) {
        if (!wanted(record)) return;
        if (list.transfers.empty() || list.transfers.back().transfer != transfer.number) {
          list.transfers.push_back({transfer.number, {}});
        }
        list.transfers.back().Append(row);
        ++list.count;
        hash.U32(transfer.number).U32(row);
      });
  list.digest = hash.Finish();
  return list;
}

}  // namespace

RecordList ListForScope(const State& state, const CompiledScope& scope) {
  return List(state, scope,
              [](const Record& record) { return !record.destroyed() && !record.pending(); });
}

RecordList ListCovered(const State& state, const CompiledScope& scope) {
  return List(state, scope, [](const Record&) { return true; });
}

Coverage CountCoverage(const State& state, const CompiledScope& scope) {
  Coverage coverage;
  std::optional<std::uint32_t> last;
  std::set<MemberNumber> requesters;
  const bool look_at_holds = state.holds().preserves_in_force() > 0;
  ForEachCovered(
      state, scope, [&](const Transfer& transfer, std::uint32_t row, const Record& record) {
        if (HasCopy(transfer, row, record)) requesters.insert(transfer.requester);
        if (record.destroyed()) return;
        ++coverage.records;
        if (record.releases > 0) ++coverage.released;
        if (look_at_holds && state.holds().Preserving(transfer.FactsOf(row, record)) != nullptr) {
          ++coverage.preserved;
        }
        if (last != transfer.number) {
          last = transfer.number;
          ++coverage.transfers;
        }
      });
  coverage.requesters = static_cast<std::uint32_t>(requesters.size());
  coverage.open_leases = static_cast<std::uint32_t>(OpenLeasesInScope(state, scope).size());
  return coverage;
}

std::vector<LeaseInScope> OpenLeasesInScope(const State& state, const CompiledScope& scope) {
  std::vector<LeaseInScope> leases;
  for (const auto& [number, lease] : state.open_leases()) {
    const Transfer& transfer = *state.transfer(lease.transfer);
    const std::uint32_t records = RecordsInScope(transfer, lease, scope);
    if (records == 0) continue;
    leases.push_back({number, lease.transfer, lease.requester, lease.not_after, records});
  }
  return leases;
}

bool HasCopy(const Transfer& transfer, std::uint32_t row, const Record& record) {
  return record.releases > 0 ||
         (record.deposited() && transfer.records.chunk(row / kRowsPerChunk)->collected);
}

std::vector<MemberNumber> RequestersToNotify(const State& state, const CompiledScope& scope) {
  std::vector<MemberNumber> requesters;
  for (const Transfer& transfer : state.transfers()) {
    if (std::find(requesters.begin(), requesters.end(), transfer.requester) != requesters.end()) {
      continue;
    }
    bool has = false;
    ForEachCovered(transfer, scope, [&](const Transfer&, std::uint32_t row, const Record& record) {
      has = has || HasCopy(transfer, row, record);
    });
    if (has) requesters.push_back(transfer.requester);
  }
  std::sort(requesters.begin(), requesters.end());
  return requesters;
}

std::vector<std::uint32_t> TransfersTouched(const State& state, const CompiledScope& scope) {
  std::vector<std::uint32_t> touched;
  for (const Transfer& transfer : state.transfers()) {
    if (scope.Touches(transfer.Facts())) touched.push_back(transfer.number);
  }
  return touched;
}

std::uint32_t ChunkCount(const Transfer& transfer) {
  return transfer.rows == 0 ? 0 : (transfer.rows - 1) / kRowsPerChunk + 1;
}

bool ChunkJudged(const Transfer& transfer, std::uint32_t chunk, std::uint32_t rows) {
  const RecordChunk* found = transfer.records.chunk(chunk);
  const std::uint32_t first = chunk * kRowsPerChunk;
  if (found == nullptr || rows <= first) return false;
  const std::uint32_t here = std::min(rows - first, kRowsPerChunk);
  if (found->judged != here) return false;
  // As many as there should be, and none beyond the end: so these are the ones.
  return std::all_of(found->records.begin(), found->records.begin() + here,
                     [](const Record& record) { return record.judged(); });
}

namespace {

template <typename Wanted>
std::vector<std::uint32_t> RowsWhere(const Transfer& transfer, std::uint32_t chunk, Wanted wanted) {
  std::vector<std::uint32_t> rows;
  const RecordChunk* found = transfer.records.chunk(chunk);
  if (found == nullptr) return rows;
  rows.reserve(found->accepted);
  for (std::uint32_t i = 0; i < kRowsPerChunk; ++i) {
    if (wanted(found->records[i])) rows.push_back(chunk * kRowsPerChunk + i);
  }
  return rows;
}

}  // namespace

std::vector<std::uint32_t> AcceptedRows(const Transfer& transfer, std::uint32_t chunk) {
  return RowsWhere(transfer, chunk, [](const Record& record) { return record.accepted(); });
}

std::vector<std::uint32_t> RowsToFetch(const Transfer& transfer, std::uint32_t chunk) {
  return RowsWhere(transfer, chunk,
                   [](const Record& record) { return record.accepted() && !record.destroyed(); });
}

std::vector<std::uint32_t> RowsToDeposit(const Transfer& transfer, std::uint32_t chunk) {
  return RowsWhere(transfer, chunk, [](const Record& record) { return record.due(); });
}

std::vector<std::uint32_t> DepositedRows(const Transfer& transfer, std::uint32_t chunk) {
  return RowsWhere(transfer, chunk,
                   [](const Record& record) { return record.deposited() && !record.destroyed(); });
}

bool ChunkDeposited(const Transfer& transfer, std::uint32_t chunk) {
  const std::vector<std::uint32_t> rows = RowsToDeposit(transfer, chunk);
  return !rows.empty() && std::all_of(rows.begin(), rows.end(), [&](std::uint32_t row) {
    return transfer.records.Find(row)->deposited();
  });
}

bool OfficerIsFull(const State& state, const Transfer& transfer, std::uint32_t position,
                   std::uint32_t more) {
  // A custodian has seen that somebody has too many, and let the transfer go on.
  if ((transfer.let_go & BrakeBit(order::v1::OFFICER_LOAD)) != 0) return false;
  return state.OpenCases(transfer.officers[position]) + more >=
         state.agreement().brakes().officer_open_cases;
}

RecordTotals CountRecords(const State& state) {
  RecordTotals totals;
  for (const Transfer& transfer : state.transfers()) {
    const std::uint32_t alive = transfer.accepted - transfer.destroyed - transfer.revoked;
    const bool expired = transfer.approved() && state.now().late >= transfer.not_after;
    (expired ? totals.expired : totals.active) += alive;
    totals.revoked += transfer.revoked;
    totals.destroyed += transfer.destroyed;
  }
  return totals;
}

VerdictTotals CountVerdicts(const State& state) {
  VerdictTotals totals;
  for (const Transfer& transfer : state.transfers()) {
    for (std::uint32_t k = 0; k < transfer.records.chunk_count(); ++k) {
      const RecordChunk* chunk = transfer.records.chunk(k);
      if (chunk == nullptr || chunk->first_outcome == 0) continue;
      for (const Record& record : chunk->records) {
        // A row that was destroyed while it waited had a verdict too: it has the leaf.
        if (record.record_segment == kNoSegment) continue;
        ++(record.destroyed() ? totals.not_replayable : totals.replayable);
      }
    }
  }
  return totals;
}

}  // namespace holdfast::policy
