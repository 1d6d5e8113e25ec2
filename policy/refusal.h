// SPDX-License-Identifier: Apache-2.0
//
// Why something was allowed or refused.
//
// When to use  As the answer of Decide (policy/decide.h), in ledger entries (Refused.refusal), and
//              to find the Reason of the error that the caller of an API gets.
// Threads      Pure functions: may be called concurrently.
// Ownership    Names are literals.
// Errors       None.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "absl/status/status.h"

#include "base/error.h"

namespace holdfast::policy {

// Numbers and names are wire format: in the ledger for ever, never changed, never used again.
// docs/errors.md lists them; a test compares.
enum class Refusal : std::uint32_t {
  kUndecided = 0,  // Nobody decided. Refuses.
  kAllowed = 1,

  // Any entry.
  kMalformed = 2,            // A field is missing, out of range or contradictory.
  kPolicyVersion = 3,        // Decided by a version of the policy that this one is not.
  kNotOpen = 4,              // Entry 0 must open the exchange, and no other may.
  kOutOfOrder = 5,           // Time, epoch or process that does not follow the one before.
  kMemberUnknown = 6,        // The agreement names no such member.
  kRoleForbids = 7,          // The member's role may not do this.
  kClockUntrusted = 8,       // No release, no destruction, no lift.
  kFrozen = 9,               // A FREEZE covers it.
  kPreserved = 10,           // A PRESERVE covers it.
  kEpochPending = 11,        // A restricting act has not got its epoch yet: nothing leaves before.
  kGateVersionUnknown = 12,  // Judged by a version of the gates that this program does not have.
  kStruckOff = 13,

  // Transfers.
  kTransferUnknown = 20,
  kTransferIdTaken = 21,
  kRequestIdTaken = 22,
  kTransferState = 23,     // Not in the state that this act needs.
  kNotYourTransfer = 24,   // Another requester's.
  kAuthorityUnknown = 25,  // Not on the agreement's list.
  kAuthorityNotInForce = 26,
  kTooManySubjects = 27,    // Brake `transfer_subjects`.
  kOfficerUnknown = 28,     // No such position in the transfer's list.
  kOfficerLoad = 29,        // Brake `officer_open_cases`. 30 is never used again.
  kRowJudged = 31,          // The first verdict is final.
  kRowsMissing = 32,        // A row below the end was not judged.
  kRowNotAccepted = 33,     // Never judged, or refused by the request gate.
  kRowDeposited = 34,       // The first outcome is final.
  kChunkEmpty = 35,         // No such chunk in this transfer.
  kSegmentUnknown = 36,     // No such segment.
  kSegmentMismatch = 37,    // Of another transfer, kind or process.
  kLeafUsed = 38,           // A leaf serves once.
  kSegmentsExhausted = 39,  // 65,535 segments are all that there can be.
  kSegmentIdTaken = 40,
  kEnvelopesMissing = 41,      // An accepted row has no envelope yet.
  kEnvelopesDiffer = 42,       // Count or root is not that of what was deposited.
  kDelegationNotInForce = 43,  // No signed delegation of the requesting official, now.
  kSafeguardNotInForce = 44,   // No signed safeguard status of the requester, now.
  kTransferBraked = 45,        // A brake stopped it; a custodian has to let it go on.
  kTransferSuspended = 46,     // By a custodian's order.
  kTransferEnded = 47,         // By a custodian's order, before its records' time was over.
  kTransferCapped = 48,        // As many records were released as a custodian's order permits.

  // Keys.
  kLeaseUnknown = 50,
  kLeaseEnded = 51,
  kLeasePeriod = 52,         // Longer than the agreement allows, or already over.
  kTooManyLeases = 53,       // Brake `open_leases`.
  kOpenRecords = 54,         // Brake `open_records`.
  kRecordNotDeposited = 55,  // No envelope yet.
  kRecordNotYetValid = 56,   // Cannot happen while time only goes forward.
  kRecordExpired = 57,
  kRecordRevoked = 58,
  kRecordDestroyed = 59,

  // Orders in general.
  kOrderExchange = 70,    // Made for another exchange.
  kOrderAgreement = 71,   // Made under another version of the agreement.
  kOrderVoid = 72,        // Its time is over.
  kOrderFromFuture = 73,  // Signed more than five minutes ahead.
  kOrderAccepted = 74,    // Accepted before.
  kOrderIdTaken = 75,     // Another order had this id.
  kOrderPrev = 76,        // Not the successor of the signer's last accepted order.
  kOrderHead = 77,      // The signer saw a ledger that is no prefix of this one, or too old a one.
  kOrderKeyEnded = 78,  // The key is no longer valid, and the act would loosen something.
  kClockTrusted = 79,   // The clock is trusted already.

  // Approval of a transfer.
  kDossierDiffers = 80,
  kApprovedBefore = 81,  // By the same person.
  kNotBraked = 82,       // No brake stops the transfer.
  kBrakesDiffer = 83,    // Other brakes stop it than the signer saw.
  kNotSuspended = 84,
  kSuspensionDiffers = 85,  // Another suspension than the one that the signer meant.
  kNotStricter = 86,        // The cap is no lower, or the end no earlier, than what is in force.

  // Holds.
  kScopeEmpty = 90,    // Nothing is set: it would cover nothing.
  kScopeInvalid = 91,  // Contradicts itself, or names an unknown transfer or authority.
  kHoldIdTaken = 92,
  kHoldUnknown = 93,
  kHoldIndexDiffers = 94,  // Another hold than the one that the signer meant.
  kHoldLifted = 95,        // Lifted already.
  kProposalUnknown = 96,   // No such proposal, or no longer the newest.
  kLiftConfirmed = 97,     // A confirmed lift waits; cancel it first.
  kLiftSamePerson = 98,    // It takes two.
  kLiftNeedsCounsel = 99,
  kLiftNeedsPlacingSide = 100,
  kLiftByRequester = 101,  // The requester's side may lift only what it placed itself.
  kHoldInForce = 102,
  kAmendmentEmpty = 103,  // The hold says this already.
  kMatterDiffers = 104,   // An amendment stays in its matter.
  kDocumentRemoved = 105,
  kDocumentAttached = 106,  // The hold has its document.
  kNoticeGiven = 107,       // The requester has this notice already.
  kNoticeUnknown = 108,     // No such notice waits for an acknowledgement.
  kNotConcerned = 109,      // The requester has neither envelope nor key of such a record.

  // Disposal.
  kListEmpty = 110,
  kListDiffers = 111,  // Count or digest is not that of the records that the scope lists now.
  kRevocationUnknown = 112,
  kDisposalApproved = 113,    // By the same person before.
  kDisposalSamePerson = 114,  // Who revoked does not approve as well.
  kDisposalCancelled = 115,
  kDisposalDone = 116,  // Already destroyed.
  kApprovalsMissing = 117,
  kNotDue = 118,         // The agreement's window has not passed.
  kRowsDiffer = 119,     // Not exactly the rows of the revocation.
  kNotOnExpiry = 120,    // The agreement does not let expiry destroy.
  kRecordPending = 121,  // Belongs to a revocation, which decides about it.
  kHoldsDiffer = 122,    // Other holds preserve the records than the order names.
  kNotPreserved = 123,
  kAuthorisationSamePerson = 124,  // It takes two.
  kAuthorisationNeedsCounsel = 125,
  kAuthorisationDiffers = 126,
  kAuthorisationByRequester = 127,
  kNotAuthorised = 128,  // Two people have not authorised it.

  // Review.
  kVerdictNeedsReview = 140,      // A doubtful row gets no envelope before it was settled.
  kCaseWaits = 141,               // Nobody has settled the row, and its window is not over.
  kCaseUnknown = 142,             // No case waits for that row.
  kCaseDiffers = 143,             // Another case than the one that was shown.
  kCandidateNotReleasable = 144,  // A contradiction, or no identifier that agrees: no person may.
  kCaseExpired = 145,             // The review window is over: it can only be settled with nothing.
  kCasesDiffer = 146,             // Another number of cases waits in these rows.
  kCasesWaiting = 147,            // The transfer cannot be closed before they are settled.
  kCasesUnsettled = 148,          // An order's envelopes follow it at once, and nothing else does.

  // Striking off.
  kKeyUnknown = 160,  // The member has no such key.
  kStruckOffBefore = 161,
  kStrikeOffSide = 162,
  kTooFewToLift = 163,  // Too few people would be left to lift a hold.

  // Witnesses, and what is known of people.
  kNotWitnessed = 180,  // No witness of each side has signed for longer than the agreement allows.
  kWitnessUnknown = 181,  // The agreement names no such witness.
  kReadRecorded = 182,    // Nothing is read but records of reading.
  kPseudonymKeyDestroyed = 183,
  kPseudonymKeyNeeded = 184,  // A hold preserves, or covers a person.
  kKeyDestructionSamePerson = 185,
  kKeyDestructionDiffers = 186,  // The first order gives another reason.

  // Orders of two people in one envelope, and what they are about.
  kJointOrderUnsigned = 200,
  kJointOrderByRequester = 201,
  kJointOrderVoid = 202,
  kKeyslotsDiffer = 203,
};

// Returns every Refusal once, in ascending order, kUndecided and kAllowed included.
std::span<const Refusal> AllRefusals();

// Returns the Refusal with this number, or nullopt.
std::optional<Refusal> RefusalFromNumber(std::uint32_t number);

// Returns the wire name, such as "ORDER_PREV".
std::string_view RefusalName(Refusal refusal);

// Returns the Reason of the error that the caller gets. REQUIRES: `refusal` != kAllowed.
Reason RefusalReason(Refusal refusal);

// Returns the error that the caller gets: RefusalReason(), one sentence, and metadata `refusal`
// with the name. REQUIRES: `refusal` != kAllowed.
absl::Status RefusalError(Refusal refusal);

}  // namespace holdfast::policy
