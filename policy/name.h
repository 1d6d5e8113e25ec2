// SPDX-License-Identifier: Apache-2.0
//
// A person's name, read into its parts, and how two names relate.
//
// "Mary-Ann van der Berg Jr.", "VAN DER BERG, MARY ANN": given name, middle names, family name with
// its particles, suffix. docs/gates.md has the rules.
//
// When to use  In the gates, and for the key under which a source indexes its people.
// Threads      Every function may be called concurrently.
// Ownership    A ParsedName owns the text of its parts.
// Errors       None. What is wrong is in ParsedName::lack.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/gate_config.h"
#include "policy/identity.h"
#include "policy/text.h"

namespace holdfast::policy {

enum class NameLack : std::uint8_t {
  kNothing = 0,
  kEverything,   // Blank.
  kIncomplete,   // Fewer than two parts, or a single letter for given or family name.
  kMalformed,    // Unreadable, digits or other signs, disguised, too long, two people.
  kPlaceholder,  // A word that stands for a name, such as FNU.
};

// What follows a family name to tell generations apart. JR and II are different: a person bears
// the one or the other.
enum class NameSuffix : std::uint8_t {
  kNone = 0,
  kJunior,
  kSenior,
  kSecond,
  kThird,
  kFourth,
  kFifth
};

struct ParsedName {
  static constexpr std::size_t kMostWords = 12;

  NameLack lack = NameLack::kEverything;
  NameSuffix suffix = NameSuffix::kNone;

  // All words but titles, suffix and degrees, given name first. Hyphens divide words.
  std::array<std::string_view, kMostWords> words;
  std::size_t count = 0;
  // Words [0, middle) are the given name (one, or several with hyphens), [middle, family) the
  // middle names, [family, count) the family name with particles.
  std::size_t middle = 0;
  std::size_t family = 0;

  std::string_view raw;  // As normalised, before it was read: for markers.
  TextBuffer text;

  bool complete() const { return lack == NameLack::kNothing; }
  std::span<const std::string_view> Given() const { return {words.data(), middle}; }
  std::span<const std::string_view> Middle() const {
    return {words.data() + middle, family - middle};
  }
  std::span<const std::string_view> Family() const {
    return {words.data() + family, count - family};
  }
};

// Reads `name` into `out`, which has to be new. An out parameter, since the parts point into it.
void ParseName(std::string_view name, ParsedName& out);

// Why two names cannot be one person's.
enum class NameConflict : std::uint8_t {
  kNone = 0,
  kFamily,
  kGiven,
  kMiddle,  // Both have middle names, and they contradict.
  kSuffix,  // Both have a suffix, and they contradict.
};

// Equal: no conflict and no allowance. Compatible: no conflict, but allowances, which say why.
// Different: a conflict.
struct NameDifference {
  std::uint32_t allowances = 0;  // NameAllowance bits without which they are not the same.
  NameConflict conflict = NameConflict::kNone;

  bool equal() const { return conflict == NameConflict::kNone && allowances == 0; }
  bool compatible() const { return conflict == NameConflict::kNone; }
  bool within(std::uint32_t allowed) const {
    return conflict == NameConflict::kNone && (allowances & ~allowed) == 0;
  }
};

// Compares. REQUIRES: both are complete. Given and family names that differ are reported before
// middle names and suffixes, so that kMiddle and kSuffix mean a namesake.
NameDifference CompareNames(const ParsedName& a, const ParsedName& b);

// The key under which a name is indexed: the first word of the given name and the last of the
// family name, in alphabetical order, so that the order of the two does not matter. Empty if the
// name is not complete. Names that are equal, or differ only in middle names, suffix, spacing
// after the first word, or order, have the same key.
std::string NormalisedNameKey(std::string_view name);
std::string NormalisedNameKey(const ParsedName& name);

// The keys under which a source's file is indexed, so that a request finds everybody who might be
// meant or be mistaken: the normalised name; the tax number; and each part of the name with the
// postal code, which finds names that were typed wrong. Each key begins with a letter for its kind.
std::vector<std::string> SourceIndexKeys(const PersonView& person);

}  // namespace holdfast::policy
