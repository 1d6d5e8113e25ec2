// SPDX-License-Identifier: Apache-2.0
#include "policy/us_tokens.h"

#include <algorithm>

namespace holdfast::policy {
namespace {

bool IsWordByte(char c) { return IsUpper(c) || IsDigit(c); }

// How many letters `text` begins with.
std::size_t LeadingLetters(std::string_view text) {
  std::size_t n = 0;
  while (n < text.size() && IsUpper(text[n])) ++n;
  return n;
}

}  // namespace

bool UsTokens::Push(std::string_view text, bool after_comma) {
  if (text.empty()) return true;
  if (size_ == kMost) return false;

  // APT5, STE-700, BOX12: the designator and what it designates are two words.
  const std::size_t letters = LeadingLetters(text);
  if (letters >= 2 && letters < text.size()) {
    std::size_t rest = letters;
    if (text[rest] == '-') ++rest;
    const UsWord& head = LookUpUsWord(text.substr(0, letters));
    if (rest < text.size() && (head.Is(kWordUnit) || head.Is(kWordBox))) {
      return Push(text.substr(0, letters), after_comma) && Push(text.substr(rest), false);
    }
  }

  UsToken& token = tokens_[size_++];
  token.text = text;
  token.word = &LookUpUsWord(text);
  token.after_comma = after_comma;
  token.has_digit = std::any_of(text.begin(), text.end(), IsDigit);
  return true;
}

bool UsTokens::Add(std::string_view line, TextBuffer& buffer) {
  bool comma = size_ != 0;
  std::size_t begin = buffer.size();
  const auto flush = [&] {
    const std::string_view text = buffer.From(begin);
    begin = buffer.size();
    if (text.empty()) return true;
    const bool after_comma = comma;
    comma = false;
    return Push(text, after_comma);
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const char next = i + 1 < line.size() ? line[i + 1] : ' ';
    const bool inside = buffer.size() != begin && IsWordByte(next);
    if (IsWordByte(c)) {
      if (!buffer.Append(c)) return false;
      continue;
    }
    switch (c) {
      case '\'':
      case '"':
        break;
      case '.':
        // "P.O." is one word, "STE.700" is two.
        if (inside && IsDigit(next) && !flush()) return false;
        break;
      case '-':
      case '/':
        if (inside) {
          if (!buffer.Append(c)) return false;
        } else if (!flush()) {
          return false;
        }
        break;
      case '#':
      case '&':
        if (!flush() || !buffer.Append(c) || !flush()) return false;
        break;
      case ',':
      case ';':
      case ':':
      case '(':
      case ')':
        if (!flush()) return false;
        comma = true;
        break;
      case ' ':
        if (!flush()) return false;
        break;
      default:
        return false;
    }
  }
  return flush();
}

bool IsNumeric(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit);
}

bool IsOrdinal(std::string_view text) {
  if (text.size() < 3 || !IsNumeric(text.substr(0, text.size() - 2))) return false;
  const std::string_view end = text.substr(text.size() - 2);
  return end == "ST" || end == "ND" || end == "RD" || end == "TH";
}

bool IsHouseNumber(std::string_view text) {
  constexpr std::size_t kLongest = 12;
  constexpr int kMostDigitsInARow = 6;
  if (text.empty() || text.size() > kLongest || IsOrdinal(text)) return false;
  int digits = 0;
  int row = 0;
  int letters = 0;
  bool nonzero = false;
  for (const char c : text) {
    if (IsDigit(c)) {
      ++digits;
      if (++row > kMostDigitsInARow) return false;
      nonzero = nonzero || c != '0';
    } else {
      row = 0;
      if (IsUpper(c)) {
        ++letters;
      } else if (c != '-') {
        return false;
      }
    }
  }
  if (!nonzero) return false;
  if (IsDigit(text.front())) return letters <= 1;
  // A grid number: N6W23001, or W204.
  const auto is_compass = [](char c) { return c == 'N' || c == 'S' || c == 'E' || c == 'W'; };
  return is_compass(text.front()) && letters <= 2 && digits >= 2 &&
         std::all_of(text.begin(), text.end(), [&](char c) { return IsDigit(c) || is_compass(c); });
}

bool IsUnitIdentifier(const UsToken& token) {
  constexpr std::size_t kLongest = 8;
  if (token.text.empty() || token.text.size() > kLongest) return false;
  if (token.text == "#" || token.text == "&") return false;
  if (token.has_digit) return true;
  return token.text.size() <= 2;
}

}  // namespace holdfast::policy
