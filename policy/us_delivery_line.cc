// SPDX-License-Identifier: Apache-2.0
#include "policy/us_delivery_line.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "policy/us_tokens.h"

namespace holdfast::policy {
namespace {

using Lack = AddressLack;

constexpr std::size_t kMostUnits = 4;
constexpr std::size_t kMostStreetWords = 8;
constexpr std::size_t kMostOtherWords = 12;  // Names of buildings and recipients.

bool IsZipLike(std::string_view text) {
  const auto is_digits = [](std::string_view part) { return IsNumeric(part); };
  if (text.size() == 5 || text.size() == 9) return is_digits(text);
  return text.size() == 10 && text[5] == '-' && is_digits(text.substr(0, 5)) &&
         is_digits(text.substr(6));
}

std::string_view WithoutLeadingZeros(std::string_view text) {
  while (text.size() > 1 && text[0] == '0' && IsDigit(text[1])) text.remove_prefix(1);
  return text;
}

// A suffix that, alone, is no name of a street. (GROVE or MISSION may be one.)
bool IsBareSuffix(std::string_view suffix) {
  constexpr std::string_view kBare[] = {"AVE",  "BLVD", "CIR", "CT",  "DR", "HWY", "LN",  "LOOP",
                                        "PKWY", "PL",   "RD",  "RTE", "ST", "TER", "TRL", "WAY"};
  return std::find(std::begin(kBare), std::end(kBare), suffix) != std::end(kBare);
}

struct Unit {
  std::string_view designator;
  std::string_view identifier;
};

// Reads tokens from left to right. Each Take function reads its form at `at_` and moves on, or
// returns false and does not move.
class Reader final {
 public:
  Reader(const UsTokens& tokens, ParsedAddress& out) : tokens_(tokens), out_(out) {}

  Lack Read() {
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

 private:
  // City, state and ZIP belong into their own fields: "100 DIAMOND ST SAN FRANCISCO CA 94114".
  bool HoldsCityLine() const {
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

  // Large mailers have departments with long numbers.
  bool IsDepartmentNumber(std::size_t i) const {
    if (i == 0 || tokens_[i].text.size() != 9 || !IsNumeric(tokens_[i].text)) return false;
    const std::size_t word = i >= 2 && IsNumeric(tokens_[i - 1].text) ? i - 2 : i - 1;
    return tokens_[word].Is(kWordUnit) && tokens_[word].word->unit == "DEPT";
  }

  // "ONE S WACKER DR": before a directional that is not itself the name, and with no number in
  // digits behind it. "ONE PARK PLAZA" may as well be the name of a building, "NINE NORTH DR" that
  // of a street.
  bool IsNumberInWords(std::size_t i) const {
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

  // Where the identifier stands that begins at `i`: after "#", NUMBER or nothing.
  std::size_t SkipSign(std::size_t i) const {
    while (tokens_[i].text == "#" || tokens_[i].Is(kWordNumberSign)) ++i;
    return i;
  }

  bool IsBoxIdentifier(const UsToken& token) const {
    return token.text.size() <= 10 && (token.has_digit || token.text.size() == 1) &&
           token.text != "#" && token.text != "&";
  }

  // PO BOX 12, P O BOX 12, POB 12, POST OFFICE BOX 12, DRAWER 7, BOX 12. Of two boxes the one at
  // the post office counts; the other one, like a LOCKBOX or BIN, is a unit.
  bool TakeBox() {
    std::size_t i = at_;
    if (tokens_[i].text == "PO") {
      ++i;
    } else if (tokens_[i].text == "P" && tokens_[i + 1].text == "O") {
      i += 2;
    } else if (tokens_[i].text == "POST" && tokens_[i + 1].text == "OFFICE") {
      i += 2;
    } else if (tokens_[i].text == "LOCK" && tokens_[i + 1].text == "BOX") {
      ++i;
    }
    // "POST OFFICE 20387"
    const bool office_alone = i == at_ + 2 && tokens_[at_].text == "POST" && tokens_[i].has_digit;
    if (!tokens_[i].Is(kWordBox) && !office_alone) return false;
    std::size_t id = SkipSign(office_alone ? i : i + 1);
    const bool two_letters =
        tokens_[id].text.size() == 2 && !tokens_[id].has_digit && tokens_[id + 1].has_digit;
    if (!two_letters && !IsBoxIdentifier(tokens_[id])) return false;
    const std::string_view word = tokens_[i].text;
    const bool at_post_office =
        (i > at_ && tokens_[at_].text != "LOCK") || word == "POBOX" || word == "POB";
    const bool private_box =
        word == "LOCKBOX" || word == "LBX" || word == "BIN" || tokens_[at_].text == "LOCK";
    std::string_view number = WithoutLeadingZeros(tokens_[id].text);
    if (tokens_[id].text.size() <= 2 && !tokens_[id].has_digit && tokens_[id + 1].has_digit &&
        !tokens_[id + 1].after_comma) {
      // "DRAWER CS 198422"
      const std::size_t begin = out_.text.size();
      if (!out_.text.Append(number) || !out_.text.Append(tokens_[id + 1].text)) return false;
      number = out_.text.From(begin);
      ++id;
    }
    if (private_box || (!out_.box.empty() && (box_at_post_office_ || !at_post_office))) {
      return AddUnit("BOX", number, id + 1);
    }
    if (!out_.box.empty() && !AddUnit("BOX", out_.box, id + 1)) return false;
    out_.box = number;
    box_at_post_office_ = at_post_office;
    at_ = id + 1;
    return true;
  }

  // A lock box is where the letter goes if there is nothing else.
  bool PromoteBox() {
    for (std::size_t i = 0; i < units_; ++i) {
      if (unit_[i].designator != "BOX") continue;
      out_.box = unit_[i].identifier;
      unit_[i] = unit_[--units_];
      return true;
    }
    return false;
  }

  // RR 2 BOX 18, HC 68 BOX 5, PSC 3 BOX 40, UNIT 2050 BOX 4190.
  bool TakeRoute() {
    std::size_t i = at_;
    std::string_view name;
    DeliveryKind kind = DeliveryKind::kUnspecified;
    const auto words = [&](std::string_view first, std::string_view second) {
      return tokens_[at_].text == first && (second.empty() || tokens_[at_ + 1].text == second);
    };
    if (words("RURAL", "ROUTE") || words("RURAL", "RTE") || words("R", "R")) {
      name = "RR", kind = DeliveryKind::kRuralRoute, i += 2;
    } else if (words("RR", {}) || words("RFD", {}) || words("RT", {}) || words("RTE", {}) ||
               words("ROUTE", {})) {
      name = "RR", kind = DeliveryKind::kRuralRoute, i += 1;
    } else if (words("HIGHWAY", "CONTRACT") || words("STAR", "ROUTE") || words("H", "C")) {
      name = "HC", kind = DeliveryKind::kHighwayContract, i += 2;
      if (tokens_[i].text == "ROUTE" || tokens_[i].text == "RTE") ++i;
    } else if (words("HC", {}) || words("HCR", {})) {
      name = "HC", kind = DeliveryKind::kHighwayContract, i += 1;
    } else if (tokens_[at_].Is(kWordHighway) && tokens_[at_ + 2].Is(kWordBox)) {
      name = tokens_[at_].text, kind = DeliveryKind::kRuralRoute, i += 1;
    } else if (words("PSC", {}) || words("CMR", {}) || words("UNIT", {})) {
      name = tokens_[at_].text, kind = DeliveryKind::kMilitary, i += 1;
    } else {
      return false;
    }
    i = SkipSign(i);
    if (!IsUnitIdentifier(tokens_[i]) || !tokens_[i].has_digit) return false;
    const std::string_view number = WithoutLeadingZeros(tokens_[i].text);
    const std::size_t box = i + 1;
    if (!tokens_[box].Is(kWordBox) || !out_.box.empty()) return false;
    const std::size_t id = SkipSign(box + 1);
    if (!IsBoxIdentifier(tokens_[id])) return false;
    const std::size_t begin = out_.text.size();
    if (!out_.text.Append(name) || !out_.text.Append(' ') || !out_.text.Append(number))
      return false;
    out_.route = out_.text.From(begin);
    out_.box = WithoutLeadingZeros(tokens_[id].text);
    out_.kind = kind;
    box_at_post_office_ = true;
    at_ = id + 1;
    return true;
  }

  bool AddUnit(std::string_view designator, std::string_view identifier, std::size_t next) {
    if (units_ == kMostUnits) return false;
    if (IsOrdinal(identifier)) identifier.remove_suffix(2);
    unit_[units_++] = {designator, WithoutLeadingZeros(identifier)};
    at_ = next;
    return true;
  }

  // The unit's identifier that begins at `id`: one word, or a letter and a number: "C 30", "36 A".
  bool AddUnitFrom(std::string_view designator, std::size_t id) {
    const UsToken& first = tokens_[id];
    const UsToken& second = tokens_[id + 1];
    const auto is_letter = [](const UsToken& t) { return t.text.size() == 1 && !t.has_digit; };
    const auto is_number = [](const UsToken& t) { return IsNumeric(t.text) && t.text.size() <= 5; };
    const bool two = !second.after_comma &&
                     ((is_letter(first) && is_number(second)) ||
                      (is_number(first) && is_letter(second) && tokens_[id + 2].text.empty()));
    if (!two) return AddUnit(designator, first.text, id + 1);
    const std::size_t begin = out_.text.size();
    if (!out_.text.Append(first.text) || !out_.text.Append(second.text)) return false;
    return AddUnit(designator, out_.text.From(begin), id + 2);
  }

  // Whether a unit begins at `i`, without taking it.
  bool UnitAt(std::size_t i) {
    const std::size_t at = at_;
    const std::size_t units = units_;
    const std::size_t text = out_.text.size();
    const bool malformed = malformed_unit_;
    at_ = i;
    const bool is_unit = TakeUnit();
    at_ = at;
    units_ = units;
    out_.text.Shrink(text);
    malformed_unit_ = malformed;
    return is_unit;
  }

  // APT 5, # 5, BLDG NW, 2ND FLOOR, SECOND FL, NORTH TOWER, LOWER LEVEL, REAR.
  bool TakeUnit() {
    const UsToken& token = tokens_[at_];
    const UsToken& next = tokens_[at_ + 1];
    if (token.text == "#") {
      return IsUnitIdentifier(next) && AddUnitFrom("#", at_ + 1);
    }
    // NO 5, and U 5 where a part begins: signs, where an identifier with a digit follows.
    if ((token.Is(kWordNumberSign) || (token.text == "U" && token.after_comma)) &&
        !next.after_comma) {
      const std::size_t id = SkipSign(at_ + 1);
      const bool digit = tokens_[id].has_digit || tokens_[id + 1].has_digit;
      if (digit && IsUnitIdentifier(tokens_[id]) && AddUnitFrom("#", id)) return true;
    }
    if (token.text == "MAIL" && (next.text == "CODE" || next.text == "STOP")) {
      const std::size_t id = SkipSign(at_ + 2);
      return IsUnitIdentifier(tokens_[id]) && AddUnitFrom("MAILSTOP", id);
    }
    // The identifier first.
    if (next.Is(kWordUnit)) {
      const bool storey = next.word->unit == "FL" || next.word->unit == "LEVEL";
      if (storey && (IsOrdinal(token.text) || token.Is(kWordOrdinal))) {
        return AddUnit("FL", token.Is(kWordOrdinal) ? token.word->other : token.text, at_ + 2);
      }
      // "3 FL 45-18 COURT SQ"
      if (storey && IsNumeric(token.text) && token.text.size() <= 3 &&
          IsHouseNumber(tokens_[at_ + 2].text)) {
        return AddUnit("FL", token.text, at_ + 2);
      }
      const bool named = token.Is(kWordDirectional) || token.Is(kWordUnitAlone) ||
                         token.text == "MAIN" || token.text == "TOP";
      const bool whole = next.word->unit == "LEVEL" || next.word->unit == "FL" ||
                         next.word->unit == "TOWER" || next.word->unit == "WING" ||
                         next.word->unit == "BLDG";
      if (named && whole && !IsUnitIdentifier(tokens_[at_ + 2])) {
        const std::string_view id =
            token.Is(kWordDirectional) ? token.word->directional
                                       : (token.Is(kWordUnitAlone) ? token.word->unit : token.text);
        return AddUnit(next.word->unit, id, at_ + 2);
      }
    }
    if (token.Is(kWordUnit)) {
      const std::size_t id = SkipSign(at_ + 1);
      if (id == at_ + 1 && IsDepartmentNumber(id)) return AddUnit("DEPT", tokens_[id].text, id + 1);
      // "TN TOWER 10TH FLOOR", "C TOWER 401 CHURCH ST": what follows is not the tower's.
      const bool named_building = token.word->unit == "TOWER" || token.word->unit == "WING";
      const bool too_long = named_building && tokens_[id].text.size() > 2;
      if (IsUnitIdentifier(tokens_[id]) && !tokens_[id].after_comma && !too_long) {
        // "APT ST": not an identifier but the suffix of a street called APT.
        const bool suffix = id == at_ + 1 && !tokens_[id].has_digit &&
                            tokens_[id].Is(kWordSuffix) && !tokens_[id].Is(kWordDirectional);
        if (!suffix) return AddUnitFrom(token.word->unit, id);
      }
      if (tokens_[id].Is(kWordOrdinal) && !tokens_[id].after_comma) {
        return AddUnit(token.word->unit, tokens_[id].word->other, id + 1);
      }
      malformed_unit_ = true;
      return false;
    }
    if (token.Is(kWordUnitAlone)) {
      // Only at the end of a part: "123 FRONT ST" is a street.
      if (!next.text.empty() && !next.after_comma && !next.Is(kWordUnit) && next.text != "#") {
        const bool identifies = next.has_digit || next.text.size() == 1;
        if (!identifies || !IsUnitIdentifier(next) || next.Is(kWordSuffix)) return false;
        return AddUnit(token.word->unit, next.text, at_ + 2);
      }
      if (next.text == "#" || next.Is(kWordUnit)) {
        const std::size_t id = SkipSign(at_ + 1);
        if (IsUnitIdentifier(tokens_[id]))
          return AddUnit(token.word->unit, tokens_[id].text, id + 1);
      }
      return AddUnit(token.word->unit, {}, at_ + 1);
    }
    return false;
  }

  bool BoxAt(std::size_t i) const {
    const UsToken& token = tokens_[i];
    if (token.text == "PO") return tokens_[i + 1].Is(kWordBox);
    if (token.text == "P" && tokens_[i + 1].text == "O") return tokens_[i + 2].Is(kWordBox);
    if (token.text == "POST" && tokens_[i + 1].text == "OFFICE") return true;
    if (token.text == "LOCK" && tokens_[i + 1].text == "BOX") return tokens_[i + 2].has_digit;
    if (token.text == "RR" || token.text == "HC")
      return tokens_[i + 1].has_digit || tokens_[i + 1].text == "#";
    return token.Is(kWordBox) && IsBoxIdentifier(tokens_[SkipSign(i + 1)]);
  }

  // House number and street, up to the first unit, box or comma.
  Lack TakeStreet() {
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
        const bool highway_sign = tokens_[end].text == "#" && tokens_[end - 1].Is(kWordHighway) &&
                                  IsHighwayName(at_, end);
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

  // "9TH STREET, NW" and "MAIN, ST": a directional after a comma still belongs to the street.
  bool ContinuesAfterComma(std::size_t i) const {
    return tokens_[i].Is(kWordDirectional) && !tokens_[i].has_digit &&
           tokens_[i - 1].Is(kWordSuffix) &&
           (tokens_[i + 1].text.empty() || tokens_[i + 1].after_comma);
  }

  // Words such as LOT, KEY, FRONT or TOWER are units only where a street may end.
  bool UnitEndsStreetAt(std::size_t i) {
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

  // Directionals, name and suffix out of tokens [begin, end).
  Lack ReadStreet(std::size_t begin, std::size_t end) {
    // A number or letter after the suffix, without a designator, is a unit: MAIN ST 3500.
    if (end - begin >= 3 || (end - begin == 2 && !tokens_[begin].Is(kWordHighway))) {
      const UsToken& last = tokens_[end - 1];
      const UsToken& before = tokens_[end - 2];
      const UsToken& earlier = tokens_[end - 3];
      const bool identifies = IsUnitIdentifier(last) && !IsOrdinal(last.text) &&
                              (last.has_digit || last.text.size() == 1) &&
                              !last.Is(kWordDirectional);
      const bool after_suffix = before.Is(kWordSuffix) && end - begin >= 3 &&
                                !(earlier.Is(kWordHighway) && !before.Is(kWordSuffix));
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
    if (end - begin >= 2 && tokens_[end - 1].Is(kWordSuffix) && tokens_[end - 1].text != "NO") {
      out_.suffix = tokens_[end - 1].word->suffix;
      --end;
    }
    return JoinStreet(begin, end);
  }

  bool IsPair(const UsToken& a, const UsToken& b) const {
    return (a.text == "N" || a.text == "S") && (b.text == "E" || b.text == "W");
  }

  // Whether [begin, end) is a kind of road and nothing else: COUNTY ROAD, N STATE HWY.
  bool IsHighwayName(std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) {
      if (!tokens_[i].Is(kWordHighway) && !tokens_[i].Is(kWordDirectional) &&
          UsStateCode(tokens_[i].text).empty()) {
        return false;
      }
    }
    return true;
  }

  Lack JoinStreet(std::size_t begin, std::size_t end) {
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

  // Whether words without a suffix can be the name of a street. What may be a unit (12C, D, M-9,
  // APT) is none, unless a directional says so: "N 2200 W".
  bool NamesStreet(std::size_t begin, std::size_t end) const {
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

  static std::string_view OrdinalEnding(std::string_view number) {
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

  // Units, boxes, and names of buildings, to the end.
  Lack TakeTail() {
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

  // APT, UNIT, STE and # are one kind: the sign may stand for each of them.
  static bool IsCommonDesignator(std::string_view designator) {
    return designator == "#" || designator == "APT" || designator == "UNIT" || designator == "STE";
  }

  static bool ComesBefore(const Unit& a, const Unit& b) {
    const bool a_common = IsCommonDesignator(a.designator);
    const bool b_common = IsCommonDesignator(b.designator);
    if (a_common != b_common) return b_common;
    if (!a_common && a.designator != b.designator) return a.designator < b.designator;
    return a.identifier < b.identifier;
  }

  bool AppendKey(const Unit& unit) {
    if (!IsCommonDesignator(unit.designator) && !out_.text.Append(unit.designator)) return false;
    for (const char c : unit.identifier) {
      if (c != '-' && c != '/' && !out_.text.Append(c)) return false;
    }
    return true;
  }

  bool JoinUnits() {
    if (units_ == 0) return true;
    std::size_t at = out_.text.size();
    for (std::size_t i = 0; i < units_; ++i) {
      if (i > 0 && !out_.text.Append(' ')) return false;
      if (!out_.text.Append(unit_[i].designator)) return false;
      if (!unit_[i].identifier.empty() &&
          (!out_.text.Append(' ') || !out_.text.Append(unit_[i].identifier))) {
        return false;
      }
    }
    out_.unit = out_.text.From(at);
    // In an order of its own, so that "BLDG 2 APT 5" and "APT 5 BLDG 2" are the same.
    for (std::size_t i = 1; i < units_; ++i) {
      for (std::size_t k = i; k > 0 && ComesBefore(unit_[k], unit_[k - 1]); --k) {
        std::swap(unit_[k], unit_[k - 1]);
      }
    }
    at = out_.text.size();
    for (std::size_t i = 0; i < units_; ++i) {
      if (i > 0 && !out_.text.Append(' ')) return false;
      if (!AppendKey(unit_[i])) return false;
    }
    out_.unit_key = out_.text.From(at);
    return true;
  }

  const UsTokens& tokens_;
  ParsedAddress& out_;
  std::size_t at_ = 0;
  std::array<Unit, kMostUnits> unit_;
  std::size_t units_ = 0;
  bool malformed_unit_ = false;
  bool box_at_post_office_ = false;
};

}  // namespace

void ReadUsDeliveryLine(std::string_view line1, std::string_view line2, ParsedAddress& out) {
  if (line1.empty() && line2.empty()) {
    out.lack = Lack::kDeliveryLine;
    return;
  }
  UsTokens tokens;
  if (!tokens.Add(line1, out.text) || !tokens.Add(line2, out.text)) {
    out.lack = Lack::kDeliveryLineMalformed;
    return;
  }
  out.lack = Reader(tokens, out).Read();
}

}  // namespace holdfast::policy
