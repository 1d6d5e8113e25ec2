// SPDX-License-Identifier: Apache-2.0
#include "policy/identity.h"

#include <algorithm>

#include "policy/text.h"

namespace holdfast::policy {
namespace {

std::optional<int> ReadDigits(std::string_view text) {
  int value = 0;
  for (const char c : text) {
    if (!IsDigit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

int DaysInMonth(int year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

bool AllSame(std::string_view digits) {
  return std::all_of(digits.begin(), digits.end(), [&](char c) { return c == digits.front(); });
}

// 123456789, 987654321 and their like.
bool IsRun(std::string_view digits) {
  const int step = digits[1] - digits[0];
  if (step != 1 && step != -1) return false;
  for (std::size_t i = 1; i < digits.size(); ++i) {
    if (digits[i] - digits[i - 1] != step) return false;
  }
  return true;
}

}  // namespace

std::optional<CivilDate> ParseCivilDate(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = ReadDigits(text.substr(0, 4));
  const auto month = ReadDigits(text.substr(5, 2));
  const auto day = ReadDigits(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  if (*year < 1800 || *month < 1 || *month > 12 || *day < 1) return std::nullopt;
  if (*day > DaysInMonth(*year, *month)) return std::nullopt;
  return CivilDate{static_cast<std::int16_t>(*year), static_cast<std::int8_t>(*month),
                   static_cast<std::int8_t>(*day)};
}

std::optional<TaxNumber> ParseTaxNumber(std::string_view text, TaxNumberForm form) {
  TaxNumber number;
  bool separator = true;  // None at the beginning, and no two in a row.
  for (const char c : text) {
    if (c == '-' || c == ' ') {
      if (separator) return std::nullopt;
      separator = true;
      continue;
    }
    if (!IsDigit(c) || number.size == number.digits.size()) return std::nullopt;
    number.digits[number.size++] = c;
    separator = false;
  }
  if (separator) return std::nullopt;

  const std::string_view digits(number.digits.data(), number.size);
  switch (form) {
    case TaxNumberForm::kUnspecified:
      return std::nullopt;
    case TaxNumberForm::kUs: {
      if (digits.size() != 9) return std::nullopt;
      if (text.size() != 9) {
        // Separators stand where the form has them, or the digits are not a number but text.
        if (text.size() != 11 || IsDigit(text[3]) || IsDigit(text[6])) return std::nullopt;
      }
      const std::string_view area = digits.substr(0, 3);
      if (area == "000" || area == "666") return std::nullopt;
      if (digits.substr(3, 2) == "00" || digits.substr(5) == "0000") return std::nullopt;
      break;
    }
    case TaxNumberForm::kDigits:
      if (digits.size() < 5) return std::nullopt;
      break;
  }
  if (AllSame(digits) || IsRun(digits)) return std::nullopt;
  return number;
}

}  // namespace holdfast::policy
