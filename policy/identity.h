// SPDX-License-Identifier: Apache-2.0
//
// A person as one side describes them, and the two identifiers that are read
// strictly: birth date and tax number.
//
// When to use  Wherever a request or a candidate enters a gate. The views hold the
//              text as it was given; the gates normalise it themselves, so that
//              nobody else has to, and nobody can do it differently.
// Threads      Every function may be called concurrently.
// Ownership    The views own nothing. What they point to must outlive the call.
// Errors       Parsers return nullopt for everything that they do not accept in full.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace holdfast::policy {

// A postal address, in the lines of a form. Any part may be empty.
struct AddressView {
  std::string_view line1;        // The delivery line: number, street, unit; or a box.
  std::string_view line2;        // A second line, where there is one.
  std::string_view city;         // City or locality.
  std::string_view state;        // State or region.
  std::string_view postal_code;  // ZIP, ZIP+4 or postal code.
};

// A person. An empty text means that this side does not have it.
struct PersonView {
  std::string_view name;  // The whole name, in order, or "FAMILY, GIVEN"; with suffix.
  AddressView address;
  std::string_view tax_number;
  std::string_view birth_date;  // YYYY-MM-DD.
};

// A day in the Gregorian calendar. The default value is no day: it is before every
// real one, and ParseCivilDate never returns it.
struct CivilDate {
  std::int16_t year = 0;
  std::int8_t month = 0;
  std::int8_t day = 0;

  friend constexpr auto operator<=>(const CivilDate&, const CivilDate&) = default;
};

// Reads YYYY-MM-DD, ASCII digits only. nullopt unless that day exists and its year is
// 1800 or later.
std::optional<CivilDate> ParseCivilDate(std::string_view text);

// A tax number: its digits. Compared whole.
struct TaxNumber {
  std::array<char, 9> digits = {};
  std::uint8_t size = 0;

  friend constexpr bool operator==(const TaxNumber&, const TaxNumber&) = default;
};

// How a tax number looks.
enum class TaxNumberForm : std::uint8_t {
  kUnspecified = 0,  // Accepts nothing.
  kUs,               // Nine digits, also as 123-45-6789, in a range that is issued.
  kDigits,           // Five to nine digits, not all the same.
};

// Reads a tax number: ASCII digits, with hyphens and spaces between them. nullopt for
// another form, and for numbers that are known to be nobody's: all digits the same, a run
// such as 123456789, and in the US form an area of 000 or 666, a group of 00, a serial of 0000.
std::optional<TaxNumber> ParseTaxNumber(std::string_view text, TaxNumberForm form);

}  // namespace holdfast::policy
