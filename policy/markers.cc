// SPDX-License-Identifier: Apache-2.0
#include "policy/markers.h"

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "policy/text.h"

namespace holdfast::policy {
namespace {

constexpr std::size_t kMostLetters = 64;
constexpr std::size_t kMostWords = 32;  // What stands behind is found squeezed.
constexpr std::size_t kMostPhrases = 10'000;
constexpr std::size_t kShortest = 5;          // Letters of a phrase that may stand anywhere.
constexpr std::size_t kShortestSqueezed = 8;  // And with its blanks gone.
constexpr std::size_t kShortestTyped = 6;     // Letters of a word that may be typed wrong.
constexpr int kMostErrors = 2;

// "=" in front: only as the whole field, since streets and families bear these names too.
constexpr std::string_view kPlaceholdersAnywhere[] = {
    "UNKNOWN",
    "FAILED TO PROVIDE",
    "FAILURE TO PROVIDE",
    "DID NOT PROVIDE",
    "NOT PROVIDED",
    "NONE PROVIDED",
    "REFUSED TO PROVIDE",
    "REFUSED TO ANSWER",
    "REFUSED TO GIVE",
    "DECLINED TO PROVIDE",
    "DECLINED TO ANSWER",
    "DECLINED TO STATE",
    "DONT CARE",
    "DO NOT CARE",
    "DONT KNOW",
    "DO NOT KNOW",
    "DOES NOT KNOW",
    "NOT KNOWN",
    "NOT GIVEN",
    "NONE GIVEN",
    "NOT STATED",
    "NOT AVAILABLE",
    "NOT APPLICABLE",
    "UNAVAILABLE",
    "UNABLE TO OBTAIN",
    "UNABLE TO PROVIDE",
    "PLACEHOLDER",
    "TO BE DETERMINED",
    "TO BE PROVIDED",
    "SEE ATTACHED",
    "SEE FILE",
    "LOREM IPSUM",
    "ASDFASDF",
    "=REFUSED",
    "=DECLINED",
    "=WITHHELD",
    "=REDACTED",
    "=MISSING",
    "=BLANK",
    "=EMPTY",
    "=NONE",
    "=NULL",
    "=TEST",
    "=TESTING",
    "=TEST TEST",
    "=EXAMPLE",
    "=SAMPLE",
    "=ASDF",
    "=QWERTY",
    "N/A",
    "TBD",
    "UNK",
    "UKN",
    "NIL",
    "NK",
    "?",
};

constexpr std::string_view kAddressPlaceholders[] = {
    "NO ADDRESS",       "NO KNOWN ADDRESS", "NO CURRENT ADDRESS",
    "NO VALID ADDRESS", "ADDRESS NOT",      "BAD ADDRESS",
    "FAKE ADDRESS",     "SAME ADDRESS",     "SAME AS ABOVE",
    "SAME AS MAILING",  "RETURN TO SENDER", "RETURNED MAIL",
    "UNDELIVERABLE",    "ADDRESS ON FILE",  "=SAME",
    "=NOWHERE",         "=SOMEWHERE",       "=ANYWHERE",
    "=ADDRESS",         "=ANY STREET",      "=NO STREET",
};

constexpr std::string_view kTransients[] = {
    "HOMELESS",
    "HOME LESS",
    "TRANSIENT",
    "UNHOUSED",
    "UNSHELTERED",
    "UNDOMICILED",
    "VAGRANT",
    "ITINERANT",
    "IN TRANSIT",
    "GENERAL DELIVERY",
    "NO FIXED ADDRESS",
    "NO FIXED ABODE",
    "NO FIXED RESIDENCE",
    "NO PERMANENT ADDRESS",
    "NO PERMANENT RESIDENCE",
    "NO RESIDENCE",
    "NO HOME ADDRESS",
    "LIVES IN CAR",
    "LIVING IN CAR",
    "LIVES IN VEHICLE",
    "LIVING IN VEHICLE",
    "LIVES ON STREET",
    "LIVES ON THE STREET",
    "LIVING ON STREET",
    "LIVING ON THE STREET",
    "ON THE STREETS",
    "SLEEPS ROUGH",
    "COUCH SURFING",
    "UNDER THE BRIDGE",
    "=SHELTER",
    "=STREETS",
    "NFA",
};

constexpr std::string_view kFacilities[] = {
    "DETENTION CENTER",
    "DETENTION CENTRE",
    "DETENTION FACILITY",
    "CORRECTIONAL FACILITY",
    "CORRECTIONAL INSTITUTION",
    "CORRECTIONAL CENTER",
    "REMOVAL CENTRE",
    "COUNTY JAIL",
    "STATE PRISON",
    "FEDERAL PRISON",
};

constexpr std::string_view kNamePlaceholders[] = {
    "ANONYMOUS",    "UNIDENTIFIED",     "NO NAME",  "NAME NOT",  "NAME WITHHELD",
    "FIRST NAME",   "LAST NAME",        "JOHN DOE", "JANE DOE",  "DOE JOHN",
    "DOE JANE",     "MICKEY MOUSE",     "BABY BOY", "BABY GIRL", "MALE CHILD",
    "FEMALE CHILD", "CURRENT RESIDENT", "OCCUPANT", "TAXPAYER",  "=ANON",
};

bool IsWordByte(char c) { return IsLetterByte(c) || IsDigit(c); }

// Words and letters of a text.
struct Split {
  std::array<std::string_view, kMostWords> words;
  std::size_t count = 0;
  std::array<char, kMaxTextBytes> squeezed;  // Only [0, size) was ever written.
  std::size_t size = 0;

  std::span<const std::string_view> Words() const { return {words.data(), count}; }
  std::string_view Squeezed() const { return {squeezed.data(), size}; }
};

// Apostrophes and periods join: DON'T is one word and so is U.N.K.; all else divides. The words
// are pieces of the squeezed text.
void SplitText(std::string_view text, Split& out) {
  std::size_t begin = 0;
  const auto end_word = [&] {
    if (out.size > begin && out.count < kMostWords) {
      out.words[out.count++] = std::string_view(out.squeezed.data() + begin, out.size - begin);
    }
    begin = out.size;
  };
  for (const char c : text) {
    if (IsWordByte(c)) {
      if (out.size < out.squeezed.size()) out.squeezed[out.size++] = c;
    } else if (c != '\'' && c != '.') {
      end_word();
    }
  }
  end_word();
}

// "XXX", "-----", "0000": three signs or more, and all the same.
bool IsOneSign(std::string_view text) {
  std::size_t signs = 0;
  char first = '\0';
  for (const char c : text) {
    if (c == ' ') continue;
    if (signs == 0) first = c;
    if (c != first) return false;
    ++signs;
  }
  return signs >= 3;
}

template <std::size_t N>
void AddAll(MarkerSet& set, const std::string_view (&phrases)[N], MarkerKind kind) {
  for (const std::string_view phrase : phrases) HF_CHECK(set.Add(phrase, kind).ok());
}

}  // namespace

void MarkerSet::Hints::Add(std::size_t trigram, std::size_t phrase) {
  const Hint hint{static_cast<std::uint16_t>(trigram), static_cast<std::uint16_t>(phrase)};
  const auto before = [](const Hint& a, const Hint& b) { return a.trigram < b.trigram; };
  hints_.insert(std::upper_bound(hints_.begin(), hints_.end(), hint, before), hint);
  seen_.set(trigram);
}

std::span<const MarkerSet::Hint> MarkerSet::Hints::At(std::size_t trigram) const {
  if (!seen_.test(trigram)) return {};
  const auto begin =
      std::lower_bound(hints_.begin(), hints_.end(), trigram,
                       [](const Hint& hint, std::size_t value) { return hint.trigram < value; });
  auto end = begin;
  while (end != hints_.end() && end->trigram == trigram) ++end;
  return {begin, end};
}

std::size_t MarkerSet::Trigram(std::string_view text, std::size_t at) {
  std::size_t value = 0;
  for (std::size_t i = at; i < at + 3; ++i) {
    const std::size_t c = i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    value = (value << 5) | (c & 31U);
  }
  return value;
}

absl::Status MarkerSet::Add(std::string_view phrase, MarkerKind kind) {
  bool whole_field = false;
  if (!phrase.empty() && phrase.front() == '=') {
    whole_field = true;
    phrase.remove_prefix(1);
  }
  TextBuffer buffer;
  const NormalText text = NormaliseText(phrase, buffer);
  Split split;
  if (text.status == TextStatus::kOk) SplitText(text.text, split);
  if (phrase == "?") {
    split.squeezed[split.size++] = '?';
    split.words[split.count++] = split.Squeezed();
  }
  if (split.size == 0 || split.size > kMostLetters - 1) {
    return MakeError(Reason::kAgreementInvalid,
                     "gate: a phrase of the lists has no letter, or too many");
  }
  Phrase added;
  added.kind = kind;
  added.squeezed = std::string(split.Squeezed());
  added.whole_field = whole_field || split.size < kShortest;
  for (const std::string_view word : split.Words()) {
    added.words.emplace_back(word);
    if (word.size() > added.words[added.anchor].size()) added.anchor = added.words.size() - 1;
  }
  const std::size_t position = phrases_.size();
  if (position == kMostPhrases) {
    return MakeError(Reason::kAgreementInvalid, "gate: too many phrases in the lists");
  }
  if (added.whole_field) {
    whole_fields_.Add(Trigram(added.squeezed, 0), position);
  } else {
    const std::string& anchor = added.words[added.anchor];
    words_.Add(Trigram(anchor, 0), position);
    words_.Add(Trigram(anchor, anchor.size() < 3 ? 0 : anchor.size() - 3), position);
    if (added.squeezed.size() >= kShortestSqueezed) {
      squeezed_begin_.Add(Trigram(added.squeezed, 0), position);
    }
  }
  phrases_.push_back(std::move(added));
  return absl::OkStatus();
}

bool MarkerSet::WordMatches(std::string_view word, std::string_view typed, int& errors) {
  if (word == typed) return true;
  if (word.size() < kShortestTyped || !WithinTypingErrors(word, typed, 1)) return false;
  return ++errors <= kMostErrors;
}

bool MarkerSet::StandsAt(const Phrase& phrase, std::span<const std::string_view> words,
                         std::size_t at) const {
  if (at < phrase.anchor || at - phrase.anchor + phrase.words.size() > words.size()) return false;
  int errors = 0;
  for (std::size_t i = 0; i < phrase.words.size(); ++i) {
    if (!WordMatches(phrase.words[i], words[at - phrase.anchor + i], errors)) return false;
  }
  return true;
}

MarkerKind MarkerSet::Find(std::string_view normal_text) const {
  if (normal_text.empty()) return MarkerKind::kNone;
  if (IsOneSign(normal_text)) return MarkerKind::kPlaceholder;
  Split split;
  SplitText(normal_text, split);
  if (normal_text == "?") split.squeezed[split.size++] = '?';
  const std::string_view squeezed = split.Squeezed();

  std::size_t first = phrases_.size();
  const auto found = [&](const Hint& hint) { first = std::min<std::size_t>(first, hint.phrase); };
  for (const Hint& hint : whole_fields_.At(Trigram(squeezed, 0))) {
    if (phrases_[hint.phrase].squeezed == squeezed) found(hint);
  }
  // One typing error spares either the first three letters of a long word or the last three.
  const auto words = split.Words();
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word.size() < 3) continue;
    for (const std::size_t trigram : {Trigram(word, 0), Trigram(word, word.size() - 3)}) {
      for (const Hint& hint : words_.At(trigram)) {
        if (hint.phrase < first && StandsAt(phrases_[hint.phrase], words, i)) found(hint);
      }
    }
  }
  for (std::size_t i = 0; i + kShortestSqueezed <= squeezed.size(); ++i) {
    for (const Hint& hint : squeezed_begin_.At(Trigram(squeezed, i))) {
      const std::string& phrase = phrases_[hint.phrase].squeezed;
      if (squeezed.substr(i, phrase.size()) == phrase) found(hint);
    }
  }
  return first == phrases_.size() ? MarkerKind::kNone : phrases_[first].kind;
}

Markers::Markers() {
  // Kinds that say more come first: "NO FIXED ADDRESS" is transient before it is a placeholder.
  AddAll(address_, kTransients, MarkerKind::kTransient);
  AddAll(address_, kFacilities, MarkerKind::kFacility);
  AddAll(address_, kPlaceholdersAnywhere, MarkerKind::kPlaceholder);
  AddAll(address_, kAddressPlaceholders, MarkerKind::kPlaceholder);
  AddAll(name_, kPlaceholdersAnywhere, MarkerKind::kPlaceholder);
  AddAll(name_, kNamePlaceholders, MarkerKind::kPlaceholder);
}

absl::Status Markers::AddPlaceholder(std::string_view phrase) {
  const absl::Status status = address_.Add(phrase, MarkerKind::kPlaceholder);
  return status.ok() ? name_.Add(phrase, MarkerKind::kPlaceholder) : status;
}

absl::Status Markers::AddTransient(std::string_view phrase) {
  return address_.Add(phrase, MarkerKind::kTransient);
}

absl::Status Markers::AddFacility(std::string_view phrase) {
  return address_.Add(phrase, MarkerKind::kFacility);
}

}  // namespace holdfast::policy
