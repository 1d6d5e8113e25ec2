// SPDX-License-Identifier: Apache-2.0
#include "policy/address.h"

#include <algorithm>

#include "policy/generic_address.h"
#include "policy/us_delivery_line.h"
#include "policy/us_words.h"

namespace holdfast::policy {
namespace {

using Lack = AddressLack;

// "62701", "62701-1234", "627011234". As it was typed: no blanks inside.
bool ReadZip(std::string_view text, ParsedAddress& out) {
  const std::size_t hyphen = text.size() == 10 && text[5] == '-' ? 1 : 0;
  if (text.size() - hyphen != 5 && text.size() - hyphen != 9) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!IsDigit(text[i]) && !(hyphen == 1 && i == 5)) return false;
  }
  out.zip = text.substr(0, 5);
  out.zip4 = text.size() == 5 ? std::string_view{} : text.substr(text.size() - 4);
  return true;
}

// The state's code out of "IL", "N.Y.", "N Y", or the name in full.
std::string_view ReadState(std::string_view text, TextBuffer& buffer) {
  const std::size_t begin = buffer.size();
  for (const char c : text) {
    if (c == '.') continue;
    if (!buffer.Append(c)) return {};
  }
  std::string_view bare = buffer.From(begin);
  if (bare.size() == 3 && bare[1] == ' ') {  // "N Y"
    const char letters[2] = {bare[0], bare[2]};
    return UsStateCode({letters, 2});
  }
  return UsStateCode(bare);
}

Lack ReadUsPlace(std::string_view zip, ParsedAddress& out) {
  if (out.raw_city.empty()) return Lack::kCity;
  out.city = NormalCity(out.raw_city, out.text);
  if (out.city.empty()) return Lack::kCityMalformed;
  if (out.raw_state.empty()) return Lack::kState;
  out.state = ReadState(out.raw_state, out.text);
  if (out.state.empty()) return Lack::kStateUnknown;
  if (zip.empty()) return Lack::kPostalCode;
  return ReadZip(zip, out) ? Lack::kNothing : Lack::kPostalCodeMalformed;
}

// Normalises one field. False, with a lack in `out`, if it cannot be read or was disguised.
bool ReadField(std::string_view field, ParsedAddress& out, std::uint8_t& flags,
               std::string_view& normal) {
  const NormalText text = NormaliseText(field, out.text);
  if (text.status != TextStatus::kOk) return false;
  flags |= text.flags;
  normal = text.text;
  return true;
}

}  // namespace

void ParseAddress(const AddressView& address, AddressScheme scheme, ParsedAddress& out) {
  if (scheme == AddressScheme::kUnspecified) return;
  std::uint8_t flags = 0;
  std::string_view zip;
  const bool readable = ReadField(address.line1, out, flags, out.raw_line1) &&
                        ReadField(address.line2, out, flags, out.raw_line2) &&
                        ReadField(address.city, out, flags, out.raw_city) &&
                        ReadField(address.state, out, flags, out.raw_state) &&
                        ReadField(address.postal_code, out, flags, zip);
  if (!readable) {
    out.lack = Lack::kUnreadable;
    return;
  }
  if (out.raw_line1.empty() && out.raw_line2.empty() && out.raw_city.empty() &&
      out.raw_state.empty() && zip.empty()) {
    out.lack = Lack::kEverything;
    return;
  }
  // Whoever writes a digit that is none, or letters that are not seen, wants something to be
  // overlooked. In the US scheme every letter is one of A to Z, with or without marks.
  std::uint8_t disguises = kTextHidden | kTextForeignDigit | kTextMixedScript;
  if (scheme == AddressScheme::kUs) disguises |= kTextNotLatin;
  if ((flags & disguises) != 0) {
    out.lack = Lack::kDisguised;
    return;
  }
  if (scheme == AddressScheme::kGeneric) {
    ReadGenericAddress(zip, out);
    return;
  }
  ReadUsDeliveryLine(out.raw_line1, out.raw_line2, out);
  if (out.lack == Lack::kNothing) out.lack = ReadUsPlace(zip, out);
}

std::string_view NormalCity(std::string_view normal_text, TextBuffer& buffer) {
  const std::size_t begin = buffer.size();
  std::size_t word = begin;
  std::size_t letters = 0;
  bool fits = true;
  const auto end_word = [&] {
    const UsWord& known = LookUpUsWord(buffer.From(word));
    if (known.Is(kWordPlace)) {
      buffer.Shrink(word);
      fits = fits && buffer.Append(known.other);
    }
  };
  for (const char c : normal_text) {
    if (IsUpper(c)) {
      ++letters;
      fits = fits && buffer.Append(c);
    } else if (c == ' ' || c == '-') {
      if (buffer.size() == word) continue;
      end_word();
      fits = fits && buffer.Append(' ');
      word = buffer.size();
    } else if (c != '\'' && c != '.' && c != ',') {
      buffer.Shrink(begin);
      return {};
    }
  }
  if (buffer.size() > word) end_word();
  std::string_view city = buffer.From(begin);
  while (!city.empty() && city.back() == ' ') city.remove_suffix(1);
  if (letters < 2 || !fits) {
    buffer.Shrink(begin);
    return {};
  }
  return city;
}

namespace {

std::string LineOf(const ParsedAddress& address, std::string_view unit, std::string_view zip4) {
  std::string line;
  if (!address.complete()) return line;
  line.reserve(address.text.size());
  const auto add = [&](std::string_view part) {
    if (part.empty()) return;
    if (!line.empty()) line += ' ';
    line += part;
  };
  const auto add_place = [&](std::string_view part) {
    if (part.empty()) return;
    line += ", ";
    line += part;
  };
  if (!address.route.empty()) add(address.route);
  if (!address.box.empty()) {
    add(address.route.empty() ? "PO BOX" : "BOX");
    add(address.box);
  }
  add(address.number);
  add(address.pre_directional);
  add(address.street);
  add(address.suffix);
  add(address.post_directional);
  add(unit);
  add_place(address.second_line);
  add_place(address.city);
  add_place(address.state);
  if (!address.zip.empty()) {
    line += ' ';
    line += address.zip;
  }
  if (!zip4.empty()) {
    line += '-';
    line += zip4;
  }
  return line;
}

}  // namespace

std::string NormalAddressLine(const ParsedAddress& address) {
  return LineOf(address, address.unit, address.zip4);
}

std::string ComparableAddressLine(const ParsedAddress& address) {
  return LineOf(address, address.unit_key, {});
}

}  // namespace holdfast::policy
