// SPDX-License-Identifier: Apache-2.0
//
// The rules of a transfer, from its creation to the collection of its envelopes.
#include <algorithm>

#include "absl/container/flat_hash_set.h"

#include "policy/decide_parts.h"
#include "policy/request_gate.h"
#include "policy/signatures.h"

namespace holdfast::policy {
namespace {

using ledger::v1::SegmentKind;

constexpr int kMaxOfficers = 4'096;
constexpr int kMaxPeriods = 64;
constexpr std::size_t kMaxPurposeBytes = 4'000;
constexpr std::size_t kMaxOfficialBytes = 400;
constexpr std::size_t kMaxOfficerBytes = 64;
constexpr std::uint32_t kMaxVerdict = 255;

bool IsText(const std::string& text, std::size_t max_bytes) {
  return !text.empty() && text.size() <= max_bytes;
}

bool OfficersAreWhole(const ledger::v1::TransferCreated& fact) {
  if (fact.officers_size() < 1 || fact.officers_size() > kMaxOfficers) return false;
  absl::flat_hash_set<std::string> seen;
  return std::all_of(fact.officers().begin(), fact.officers().end(), [&](const std::string& id) {
    return IsText(id, kMaxOfficerBytes) && seen.insert(id).second;
  });
}

bool PeriodsAreWhole(const ledger::v1::TransferCreated& fact) {
  if (fact.periods_size() < 1 || fact.periods_size() > kMaxPeriods) return false;
  return std::all_of(
      fact.periods().begin(), fact.periods().end(), [](const ledger::v1::Period& period) {
        return period.first_year() >= 1 && period.first_year() <= period.last_year() &&
               period.last_year() <= 9999;
      });
}

}  // namespace

bool IsGateVersion(std::uint32_t version) { return version >= 1 && version <= kGateVersion; }

Refusal CheckLeaf(const State& state, const BatchEffects& effects, std::uint32_t transfer,
                  SegmentKind kind, std::uint32_t segment, std::uint32_t leaf) {
  if (leaf >= kLeavesPerSegment) return Refusal::kMalformed;
  const Segment* found = state.segments().Find(segment);
  if (found == nullptr) return Refusal::kSegmentUnknown;
  if (found->kind != kind || found->transfer != transfer || !state.segments().InUse(segment)) {
    return Refusal::kSegmentMismatch;
  }
  if (state.segments().LeafUsed(segment, leaf) || effects.leaves.contains(LeafKey(segment, leaf))) {
    return Refusal::kLeafUsed;
  }
  return Refusal::kAllowed;
}

Decision DecideFact(const State& state, const ledger::v1::TransferCreated& fact) {
  const auto id = IdFromBytes<TransferId>(AsBytes(fact.transfer()));
  if (!id.ok() || fact.binding_nonce().size() != 32 || fact.request_id().size() != 16 ||
      fact.attestation_digest().size() != 32 || !IsText(fact.purpose(), kMaxPurposeBytes) ||
      !IsText(fact.requesting_official(), kMaxOfficialBytes) || !OfficersAreWhole(fact) ||
      !PeriodsAreWhole(fact)) {
    return Refuse(Refusal::kMalformed);
  }
  const Refusal who = CheckMember(state, fact.requester(), agreement::v1::ROLE_REQUESTER);
  if (who != Refusal::kAllowed) return Refuse(who);
  if (state.evidence().pseudonym_key_destroyed()) return Refuse(Refusal::kPseudonymKeyDestroyed);
  const Authority* authority = state.agreement().FindAuthority(fact.authority());
  if (authority == nullptr) return Refuse(Refusal::kAuthorityUnknown);
  if (!authority->InForceAt(state.now().late)) return Refuse(Refusal::kAuthorityNotInForce);
  if (!state.agreement().IsDelegatedAt(fact.requesting_official(), state.now().late)) {
    return Refuse(Refusal::kDelegationNotInForce);
  }
  const Refusal safeguard = CheckSafeguard(state);
  if (safeguard != Refusal::kAllowed) return Refuse(safeguard);
  if (state.FindTransfer(*id) != nullptr) return Refuse(Refusal::kTransferIdTaken);
  const MemberNumber requester = state.agreement().FindMember(fact.requester())->number;
  if (state.FindTransferByRequestId(requester, fact.request_id()) != nullptr) {
    return Refuse(Refusal::kRequestIdTaken);
  }
  return Allow();
}

Decision DecideFact(const State& state, const ledger::v1::SubjectJudged& fact,
                    BatchEffects& effects) {
  const Transfer* transfer = state.transfer(fact.transfer());
  if (transfer == nullptr) return Refuse(Refusal::kTransferUnknown);
  if (transfer->state != TransferState::kSubmitting) return Refuse(Refusal::kTransferState);
  const Refusal stopped = CheckMoving(state, *transfer);
  if (stopped != Refusal::kAllowed) return Refuse(stopped);
  if (state.evidence().pseudonym_key_destroyed()) return Refuse(Refusal::kPseudonymKeyDestroyed);
  if (!IsGateVersion(fact.gate_version())) return Refuse(Refusal::kGateVersionUnknown);
  if (fact.verdict() == 0 || fact.verdict() > kMaxVerdict) return Refuse(Refusal::kMalformed);
  const bool accepted = fact.verdict() == 1;
  const std::size_t pseudonym = fact.pseudonym().size();
  const std::size_t commitment = fact.commitment().size();
  if (pseudonym != 16 && (accepted || pseudonym != 0)) return Refuse(Refusal::kMalformed);
  if (commitment != 32 && (accepted || commitment != 0)) return Refuse(Refusal::kMalformed);
  if (fact.address_tag().size() != (accepted ? AddressMemory::kTagBytes : 0)) {
    return Refuse(Refusal::kMalformed);
  }
  // Only one who was found by tax number has another name beside it.
  const std::size_t alias = fact.alias().size();
  if ((alias != 0 && (alias != 16 || !accepted || fact.alias() == fact.pseudonym())) ||
      fact.alias_address_tag().size() != (alias != 0 ? AddressMemory::kTagBytes : 0)) {
    return Refuse(Refusal::kMalformed);
  }
  if (fact.row() >= state.agreement().brakes().transfer_subjects) {
    return Refuse(Refusal::kTooManySubjects);
  }
  if (fact.officer() >= transfer->officers.size()) return Refuse(Refusal::kOfficerUnknown);
  if (transfer->records.Find(fact.row()) != nullptr || effects.rows.contains(fact.row())) {
    return Refuse(Refusal::kRowJudged);
  }
  if (!accepted) {
    if (fact.segment() != 0 || fact.leaf() != 0) return Refuse(Refusal::kMalformed);
    effects.rows.insert(fact.row());
    return Allow();
  }
  const auto before = effects.accepted_by_officer.find(fact.officer());
  const std::uint32_t more = before == effects.accepted_by_officer.end() ? 0 : before->second;
  if (OfficerIsFull(state, *transfer, fact.officer(), more)) return Refuse(Refusal::kOfficerLoad);
  const Refusal leaf =
      CheckLeaf(state, effects, transfer->number, ledger::v1::SUBJECT, fact.segment(), fact.leaf());
  if (leaf != Refusal::kAllowed) return Refuse(leaf);
  effects.rows.insert(fact.row());
  effects.leaves.insert(LeafKey(fact.segment(), fact.leaf()));
  effects.accepted_by_officer[fact.officer()] = more + 1;
  return Allow();
}

Decision DecideFact(const State& state, const ledger::v1::SubmissionFinished& fact) {
  const Transfer* transfer = state.transfer(fact.transfer());
  if (transfer == nullptr) return Refuse(Refusal::kTransferUnknown);
  if (transfer->state != TransferState::kSubmitting) return Refuse(Refusal::kTransferState);
  if (fact.rows() == 0) return Refuse(Refusal::kMalformed);
  const Refusal stopped = CheckMoving(state, *transfer);
  if (stopped != Refusal::kAllowed) return Refuse(stopped);
  const Refusal delegation = CheckDelegation(state, *transfer);
  if (delegation != Refusal::kAllowed) return Refuse(delegation);
  if (fact.rows() != transfer->judged) return Refuse(Refusal::kRowsMissing);
  const std::uint32_t chunks = (fact.rows() - 1) / kRowsPerChunk + 1;
  for (std::uint32_t k = 0; k < chunks; ++k) {
    if (!ChunkJudged(*transfer, k, fact.rows())) return Refuse(Refusal::kRowsMissing);
  }
  return Allow();
}

Decision DecideFact(const State& state, const ledger::v1::SubjectsFetched& fact) {
  const Refusal who = CheckMember(state, fact.source(), agreement::v1::ROLE_SOURCE);
  if (who != Refusal::kAllowed) return Refuse(who);
  const Transfer* transfer = state.transfer(fact.transfer());
  if (transfer == nullptr) return Refuse(Refusal::kTransferUnknown);
  if (transfer->state != TransferState::kApproved) return Refuse(Refusal::kTransferState);
  const Refusal stopped = CheckMoving(state, *transfer);
  if (stopped != Refusal::kAllowed) return Refuse(stopped);
  if (fact.chunk() >= ChunkCount(*transfer)) return Refuse(Refusal::kChunkEmpty);
  if (state.now().late >= transfer->not_after) return Refuse(Refusal::kRecordExpired);
  return Allow();
}

Decision CheckOutcome(const State& state, std::uint32_t transfer_number, std::uint32_t row,
                      const BatchEffects& effects) {
  const Transfer* transfer = state.transfer(transfer_number);
  if (transfer == nullptr) return Refuse(Refusal::kTransferUnknown);
  if (transfer->state != TransferState::kApproved) return Refuse(Refusal::kTransferState);
  const Refusal stopped = CheckMoving(state, *transfer);
  if (stopped != Refusal::kAllowed) return Refuse(stopped);
  const Record* record = transfer->records.Find(row);
  if (record == nullptr || !record->accepted()) return Refuse(Refusal::kRowNotAccepted);
  if (record->deposited() || effects.rows.contains(row)) return Refuse(Refusal::kRowDeposited);
  if (record->destroyed()) return Refuse(Refusal::kRecordDestroyed);
  if (state.now().late >= transfer->not_after) return Refuse(Refusal::kRecordExpired);
  if (!state.holds().nothing_freezes()) {
    const Hold* hold = state.holds().Freezing(transfer->FactsOf(row, *record));
    if (hold != nullptr) return RefuseFor(Refusal::kFrozen, *hold);
  }
  return Allow();
}

Decision DecideFact(const State& state, const ledger::v1::TransferClosed& fact) {
  const Refusal who = CheckMember(state, fact.source(), agreement::v1::ROLE_SOURCE);
  if (who != Refusal::kAllowed) return Refuse(who);
  const Transfer* transfer = state.transfer(fact.transfer());
  if (transfer == nullptr) return Refuse(Refusal::kTransferUnknown);
  if (transfer->state != TransferState::kApproved) return Refuse(Refusal::kTransferState);
  const Refusal stopped = CheckMoving(state, *transfer);
  if (stopped != Refusal::kAllowed) return Refuse(stopped);
  const auto root = ArrayFromBytes<Digest32>(AsBytes(fact.envelopes_root()));
  if (!root.ok() || fact.signature().size() != 64) return Refuse(Refusal::kMalformed);
  if (state.now().late >= transfer->not_after) return Refuse(Refusal::kRecordExpired);
  if (!transfer->envelopes.complete()) {
    const std::uint64_t there = std::uint64_t{transfer->deposited} + transfer->cases.size();
    return Refuse(there == transfer->envelopes_due ? Refusal::kCasesWaiting
                                                   : Refusal::kEnvelopesMissing);
  }
  if (fact.envelopes() != transfer->envelopes_due || *root != transfer->envelopes.Root()) {
    return Refuse(Refusal::kEnvelopesDiffer);
  }
  // See the same question about a lease.
  if (state.struck_off().HasKeyOf(*state.agreement().FindMember(fact.source())) &&
      !CheckClosingSignature(state.agreement(), state.struck_off(), state.agreement().exchange_id(),
                             transfer->id, fact, state.now().late)
           .ok()) {
    return Refuse(Refusal::kStruckOff);
  }
  return Allow();
}

Decision DecideFact(const State& state, const ledger::v1::EnvelopesCollected& fact) {
  const Refusal who = CheckMember(state, fact.requester(), agreement::v1::ROLE_REQUESTER);
  if (who != Refusal::kAllowed) return Refuse(who);
  const Transfer* transfer = state.transfer(fact.transfer());
  if (transfer == nullptr) return Refuse(Refusal::kTransferUnknown);
  if (transfer->requester != state.agreement().FindMember(fact.requester())->number) {
    return Refuse(Refusal::kNotYourTransfer);
  }
  if (transfer->state != TransferState::kClosed) return Refuse(Refusal::kTransferState);
  const Refusal stopped = CheckMoving(state, *transfer);
  if (stopped != Refusal::kAllowed) return Refuse(stopped);
  if (fact.chunk() >= ChunkCount(*transfer)) return Refuse(Refusal::kChunkEmpty);
  if (state.epoch_pending()) return Refuse(Refusal::kEpochPending);
  if (state.holds().nothing_freezes()) return Allow();
  for (const std::uint32_t row : DepositedRows(*transfer, fact.chunk())) {
    const Record& record = *transfer->records.Find(row);
    const Hold* hold = state.holds().Freezing(transfer->FactsOf(row, record));
    if (hold != nullptr) return RefuseFor(Refusal::kFrozen, *hold);
  }
  return Allow();
}

}  // namespace holdfast::policy
