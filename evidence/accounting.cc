// SPDX-License-Identifier: Apache-2.0
#include "evidence/accounting.h"

#include <chrono>

#include "evidence/ledger_verifier.h"

#include "base/check.h"
#include "policy/queries.h"
#include "policy/release_gate.h"

namespace holdfast::evidence {
namespace {

constexpr std::uint32_t kFirstYear = 1970;
constexpr std::uint32_t kLastYear = 2105;  // The last whole one that a record's seconds reach.

UnixMillis BeginOf(std::uint32_t year) {
  const std::chrono::sys_days day = std::chrono::year(static_cast<int>(year)) / 1 / 1;
  return UnixMillis(
      std::chrono::duration_cast<std::chrono::milliseconds>(day.time_since_epoch()).count());
}

UnixMillis OfSeconds(std::uint32_t seconds) { return UnixMillis(std::int64_t{seconds} * 1'000); }

bool HasData(const policy::Record& record) {
  const auto outcome = static_cast<policy::ReleaseReason>(record.outcome());
  return outcome == policy::ReleaseReason::kReleased ||
         outcome == policy::ReleaseReason::kReleasedByReview;
}

const std::string& RequesterOf(const policy::State& state, const policy::Transfer& transfer) {
  return state.agreement().member(transfer.requester).id;
}

}  // namespace

YearAccount::YearAccount(std::uint32_t year) : from_(BeginOf(year)), to_(BeginOf(year + 1)) {
  HF_CHECK(year >= kFirstYear && year <= kLastYear);
}

AccountLine& YearAccount::LineOf(const policy::State& state, const policy::Transfer& transfer) {
  return lines_[{RequesterOf(state, transfer), transfer.terms->authority()}];
}

void YearAccount::Take(std::uint64_t, ByteSpan, const ledger::v1::Entry& entry,
                       const policy::State& before) {
  if (entry.has_time_advanced()) {
    const UnixMillis late(entry.time_advanced().late_ms());
    if (late < from_) covers_begin_ = true;
    if (late >= to_) covers_end_ = true;
    return;
  }
  const UnixMillis now = before.now().late;
  if (now < from_ || now >= to_) return;
  const auto line = [&](std::uint32_t number) -> AccountLine* {
    const policy::Transfer* transfer = before.transfer(number);
    return transfer == nullptr ? nullptr : &LineOf(before, *transfer);
  };
  switch (entry.fact_case()) {
    case ledger::v1::Entry::kTransferCreated:
      ++lines_[{entry.transfer_created().requester(), entry.transfer_created().authority()}]
            .transfers;
      break;
    case ledger::v1::Entry::kSubjectJudged:
      if (AccountLine* of = line(entry.subject_judged().transfer())) {
        ++of->asked;
        if (entry.subject_judged().verdict() == 1) ++of->accepted;
      }
      break;
    case ledger::v1::Entry::kEnvelopeDeposited:
      if (AccountLine* of = line(entry.envelope_deposited().transfer())) ++of->deposited;
      break;
    case ledger::v1::Entry::kKeyReleased:
      TakeRelease(entry.key_released(), before);
      break;
    default:
      break;
  }
}

void YearAccount::TakeRelease(const ledger::v1::KeyReleased& fact, const policy::State& before) {
  const auto lease = before.open_leases().find(fact.lease());
  if (lease == before.open_leases().end()) return;
  const policy::Transfer* transfer = before.transfer(lease->second.transfer);
  const policy::Record* record = before.FindRecord({lease->second.transfer, fact.row()});
  if (transfer == nullptr || record == nullptr) return;
  AccountLine& line = LineOf(before, *transfer);
  ++line.disclosures;
  if (record->last_released_at != 0 && OfSeconds(record->last_released_at) >= from_) return;
  ++line.records;
  ++(HasData(*record) ? line.with_data : line.without_data);
  persons_[{RequesterOf(before, *transfer), transfer->terms->authority()}].insert(record->person);
}

void YearAccount::End(const LedgerVerifier&) {
  for (const auto& [key, persons] : persons_) lines_[key].persons = persons.size();
}

Affected FindAffected(const policy::State& state, const v1::Scope& scope) {
  Affected found;
  const policy::ScopeResult compiled = policy::CompileScope(state, scope);
  if (!compiled.ok()) return found;
  found.scope_valid = true;
  absl::flat_hash_set<policy::PersonKey> persons;
  const policy::RecordList covered = policy::ListCovered(state, compiled.scope);
  found.covered = covered.count;
  for (const policy::RowRuns& rows : covered.transfers) {
    const policy::Transfer* transfer = state.transfer(rows.transfer);
    HF_CHECK(transfer != nullptr);  // It was just listed.
    for (const policy::RowRun& run : rows.runs) {
      for (std::uint32_t row = run.first; row < run.first + run.count; ++row) {
        const policy::Record* record = transfer->records.Find(row);
        if (record == nullptr || record->releases == 0) continue;
        persons.insert(record->person);
        found.records.push_back(
            {policy::TransferName(transfer->id), row, RequesterOf(state, *transfer),
             transfer->terms->authority(), record->releases, OfSeconds(record->first_released_at),
             OfSeconds(record->last_released_at), HasData(*record), record->destroyed()});
      }
    }
  }
  found.persons = persons.size();
  return found;
}

void AffectedSearch::Take(std::uint64_t, ByteSpan, const ledger::v1::Entry&, const policy::State&) {
}

void AffectedSearch::End(const LedgerVerifier& ledger) {
  found_ = FindAffected(ledger.state(), scope_);
}

}  // namespace holdfast::evidence
