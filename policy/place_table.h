// SPDX-License-Identifier: Apache-2.0
//
// Which ZIP lies in which state, and the cities that share it.
//
// When to use  Parse once from the file that the agreement names; hand the text in, since policy/
//              opens no files. Credit the source of the table where it is used.
// Threads      Immutable after Parse: may be called concurrently.
// Ownership    Owns copies of what it needs of the text.
// Errors       Parse alone can fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace holdfast::policy {

class PlaceTable final {
 public:
  // The most lines that are read.
  static constexpr std::size_t kMaxPlaces = 200'000;

  // Reads lines of `ZIP,CITY,STATE`; further columns are not read. Five digits, a name, a
  // two-letter code; quotes around a field are allowed. A first line that begins with `zip` is a
  // heading. Lines may end in CR LF. A ZIP may have several lines, also in several states. A line
  // without a state whose city begins with APO, FPO or DPO is in the military region of its ZIP.
  //
  // Errors: kAgreementInvalid  a line is malformed, with its number; no line at all;
  // kRequestTooLarge  over kMaxPlaces lines.
  static absl::StatusOr<PlaceTable> Parse(std::string_view text);

  std::size_t size() const { return places_.size(); }

  // Whether any line has the ZIP. REQUIRES: five digits.
  bool Knows(std::string_view zip) const;

  // Whether the ZIP lies in the state, by its code.
  bool InState(std::string_view zip, std::string_view state) const;

  // Whether a line with ZIP and state has the city, in the normal form of NormalCity().
  bool HasCity(std::string_view zip, std::string_view state, std::string_view city) const;

 private:
  struct Place {
    std::uint32_t zip = 0;
    std::uint16_t state = 0;      // The two letters.
    std::uint16_t city_size = 0;  // In bytes.
    std::uint32_t city = 0;       // Where it begins in cities_.
  };

  PlaceTable() = default;
  std::span<const Place> Of(std::string_view zip) const;

  // Constant after Parse.
  std::vector<Place> places_;  // By ZIP.
  std::string cities_;
};

}  // namespace holdfast::policy
