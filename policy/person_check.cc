// SPDX-License-Identifier: Apache-2.0
#include "policy/person_check.h"

#include <algorithm>

#include "policy/facility_addresses.h"
#include "policy/markers.h"
#include "policy/place_table.h"

namespace holdfast::policy {
namespace {

RequestReason ReasonFor(AddressLack lack) {
  switch (lack) {
    case AddressLack::kNothing:
      return RequestReason::kAccepted;
    case AddressLack::kEverything:
      return RequestReason::kAddressMissing;
    case AddressLack::kUnreadable:
      return RequestReason::kAddressUnreadable;
    case AddressLack::kDisguised:
      return RequestReason::kAddressDisguised;
    case AddressLack::kDeliveryLine:
      return RequestReason::kDeliveryLineMissing;
    case AddressLack::kDeliveryLineMalformed:
      return RequestReason::kDeliveryLineMalformed;
    case AddressLack::kHouseNumber:
      return RequestReason::kHouseNumberMissing;
    case AddressLack::kStreet:
      return RequestReason::kStreetMissing;
    case AddressLack::kUnitMalformed:
      return RequestReason::kUnitMalformed;
    case AddressLack::kNoFixedAddress:
      return RequestReason::kAddressTransient;
    case AddressLack::kCity:
      return RequestReason::kCityMissing;
    case AddressLack::kCityMalformed:
      return RequestReason::kCityMalformed;
    case AddressLack::kState:
      return RequestReason::kStateMissing;
    case AddressLack::kStateUnknown:
      return RequestReason::kStateUnknown;
    case AddressLack::kPostalCode:
      return RequestReason::kPostalCodeMissing;
    case AddressLack::kPostalCodeMalformed:
      return RequestReason::kPostalCodeMalformed;
  }
  return RequestReason::kUnspecified;
}

RequestReason ReasonFor(MarkerKind kind) {
  switch (kind) {
    case MarkerKind::kNone:
      return RequestReason::kAccepted;
    case MarkerKind::kPlaceholder:
      return RequestReason::kAddressPlaceholder;
    case MarkerKind::kTransient:
      return RequestReason::kAddressTransient;
    case MarkerKind::kFacility:
      return RequestReason::kAddressFacility;
  }
  return RequestReason::kUnspecified;
}

RequestReason CheckPlace(const GateConfig& config, const ParsedAddress& address) {
  if (config.scheme != AddressScheme::kUs || config.zip_in_state == ZipInState::kNotChecked) {
    return RequestReason::kAccepted;
  }
  const PlaceTable& table = *config.place_table;
  if (!table.Knows(address.zip)) return RequestReason::kPostalCodeUnknown;
  if (!table.InState(address.zip, address.state)) return RequestReason::kStateIncoherent;
  if (config.city_of_zip == CityOfZip::kChecked &&
      !table.HasCity(address.zip, address.state, address.city)) {
    return RequestReason::kCityIncoherent;
  }
  return RequestReason::kAccepted;
}

}  // namespace

bool IsBlank(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == ' '; });
}

RequestReason CheckName(const GateRules& rules, const ParsedName& name) {
  if (name.lack == NameLack::kEverything) return RequestReason::kNameMissing;
  if (rules.markers().FindInName(name.raw) != MarkerKind::kNone) {
    return RequestReason::kNamePlaceholder;
  }
  switch (name.lack) {
    case NameLack::kNothing:
      return RequestReason::kAccepted;
    case NameLack::kEverything:
      return RequestReason::kNameMissing;
    case NameLack::kIncomplete:
      return RequestReason::kNameIncomplete;
    case NameLack::kMalformed:
      return RequestReason::kNameMalformed;
    case NameLack::kPlaceholder:
      return RequestReason::kNamePlaceholder;
  }
  return RequestReason::kUnspecified;
}

RequestReason CheckAddress(const GateRules& rules, const ParsedAddress& address) {
  // Markers first: of a placeholder that does not parse either, the requester learns the better
  // reason, and the brakes count it.
  for (const std::string_view text : {address.raw_line1, address.raw_line2, address.raw_city}) {
    const RequestReason reason = ReasonFor(rules.markers().FindInAddress(text));
    if (reason != RequestReason::kAccepted) return reason;
  }
  if (!address.complete()) return ReasonFor(address.lack);
  const RequestReason place = CheckPlace(rules.config(), address);
  if (place != RequestReason::kAccepted) return place;
  if (rules.facilities().Has(address)) return RequestReason::kAddressFacility;
  return RequestReason::kAccepted;
}

}  // namespace holdfast::policy
