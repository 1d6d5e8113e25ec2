// SPDX-License-Identifier: Apache-2.0
//
// The words of a US delivery line, each looked up once.
//
// When to use  By the delivery line's reader alone.
// Threads      A pure function: may be called concurrently.
// Ownership    Tokens point into the buffer that was given.
// Errors       TokeniseUsLine returns false for signs that no address has, and for too many words.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "policy/text.h"
#include "policy/us_words.h"

namespace holdfast::policy {

struct UsToken {
  UsToken() {}  // Leaves it open: an array of them is filled from the front.
  UsToken(std::string_view t, const UsWord* w, bool comma, bool digit)
      : text(t), word(w), after_comma(comma), has_digit(digit) {}

  std::string_view text;
  const UsWord* word;
  bool after_comma;  // Or after a colon, a bracket, or at the beginning of the second line.
  bool has_digit;

  bool Is(UsWordKind kind) const { return word->Is(kind); }
};

class UsTokens final {
 public:
  static constexpr std::size_t kMost = 48;

  // Adds the words of a line in normal form. Periods and apostrophes go, "#" and "&" are words of
  // their own, hyphens and slashes stay inside words, and APT5 or BOX-12 become two words.
  [[nodiscard]] bool Add(std::string_view line, TextBuffer& buffer);

  std::size_t size() const { return size_; }
  // The i-th word; an empty one beyond the end, so that a reader may look ahead.
  const UsToken& operator[](std::size_t i) const { return i < size_ ? tokens_[i] : none_; }

 private:
  [[nodiscard]] bool Push(std::string_view text, bool after_comma);

  static constexpr UsWord kNoWord{};

  const UsToken none_{{}, &kNoWord, true, false};
  std::size_t size_ = 0;
  std::array<UsToken, kMost> tokens_;  // Only [0, size_) was ever written.
};

// "5TH", "22ND".
bool IsOrdinal(std::string_view text);

// "123", "123A", "12-34", "123-B", "N6W23001", "W206N": begins with a digit or is a grid number,
// has at least one digit that is not 0, and no more than six in a row.
bool IsHouseNumber(std::string_view text);

// What may identify a unit: has a digit, or is one or two letters; at most eight characters.
bool IsUnitIdentifier(const UsToken& token);

// All digits.
bool IsNumeric(std::string_view text);

}  // namespace holdfast::policy
