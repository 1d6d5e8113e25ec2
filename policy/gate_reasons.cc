// SPDX-License-Identifier: Apache-2.0
// The names of both gates' reasons, as documents and answers have them.
#include <cstdint>
#include <limits>

#include "policy/release_gate.h"
#include "policy/request_gate.h"

namespace holdfast::policy {

std::string_view RequestReasonName(RequestReason reason) {
  switch (reason) {
    case RequestReason::kUnspecified:
      return "UNSPECIFIED";
    case RequestReason::kAccepted:
      return "ACCEPTED";
    case RequestReason::kAuthorityMissing:
      return "AUTHORITY_MISSING";
    case RequestReason::kAuthorityNotDesignated:
      return "AUTHORITY_NOT_DESIGNATED";
    case RequestReason::kAuthorityNotInForce:
      return "AUTHORITY_NOT_IN_FORCE";
    case RequestReason::kPurposeMissing:
      return "PURPOSE_MISSING";
    case RequestReason::kPurposeNotSpecific:
      return "PURPOSE_NOT_SPECIFIC";
    case RequestReason::kOfficialMissing:
      return "OFFICIAL_MISSING";
    case RequestReason::kOfficialMalformed:
      return "OFFICIAL_MALFORMED";
    case RequestReason::kPeriodsMissing:
      return "PERIODS_MISSING";
    case RequestReason::kPeriodMalformed:
      return "PERIOD_MALFORMED";
    case RequestReason::kAttestationMissing:
      return "ATTESTATION_MISSING";
    case RequestReason::kDelegationNotInForce:
      return "DELEGATION_NOT_IN_FORCE";
    case RequestReason::kSafeguardNotInForce:
      return "SAFEGUARD_NOT_IN_FORCE";
    case RequestReason::kOfficerMissing:
      return "OFFICER_MISSING";
    case RequestReason::kOfficerMalformed:
      return "OFFICER_MALFORMED";
    case RequestReason::kCaseMissing:
      return "CASE_MISSING";
    case RequestReason::kCaseMalformed:
      return "CASE_MALFORMED";
    case RequestReason::kOfficerLoadExceeded:
      return "OFFICER_LOAD_EXCEEDED";
    case RequestReason::kNameMissing:
      return "NAME_MISSING";
    case RequestReason::kNameIncomplete:
      return "NAME_INCOMPLETE";
    case RequestReason::kNameMalformed:
      return "NAME_MALFORMED";
    case RequestReason::kNamePlaceholder:
      return "NAME_PLACEHOLDER";
    case RequestReason::kTaxNumberMalformed:
      return "TAX_NUMBER_MALFORMED";
    case RequestReason::kBirthDateMalformed:
      return "BIRTH_DATE_MALFORMED";
    case RequestReason::kBirthDateImplausible:
      return "BIRTH_DATE_IMPLAUSIBLE";
    case RequestReason::kAddressMissing:
      return "ADDRESS_MISSING";
    case RequestReason::kAddressPlaceholder:
      return "ADDRESS_PLACEHOLDER";
    case RequestReason::kAddressTransient:
      return "ADDRESS_TRANSIENT";
    case RequestReason::kAddressFacility:
      return "ADDRESS_FACILITY";
    case RequestReason::kAddressUnreadable:
      return "ADDRESS_UNREADABLE";
    case RequestReason::kAddressDisguised:
      return "ADDRESS_DISGUISED";
    case RequestReason::kDeliveryLineMissing:
      return "DELIVERY_LINE_MISSING";
    case RequestReason::kDeliveryLineMalformed:
      return "DELIVERY_LINE_MALFORMED";
    case RequestReason::kHouseNumberMissing:
      return "HOUSE_NUMBER_MISSING";
    case RequestReason::kStreetMissing:
      return "STREET_MISSING";
    case RequestReason::kUnitMalformed:
      return "UNIT_MALFORMED";
    case RequestReason::kCityMissing:
      return "CITY_MISSING";
    case RequestReason::kCityMalformed:
      return "CITY_MALFORMED";
    case RequestReason::kStateMissing:
      return "STATE_MISSING";
    case RequestReason::kStateUnknown:
      return "STATE_UNKNOWN";
    case RequestReason::kPostalCodeMissing:
      return "POSTAL_CODE_MISSING";
    case RequestReason::kPostalCodeMalformed:
      return "POSTAL_CODE_MALFORMED";
    case RequestReason::kPostalCodeUnknown:
      return "POSTAL_CODE_UNKNOWN";
    case RequestReason::kStateIncoherent:
      return "STATE_INCOHERENT";
    case RequestReason::kCityIncoherent:
      return "CITY_INCOHERENT";
  }
  return {};
}

std::string_view ReleaseReasonName(ReleaseReason reason) {
  switch (reason) {
    case ReleaseReason::kUnspecified:
      return "UNSPECIFIED";
    case ReleaseReason::kReleased:
      return "RELEASED";
    case ReleaseReason::kReleasedByReview:
      return "RELEASED_BY_REVIEW";
    case ReleaseReason::kNotFound:
      return "NOT_FOUND";
    case ReleaseReason::kSeveralAgree:
      return "SEVERAL_AGREE";
    case ReleaseReason::kNamesakeNotExcluded:
      return "NAMESAKE_NOT_EXCLUDED";
    case ReleaseReason::kTooManyCandidates:
      return "TOO_MANY_CANDIDATES";
    case ReleaseReason::kNameDiffers:
      return "NAME_DIFFERS";
    case ReleaseReason::kAddressMismatched:
      return "ADDRESS_MISMATCHED";
    case ReleaseReason::kTaxNumberContradicts:
      return "TAX_NUMBER_CONTRADICTS";
    case ReleaseReason::kBirthDateContradicts:
      return "BIRTH_DATE_CONTRADICTS";
    case ReleaseReason::kSuffixContradicts:
      return "SUFFIX_CONTRADICTS";
    case ReleaseReason::kMiddleNameContradicts:
      return "MIDDLE_NAME_CONTRADICTS";
    case ReleaseReason::kAddressNotComparable:
      return "ADDRESS_NOT_COMPARABLE";
    case ReleaseReason::kSecondIdentifierMissing:
      return "SECOND_IDENTIFIER_MISSING";
    case ReleaseReason::kNameDoubtful:
      return "NAME_DOUBTFUL";
    case ReleaseReason::kAddressDoubtful:
      return "ADDRESS_DOUBTFUL";
    case ReleaseReason::kSubjectIncomplete:
      return "SUBJECT_INCOMPLETE";
    case ReleaseReason::kRefusedByReview:
      return "REFUSED_BY_REVIEW";
    case ReleaseReason::kReviewExpired:
      return "REVIEW_EXPIRED";
  }
  return {};
}

std::string_view AddressComparisonName(AddressComparison comparison) {
  switch (comparison) {
    case AddressComparison::kUnspecified:
      return "NOT_COMPARED";
    case AddressComparison::kMatched:
      return "MATCHED";
    case AddressComparison::kMismatched:
      return "MISMATCHED";
    case AddressComparison::kNotComparable:
      return "NOT_COMPARABLE";
  }
  return {};
}

ReleaseReason ReleaseReasonNamed(std::string_view name) {
  for (unsigned number = 1; number <= std::numeric_limits<std::uint8_t>::max(); ++number) {
    const auto reason = static_cast<ReleaseReason>(number);
    if (!name.empty() && ReleaseReasonName(reason) == name) return reason;
  }
  return ReleaseReason::kUnspecified;
}

}  // namespace holdfast::policy
