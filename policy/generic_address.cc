// SPDX-License-Identifier: Apache-2.0
#include "policy/generic_address.h"

#include <algorithm>
#include <cstddef>

namespace holdfast::policy {
namespace {

using Lack = AddressLack;

bool IsWordByte(char c) { return IsLetterByte(c) || IsDigit(c); }

bool HasDigit(std::string_view text) { return std::any_of(text.begin(), text.end(), IsDigit); }

// Appends the words of `text`, one space between them. Periods and apostrophes go; hyphens and
// every other sign divide words.
std::string_view Words(std::string_view text, TextBuffer& buffer, bool& fits) {
  const std::size_t begin = buffer.size();
  bool gap = false;
  for (const char c : text) {
    if (IsWordByte(c)) {
      if (gap && buffer.size() != begin) fits = fits && buffer.Append(' ');
      gap = false;
      fits = fits && buffer.Append(c);
    } else if (c != '.' && c != '\'') {
      gap = true;
    }
  }
  return buffer.From(begin);
}

std::size_t CountLetters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), IsLetterByte));
}

// A word that is a number of a house: has a digit, no more than ten characters.
bool IsNumberWord(std::string_view word) {
  return HasDigit(word) && word.size() <= 10 &&
         std::any_of(word.begin(), word.end(), [](char c) { return c >= '1' && c <= '9'; });
}

// Takes the number off the beginning of `words`, or off its end.
std::string_view TakeNumber(std::string_view& words) {
  const std::size_t first_space = words.find(' ');
  const std::string_view first = words.substr(0, first_space);
  if (IsNumberWord(first)) {
    words =
        first_space == std::string_view::npos ? std::string_view{} : words.substr(first_space + 1);
    return first;
  }
  const std::size_t last_space = words.rfind(' ');
  if (last_space == std::string_view::npos) return {};
  const std::string_view last = words.substr(last_space + 1);
  if (!IsNumberWord(last)) return {};
  words = words.substr(0, last_space);
  return last;
}

Lack Read(std::string_view postal_code, ParsedAddress& out) {
  bool fits = true;
  std::string_view line1 = Words(out.raw_line1, out.text, fits);
  std::string_view line2 = Words(out.raw_line2, out.text, fits);
  out.city = Words(out.raw_city, out.text, fits);
  out.state = Words(out.raw_state, out.text, fits);
  const std::size_t begin = out.text.size();
  for (const char c : postal_code) {
    if (c == ' ' || c == '-') continue;
    if (!IsWordByte(c)) return Lack::kPostalCodeMalformed;
    fits = fits && out.text.Append(c);
  }
  const std::string_view postal = out.text.From(begin);
  if (!fits) return Lack::kUnreadable;

  if (line1.empty() && line2.empty()) return Lack::kDeliveryLine;
  out.number = TakeNumber(line1);
  if (out.number.empty()) return Lack::kHouseNumber;
  if (CountLetters(line1) < 2) return Lack::kStreet;
  // Seven digits in a row or more are a tax number or a telephone, not a house.
  std::size_t row = 0;
  for (const char c : out.raw_line1) {
    row = IsDigit(c) ? row + 1 : 0;
    if (row >= 7) return Lack::kDeliveryLineMalformed;
  }
  out.street = line1;
  out.second_line = line2;
  if (out.city.empty()) return Lack::kCity;
  if (CountLetters(out.city) < 2 || HasDigit(out.city)) return Lack::kCityMalformed;
  if (out.state.empty()) return Lack::kState;
  if (CountLetters(out.state) < 2) return Lack::kStateUnknown;
  if (postal.empty()) return Lack::kPostalCode;
  if (postal.size() < 3 || postal.size() > 10 || !HasDigit(postal)) {
    return Lack::kPostalCodeMalformed;
  }
  out.zip = postal;
  out.kind = DeliveryKind::kGeneric;
  return Lack::kNothing;
}

}  // namespace

void ReadGenericAddress(std::string_view postal_code, ParsedAddress& out) {
  out.lack = Read(postal_code, out);
}

}  // namespace holdfast::policy
