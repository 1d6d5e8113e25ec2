// SPDX-License-Identifier: Apache-2.0
//
// The words of US addresses and their abbreviations, in the terms of USPS Publication 28.
//
// When to use  Inside policy/, to read an address. Words are looked up in the normal form of
//              policy/text.h, without punctuation.
// Threads      Every function may be called concurrently.
// Ownership    Returned texts are static.
// Errors       None. A word that is not listed has no kind.
#pragma once

#include <cstdint>
#include <string_view>

namespace holdfast::policy {

// What a word may be, as bits: "PARK" is a suffix, "W" a directional, "UNIT" a designator.
enum UsWordKind : std::uint16_t {
  kWordSuffix = 1U << 0,       // AVE
  kWordDirectional = 1U << 1,  // NE
  kWordUnit = 1U << 2,         // APT: needs an identifier.
  kWordUnitAlone = 1U << 3,    // REAR: may stand without one.
  kWordHighway = 1U << 4,      // HWY, RTE: a number or letter follows as the name.
  kWordOrdinal = 1U << 5,      // FIFTH
  kWordBox = 1U << 6,          // BOX, and other words for one.
  kWordPlace = 1U << 7,        // SAINT, FORT, MOUNT: abbreviated in names of places.
  kWordNumberSign = 1U << 8,   // NUMBER, NO: nothing but a sign before an identifier.
  kWordCardinal = 1U << 9,     // ONE, in "ONE MAIN ST".
};

struct UsWord {
  std::uint16_t kinds = 0;
  std::string_view suffix;       // "AVE"
  std::string_view directional;  // "NE"
  std::string_view unit;         // "APT"
  std::string_view other;        // "5TH" for FIFTH; "5" for FIVE; "ST" for SAINT.

  bool Is(UsWordKind kind) const { return (kinds & kind) != 0; }
};

// Looks `word` up. A word without kinds if it is not listed.
const UsWord& LookUpUsWord(std::string_view word);

// The two-letter code of a state, territory or military region, given as code or in full;
// empty if there is none.
std::string_view UsStateCode(std::string_view state);

}  // namespace holdfast::policy
