// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>

#include "policy/internal/us_line_reader.h"

namespace holdfast::policy::internal {

namespace {

using Lack = AddressLack;

}  // namespace

bool IsBareSuffix(std::string_view suffix) {
  constexpr std::string_view kBare[] = {"AVE",  "BLVD", "CIR", "CT",  "DR", "HWY", "LN",  "LOOP",
                                        "PKWY", "PL",   "RD",  "RTE", "ST", "TER", "TRL", "WAY"};
  return std::find(std::begin(kBare), std::end(kBare), suffix) != std::end(kBare);
}

AddressLack UsLineReader::TakeStreet() {
  const std::size_t first = at_++;
  std::size_t begin = out_.text.size();
  const UsToken& number = tokens_[first];
  if (!out_.text.Append(number.Is(kWordCardinal) ? number.word->other
                                                 : WithoutLeadingZeros(number.text))) {
    return Lack::kUnreadable;
  }
  // "W206N W16282": a grid number in two words.
  if (!IsDigit(number.text.front()) && IsUpper(number.text.back()) &&
      IsHouseNumber(tokens_[at_].text) && !tokens_[at_].after_comma) {
    if (!out_.text.Append(tokens_[at_].text)) return Lack::kUnreadable;
    ++at_;
  }
  const UsToken& fraction = tokens_[at_];
  if (fraction.has_digit && fraction.text.size() == 3 && fraction.text[1] == '/') {
    if (!out_.text.Append(' ') || !out_.text.Append(fraction.text)) return Lack::kUnreadable;
    ++at_;
  }
  // "123 B MAIN ST" has a number with a letter; "123 B ST" has a street called B.
  if (const UsToken& letter = tokens_[at_];
      letter.text.size() == 1 && IsUpper(letter.text[0]) && !letter.Is(kWordDirectional) &&
      !tokens_[at_ + 1].text.empty() && !tokens_[at_ + 1].after_comma &&
      !tokens_[at_ + 1].Is(kWordSuffix) && !tokens_[at_ + 2].text.empty() &&
      !tokens_[at_ + 2].after_comma && !UnitAt(at_ + 1)) {
    if (!out_.text.Append(letter.text)) return Lack::kUnreadable;
    ++at_;
  }
  out_.number = out_.text.From(begin);

  std::size_t end = at_;
  while (end < tokens_.size()) {
    if (end > at_) {
      if (tokens_[end].after_comma && !ContinuesAfterComma(end)) break;
      if (BoxAt(end)) break;
      const bool highway_sign =
          tokens_[end].text == "#" && tokens_[end - 1].Is(kWordHighway) && IsHighwayName(at_, end);
      if (!highway_sign && UnitEndsStreetAt(end)) break;
    } else if (tokens_[end].text == "#" || BoxAt(end) || UnitAt(end)) {
      break;
    }
    ++end;
  }
  const Lack lack = ReadStreet(at_, end);
  if (lack != Lack::kNothing) return lack;
  at_ = end;
  return Lack::kNothing;
}

bool UsLineReader::ContinuesAfterComma(std::size_t i) const {
  return tokens_[i].Is(kWordDirectional) && !tokens_[i].has_digit &&
         tokens_[i - 1].Is(kWordSuffix) &&
         (tokens_[i + 1].text.empty() || tokens_[i + 1].after_comma);
}

bool UsLineReader::UnitEndsStreetAt(std::size_t i) {
  if (!UnitAt(i)) {
    // A designator without its identifier at the very end: the unit is malformed, not the street.
    return tokens_[i].Is(kWordUnit) && !tokens_[i].Is(kWordSuffix) && i + 1 == tokens_.size() &&
           tokens_[i - 1].Is(kWordSuffix);
  }
  const UsToken& token = tokens_[i];
  if (token.text == "#") return true;
  const bool doubtful = token.Is(kWordUnitAlone) || token.Is(kWordDirectional) ||
                        token.Is(kWordSuffix) || token.text == "MAIN" || token.text == "TOP" ||
                        token.text == "LEVEL" || token.text == "FILE" || token.text == "LOT" ||
                        token.text == "TOWER" || token.text == "WING";
  if (!doubtful) return true;
  // After a suffix, or a suffix and a directional, the street is over.
  for (std::size_t k = i; k > at_ + 1; --k) {
    if (tokens_[k - 1].Is(kWordSuffix)) return true;
    if (!tokens_[k - 1].Is(kWordDirectional)) return false;
  }
  return false;
}

AddressLack UsLineReader::ReadStreet(std::size_t begin, std::size_t end) {
  // A number or letter after the suffix, without a designator, is a unit: MAIN ST 3500.
  if (end - begin >= 3 || (end - begin == 2 && !tokens_[begin].Is(kWordHighway))) {
    const UsToken& last = tokens_[end - 1];
    const UsToken& before = tokens_[end - 2];
    const UsToken& earlier = tokens_[end - 3];
    const bool identifies = IsUnitIdentifier(last) && !IsOrdinal(last.text) &&
                            (last.has_digit || last.text.size() == 1) && !last.Is(kWordDirectional);
    const bool after_suffix = before.Is(kWordSuffix) && end - begin >= 3;
    const bool after_directional =
        before.Is(kWordDirectional) && end - begin >= 4 && earlier.Is(kWordSuffix);
    // COUNTY ROAD 5, US HIGHWAY 50, STATE ROUTE 9: there the number is the name.
    const bool highway = before.Is(kWordHighway) && (IsHighwayName(begin, end - 1));
    if (identifies && (after_suffix || after_directional) && !highway) {
      const std::size_t at = at_;
      if (!AddUnit("#", last.text, at)) return Lack::kUnitMalformed;
      --end;
    }
  }
  if (begin == end) return Lack::kStreet;

  if (tokens_[begin].Is(kWordDirectional)) {
    const std::size_t words = end - begin;
    const UsToken& next = tokens_[begin + 1];
    if (words >= 3 && tokens_[begin].text.size() == 1 && next.text.size() == 1 &&
        next.Is(kWordDirectional) && IsPair(tokens_[begin], next)) {
      const std::size_t at = out_.text.size();
      if (!out_.text.Append(tokens_[begin].text) || !out_.text.Append(next.text)) {
        return Lack::kUnreadable;
      }
      out_.pre_directional = out_.text.From(at);
      begin += 2;
    } else if (words >= 3 || (words == 2 && !next.Is(kWordSuffix))) {
      out_.pre_directional = tokens_[begin].word->directional;
      ++begin;
    }
  }
  // AVENUE E and HIGHWAY W have names, not directionals.
  if (end - begin >= 2 && tokens_[end - 1].Is(kWordDirectional) &&
      !(end - begin == 2 && tokens_[begin].Is(kWordHighway))) {
    out_.post_directional = tokens_[end - 1].word->directional;
    --end;
  }
  // "W JACKSON 512": without a suffix, a number that is no road's is a unit.
  if (end - begin >= 2 && IsNumeric(tokens_[end - 1].text) && tokens_[end - 2].text.size() > 2 &&
      !tokens_[end - 2].has_digit && !IsHighwayName(begin, end - 1)) {
    if (!AddUnit("#", tokens_[end - 1].text, at_)) return Lack::kUnitMalformed;
    --end;
  }
  if (end - begin >= 2 && tokens_[end - 1].Is(kWordSuffix)) {
    out_.suffix = tokens_[end - 1].word->suffix;
    --end;
  }
  return JoinStreet(begin, end);
}

bool UsLineReader::IsPair(const UsToken& a, const UsToken& b) const {
  return (a.text == "N" || a.text == "S") && (b.text == "E" || b.text == "W");
}

bool UsLineReader::IsHighwayName(std::size_t begin, std::size_t end) const {
  for (std::size_t i = begin; i < end; ++i) {
    if (!tokens_[i].Is(kWordHighway) && !tokens_[i].Is(kWordDirectional) &&
        UsStateCode(tokens_[i].text).empty()) {
      return false;
    }
  }
  return true;
}

AddressLack UsLineReader::JoinStreet(std::size_t begin, std::size_t end) {
  const std::size_t words = end - begin;
  if (words == 0) return Lack::kStreet;
  if (words > kMostStreetWords) return Lack::kDeliveryLineMalformed;
  if (words == 1 && out_.suffix.empty() && tokens_[begin].Is(kWordSuffix) &&
      IsBareSuffix(tokens_[begin].word->suffix)) {
    return Lack::kStreet;
  }
  if (out_.suffix.empty() && !NamesStreet(begin, end)) return Lack::kStreet;
  const std::size_t at = out_.text.size();
  bool has_name = false;
  for (std::size_t i = begin; i < end; ++i) {
    const UsToken& token = tokens_[i];
    if (token.text == "#") continue;
    if (token.text == "&" || token.text == "AND") {
      // A corner is no address. WIND AND FIRE DR is one street.
      const bool highways = i > begin + 1 && IsHighwayName(begin, i - 1);
      const bool corner = i == begin || i + 1 == end ||
                          (!highways && (out_.suffix.empty() || tokens_[i - 1].has_digit)) ||
                          tokens_[i - 1].Is(kWordSuffix);
      if (corner) return Lack::kDeliveryLineMalformed;
    }
    std::string_view text = token.text;
    if (token.has_digit) {
      // A number of five digits or more is a ZIP, a tax number or a telephone, not a street.
      if (IsNumeric(text) && text.size() >= 5) return Lack::kDeliveryLineMalformed;
      text = WithoutLeadingZeros(text);
    } else if (token.Is(kWordOrdinal)) {
      text = token.word->other;
    } else if (token.Is(kWordSuffix)) {
      text = token.word->suffix;
    }
    if (out_.text.size() != at && !out_.text.Append(' ')) return Lack::kUnreadable;
    if (!out_.text.Append(text)) return Lack::kUnreadable;
    // "5 AVE" is the 5TH AVE.
    if (words == 1 && !out_.suffix.empty() && IsNumeric(text)) {
      if (!out_.text.Append(OrdinalEnding(text))) return Lack::kUnreadable;
    }
    has_name = true;
  }
  out_.street = out_.text.From(at);
  return has_name ? Lack::kNothing : Lack::kStreet;
}

bool UsLineReader::NamesStreet(std::size_t begin, std::size_t end) const {
  // "AF 1025": a number alone is a name only behind a kind of road.
  if (end - begin == 2 && IsNumeric(tokens_[end - 1].text) && !IsHighwayName(begin, end - 1)) {
    return false;
  }
  for (std::size_t i = begin; i < end; ++i) {
    const UsToken& token = tokens_[i];
    if (token.has_digit) {
      if (IsOrdinal(token.text)) return true;
      const bool placed = !out_.pre_directional.empty() || !out_.post_directional.empty();
      if (placed && token.text.size() >= 2) return true;
      continue;
    }
    const bool unit = token.Is(kWordUnit) || token.Is(kWordUnitAlone);
    const bool bare =
        token.Is(kWordSuffix) && !token.Is(kWordHighway) && IsBareSuffix(token.word->suffix);
    if (token.text.size() > 1 && !token.Is(kWordDirectional) && !unit && !bare) return true;
  }
  return false;
}

std::string_view UsLineReader::OrdinalEnding(std::string_view number) {
  if (number.size() >= 2 && number[number.size() - 2] == '1') return "TH";
  switch (number.back()) {
    case '1':
      return "ST";
    case '2':
      return "ND";
    case '3':
      return "RD";
    default:
      return "TH";
  }
}

}  // namespace holdfast::policy::internal
