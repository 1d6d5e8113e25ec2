// SPDX-License-Identifier: Apache-2.0
//
// Words that stand where an address or a name should: placeholders, people without a fixed
// address, facilities.
//
// When to use  On every line, city and name of a request, in the normal form of policy/text.h, also
//              of those that did not parse: the reason is then the better one.
// Threads      Immutable after Build: may be called concurrently.
// Ownership    Owns its lists.
// Errors       Build alone can fail.
//
// A phrase is found wherever its words stand in a row, each with at most one typing error if it has
// six letters or more, and two in all; and also with the blanks gone or moved, if the phrase has
// eight letters or more. A phrase of fewer than five letters ("N/A", "TBD") has to be the whole
// field, and so has one that begins with "=".
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace holdfast::policy {

enum class MarkerKind : std::uint8_t {
  kNone = 0,
  kPlaceholder,
  kTransient,
  kFacility,
};

// A set of phrases of one purpose.
class MarkerSet final {
 public:
  // Adds a phrase as a person wrote it. Errors: kAgreementInvalid  it has no letter, or over 64; or
  // there are 10,000 already.
  absl::Status Add(std::string_view phrase, MarkerKind kind);

  // The kind of the first phrase that `normal_text` holds. kPlaceholder also for one sign repeated
  // three times or more: "XXX", "-----".
  MarkerKind Find(std::string_view normal_text) const;

  std::size_t size() const { return phrases_.size(); }

 private:
  // Three letters, as a number of 15 bits.
  static constexpr std::size_t kTrigrams = 1U << 15;

  struct Phrase {
    MarkerKind kind = MarkerKind::kNone;
    bool whole_field = false;
    std::string squeezed;  // Without blanks.
    std::vector<std::string> words;
    std::size_t anchor = 0;  // The longest word.
  };

  // Which phrase to look at where these three letters are seen.
  struct Hint {
    std::uint16_t trigram = 0;
    std::uint16_t phrase = 0;
  };
  // Hints in order, with a bit for each trigram that has one.
  class Hints final {
   public:
    void Add(std::size_t trigram, std::size_t phrase);
    std::span<const Hint> At(std::size_t trigram) const;

   private:
    std::bitset<kTrigrams> seen_;
    std::vector<Hint> hints_;
  };

  static std::size_t Trigram(std::string_view text, std::size_t at);
  static bool WordMatches(std::string_view word, std::string_view typed, int& errors);
  bool StandsAt(const Phrase& phrase, std::span<const std::string_view> words,
                std::size_t at) const;

  // Constant once Add is not called any more. Of several phrases in a text the first added counts.
  std::vector<Phrase> phrases_;
  Hints whole_fields_;    // By their first three letters.
  Hints words_;           // By the first and the last three letters of the anchor.
  Hints squeezed_begin_;  // By the first three letters, if it may be squeezed.
};

// Both sets that the request gate uses, with what is built in.
class Markers final {
 public:
  // Errors: kAgreementInvalid  as MarkerSet::Add.
  absl::Status AddPlaceholder(std::string_view phrase);  // In addresses and names.
  absl::Status AddTransient(std::string_view phrase);
  absl::Status AddFacility(std::string_view phrase);

  Markers();

  MarkerKind FindInAddress(std::string_view normal_text) const {
    return address_.Find(normal_text);
  }
  MarkerKind FindInName(std::string_view normal_text) const { return name_.Find(normal_text); }

 private:
  // Constant once nothing is added any more.
  MarkerSet address_;
  MarkerSet name_;
};

}  // namespace holdfast::policy
