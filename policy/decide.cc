// SPDX-License-Identifier: Apache-2.0
#include "policy/decide.h"

#include "base/check.h"
#include "policy/decide_parts.h"
#include "policy/keyslot_kinds.h"

namespace holdfast::policy {
namespace {

using ledger::v1::Entry;

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kMaxShortText = 64;
constexpr std::size_t kMaxKeyslotKind = 128;  // A move from a mirror of four to another.

constexpr std::size_t kMaxDeviceText = 256;
constexpr int kMaxKeyslotParts = 8;  // A move from one mirror to another.

bool IsShortText(const std::string& text) { return !text.empty() && text.size() <= kMaxShortText; }

bool IsKeyslotKind(const std::string& text) {
  return !text.empty() && text.size() <= kMaxKeyslotKind;
}

bool IsErasureClass(const std::string& text) { return text == "medium" || text == "device"; }

Decision DecideOpening(const State& state, const Proposal& proposal) {
  const auto& fact = proposal.entry.exchange_opened();
  if (state.open() || state.ledger_size() != 0) return Refuse(Refusal::kNotOpen);
  if (proposal.agreement == nullptr || proposal.agreement->version() != 1 ||
      fact.agreement_dsse().empty() || fact.checkpoint_key().size() != 32) {
    return Refuse(Refusal::kMalformed);
  }
  return Allow();
}

Decision DecideFact(const State& state, const ledger::v1::ProcessStarted& fact) {
  const bool whole = fact.process().size() == 16 &&
                     (fact.boot().empty() || fact.boot().size() == 16) &&
                     IsKeyslotKind(fact.keyslot_kind()) && fact.version().size() <= kMaxShortText;
  if (!whole) return Refuse(Refusal::kMalformed);
  // A member of a mirror that is left out may still hold a key that was to be gone.
  const std::string& last = state.evidence().keyslots;
  const bool follows = last.empty() || KeyslotsMayFollow(last, fact.keyslot_kind());
  return follows ? Allow() : Refuse(Refusal::kKeyslotsDiffer);
}

Decision DecideFact(const State& state, const ledger::v1::TimeAdvanced& fact) {
  const UnixMillis late(fact.late_ms());
  const UnixMillis early(fact.early_ms());
  if (late > kMaxTime || early < kMinTime || early > late) return Refuse(Refusal::kMalformed);
  const UnixMillis wall(fact.wall_ms());
  if (wall > kMaxTime || wall < kMinTime || wall > late) return Refuse(Refusal::kMalformed);
  if (fact.since_boot_ms() < 0 || fact.elapsed_ms() < 0 || fact.unexplained_ms() < 0) {
    return Refuse(Refusal::kMalformed);
  }
  // Time never runs back, whoever says so (R17).
  if (late < state.now().late || early < state.now().early) return Refuse(Refusal::kOutOfOrder);
  // Nor does anything but a custodian's order make a clock good that was in doubt: no restart.
  if (fact.trusted() && state.untrusted_since() && !state.trust_ordered()) {
    return Refuse(Refusal::kClockUntrusted);
  }
  return Allow();
}

Decision DecideFact(const State& state, const ledger::v1::SegmentOpened& fact) {
  const auto id = IdFromBytes<SegmentId>(AsBytes(fact.segment()));
  if (!id.ok()) return Refuse(Refusal::kMalformed);
  if (fact.kind() != ledger::v1::RECORD && fact.kind() != ledger::v1::SUBJECT) {
    return Refuse(Refusal::kMalformed);
  }
  if (state.transfer(fact.transfer()) == nullptr) return Refuse(Refusal::kTransferUnknown);
  if (state.segments().FindById(*id)) return Refuse(Refusal::kSegmentIdTaken);
  if (state.segments().size() >= SegmentTable::kMax) return Refuse(Refusal::kSegmentsExhausted);
  return Allow();
}

Decision DecideFact(const State& state, const ledger::v1::EpochAdvanced& fact) {
  return fact.epoch() == state.epoch() + 1 ? Allow() : Refuse(Refusal::kOutOfOrder);
}

Decision DecideFact(const State& state, const ledger::v1::EpochErased& fact) {
  if (!IsKeyslotKind(fact.keyslot_kind()) || !IsErasureClass(fact.erasure_class()) ||
      fact.parts_size() > kMaxKeyslotParts) {
    return Refuse(Refusal::kMalformed);
  }
  for (const ledger::v1::KeyslotPart& part : fact.parts()) {
    const bool whole = IsShortText(part.kind()) && IsErasureClass(part.erasure_class()) &&
                       part.device().size() <= kMaxDeviceText;
    if (!whole) return Refuse(Refusal::kMalformed);
  }
  const bool next = fact.epoch() > state.erased_epoch() && fact.epoch() < state.epoch();
  return next ? Allow() : Refuse(Refusal::kOutOfOrder);
}

Decision DecideFact(const State& state, const ledger::v1::PersonIdentified& fact) {
  Refusal who = CheckMember(state, fact.member(), agreement::v1::ROLE_COUNSEL);
  if (who == Refusal::kRoleForbids) {
    who = CheckMember(state, fact.member(), agreement::v1::ROLE_CUSTODIAN);
  }
  if (who != Refusal::kAllowed) return Refuse(who);
  if (state.evidence().pseudonym_key_destroyed()) return Refuse(Refusal::kPseudonymKeyDestroyed);
  const bool whole = fact.people_size() >= 1 && fact.people_size() <= 3 &&
                     std::all_of(fact.people().begin(), fact.people().end(),
                                 [](const std::string& person) { return person.size() == 16; });
  return whole ? Allow() : Refuse(Refusal::kMalformed);
}

// A refusal is written after something was refused; nothing refuses it. It only has to be one.
Decision DecideFact(const ledger::v1::Refused& fact) {
  const auto refusal = RefusalFromNumber(fact.refusal());
  const bool whole = refusal && *refusal != Refusal::kAllowed && *refusal != Refusal::kUndecided &&
                     ledger::v1::Refused::Act_IsValid(fact.act()) &&
                     fact.act() != ledger::v1::Refused::ACT_UNSPECIFIED &&
                     (fact.order_digest().empty() || fact.order_digest().size() == 32);
  return whole ? Allow() : Refuse(Refusal::kMalformed);
}

Decision DecideOne(const State& state, const Proposal& proposal, BatchEffects& effects) {
  const Entry& entry = proposal.entry;
  if (entry.salt().size() != kSaltBytes) return Refuse(Refusal::kMalformed);
  if (entry.policy_version() != kPolicyVersion) return Refuse(Refusal::kPolicyVersion);
  if (entry.fact_case() == Entry::kExchangeOpened) return DecideOpening(state, proposal);
  if (!state.open()) return Refuse(Refusal::kNotOpen);
  // What an order settles has its envelopes in the entries that follow, and nothing lies between.
  if (state.unsettled() > 0 && !entry.has_envelope_deposited()) {
    return Refuse(Refusal::kCasesUnsettled);
  }
  switch (entry.fact_case()) {
    case Entry::kExchangeOpened:
      return Refuse(Refusal::kNotOpen);
    case Entry::kProcessStarted:
      return DecideFact(state, entry.process_started());
    case Entry::kTimeAdvanced:
      return DecideFact(state, entry.time_advanced());
    case Entry::kSegmentOpened:
      return DecideFact(state, entry.segment_opened());
    case Entry::kEpochAdvanced:
      return DecideFact(state, entry.epoch_advanced());
    case Entry::kEpochErased:
      return DecideFact(state, entry.epoch_erased());
    case Entry::kCheckpointWitnessed:
      return DecideFact(state, entry.checkpoint_witnessed());
    case Entry::kTransferCreated:
      return DecideFact(state, entry.transfer_created());
    case Entry::kSubjectJudged:
      return DecideFact(state, entry.subject_judged(), effects);
    case Entry::kSubmissionFinished:
      return DecideFact(state, entry.submission_finished());
    case Entry::kSubjectsFetched:
      return DecideFact(state, entry.subjects_fetched());
    case Entry::kEnvelopeDeposited:
      return DecideFact(state, entry.envelope_deposited(), effects);
    case Entry::kTransferClosed:
      return DecideFact(state, entry.transfer_closed());
    case Entry::kEnvelopesCollected:
      return DecideFact(state, entry.envelopes_collected());
    case Entry::kReviewOpened:
      return DecideFact(state, entry.review_opened(), effects);
    case Entry::kCaseShown:
      return DecideFact(state, entry.case_shown());
    case Entry::kVerdictRerun:
      return DecideFact(state, entry.verdict_rerun());
    case Entry::kPersonIdentified:
      return DecideFact(state, entry.person_identified());
    case Entry::kExchangeRestored:
      return DecideFact(state, entry.exchange_restored());
    case Entry::kKeyslotStruckOff:
      return DecideFact(state, entry.keyslot_struck_off());
    case Entry::kLeaseOpened:
      return DecideFact(state, entry.lease_opened());
    case Entry::kKeyReleased:
      return DecideFact(state, entry.key_released(), effects);
    case Entry::kOrderAccepted:
      if (proposal.order == nullptr || entry.order_accepted().order_dsse().empty()) {
        return Refuse(Refusal::kMalformed);
      }
      return DecideOrder(state, *proposal.order);
    case Entry::kRecordsDestroyed:
      return DecideFact(state, entry.records_destroyed());
    case Entry::kNoticeGiven:
      return DecideFact(state, entry.notice_given());
    case Entry::kRefused:
      return DecideFact(entry.refused());
    case Entry::kLedgerRead:
      return DecideFact(state, entry.ledger_read());
    case Entry::FACT_NOT_SET:
      return Refuse(Refusal::kMalformed);
  }
  return Refuse(Refusal::kMalformed);
}

bool MayBeInBatch(Entry::FactCase fact) {
  return fact == Entry::kSubjectJudged || fact == Entry::kEnvelopeDeposited ||
         fact == Entry::kReviewOpened || fact == Entry::kKeyReleased ||
         fact == Entry::kSubjectsFetched || fact == Entry::kEnvelopesCollected;
}

// Outcomes of a chunk are mixed: some rows get an envelope and some a case.
Entry::FactCase KindInBatch(Entry::FactCase fact) {
  return fact == Entry::kReviewOpened ? Entry::kEnvelopeDeposited : fact;
}

// What the rows of a batch share; a batch over several would mix up their row numbers.
std::uint32_t CommonPart(const Entry& entry) {
  if (entry.has_subject_judged()) return entry.subject_judged().transfer();
  if (entry.has_envelope_deposited()) return entry.envelope_deposited().transfer();
  if (entry.has_review_opened()) return entry.review_opened().transfer();
  if (entry.has_subjects_fetched()) return entry.subjects_fetched().transfer();
  if (entry.has_envelopes_collected()) return entry.envelopes_collected().transfer();
  return entry.key_released().lease();
}

}  // namespace

Refusal CheckMember(const State& state, std::string_view id, agreement::v1::Role role) {
  const Member* member = state.agreement().FindMember(id);
  if (member == nullptr) return Refusal::kMemberUnknown;
  if (state.struck_off().Has(member->number)) return Refusal::kStruckOff;
  return member->role == role ? Refusal::kAllowed : Refusal::kRoleForbids;
}

Refusal CheckDelegation(const State& state, const Transfer& transfer) {
  return state.agreement().IsDelegatedAt(transfer.terms->requesting_official(), state.now().late)
             ? Refusal::kAllowed
             : Refusal::kDelegationNotInForce;
}

Refusal CheckSafeguard(const State& state) {
  return state.agreement().IsSafeguardedAt(state.now().late) ? Refusal::kAllowed
                                                             : Refusal::kSafeguardNotInForce;
}

Refusal CheckMoving(const State& state, const Transfer& transfer) {
  if (transfer.suspended()) return Refusal::kTransferSuspended;
  return state.now().late >= transfer.ends_at ? Refusal::kTransferEnded : Refusal::kAllowed;
}

Decision Decide(const State& state, const Proposal& proposal) {
  BatchEffects alone;
  return DecideOne(state, proposal, alone);
}

Decision DecisionBatch::Decide(const Proposal& proposal) {
  const Entry& entry = proposal.entry;
  HF_CHECK(MayBeInBatch(entry.fact_case()));
  if (!begun_) {
    begun_ = true;
    fact_ = KindInBatch(entry.fact_case());
    common_ = CommonPart(entry);
  }
  HF_CHECK(KindInBatch(entry.fact_case()) == fact_ && CommonPart(entry) == common_);
  return DecideOne(state_, proposal, effects_);
}

bool AdvancesEpoch(const Entry& entry, const OpenedOrder* order) {
  if (entry.has_records_destroyed() || entry.has_exchange_restored() ||
      entry.has_keyslot_struck_off()) {
    return true;
  }
  if (!entry.has_order_accepted()) return false;
  HF_CHECK(order != nullptr);
  using order::v1::Order;
  switch (order->order.act_case()) {
    case Order::kPlaceHold:
    case Order::kAmendHold:  // Whether it widens is known only to who decides it.
    case Order::kRestoreHold:
    case Order::kCancelLift:
    case Order::kStrikeOff:
    case Order::kRevokeRecords:
    case Order::kCancelDestruction:
    case Order::kSuspendTransfer:
    case Order::kCapTransfer:
    case Order::kEndTransfer:
      return true;
    case Order::kDestroyPseudonymKey:
      return order->order.destroy_pseudonym_key().first_index() != 0;
    case Order::kApproveTransfer:
    case Order::kDenyTransfer:
    case Order::kResumeTransfer:
    case Order::kLetTransferGoOn:
    case Order::kProposeLift:
    case Order::kConfirmLift:
    case Order::kConfirmAmendment:
    case Order::kAttachDocument:
    case Order::kAcknowledgeNotice:
    case Order::kAuthoriseDestruction:
    case Order::kApproveDestruction:
    case Order::kTrustClock:
    case Order::kReleaseCase:
    case Order::kRefuseCases:
    case Order::kAccountPerson:
    case Order::ACT_NOT_SET:
      return false;
  }
  return false;
}

}  // namespace holdfast::policy
