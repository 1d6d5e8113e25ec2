// SPDX-License-Identifier: Apache-2.0
#include "policy/place_table.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "policy/address.h"
#include "policy/text.h"
#include "policy/us_words.h"

namespace holdfast::policy {
namespace {

constexpr std::size_t kZipDigits = 5;

std::uint16_t PackState(std::string_view state) {
  return static_cast<std::uint16_t>((static_cast<unsigned char>(state[0]) << 8) |
                                    static_cast<unsigned char>(state[1]));
}

std::uint32_t ZipNumber(std::string_view zip) {
  std::uint32_t number = 0;
  for (const char c : zip) number = number * 10 + static_cast<std::uint32_t>(c - '0');
  return number;
}

bool IsZip(std::string_view text) {
  return text.size() == kZipDigits && std::all_of(text.begin(), text.end(), IsDigit);
}

// Takes the next field off `line`, without quotes. Commas inside quotes do not divide.
std::string_view TakeField(std::string_view& line) {
  std::string_view field;
  if (!line.empty() && line.front() == '"') {
    const std::size_t quote = line.find('"', 1);
    if (quote == std::string_view::npos) return {};
    field = line.substr(1, quote - 1);
    line.remove_prefix(quote + 1);
    if (!line.empty() && line.front() == ',') line.remove_prefix(1);
    return field;
  }
  const std::size_t comma = line.find(',');
  field = line.substr(0, comma);
  line.remove_prefix(comma == std::string_view::npos ? line.size() : comma + 1);
  return field;
}

// The military region of a ZIP, where a table has none: lists of post offices put "APO AE" into the
// column of the city, and often the wrong region. The first digits tell.
std::string_view MilitaryRegion(std::string_view zip, std::string_view city) {
  const std::string_view office = city.substr(0, 4);
  if (office != "APO " && office != "FPO " && office != "DPO ") return {};
  if (zip.substr(0, 3) == "340") return "AA";
  if (zip.substr(0, 2) == "09") return "AE";
  if (zip.substr(0, 2) == "96") return "AP";
  return {};
}

absl::Status Malformed(std::size_t line) {
  return MakeError(Reason::kAgreementInvalid,
                   "place table: line " + std::to_string(line) + " is not ZIP,CITY,STATE");
}

}  // namespace

absl::StatusOr<PlaceTable> PlaceTable::Parse(std::string_view text) {
  PlaceTable table;
  TextBuffer buffer;
  for (std::size_t line_number = 1; !text.empty(); ++line_number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) continue;
    if (line_number == 1 && line.substr(0, 3) == "zip") continue;
    if (table.places_.size() == kMaxPlaces) {
      return MakeError(Reason::kRequestTooLarge, "place table: too many lines");
    }

    const std::string_view zip = TakeField(line);
    std::string_view city_field = TakeField(line);
    std::string_view state = TakeField(line);
    if (state.empty()) {
      state = MilitaryRegion(zip, city_field);
      if (!state.empty()) city_field = city_field.substr(0, 3);
    }
    if (!IsZip(zip) || state.size() != 2 || UsStateCode(state).empty()) {
      return Malformed(line_number);
    }
    buffer.Clear();
    const NormalText city_text = NormaliseText(city_field, buffer);
    if (city_text.status != TextStatus::kOk) return Malformed(line_number);
    const std::string_view city = NormalCity(city_text.text, buffer);
    if (city.empty()) return Malformed(line_number);
    table.places_.push_back({ZipNumber(zip), PackState(state),
                             static_cast<std::uint16_t>(city.size()),
                             static_cast<std::uint32_t>(table.cities_.size())});
    table.cities_ += city;
  }
  if (table.places_.empty()) {
    return MakeError(Reason::kAgreementInvalid, "place table: no line");
  }
  std::stable_sort(table.places_.begin(), table.places_.end(),
                   [](const Place& a, const Place& b) { return a.zip < b.zip; });
  return table;
}

std::span<const PlaceTable::Place> PlaceTable::Of(std::string_view zip) const {
  const std::uint32_t number = ZipNumber(zip);
  const auto begin = std::lower_bound(places_.begin(), places_.end(), number,
                                      [](const Place& p, std::uint32_t z) { return p.zip < z; });
  auto end = begin;
  while (end != places_.end() && end->zip == number) ++end;
  return {begin, end};
}

bool PlaceTable::Knows(std::string_view zip) const { return !Of(zip).empty(); }

bool PlaceTable::InState(std::string_view zip, std::string_view state) const {
  const auto places = Of(zip);
  return std::any_of(places.begin(), places.end(),
                     [&](const Place& p) { return p.state == PackState(state); });
}

bool PlaceTable::HasCity(std::string_view zip, std::string_view state,
                         std::string_view city) const {
  const auto places = Of(zip);
  return std::any_of(places.begin(), places.end(), [&](const Place& p) {
    return p.state == PackState(state) &&
           std::string_view(cities_).substr(p.city, p.city_size) == city;
  });
}

}  // namespace holdfast::policy
