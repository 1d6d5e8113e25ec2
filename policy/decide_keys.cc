// SPDX-License-Identifier: Apache-2.0
//
// The rules of leases, of the release of keys, and of their destruction.
#include <algorithm>
#include <limits>
#include <vector>

#include "policy/decide_parts.h"
#include "policy/signatures.h"

namespace holdfast::policy {
namespace {

constexpr std::size_t kMaxOpeningBytes = 4'096;

// Why nothing of the whole list may be destroyed now, whatever records it holds.
Refusal CheckDestruction(const State& state) {
  if (!state.now().trusted) return Refusal::kClockUntrusted;
  // A hold that has no epoch yet would not survive an old database; so nothing is destroyed.
  if (state.order_unanchored()) return Refusal::kEpochPending;
  return Refusal::kAllowed;
}

// Whether keys of this row may be destroyed as far as the row goes.
Decision CheckRow(const State& state, const Transfer& transfer, std::uint32_t row,
                  const Record& record, const OverriddenHolds& over) {
  if (!record.accepted()) return Refuse(Refusal::kRowNotAccepted);
  if (record.destroyed()) return Refuse(Refusal::kRecordDestroyed);
  // Between approval and closing each accepted row becomes one envelope, so that the requester
  // learns nothing from a gap (R10). Until then, or until its time is over, a row stays.
  if (transfer.state == TransferState::kApproved && !record.deposited() &&
      state.now().late < transfer.end()) {
    return Refuse(Refusal::kRecordNotDeposited);
  }
  if (state.holds().nothing_preserves()) return Allow();
  const RecordFacts facts = transfer.FactsOf(row, record);
  if (const Hold* hold = state.holds().Preserving(facts, over)) {
    return RefuseFor(Refusal::kPreserved, *hold);
  }
  if (state.holds().Lingering(facts, over)) return Refuse(Refusal::kNotDue);
  return Allow();
}

Decision CheckRows(const State& state, const RowRuns& rows, bool expiry,
                   const OverriddenHolds& over) {
  const Transfer* transfer = state.transfer(rows.transfer);
  if (transfer == nullptr) return Refuse(Refusal::kTransferUnknown);
  if (expiry) {
    if (!transfer->approved()) return Refuse(Refusal::kTransferState);
    const auto due = transfer->not_after + state.agreement().terms().destruction_window;
    if (state.now().early < due) return Refuse(Refusal::kNotDue);
  }
  Decision worst = Allow();
  for (const RowRun& run : rows.runs) {
    for (std::uint32_t row = run.first; row < run.first + run.count; ++row) {
      const Record* record = transfer->records.Find(row);
      if (record == nullptr) return Refuse(Refusal::kRowNotAccepted);
      if (expiry && record->revoked()) return Refuse(Refusal::kRecordPending);
      const Decision decision = CheckRow(state, *transfer, row, *record, over);
      // A hold in force is the answer that counsel needs, even where another row only waits.
      if (decision.refusal == Refusal::kNotDue) {
        worst = decision;
      } else if (!decision.allowed()) {
        return decision;
      }
    }
  }
  return worst;
}

Refusal CheckRevocation(const State& state, const Disposal& disposal) {
  switch (disposal.state) {
    case DisposalState::kCancelled:
      return Refusal::kDisposalCancelled;
    case DisposalState::kDestroyed:
      return Refusal::kDisposalDone;
    case DisposalState::kAwaitingApproval:
      return Refusal::kApprovalsMissing;
    case DisposalState::kApproved:
      break;
  }
  return state.now().early < disposal.due_at ? Refusal::kNotDue : Refusal::kAllowed;
}

}  // namespace

Decision DecideFact(const State& state, const ledger::v1::LeaseOpened& fact) {
  const Refusal who = CheckMember(state, fact.requester(), agreement::v1::ROLE_REQUESTER);
  if (who != Refusal::kAllowed) return Refuse(who);
  const Transfer* transfer = state.transfer(fact.transfer());
  if (transfer == nullptr) return Refuse(Refusal::kTransferUnknown);
  if (transfer->requester != state.agreement().FindMember(fact.requester())->number) {
    return Refuse(Refusal::kNotYourTransfer);
  }
  if (fact.recipient_key().size() != 32 || fact.signature().size() != 64 ||
      fact.opening().empty() || fact.opening().size() > kMaxOpeningBytes) {
    return Refuse(Refusal::kMalformed);
  }
  if (transfer->state != TransferState::kClosed) return Refuse(Refusal::kTransferState);
  const Refusal stopped = CheckMoving(state, *transfer);
  if (stopped != Refusal::kAllowed) return Refuse(stopped);
  if (!state.now().trusted) return Refuse(Refusal::kClockUntrusted);
  if (state.epoch_pending()) return Refuse(Refusal::kEpochPending);
  const UnixMillis late = state.now().late;
  if (late >= transfer->not_after) return Refuse(Refusal::kRecordExpired);
  // A requester that no longer safeguards what it has gets no more (R7).
  const Refusal safeguard = CheckSafeguard(state);
  if (safeguard != Refusal::kAllowed) return Refuse(safeguard);
  // A lease of records of which every one is frozen would be a renewal past the hold (R23).
  if (const Hold* hold = state.holds().FreezingWhole(transfer->Facts())) {
    return RefuseFor(Refusal::kFrozen, *hold);
  }
  const Refusal witnessed = CheckWitnessed(state);
  if (witnessed != Refusal::kAllowed) return Refuse(witnessed);
  // Elsewhere a signature is looked at before anything is decided; which keys count was decided
  // meanwhile, where one has been struck off.
  if (state.struck_off().HasKeyOf(*state.agreement().FindMember(fact.requester())) &&
      !CheckLeaseSignature(state.agreement(), state.struck_off(), fact, late).ok()) {
    return Refuse(Refusal::kStruckOff);
  }
  const UnixMillis not_after(fact.not_after_ms());
  if (not_after <= late || not_after > late + state.agreement().terms().lease_duration) {
    return Refuse(Refusal::kLeasePeriod);
  }
  // Each requester has its own: one that opens all it may takes none from another.
  if (state.OpenLeasesOf(transfer->requester) >= state.agreement().brakes().open_leases ||
      state.lease_count() == std::numeric_limits<std::uint32_t>::max()) {
    return Refuse(Refusal::kTooManyLeases);
  }
  return Allow();
}

Decision DecideFact(const State& state, const ledger::v1::KeyReleased& fact,
                    BatchEffects& effects) {
  if (fact.lease() >= state.lease_count()) return Refuse(Refusal::kLeaseUnknown);
  const auto found = state.open_leases().find(fact.lease());
  if (found == state.open_leases().end()) return Refuse(Refusal::kLeaseEnded);
  const Lease& lease = found->second;
  if (state.struck_off().Has(lease.requester)) return Refuse(Refusal::kStruckOff);
  const UnixMillis late = state.now().late;
  if (late >= lease.not_after) return Refuse(Refusal::kLeaseEnded);
  if (!state.now().trusted) return Refuse(Refusal::kClockUntrusted);
  if (state.epoch_pending()) return Refuse(Refusal::kEpochPending);

  const Transfer& transfer = *state.transfer(lease.transfer);
  const Record* record = transfer.records.Find(fact.row());
  if (record == nullptr || !record->accepted()) return Refuse(Refusal::kRowNotAccepted);
  if (!state.holds().nothing_freezes()) {
    // As the release would make it: one that would fall into a frozen range of time is not made.
    const RecordFacts facts = transfer.FactsOf(fact.row(), *record).ReleasedAt(RecordSeconds(late));
    const Hold* hold = state.holds().Freezing(facts);
    if (hold != nullptr) return RefuseFor(Refusal::kFrozen, *hold);
  }
  if (record->destroyed()) return Refuse(Refusal::kRecordDestroyed);
  if (record->revoked()) return Refuse(Refusal::kRecordRevoked);
  if (late >= transfer.not_after) return Refuse(Refusal::kRecordExpired);
  if (late < transfer.not_before) return Refuse(Refusal::kRecordNotYetValid);
  if (transfer.state != TransferState::kClosed) return Refuse(Refusal::kTransferState);
  const Refusal stopped = CheckMoving(state, transfer);
  if (stopped != Refusal::kAllowed) return Refuse(stopped);
  if (!record->deposited()) return Refuse(Refusal::kRecordNotDeposited);
  const Refusal witnessed = CheckWitnessed(state);
  if (witnessed != Refusal::kAllowed) return Refuse(witnessed);

  // A record that left before is counted already, or there is no cap to count for.
  const bool counted = transfer.record_cap == kNoCap || record->releases > 0 ||
                       effects.newly_released.contains(fact.row());
  if (!counted &&
      transfer.released + std::uint64_t{effects.newly_released.size()} >= transfer.record_cap) {
    return Refuse(Refusal::kTransferCapped);
  }
  // R51: records that are leased open, each counted once however many leases it is open under.
  if (record->open_leases == 0) {
    if (effects.rows.contains(fact.row())) return Allow();
    if (std::uint64_t{state.OpenRecords(lease.requester)} + effects.newly_open_records >=
        state.agreement().brakes().open_records) {
      return Refuse(Refusal::kOpenRecords);
    }
    effects.rows.insert(fact.row());
    ++effects.newly_open_records;
  } else if (record->open_leases == std::numeric_limits<std::uint8_t>::max() &&
             !lease.rows.Contains(fact.row())) {
    return Refuse(Refusal::kOpenRecords);
  }
  if (!counted) effects.newly_released.insert(fact.row());
  return Allow();
}

Decision DecideFact(const State& state, const ledger::v1::RecordsDestroyed& fact) {
  const Refusal now = CheckDestruction(state);
  if (now != Refusal::kAllowed) return Refuse(now);

  std::vector<RowRuns> rows;
  std::uint64_t count = 0;
  for (const ledger::v1::Rows& proto : fact.rows()) {
    auto read = ReadRows(proto);
    if (!read.ok()) return Refuse(Refusal::kMalformed);
    if (!rows.empty() && read->transfer <= rows.back().transfer) return Refuse(Refusal::kMalformed);
    count += read->size();
    rows.push_back(*std::move(read));
  }
  if (rows.empty() || count != fact.count()) return Refuse(Refusal::kMalformed);

  bool expiry = false;
  OverriddenHolds over;
  switch (fact.basis()) {
    case ledger::v1::RecordsDestroyed::REVOCATION:
    case ledger::v1::RecordsDestroyed::COURT_ORDER: {
      const Disposal* disposal = state.FindDisposal(fact.revocation_index());
      if (disposal == nullptr) return Refuse(Refusal::kRevocationUnknown);
      const Refusal refusal = CheckRevocation(state, *disposal);
      if (refusal != Refusal::kAllowed) return Refuse(refusal);
      if (rows != disposal->records.transfers) return Refuse(Refusal::kRowsDiffer);
      const bool by_court = fact.basis() == ledger::v1::RecordsDestroyed::COURT_ORDER;
      const std::uint64_t authorised =
          disposal->authorisation ? disposal->authorisation->second_index : 0;
      if (fact.authorisation_index() != (by_court ? authorised : 0)) {
        return Refuse(Refusal::kMalformed);
      }
      if (!by_court) break;
      if (authorised == 0) return Refuse(Refusal::kNotAuthorised);
      if (state.now().early < disposal->authorisation->due_at) return Refuse(Refusal::kNotDue);
      over = disposal->authorisation->over;
      break;
    }
    case ledger::v1::RecordsDestroyed::EXPIRY:
      if (fact.revocation_index() != 0 || fact.authorisation_index() != 0) {
        return Refuse(Refusal::kMalformed);
      }
      if (!state.agreement().terms().destroy_on_expiry) return Refuse(Refusal::kNotOnExpiry);
      expiry = true;
      break;
    default:
      return Refuse(Refusal::kMalformed);
  }
  Decision worst = Allow();
  for (const RowRuns& of_transfer : rows) {
    const Decision decision = CheckRows(state, of_transfer, expiry, over);
    if (decision.refusal == Refusal::kNotDue) {
      worst = decision;
    } else if (!decision.allowed()) {
      return decision;
    }
  }
  return worst;
}

}  // namespace holdfast::policy
