// SPDX-License-Identifier: Apache-2.0
//
// Reads the words of a US delivery line from left to right.
//
// When to use  By us_delivery_line.cc alone. Each Take function reads its form at the place that
// has
//              been reached and moves on, or returns false and does not move.
// Threads      Not thread-safe: one for each line.
// Ownership    Borrows the words; writes into the address and its buffer.
// Errors       As AddressLack.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "policy/address.h"
#include "policy/us_tokens.h"

namespace holdfast::policy::internal {

// "00123" is "123".
std::string_view WithoutLeadingZeros(std::string_view text);

// A suffix that, alone, is no name of a street. (GROVE or MISSION may be one.)
bool IsBareSuffix(std::string_view suffix);

class UsLineReader final {
 public:
  UsLineReader(const UsTokens& tokens, ParsedAddress& out) : tokens_(tokens), out_(out) {}

  AddressLack Read();

 private:
  struct Unit {
    std::string_view designator;
    std::string_view identifier;
  };
  static constexpr std::size_t kMostUnits = 4;
  static constexpr std::size_t kMostStreetWords = 8;
  static constexpr std::size_t kMostOtherWords = 12;  // Names of buildings and recipients.

  // City, state and ZIP belong into their own fields: "100 DIAMOND ST SAN FRANCISCO CA 94114".
  bool HoldsCityLine() const;

  // "ONE S WACKER DR": before a directional that is not itself the name, and with no number in
  // digits behind it. "ONE PARK PLAZA" may as well be the name of a building, "NINE NORTH DR" that
  // of a street.
  bool IsNumberInWords(std::size_t i) const;

  // Units, boxes, and names of buildings, to the end.
  AddressLack TakeTail();

  // us_line_boxes.cc

  bool IsBoxIdentifier(const UsToken& token) const;

  // PO BOX 12, P O BOX 12, POB 12, POST OFFICE BOX 12, DRAWER 7, BOX 12. Of two boxes the one at
  // the post office counts; the other one, like a LOCKBOX or BIN, is a unit.
  bool TakeBox();

  // A lock box is where the letter goes if there is nothing else.
  bool PromoteBox();

  // RR 2 BOX 18, HC 68 BOX 5, PSC 3 BOX 40, UNIT 2050 BOX 4190.
  bool TakeRoute();

  bool BoxAt(std::size_t i) const;

  // us_line_units.cc

  bool AddUnit(std::string_view designator, std::string_view identifier, std::size_t next);

  // The unit's identifier that begins at `id`: one word, or a letter and a number: "C 30", "36 A".
  bool AddUnitFrom(std::string_view designator, std::size_t id);

  // Whether a unit begins at `i`, without taking it.
  bool UnitAt(std::size_t i);

  // APT 5, # 5, BLDG NW, 2ND FLOOR, SECOND FL, NORTH TOWER, LOWER LEVEL, REAR.
  bool TakeUnit();

  // APT, UNIT, STE and # are one kind: the sign may stand for each of them.
  static bool IsCommonDesignator(std::string_view designator);

  static bool ComesBefore(const Unit& a, const Unit& b);

  bool AppendKey(const Unit& unit);

  bool JoinUnits();

  // Large mailers have departments with long numbers.
  bool IsDepartmentNumber(std::size_t i) const;

  // Where the identifier stands that begins at `i`: after "#", NUMBER or nothing.
  std::size_t SkipSign(std::size_t i) const;

  // us_line_street.cc

  // House number and street, up to the first unit, box or comma.
  AddressLack TakeStreet();

  // "9TH STREET, NW" and "MAIN, ST": a directional after a comma still belongs to the street.
  bool ContinuesAfterComma(std::size_t i) const;

  // Words such as LOT, KEY, FRONT or TOWER are units only where a street may end.
  bool UnitEndsStreetAt(std::size_t i);

  // Directionals, name and suffix out of tokens [begin, end).
  AddressLack ReadStreet(std::size_t begin, std::size_t end);

  bool IsPair(const UsToken& a, const UsToken& b) const;

  // Whether [begin, end) is a kind of road and nothing else: COUNTY ROAD, N STATE HWY.
  bool IsHighwayName(std::size_t begin, std::size_t end) const;

  AddressLack JoinStreet(std::size_t begin, std::size_t end);

  // Whether words without a suffix can be the name of a street. What may be a unit (12C, D, M-9,
  // APT) is none, unless a directional says so: "N 2200 W".
  bool NamesStreet(std::size_t begin, std::size_t end) const;

  static std::string_view OrdinalEnding(std::string_view number);

  const UsTokens& tokens_;
  ParsedAddress& out_;
  std::size_t at_ = 0;
  std::array<Unit, kMostUnits> unit_;
  std::size_t units_ = 0;
  bool malformed_unit_ = false;
  bool box_at_post_office_ = false;
};

}  // namespace holdfast::policy::internal
