// SPDX-License-Identifier: Apache-2.0
#include "policy/internal/us_line_reader.h"

namespace holdfast::policy::internal {

bool UsLineReader::IsBoxIdentifier(const UsToken& token) const {
  return token.text.size() <= 10 && (token.has_digit || token.text.size() == 1) &&
         token.text != "#" && token.text != "&";
}

bool UsLineReader::TakeBox() {
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

bool UsLineReader::PromoteBox() {
  for (std::size_t i = 0; i < units_; ++i) {
    if (unit_[i].designator != "BOX") continue;
    out_.box = unit_[i].identifier;
    unit_[i] = unit_[--units_];
    return true;
  }
  return false;
}

bool UsLineReader::TakeRoute() {
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
  if (!out_.text.Append(name) || !out_.text.Append(' ') || !out_.text.Append(number)) return false;
  out_.route = out_.text.From(begin);
  out_.box = WithoutLeadingZeros(tokens_[id].text);
  out_.kind = kind;
  box_at_post_office_ = true;
  at_ = id + 1;
  return true;
}

bool UsLineReader::BoxAt(std::size_t i) const {
  const UsToken& token = tokens_[i];
  if (token.text == "PO") return tokens_[i + 1].Is(kWordBox);
  if (token.text == "P" && tokens_[i + 1].text == "O") return tokens_[i + 2].Is(kWordBox);
  if (token.text == "POST" && tokens_[i + 1].text == "OFFICE") return true;
  if (token.text == "LOCK" && tokens_[i + 1].text == "BOX") return tokens_[i + 2].has_digit;
  if (token.text == "RR" || token.text == "HC")
    return tokens_[i + 1].has_digit || tokens_[i + 1].text == "#";
  return token.Is(kWordBox) && IsBoxIdentifier(tokens_[SkipSign(i + 1)]);
}

}  // namespace holdfast::policy::internal
