// SPDX-License-Identifier: Apache-2.0
#include "policy/refusal.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>

#include "base/check.h"

namespace holdfast::policy {
namespace {

struct Row {
  Refusal refusal;
  std::string_view name;
  Reason reason;
  std::string_view sentence;
};

// Ascending by number. What one can do about a refusal is what its Reason says.
constexpr Row kRows[] = {
    {Refusal::kUndecided, "UNDECIDED", Reason::kInternal, "nobody decided"},
    {Refusal::kAllowed, "ALLOWED", Reason::kInternal, "allowed"},

    {Refusal::kMalformed, "MALFORMED", Reason::kRequestMalformed,
     "a field is missing, out of range or contradictory"},
    {Refusal::kPolicyVersion, "POLICY_VERSION", Reason::kLedgerInconsistent,
     "decided by another version of the policy"},
    {Refusal::kNotOpen, "NOT_OPEN", Reason::kLedgerInconsistent,
     "entry 0, and no other, opens the exchange"},
    {Refusal::kOutOfOrder, "OUT_OF_ORDER", Reason::kLedgerInconsistent,
     "time, epoch or process does not follow the one before"},
    {Refusal::kMemberUnknown, "MEMBER_UNKNOWN", Reason::kPermissionDenied,
     "the agreement names no such member"},
    {Refusal::kRoleForbids, "ROLE_FORBIDS", Reason::kPermissionDenied,
     "the member's role does not permit this"},
    {Refusal::kClockUntrusted, "CLOCK_UNTRUSTED", Reason::kClockUntrusted,
     "the gateway's clock is not trusted"},
    {Refusal::kFrozen, "FROZEN", Reason::kHeld, "a hold stops it"},
    {Refusal::kPreserved, "PRESERVED", Reason::kHeld, "a hold keeps it from being destroyed"},
    {Refusal::kEpochPending, "EPOCH_PENDING", Reason::kUnavailable,
     "a restricting act waits for its epoch"},
    {Refusal::kGateVersionUnknown, "GATE_VERSION_UNKNOWN", Reason::kLedgerInconsistent,
     "judged by another version of the gates"},
    {Refusal::kStruckOff, "STRUCK_OFF", Reason::kPermissionDenied,
     "the member, or the key, was struck off"},

    {Refusal::kTransferUnknown, "TRANSFER_UNKNOWN", Reason::kTransferNotFound,
     "there is no such transfer"},
    {Refusal::kTransferIdTaken, "TRANSFER_ID_TAKEN", Reason::kAlreadyExists,
     "another transfer has this id"},
    {Refusal::kRequestIdTaken, "REQUEST_ID_TAKEN", Reason::kAlreadyExists,
     "another transfer of this requester has this request id"},
    {Refusal::kTransferState, "TRANSFER_STATE", Reason::kTransferState,
     "the transfer is not in the state that this needs"},
    {Refusal::kNotYourTransfer, "NOT_YOUR_TRANSFER", Reason::kTransferNotFound,
     "there is no such transfer"},
    {Refusal::kAuthorityUnknown, "AUTHORITY_UNKNOWN", Reason::kRequestMalformed,
     "the agreement designates no such authority"},
    {Refusal::kAuthorityNotInForce, "AUTHORITY_NOT_IN_FORCE", Reason::kRequestMalformed,
     "the authority is not in force"},
    {Refusal::kTooManySubjects, "TOO_MANY_SUBJECTS", Reason::kBrakeOn,
     "more subjects than the agreement permits in one transfer"},
    {Refusal::kOfficerUnknown, "OFFICER_UNKNOWN", Reason::kRequestMalformed,
     "the transfer's list has no such officer"},
    {Refusal::kOfficerLoad, "OFFICER_LOAD", Reason::kBrakeOn,
     "more open cases of one officer than the agreement permits"},
    {Refusal::kRowJudged, "ROW_JUDGED", Reason::kAlreadyExists, "the row was judged before"},
    {Refusal::kRowsMissing, "ROWS_MISSING", Reason::kTransferState,
     "a row below the end was not submitted"},
    {Refusal::kRowNotAccepted, "ROW_NOT_ACCEPTED", Reason::kRequestMalformed,
     "the row is not an accepted one"},
    {Refusal::kRowDeposited, "ROW_DEPOSITED", Reason::kAlreadyExists,
     "the row was deposited before"},
    {Refusal::kChunkEmpty, "CHUNK_EMPTY", Reason::kRequestMalformed,
     "the transfer has no such chunk"},
    {Refusal::kSegmentUnknown, "SEGMENT_UNKNOWN", Reason::kInternal, "there is no such segment"},
    {Refusal::kSegmentMismatch, "SEGMENT_MISMATCH", Reason::kInternal,
     "the segment is of another transfer, kind or process"},
    {Refusal::kLeafUsed, "LEAF_USED", Reason::kInternal, "the leaf is used up"},
    {Refusal::kSegmentsExhausted, "SEGMENTS_EXHAUSTED", Reason::kUnavailable,
     "the exchange has had as many segments as it can have"},
    {Refusal::kSegmentIdTaken, "SEGMENT_ID_TAKEN", Reason::kInternal,
     "another segment has this id"},
    {Refusal::kEnvelopesMissing, "ENVELOPES_MISSING", Reason::kTransferState,
     "an accepted row has no envelope yet"},
    {Refusal::kEnvelopesDiffer, "ENVELOPES_DIFFER", Reason::kRequestMalformed,
     "count or root is not that of the deposited envelopes"},
    {Refusal::kDelegationNotInForce, "DELEGATION_NOT_IN_FORCE", Reason::kPermissionDenied,
     "no signed delegation of the requesting official is in force"},
    {Refusal::kSafeguardNotInForce, "SAFEGUARD_NOT_IN_FORCE", Reason::kPermissionDenied,
     "no signed safeguard status of the requester is in force"},
    {Refusal::kTransferBraked, "TRANSFER_BRAKED", Reason::kBrakeOn,
     "a brake stopped the transfer; a custodian has to let it go on"},
    {Refusal::kTransferSuspended, "TRANSFER_SUSPENDED", Reason::kBrakeOn,
     "a custodian has suspended the transfer"},
    {Refusal::kTransferEnded, "TRANSFER_ENDED", Reason::kBrakeOn,
     "a custodian has ended the transfer"},
    {Refusal::kTransferCapped, "TRANSFER_CAPPED", Reason::kBrakeOn,
     "as many records were released as a custodian permits"},

    {Refusal::kLeaseUnknown, "LEASE_UNKNOWN", Reason::kRequestMalformed, "there is no such lease"},
    {Refusal::kLeaseEnded, "LEASE_ENDED", Reason::kLeaseEnded, "the lease has ended"},
    {Refusal::kLeasePeriod, "LEASE_PERIOD", Reason::kRequestMalformed,
     "the lease is longer than the agreement permits, or over"},
    {Refusal::kTooManyLeases, "TOO_MANY_LEASES", Reason::kOverloaded,
     "the requester has as many open leases as the agreement permits"},
    {Refusal::kOpenRecords, "OPEN_RECORDS", Reason::kBrakeOn,
     "more records leased open than the agreement permits at one time"},
    {Refusal::kRecordNotDeposited, "RECORD_NOT_DEPOSITED", Reason::kTransferState,
     "the row has no envelope yet"},
    {Refusal::kRecordNotYetValid, "RECORD_NOT_YET_VALID", Reason::kRecordNotReleasable,
     "the record's time has not begun"},
    {Refusal::kRecordExpired, "RECORD_EXPIRED", Reason::kRecordNotReleasable,
     "the record's time is over"},
    {Refusal::kRecordRevoked, "RECORD_REVOKED", Reason::kRecordNotReleasable,
     "the record was revoked"},
    {Refusal::kRecordDestroyed, "RECORD_DESTROYED", Reason::kRecordNotReleasable,
     "the record's keys were destroyed"},

    {Refusal::kOrderExchange, "ORDER_EXCHANGE", Reason::kAgreementMismatch,
     "the order is for another exchange"},
    {Refusal::kOrderAgreement, "ORDER_AGREEMENT", Reason::kAgreementMismatch,
     "the order was made under another version of the agreement"},
    {Refusal::kOrderVoid, "ORDER_VOID", Reason::kOrderRejected, "the order's time is over"},
    {Refusal::kOrderFromFuture, "ORDER_FROM_FUTURE", Reason::kOrderRejected,
     "the order was signed in the future"},
    {Refusal::kOrderAccepted, "ORDER_ACCEPTED", Reason::kOrderAlreadyAccepted,
     "the order was accepted before"},
    {Refusal::kOrderIdTaken, "ORDER_ID_TAKEN", Reason::kOrderRejected, "another order had this id"},
    {Refusal::kOrderPrev, "ORDER_PREV", Reason::kOrderRejected,
     "the order does not follow its signer's last accepted one"},
    {Refusal::kOrderHead, "ORDER_HEAD", Reason::kOrderRejected,
     "the ledger that the signer saw is no prefix of this one, or too old a one"},
    {Refusal::kOrderKeyEnded, "ORDER_KEY_ENDED", Reason::kOrderRejected,
     "the signer's key is no longer valid"},
    {Refusal::kClockTrusted, "CLOCK_TRUSTED", Reason::kOrderRejected,
     "the clock is trusted already"},

    {Refusal::kDossierDiffers, "DOSSIER_DIFFERS", Reason::kOrderRejected,
     "the order approves another dossier"},
    {Refusal::kApprovedBefore, "APPROVED_BEFORE", Reason::kOrderRejected,
     "this person has approved it before"},
    {Refusal::kNotBraked, "NOT_BRAKED", Reason::kOrderRejected, "no brake stops the transfer"},
    {Refusal::kBrakesDiffer, "BRAKES_DIFFER", Reason::kOrderRejected,
     "other brakes stop the transfer than the order says"},
    {Refusal::kNotSuspended, "NOT_SUSPENDED", Reason::kOrderRejected,
     "the transfer is not suspended"},
    {Refusal::kSuspensionDiffers, "SUSPENSION_DIFFERS", Reason::kOrderRejected,
     "the transfer was suspended at another index"},
    {Refusal::kNotStricter, "NOT_STRICTER", Reason::kOrderRejected,
     "a cap can only be lowered, and an end only be made earlier"},

    {Refusal::kScopeEmpty, "SCOPE_EMPTY", Reason::kRequestMalformed, "nothing is set in the scope"},
    {Refusal::kScopeInvalid, "SCOPE_INVALID", Reason::kRequestMalformed,
     "the scope contradicts itself, or names what does not exist"},
    {Refusal::kHoldIdTaken, "HOLD_ID_TAKEN", Reason::kOrderRejected, "another hold has this id"},
    {Refusal::kHoldUnknown, "HOLD_UNKNOWN", Reason::kOrderRejected, "there is no such hold"},
    {Refusal::kHoldIndexDiffers, "HOLD_INDEX_DIFFERS", Reason::kOrderRejected,
     "the hold was placed at another index"},
    {Refusal::kHoldLifted, "HOLD_LIFTED", Reason::kOrderRejected, "the hold was lifted"},
    {Refusal::kProposalUnknown, "PROPOSAL_UNKNOWN", Reason::kOrderRejected,
     "no such proposal stands"},
    {Refusal::kLiftConfirmed, "LIFT_CONFIRMED", Reason::kOrderRejected,
     "a confirmed lift waits already"},
    {Refusal::kLiftSamePerson, "LIFT_SAME_PERSON", Reason::kOrderRejected,
     "who proposed a lift cannot confirm it"},
    {Refusal::kLiftNeedsCounsel, "LIFT_NEEDS_COUNSEL", Reason::kOrderRejected,
     "one of the two must be counsel"},
    {Refusal::kLiftNeedsPlacingSide, "LIFT_NEEDS_PLACING_SIDE", Reason::kOrderRejected,
     "one of the two must be of the side that placed the hold"},
    {Refusal::kLiftByRequester, "LIFT_BY_REQUESTER", Reason::kOrderRejected,
     "the requester's side may lift only what it placed"},
    {Refusal::kHoldInForce, "HOLD_IN_FORCE", Reason::kOrderRejected, "the hold is in force"},
    {Refusal::kAmendmentEmpty, "AMENDMENT_EMPTY", Reason::kOrderRejected,
     "the amendment changes nothing"},
    {Refusal::kMatterDiffers, "MATTER_DIFFERS", Reason::kOrderRejected,
     "the hold was placed in another matter"},
    {Refusal::kDocumentRemoved, "DOCUMENT_REMOVED", Reason::kOrderRejected,
     "a document that was named cannot be taken away"},
    {Refusal::kDocumentAttached, "DOCUMENT_ATTACHED", Reason::kOrderRejected,
     "the hold has its document"},
    {Refusal::kNoticeGiven, "NOTICE_GIVEN", Reason::kAlreadyExists,
     "the requester has this notice already"},
    {Refusal::kNoticeUnknown, "NOTICE_UNKNOWN", Reason::kOrderRejected,
     "no such notice waits for an acknowledgement"},
    {Refusal::kNotConcerned, "NOT_CONCERNED", Reason::kInternal,
     "the requester has neither envelope nor key of such a record"},

    {Refusal::kListEmpty, "LIST_EMPTY", Reason::kOrderRejected, "the scope lists no record"},
    {Refusal::kListDiffers, "LIST_DIFFERS", Reason::kOrderRejected,
     "the scope lists other records than the order says"},
    {Refusal::kRevocationUnknown, "REVOCATION_UNKNOWN", Reason::kOrderRejected,
     "there is no such revocation"},
    {Refusal::kDisposalApproved, "DISPOSAL_APPROVED", Reason::kOrderRejected,
     "this person has approved it before"},
    {Refusal::kDisposalSamePerson, "DISPOSAL_SAME_PERSON", Reason::kOrderRejected,
     "who revoked cannot approve the destruction"},
    {Refusal::kDisposalCancelled, "DISPOSAL_CANCELLED", Reason::kOrderRejected,
     "the destruction was cancelled"},
    {Refusal::kDisposalDone, "DISPOSAL_DONE", Reason::kOrderRejected, "the records were destroyed"},
    {Refusal::kApprovalsMissing, "APPROVALS_MISSING", Reason::kOrderRejected,
     "the destruction has too few approvals"},
    {Refusal::kNotDue, "NOT_DUE", Reason::kOrderRejected, "the agreement's window has not passed"},
    {Refusal::kRowsDiffer, "ROWS_DIFFER", Reason::kOrderRejected,
     "these are not exactly the rows of the revocation"},
    {Refusal::kNotOnExpiry, "NOT_ON_EXPIRY", Reason::kOrderRejected,
     "the agreement does not let expiry destroy"},
    {Refusal::kRecordPending, "RECORD_PENDING", Reason::kOrderRejected,
     "a revocation decides about the record"},
    {Refusal::kHoldsDiffer, "HOLDS_DIFFER", Reason::kOrderRejected,
     "other holds preserve the records than the order names"},
    {Refusal::kNotPreserved, "NOT_PRESERVED", Reason::kOrderRejected,
     "no hold preserves one of the records"},
    {Refusal::kAuthorisationSamePerson, "AUTHORISATION_SAME_PERSON", Reason::kOrderRejected,
     "another person has to give the second authorisation"},
    {Refusal::kAuthorisationNeedsCounsel, "AUTHORISATION_NEEDS_COUNSEL", Reason::kOrderRejected,
     "one of the two must be counsel"},
    {Refusal::kAuthorisationDiffers, "AUTHORISATION_DIFFERS", Reason::kOrderRejected,
     "the first authorisation says something else"},
    {Refusal::kAuthorisationByRequester, "AUTHORISATION_BY_REQUESTER", Reason::kOrderRejected,
     "the requester's side may give up only what it alone preserves"},
    {Refusal::kNotAuthorised, "NOT_AUTHORISED", Reason::kOrderRejected,
     "two people have not authorised it"},

    {Refusal::kVerdictNeedsReview, "VERDICT_NEEDS_REVIEW", Reason::kInternal,
     "a doubtful row gets no envelope before it was settled"},
    {Refusal::kCaseWaits, "CASE_WAITS", Reason::kTransferState, "the row waits for a custodian"},
    {Refusal::kCaseUnknown, "CASE_UNKNOWN", Reason::kTransferState,
     "no case waits for a review in that row"},
    {Refusal::kCaseDiffers, "CASE_DIFFERS", Reason::kOrderRejected,
     "the order is about another case than the one that waits"},
    {Refusal::kCandidateNotReleasable, "CANDIDATE_NOT_RELEASABLE", Reason::kOrderRejected,
     "something contradicts, or no second identifier agrees: nobody may release this candidate"},
    {Refusal::kCaseExpired, "CASE_EXPIRED", Reason::kOrderRejected,
     "the time for a review is over: the case is settled with nothing"},
    {Refusal::kCasesDiffer, "CASES_DIFFER", Reason::kOrderRejected,
     "another number of cases waits in these rows than the order says"},
    {Refusal::kCasesWaiting, "CASES_WAITING", Reason::kTransferState,
     "doubtful cases wait for a custodian"},
    {Refusal::kCasesUnsettled, "CASES_UNSETTLED", Reason::kInternal,
     "the envelopes of an order have to follow it"},

    {Refusal::kKeyUnknown, "KEY_UNKNOWN", Reason::kOrderRejected, "the member has no such key"},
    {Refusal::kStruckOffBefore, "STRUCK_OFF_BEFORE", Reason::kOrderRejected,
     "it was struck off before"},
    {Refusal::kStrikeOffSide, "STRIKE_OFF_SIDE", Reason::kOrderRejected,
     "the member is of another side, and the signer is not of the court's"},
    {Refusal::kTooFewToLift, "TOO_FEW_TO_LIFT", Reason::kOrderRejected,
     "too few people would be left to lift a hold"},

    {Refusal::kNotWitnessed, "NOT_WITNESSED", Reason::kNotWitnessed,
     "witnesses have not signed the ledger for longer than the agreement allows"},
    {Refusal::kWitnessUnknown, "WITNESS_UNKNOWN", Reason::kInternal,
     "the agreement names no such witness"},
    {Refusal::kReadRecorded, "READ_RECORDED", Reason::kAlreadyExists,
     "there is nothing to read but records of reading"},
    {Refusal::kPseudonymKeyDestroyed, "PSEUDONYM_KEY_DESTROYED", Reason::kBrakeOn,
     "the key that makes pseudonyms was destroyed"},
    {Refusal::kPseudonymKeyNeeded, "PSEUDONYM_KEY_NEEDED", Reason::kOrderRejected,
     "a hold in force preserves, or covers a person"},
    {Refusal::kKeyDestructionSamePerson, "KEY_DESTRUCTION_SAME_PERSON", Reason::kOrderRejected,
     "another person has to give the second order"},
    {Refusal::kKeyDestructionDiffers, "KEY_DESTRUCTION_DIFFERS", Reason::kOrderRejected,
     "the first order gives another reason"},

    {Refusal::kJointOrderUnsigned, "JOINT_ORDER_UNSIGNED", Reason::kSignatureInvalid,
     "it takes two people who sign orders, with keys that were valid and are not struck off"},
    {Refusal::kJointOrderByRequester, "JOINT_ORDER_BY_REQUESTER", Reason::kOrderRejected,
     "one of the two must be of another side than the requester's"},
    {Refusal::kJointOrderVoid, "JOINT_ORDER_VOID", Reason::kOrderRejected,
     "the order is about another exchange, another ledger or another epoch"},
    {Refusal::kKeyslotsDiffer, "KEYSLOTS_DIFFER", Reason::kKeyslotFailed,
     "there are other keyslots than at the last start, and nobody ordered that"},
};

constexpr auto kAll = [] {
  std::array<Refusal, std::size(kRows)> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = kRows[i].refusal;
  return all;
}();

static_assert(std::is_sorted(kAll.begin(), kAll.end()));

const Row& RowOf(Refusal refusal) {
  const auto* found =
      std::lower_bound(std::begin(kRows), std::end(kRows), refusal,
                       [](const Row& row, Refusal wanted) { return row.refusal < wanted; });
  HF_CHECK(found != std::end(kRows) && found->refusal == refusal);
  return *found;
}

}  // namespace

std::span<const Refusal> AllRefusals() { return kAll; }

std::optional<Refusal> RefusalFromNumber(std::uint32_t number) {
  const auto* found = std::lower_bound(kAll.begin(), kAll.end(), static_cast<Refusal>(number));
  if (found == kAll.end() || *found != static_cast<Refusal>(number)) return std::nullopt;
  return *found;
}

std::string_view RefusalName(Refusal refusal) { return RowOf(refusal).name; }

Reason RefusalReason(Refusal refusal) {
  HF_CHECK(refusal != Refusal::kAllowed);
  return RowOf(refusal).reason;
}

absl::Status RefusalError(Refusal refusal) {
  HF_CHECK(refusal != Refusal::kAllowed);
  const Row& row = RowOf(refusal);
  return AddMetadata(MakeError(row.reason, std::string(row.sentence)), "refusal",
                     std::string(row.name));
}

}  // namespace holdfast::policy
