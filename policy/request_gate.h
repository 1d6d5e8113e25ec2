// SPDX-License-Identifier: Apache-2.0
//
// The request gate: may this request be put before the source at all?
//
// A subject that is refused here is never looked up. The gate reads what the requester
// wrote and nothing else, so its answer may be given to the requester.
//
// When to use  JudgeTerms once for a transfer, JudgeSubject for each of its subjects,
//              by itself. What stops a whole transfer is in policy/brakes.h.
// Threads      Pure functions: may be called concurrently.
// Ownership    Views are read during the call only.
// Errors       None. What cannot be read is refused, with the reason. A subject of ordinary length
//              in ASCII is judged without allocation; other text goes through ICU.
//
// Invariants
//   (1) The same input gives the same verdict, for ever, at the same kGateVersion.
//   (2) Only kAccepted accepts. The zero value does not.
//   (3) A tax number never waives the address: both are always read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "policy/address.h"
#include "policy/gate_rules.h"
#include "policy/identity.h"
#include "policy/name.h"

namespace holdfast::policy {

// The version of both gates and of the normal forms (docs/gates.md). Goes into the ledger. Any
// change that can alter a verdict raises it.
inline constexpr std::uint32_t kGateVersion = 1;

// Why a subject was accepted or refused. Numbers are wire format: in the ledger for ever, never
// changed, never used again. docs/errors.md lists them.
enum class RequestReason : std::uint8_t {
  kUnspecified = 0,  // Never recorded; denies.
  kAccepted = 1,

  // The transfer's terms.
  kAuthorityMissing = 10,
  kAuthorityNotDesignated = 11,  // Not on the agreement's list.
  kAuthorityNotInForce = 12,     // On the list, but not today.
  kPurposeMissing = 13,
  kPurposeNotSpecific = 14,  // Too short, or a placeholder.
  kOfficialMissing = 15,
  kOfficialMalformed = 16,
  kPeriodsMissing = 17,
  kPeriodMalformed = 18,       // Ends before it begins, lies in the future, or is no year.
  kAttestationMissing = 19,    // No digest of 32 bytes, or all zero.
  kDelegationNotInForce = 20,  // The official's, today.
  kSafeguardNotInForce = 21,   // The requester's, today.

  // Officer and case.
  kOfficerMissing = 30,
  kOfficerMalformed = 31,
  kCaseMissing = 32,
  kCaseMalformed = 33,
  kOfficerLoadExceeded = 34,  // More open cases than the agreement allows. 35 is never used again.

  // The person.
  kNameMissing = 40,
  kNameIncomplete = 41,   // Fewer than two parts, or an initial in place of one.
  kNameMalformed = 42,    // Unreadable text, digits, too long.
  kNamePlaceholder = 43,  // "Unknown", "Test Test", "John Doe".
  kTaxNumberMalformed = 44,
  kBirthDateMalformed = 45,
  kBirthDateImplausible = 46,  // In the future, or over 125 years ago.

  // The address.
  kAddressMissing = 60,
  kAddressPlaceholder = 61,
  kAddressTransient = 62,   // Homeless, in transit, general delivery.
  kAddressFacility = 63,    // A detention facility or an agency's office.
  kAddressUnreadable = 64,  // Not UTF-8, control characters, too long.
  kAddressDisguised = 65,   // Invisible characters, digits or letters of another script.
  kDeliveryLineMissing = 66,
  kDeliveryLineMalformed = 67,  // No kind of delivery line that can be read in full.
  kHouseNumberMissing = 68,
  kStreetMissing = 69,
  kUnitMalformed = 70,  // A designator without its identifier, such as "APT".
  kCityMissing = 71,
  kCityMalformed = 72,
  kStateMissing = 73,
  kStateUnknown = 74,
  kPostalCodeMissing = 75,
  kPostalCodeMalformed = 76,
  kPostalCodeUnknown = 77,  // Not in the place table.
  kStateIncoherent = 78,    // The ZIP does not lie in the state.
  kCityIncoherent = 79,     // The place table has another city; only if the agreement checks it.
};

// "ACCEPTED", "ADDRESS_PLACEHOLDER": the name in documents and answers.
std::string_view RequestReasonName(RequestReason reason);

// Whether the reason counts as a placeholder (policy/brakes.h).
bool IsPlaceholder(RequestReason reason);

struct [[nodiscard]] RequestVerdict {
  RequestReason reason = RequestReason::kUnspecified;

  bool accepted() const { return reason == RequestReason::kAccepted; }
};

// Taxable years [first, last], both included.
struct YearRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

// What a transfer says about itself.
struct TermsView {
  std::string_view authority;
  std::string_view purpose;
  std::string_view requesting_official;
  std::span<const YearRange> periods;
  std::span<const std::byte> attestation_digest;
};

// Judges what all subjects of a transfer share: R1, R5, R7, R8. `today` is the day of decision.
RequestVerdict JudgeTerms(const GateRules& rules, const TermsView& terms, CivilDate today);

// One subject.
struct SubjectView {
  PersonView person;
  std::string_view officer;  // By id, as in the transfer's list.
  std::string_view case_number;
};

// Judges one subject of a transfer whose terms were accepted: R1, R2, R3. The first reason in the
// order officer, case, name, address, tax number, birth date is the verdict.
RequestVerdict JudgeSubject(const GateRules& rules, const SubjectView& subject, CivilDate today);

// What the gate read of a subject: both are complete if it was accepted.
struct SubjectParts {
  ParsedName name;
  ParsedAddress address;
};

// The same, and leaves what it read in `parts`, which has to be new.
RequestVerdict JudgeSubject(const GateRules& rules, const SubjectView& subject, CivilDate today,
                            SubjectParts& parts);

// Judges terms and subject together: accepted only if both are.
RequestVerdict JudgeRequest(const GateRules& rules, const TermsView& terms,
                            const SubjectView& subject, CivilDate today);

}  // namespace holdfast::policy
