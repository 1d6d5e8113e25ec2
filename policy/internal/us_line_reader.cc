// SPDX-License-Identifier: Apache-2.0
#include "policy/internal/us_line_reader.h"

namespace holdfast::policy::internal {

namespace {

using Lack = AddressLack;

bool IsZipLike(std::string_view text) {
  const auto is_digits = [](std::string_view part) { return IsNumeric(part); };
  if (text.size() == 5 || text.size() == 9) return is_digits(text);
  return text.size() == 10 && text[5] == '-' && is_digits(text.substr(0, 5)) &&
         is_digits(text.substr(6));
}

}  // namespace

std::string_view WithoutLeadingZeros(std::string_view text) {
  while (text.size() > 1 && text[0] == '0' && IsDigit(text[1])) text.remove_prefix(1);
  return text;
}

AddressLack UsLineReader::Read() {
  if (tokens_.size() == 0) return Lack::kDeliveryLine;
  if (tokens_[0].text == "GENERAL" && tokens_[1].text == "DELIVERY") return Lack::kNoFixedAddress;
  if (HoldsCityLine()) return Lack::kDeliveryLineMalformed;

  std::size_t other_words = 0;
  bool street = false;
  while (at_ < tokens_.size() && !street) {
    if (TakeRoute() || TakeBox() || TakeUnit()) continue;
    const UsToken& token = tokens_[at_];
    if (IsHouseNumber(token.text) || IsNumberInWords(at_)) {
      // "WOOD AVE, 106 D": the street stands before, without a number.
      if (at_ > 0 && other_words > 0 && tokens_[at_ - 1].Is(kWordSuffix) &&
          IsBareSuffix(tokens_[at_ - 1].word->suffix)) {
        return Lack::kHouseNumber;
      }
      // "US 17 BUSINESS", "N 800 E": the number of a road, not of a house.
      if (at_ > 0 && other_words > 0 &&
          (tokens_[at_ - 1].Is(kWordHighway) ||
           (tokens_[at_ - 1].Is(kWordDirectional) && other_words == 1))) {
        return Lack::kHouseNumber;
      }
      const Lack lack = TakeStreet();
      if (lack != Lack::kNothing) return lack;
      street = true;
      break;
    }
    if (!out_.box.empty()) break;  // "PO BOX 628 HWY 231"
    // The name of a building or of who takes the letter in.
    if (token.has_digit && !IsOrdinal(token.text)) return Lack::kDeliveryLineMalformed;
    if (++other_words > kMostOtherWords) return Lack::kDeliveryLineMalformed;
    ++at_;
  }
  if (!street && out_.box.empty() && !PromoteBox()) {
    return units_ > 0 || other_words > 0 ? Lack::kHouseNumber : Lack::kDeliveryLineMalformed;
  }
  if (!out_.route.empty() && out_.box.empty()) return Lack::kDeliveryLineMalformed;
  if (const Lack lack = TakeTail(); lack != Lack::kNothing) return lack;

  if (street) {
    out_.kind = DeliveryKind::kStreet;
  } else if (out_.route.empty()) {
    out_.kind = DeliveryKind::kPostOfficeBox;
  }
  return JoinUnits() ? Lack::kNothing : Lack::kUnreadable;
}

bool UsLineReader::HoldsCityLine() const {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const std::string_view text = tokens_[i].text;
    if (text.size() >= 9 && IsZipLike(text) && !IsDepartmentNumber(i)) return true;
    if (i > 0 && text.size() == 5 && IsZipLike(text) && tokens_[i - 1].text.size() == 2 &&
        !tokens_[i - 1].has_digit && !tokens_[i - 1].Is(kWordSuffix) &&
        !tokens_[i - 1].Is(kWordUnit) && !tokens_[i - 1].Is(kWordHighway) &&
        !UsStateCode(tokens_[i - 1].text).empty()) {
      return true;
    }
  }
  return false;
}

bool UsLineReader::IsNumberInWords(std::size_t i) const {
  if (!tokens_[i].Is(kWordCardinal) || !tokens_[i + 1].Is(kWordDirectional)) return false;
  if (tokens_[i + 2].text.empty() || tokens_[i + 2].Is(kWordSuffix)) return false;
  for (std::size_t k = i + 1; k < tokens_.size(); ++k) {
    if (IsHouseNumber(tokens_[k].text) && tokens_[k].after_comma) return false;
    if (IsHouseNumber(tokens_[k].text) && !tokens_[k - 1].Is(kWordUnit) &&
        tokens_[k - 1].text != "#") {
      return false;
    }
  }
  return true;
}

AddressLack UsLineReader::TakeTail() {
  std::size_t other_words = 0;
  bool comma = false;
  bool after_word = false;  // Of a building: "DORRANCE BLDG" has no identifier.
  while (at_ < tokens_.size()) {
    comma = comma || tokens_[at_].after_comma;
    if (TakeRoute() || TakeBox()) continue;
    malformed_unit_ = false;
    if (TakeUnit()) continue;
    if (malformed_unit_ && !after_word && tokens_[at_ + 1].text.empty()) {
      return Lack::kUnitMalformed;
    }
    const UsToken& token = tokens_[at_];
    const UsToken& next = tokens_[at_ + 1];
    // A designator that is not listed: "SCB 223".
    if (!token.has_digit && token.text.size() <= 4 && IsUpper(token.text[0]) && next.has_digit &&
        !next.after_comma && next.text.size() <= 5 && !IsOrdinal(next.text) &&
        (comma || units_ > 0 || !out_.box.empty())) {
      if (!AddUnit(token.text, next.text, at_ + 2)) return Lack::kDeliveryLineMalformed;
      continue;
    }
    if (IsDepartmentNumber(at_) ||
        (units_ > 0 && IsNumeric(token.text) && token.text.size() <= 4)) {
      if (!AddUnit("#", token.text, at_ + 1)) return Lack::kDeliveryLineMalformed;
      continue;
    }
    if (token.after_comma && token.has_digit && IsUnitIdentifier(token) &&
        (token.text.size() <= 4 || !IsNumeric(token.text)) && !IsOrdinal(token.text)) {
      if (!AddUnit("#", token.text, at_ + 1)) return Lack::kDeliveryLineMalformed;
      continue;
    }
    if (token.has_digit || ++other_words > kMostOtherWords) return Lack::kDeliveryLineMalformed;
    if (!comma && units_ == 0 && out_.box.empty()) return Lack::kDeliveryLineMalformed;
    after_word = true;
    ++at_;
  }
  return Lack::kNothing;
}

}  // namespace holdfast::policy::internal
