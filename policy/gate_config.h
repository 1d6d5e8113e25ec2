// SPDX-License-Identifier: Apache-2.0
//
// What an agreement says to the gates, as a plain struct.
//
// When to use  Whoever reads an agreement fills one of these and compiles it once with
//              GateRules::Compile (policy/gate_rules.h). The gates never see the agreement.
// Threads      A value. Share it once nobody changes it any more.
// Ownership    Owns everything but the place table, which must outlive the rules.
// Errors       None here; GateRules::Compile says what is wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/identity.h"

namespace holdfast::policy {

class PlaceTable;

// How addresses are read. Wire numbers of agreement.v1.Gate.AddressScheme.
enum class AddressScheme : std::uint8_t {
  kUnspecified = 0,  // Refused by GateRules::Compile.
  kUs = 1,           // United States, in the terms of USPS Publication 28.
  kGeneric = 2,      // No country's rules: street line, locality, region, postal code.
};

// Whether the ZIP must lie in the state.
enum class ZipInState : std::uint8_t {
  kChecked = 0,
  kNotChecked,
};

// Whether a line of the place table must have the city.
enum class CityOfZip : std::uint8_t {
  kNotChecked = 0,  // A table has one city a ZIP where the post office knows several.
  kChecked,
};

// Whether a signed, dated document must be in force.
enum class DocumentRule : std::uint8_t {
  kDemanded = 0,
  kNotDemanded,
};

// Days [from, until). No `until` means no end. The default holds no day.
struct DayRange {
  CivilDate from;
  std::optional<CivilDate> until = CivilDate{};

  bool Contains(CivilDate day) const { return from <= day && (!until || day < *until); }
};

// A statute under which records may be asked for.
struct AuthorityTerm {
  std::string id;
  DayRange in_force;
};

// An official who may sign requests, and for how long.
struct Delegation {
  std::string official;
  DayRange in_force;
};

// Differences between two names that the agreement may accept, as bits. Nicknames and
// initials in place of a given name are not among them: they are never enough.
enum NameAllowance : std::uint32_t {
  kNameMiddleMissing = 1U << 0,  // One side has middle names, the other none.
  kNameMiddleInitial = 1U << 1,  // A middle name against its initial.
  kNameSuffixMissing = 1U << 2,  // One side says Jr or III, the other nothing.
  kNameSpacing = 1U << 3,        // The same letters, otherwise divided: Mary-Ann, Maryann.
  kNameOrder = 1U << 4,          // Given name and family name change places.
  kNameTyping = 1U << 5,         // Typing errors, one in each of given, middle and family name.
  kNameFamilyPart = 1U << 6,     // One of two family names is missing.
};

// Differences between two addresses that the agreement may accept, as bits.
enum AddressAllowance : std::uint32_t {
  kAddressUnitMissing = 1U << 0,    // One side has a unit, the other none.
  kAddressSuffixMissing = 1U << 1,  // One side has a street suffix, the other none.
  kAddressDirectionalMissing = 1U << 2,
  kAddressSecondLine = 1U << 3,  // Generic scheme: the second line differs.
  kAddressTyping = 1U << 4,      // Typing errors, no more than one in each of two parts.
  kAddressCityName = 1U << 5,    // Another name of the city, with the same postal code.
  kAddressOrder = 1U << 6,       // Generic scheme: first and second line change places.
  kAddressOnePart = 1U << 7,     // One part differs altogether; all others are equal.
};

// Everything that the agreement says about the gates.
struct GateConfig {
  AddressScheme scheme = AddressScheme::kUnspecified;

  // US scheme: which ZIP lies in which state, and its cities. Demanded unless
  // `zip_in_state` is kNotChecked. Generic scheme: not read.
  const PlaceTable* place_table = nullptr;
  ZipInState zip_in_state = ZipInState::kChecked;
  CityOfZip city_of_zip = CityOfZip::kNotChecked;  // Only where `zip_in_state` is kChecked.

  TaxNumberForm tax_number_form = TaxNumberForm::kUs;

  // In addition to the lists that are built in (policy/markers.h).
  std::vector<std::string> placeholder_phrases;  // No address, or no name.
  std::vector<std::string> transient_markers;    // Nobody's fixed address.
  std::vector<std::string> facility_names;       // Detention facilities, agency offices.

  // Whole addresses that are nobody's home: "LINE, CITY, STATE ZIP" in the US scheme. An
  // address is refused if its delivery line without unit, and its ZIP, are one of these.
  std::vector<std::string> facility_addresses;

  // Differences that count as agreement if one second identifier agrees, and those that
  // count in addition if tax number and birth date both agree.
  std::uint32_t name_allowed = kNameMiddleMissing | kNameMiddleInitial | kNameSpacing;
  std::uint32_t name_allowed_with_both = kNameSuffixMissing | kNameOrder | kNameTyping;
  std::uint32_t address_allowed = 0;
  std::uint32_t address_allowed_with_both = kAddressSecondLine | kAddressTyping | kAddressOrder;

  std::vector<AuthorityTerm> authorities;

  // The requesting official's delegation, and the requester's safeguard status. Without a
  // document in force nothing is accepted, unless the agreement demands none.
  DocumentRule delegation_rule = DocumentRule::kDemanded;
  std::vector<Delegation> delegations;
  DocumentRule safeguard_rule = DocumentRule::kDemanded;
  std::vector<DayRange> safeguards;
};

}  // namespace holdfast::policy
