// SPDX-License-Identifier: Apache-2.0
//
// A postal address, read into its parts and one normal form.
//
// Two schemes: US addresses in the terms of USPS Publication 28, and a generic one that knows no
// country's rules. docs/gates.md has the normal form and the grammar.
//
// When to use  In the gates. An address that does not parse in full has a lack, and is no address.
// Threads      Every function may be called concurrently.
// Ownership    A ParsedAddress owns the text of its parts.
// Errors       None. What is wrong is in ParsedAddress::lack.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "policy/gate_config.h"
#include "policy/identity.h"
#include "policy/text.h"

namespace holdfast::policy {

// What an address lacks, in the order in which it is looked for. The first is reported.
enum class AddressLack : std::uint8_t {
  kNothing = 0,
  kEverything,             // All parts are blank.
  kUnreadable,             // Not UTF-8, control characters, too long.
  kDisguised,              // Invisible characters, digits or letters of another script.
  kDeliveryLine,           // Blank, though other parts are not.
  kDeliveryLineMalformed,  // No kind of line that can be read to its end.
  kHouseNumber,
  kStreet,
  kUnitMalformed,
  kNoFixedAddress,  // General delivery.
  kCity,
  kCityMalformed,
  kState,
  kStateUnknown,
  kPostalCode,
  kPostalCodeMalformed,
};

enum class DeliveryKind : std::uint8_t {
  kUnspecified = 0,  // Not read in full.
  kStreet,
  kPostOfficeBox,
  kRuralRoute,
  kHighwayContract,
  kMilitary,
  kGeneric,
};

struct ParsedAddress {
  AddressLack lack = AddressLack::kEverything;
  DeliveryKind kind = DeliveryKind::kUnspecified;

  // US street lines, in normal form. Generic lines have number, street and second_line.
  std::string_view number;           // "123", "123 1/2", "12-34"
  std::string_view pre_directional;  // "NW"
  std::string_view street;           // "MARTIN LUTHER KING"
  std::string_view suffix;           // "AVE"
  std::string_view post_directional;
  std::string_view unit;         // "BLDG 2 APT 5": largest part first as written.
  std::string_view unit_key;     // The same for comparison: "BLDG2 5".
  std::string_view route;        // "RR 2", "HC 68", "PSC 3", "CMR 421", "UNIT 2050"
  std::string_view box;          // "12", "23A"
  std::string_view second_line;  // Generic scheme only.

  std::string_view city;
  std::string_view state;  // US: two letters.
  std::string_view zip;    // US: five digits. Generic: the postal code without blanks.
  std::string_view zip4;   // US: four digits, or empty.

  // The lines as normalised, before they were read: for markers.
  std::string_view raw_line1;
  std::string_view raw_line2;
  std::string_view raw_city;
  std::string_view raw_state;

  TextBuffer text;

  bool complete() const { return lack == AddressLack::kNothing; }
};

// Reads `address` in `scheme` into `out`, which has to be new. An out parameter, since the parts
// point into it. With an unspecified scheme everything is lacking.
void ParseAddress(const AddressView& address, AddressScheme scheme, ParsedAddress& out);

// The normal form on one line, for people and documents: "123 N MAIN ST APT 5, SPRINGFIELD, IL
// 62701". Empty if the address is not complete.
std::string NormalAddressLine(const ParsedAddress& address);

// The same for comparison: without ZIP+4, which changes; "APT 5" and "# 5" are one unit.
std::string ComparableAddressLine(const ParsedAddress& address);

// The normal form of a US city: "SAINT PAUL" and "St. Paul" are "ST PAUL". Appends to `buffer`;
// empty if the text is no name of a city.
std::string_view NormalCity(std::string_view normal_text, TextBuffer& buffer);

// How two complete addresses of one scheme relate.
struct AddressDifference {
  std::uint32_t allowances = 0;  // AddressAllowance bits without which they are not the same.
  std::uint32_t other = 0;       // Parts that differ in a way that no allowance covers.

  bool equal() const { return allowances == 0 && other == 0; }
  bool within(std::uint32_t allowed) const { return other == 0 && (allowances & ~allowed) == 0; }
};

// Compares. REQUIRES: both are complete.
AddressDifference CompareAddresses(const ParsedAddress& a, const ParsedAddress& b);

}  // namespace holdfast::policy
