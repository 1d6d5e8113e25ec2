// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "policy/internal/us_line_reader.h"

namespace holdfast::policy::internal {

bool UsLineReader::AddUnit(std::string_view designator, std::string_view identifier,
                           std::size_t next) {
  if (units_ == kMostUnits) return false;
  if (IsOrdinal(identifier)) identifier.remove_suffix(2);
  unit_[units_++] = {designator, WithoutLeadingZeros(identifier)};
  at_ = next;
  return true;
}

bool UsLineReader::AddUnitFrom(std::string_view designator, std::size_t id) {
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

bool UsLineReader::UnitAt(std::size_t i) {
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

bool UsLineReader::TakeUnit() {
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
      const std::string_view id = token.Is(kWordDirectional)
                                      ? token.word->directional
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
      const bool suffix = id == at_ + 1 && !tokens_[id].has_digit && tokens_[id].Is(kWordSuffix) &&
                          !tokens_[id].Is(kWordDirectional);
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
      if (IsUnitIdentifier(tokens_[id])) return AddUnit(token.word->unit, tokens_[id].text, id + 1);
    }
    return AddUnit(token.word->unit, {}, at_ + 1);
  }
  return false;
}

bool UsLineReader::IsCommonDesignator(std::string_view designator) {
  return designator == "#" || designator == "APT" || designator == "UNIT" || designator == "STE";
}

bool UsLineReader::ComesBefore(const Unit& a, const Unit& b) {
  const bool a_common = IsCommonDesignator(a.designator);
  const bool b_common = IsCommonDesignator(b.designator);
  if (a_common != b_common) return b_common;
  if (!a_common && a.designator != b.designator) return a.designator < b.designator;
  return a.identifier < b.identifier;
}

bool UsLineReader::AppendKey(const Unit& unit) {
  if (!IsCommonDesignator(unit.designator) && !out_.text.Append(unit.designator)) return false;
  for (const char c : unit.identifier) {
    if (c != '-' && c != '/' && !out_.text.Append(c)) return false;
  }
  return true;
}

bool UsLineReader::JoinUnits() {
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

bool UsLineReader::IsDepartmentNumber(std::size_t i) const {
  if (i == 0 || tokens_[i].text.size() != 9 || !IsNumeric(tokens_[i].text)) return false;
  const std::size_t word = i >= 2 && IsNumeric(tokens_[i - 1].text) ? i - 2 : i - 1;
  return tokens_[word].Is(kWordUnit) && tokens_[word].word->unit == "DEPT";
}

std::size_t UsLineReader::SkipSign(std::size_t i) const {
  while (tokens_[i].text == "#" || tokens_[i].Is(kWordNumberSign)) ++i;
  return i;
}

}  // namespace holdfast::policy::internal
