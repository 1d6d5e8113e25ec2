// SPDX-License-Identifier: Apache-2.0
//
// The release gate: is this person in the source's file the one who was asked about?
//
// Exactly one candidate must agree in name and address and in a second identifier, nothing that
// both sides have may contradict, and no other candidate may be mistaken for it. Everything else
// releases nothing.
//
// When to use  With a subject that the request gate accepted, and with *everybody* in the source's
//              file who shares its normalised name (policy/name.h, NormalisedNameKey), so that
//              namesakes are seen. Fewer candidates make a wrong release more likely.
// Threads      A pure function: may be called concurrently.
// Ownership    Views are read during the call only.
// Errors       None. What cannot be compared does not agree. ASCII text of ordinary length is
//              compared without allocation.
//
// Invariants
//   (1) The same input gives the same verdict, for ever, at the same kGateVersion, and the order
//       of the candidates does not matter (but for the index).
//   (2) Only kReleased releases. The zero value does not.
//   (3) Adding a candidate never turns another verdict into kReleased for an older candidate.
//   (4) A subject that JudgeSubject refuses for its name or address is never released.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "policy/gate_rules.h"
#include "policy/identity.h"

namespace holdfast::policy {

// The most candidates that are compared. More are kTooManyCandidates.
inline constexpr std::size_t kMaxCandidates = 64;

// Why a record is released or not. Numbers are wire format: in the ledger for ever, never changed,
// never used again. docs/errors.md lists them.
enum class ReleaseReason : std::uint8_t {
  kUnspecified = 0,  // Never recorded; releases nothing.
  kReleased = 1,
  kReleasedByReview = 2,  // By a custodian's order.

  kNotFound = 10,  // No candidate bears the name, nor an identifier of the subject.

  kSeveralAgree = 20,         // Two candidates agree as far as anybody can tell.
  kNamesakeNotExcluded = 21,  // One agrees, and nothing tells another one from it.
  kTooManyCandidates = 22,

  kNameDiffers = 30,  // An identifier agrees, but not the name.
  kAddressMismatched = 31,
  kTaxNumberContradicts = 32,
  kBirthDateContradicts = 33,
  kSuffixContradicts = 34,  // Jr against Sr.
  kMiddleNameContradicts = 35,

  kAddressNotComparable = 40,  // The candidate's, or the subject's, does not parse in full.
  kSecondIdentifierMissing = 41,
  kNameDoubtful = 42,       // Compatible, but not in a way that the agreement accepts.
  kAddressDoubtful = 43,    // Nearly the same, but not in a way that the agreement accepts.
  kSubjectIncomplete = 44,  // The request gate would not accept it.

  kRefusedByReview = 50,  // By a custodian's order.
  kReviewExpired = 51,    // Nobody decided before the review window was over.
};

// "RELEASED", "ADDRESS_MISMATCHED": the name in documents and answers.
std::string_view ReleaseReasonName(ReleaseReason reason);

// The reason of that name; kUnspecified if there is none.
ReleaseReason ReleaseReasonNamed(std::string_view name);

// The kinds of reasons.
enum class ReleaseOutcome : std::uint8_t {
  kUnspecified = 0,  // Releases nothing.
  kReleased = 1,
  kNotFound = 2,
  kAmbiguous = 3,
  kMismatched = 4,
  kDoubtful = 5,
  kReviewedToNothing = 6,
};

ReleaseOutcome OutcomeOf(ReleaseReason reason);

// Whether a custodian looks at the case: at everything that the gate says but kReleased and
// kNotFound. What a review says needs no other one.
bool NeedsReview(ReleaseReason reason);

// Whether the gate never says this: it is what became of a case in review.
bool IsOfReview(ReleaseReason reason);

// What came of comparing the addresses (R4). Wire numbers.
enum class AddressComparison : std::uint8_t {
  kUnspecified = 0,  // Nothing was compared: there was no candidate.
  kMatched = 1,
  kMismatched = 2,
  kNotComparable = 3,
};

// "MATCHED", "NOT_COMPARED": the name in documents and answers.
std::string_view AddressComparisonName(AddressComparison comparison);

struct [[nodiscard]] ReleaseVerdict {
  static constexpr std::uint32_t kNoCandidate = 0xFFFFFFFFU;

  ReleaseReason reason = ReleaseReason::kUnspecified;
  AddressComparison address = AddressComparison::kUnspecified;

  // The one that is released; otherwise the one that came nearest, for the reviewer.
  std::uint32_t candidate = kNoCandidate;

  // Bit i is set if a person may release candidate i after a review: its name is complete and does
  // not conflict, tax number or birth date agrees, nothing that both sides have contradicts, and
  // its address is not altogether another one. What a person may judge is whether a difference
  // means anything; not whether a contradiction does, nor whether one identifier is enough (R4).
  std::uint64_t releasable = 0;

  bool released() const { return reason == ReleaseReason::kReleased; }
};

// Judges the candidates for one subject.
ReleaseVerdict JudgeRelease(const GateRules& rules, const PersonView& subject,
                            std::span<const PersonView> candidates);

// What one side says about the other in one field. Wire numbers of holdfast.v1.FieldComparison.
enum class FieldResult : std::uint8_t {
  kUnspecified = 0,
  kSame = 1,
  kCompatible = 2,
  kContradicts = 3,
  kUnknown = 4,
};

// One candidate beside the subject, field by field, for a person who reviews the case.
struct CandidateComparison {
  ReleaseReason reason = ReleaseReason::kUnspecified;  // Of this candidate alone.
  FieldResult name = FieldResult::kUnknown;
  FieldResult address = FieldResult::kUnknown;
  FieldResult tax_number = FieldResult::kUnknown;
  FieldResult birth_date = FieldResult::kUnknown;
  std::vector<std::string_view> name_differences;     // Such as "MIDDLE_MISSING".
  std::vector<std::string_view> address_differences;  // Such as "UNIT_MISSING".
};

CandidateComparison CompareCandidate(const GateRules& rules, const PersonView& subject,
                                     const PersonView& candidate);

}  // namespace holdfast::policy
