// SPDX-License-Identifier: Apache-2.0
#include "policy/name.h"

#include <algorithm>
#include <utility>

namespace holdfast::policy {
namespace {

constexpr std::size_t kMostTypedWords = 16;

template <std::size_t N>
bool IsOneOf(std::string_view word, const std::string_view (&list)[N]) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

constexpr std::string_view kTitles[] = {"MR", "MRS",  "MS",  "MISS", "MX",
                                        "DR", "PROF", "REV", "HON"};
// Titles that are names as well: only in front of two words more.
constexpr std::string_view kTitlesOrNames[] = {"SIR", "DAME", "MSGR", "SR",
                                               "SRA", "SRTA", "HERR", "FRAU"};
constexpr std::string_view kDegrees[] = {"MD",  "PHD", "ESQ", "DDS", "DMD", "CPA", "RN",
                                         "DVM", "JD",  "LLM", "MBA", "OBE", "PE",  "DO"};
constexpr std::string_view kParticles[] = {
    "DE",  "DEL", "DELA",  "LA",  "LAS",   "LOS", "DA",  "DAS", "DO",  "DOS",  "DI",  "DU",
    "DES", "VAN", "VON",   "DER", "DEN",   "TER", "TEN", "LE",  "BIN", "BINT", "IBN", "AL",
    "EL",  "ST",  "SAINT", "SAN", "SANTA", "MC",  "MAC", "ZU",  "ZUR", "ABU",  "Y",   "E"};
constexpr std::string_view kStandIns[] = {"FNU", "LNU",  "NFN",   "NLN",
                                          "UNK", "UNKN", "FNUNK", "LNUNK"};
constexpr std::string_view kConjunctions[] = {"AND", "OR", "AKA", "DBA", "FKA", "CO"};

NameSuffix SuffixOf(std::string_view word) {
  struct Entry {
    std::string_view word;
    NameSuffix suffix;
  };
  constexpr Entry kSuffixes[] = {
      {"JR", NameSuffix::kJunior}, {"JUNIOR", NameSuffix::kJunior}, {"JNR", NameSuffix::kJunior},
      {"SR", NameSuffix::kSenior}, {"SENIOR", NameSuffix::kSenior}, {"SNR", NameSuffix::kSenior},
      {"II", NameSuffix::kSecond}, {"2ND", NameSuffix::kSecond},    {"III", NameSuffix::kThird},
      {"3RD", NameSuffix::kThird}, {"IV", NameSuffix::kFourth},     {"4TH", NameSuffix::kFourth},
      {"V", NameSuffix::kFifth},   {"5TH", NameSuffix::kFifth},
  };
  for (const Entry& entry : kSuffixes) {
    if (entry.word == word) return entry.suffix;
  }
  return NameSuffix::kNone;
}

struct TypedWord {
  std::string_view text;
  bool joined = false;   // A hyphen stands before it.
  std::size_t part = 0;  // How many commas stand before it.
};

// The words of a name as typed.
class TypedWords final {
 public:
  // False for signs that no name has, or too many words.
  [[nodiscard]] bool Read(std::string_view normal, TextBuffer& buffer) {
    std::size_t begin = buffer.size();
    bool joined = false;
    std::size_t part = 0;
    const auto flush = [&] {
      const std::string_view word = buffer.From(begin);
      begin = buffer.size();
      if (word.empty()) return true;
      if (size_ == kMostTypedWords) return false;
      words_[size_++] = {word, joined, part};
      joined = false;
      return true;
    };
    for (std::size_t i = 0; i < normal.size(); ++i) {
      const char c = normal[i];
      if (IsLetterByte(c) || IsDigit(c)) {
        if (!buffer.Append(c)) return false;
        continue;
      }
      switch (c) {
        case '\'':
        case '`':
          break;
        case ' ':
        case '.':
          if (!flush()) return false;
          break;
        case '-': {
          const bool inside =
              buffer.size() != begin && i + 1 < normal.size() && IsLetterByte(normal[i + 1]);
          if (!flush()) return false;
          joined = inside;
          break;
        }
        case ',':
          if (!flush()) return false;
          ++part;
          break;
        default:
          return false;
      }
    }
    return flush();
  }

  std::size_t size() const { return size_; }
  const TypedWord& operator[](std::size_t i) const { return words_[i]; }
  void RemoveAt(std::size_t i) {
    std::move(words_.begin() + static_cast<std::ptrdiff_t>(i) + 1,
              words_.begin() + static_cast<std::ptrdiff_t>(size_),
              words_.begin() + static_cast<std::ptrdiff_t>(i));
    --size_;
  }

 private:
  std::array<TypedWord, kMostTypedWords> words_;
  std::size_t size_ = 0;
};

bool HasDigit(std::string_view word) { return std::any_of(word.begin(), word.end(), IsDigit); }

// Takes titles off the front, degrees and the suffix off wherever they stand after a comma or at
// the end. Two suffixes are malformed.
NameLack TakeSuffix(TypedWords& words, ParsedName& out) {
  while (words.size() > 1 && (IsOneOf(words[0].text, kTitles) ||
                              (words.size() > 2 && IsOneOf(words[0].text, kTitlesOrNames)))) {
    words.RemoveAt(0);
  }
  bool family_first = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    family_first =
        family_first || (words[i].part > 0 && SuffixOf(words[i].text) == NameSuffix::kNone &&
                         !IsOneOf(words[i].text, kDegrees));
  }
  for (std::size_t i = words.size(); i-- > 1;) {
    const TypedWord& word = words[i];
    const bool ends_part = i + 1 == words.size() || words[i + 1].part != word.part;
    if (!ends_part || word.joined) continue;
    // "SMITH, JOHN V" has a middle initial; "JOHN SMITH V" is the fifth.
    if (word.text.size() == 1 && family_first) continue;
    const NameSuffix suffix = SuffixOf(word.text);
    const bool degree = IsOneOf(word.text, kDegrees) && (word.part > 0 || words.size() > 2);
    if (suffix == NameSuffix::kNone && !degree) continue;
    if (words.size() <= 2 && word.part == words[i - 1].part) continue;  // A family called Senior.
    if (suffix != NameSuffix::kNone) {
      if (out.suffix != NameSuffix::kNone && out.suffix != suffix) return NameLack::kMalformed;
      out.suffix = suffix;
    }
    words.RemoveAt(i);
  }
  return NameLack::kNothing;
}

NameLack Read(TypedWords& words, ParsedName& out) {
  if (words.size() == 0) return NameLack::kMalformed;
  if (const NameLack lack = TakeSuffix(words, out); lack != NameLack::kNothing) return lack;
  if (words.size() > ParsedName::kMostWords) return NameLack::kMalformed;

  // "FAMILY, GIVEN MIDDLE": what stands after the comma comes first.
  std::size_t comma = 0;  // The first word after it.
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].part != words[0].part && comma == 0) comma = i;
    if (comma != 0 && words[i].part != words[comma].part) return NameLack::kMalformed;
  }
  std::array<bool, ParsedName::kMostWords> joined{};
  for (std::size_t k = 0; k < words.size(); ++k) {
    const std::size_t from = k + comma < words.size() ? k + comma : k + comma - words.size();
    const TypedWord& word = words[from];
    if (HasDigit(word.text) || IsOneOf(word.text, kConjunctions)) return NameLack::kMalformed;
    if (IsOneOf(word.text, kStandIns)) return NameLack::kPlaceholder;
    out.words[k] = word.text;
    joined[k] = word.joined;
  }
  out.count = words.size();
  if (out.count < 2) return NameLack::kIncomplete;

  if (comma != 0) {
    out.family = words.size() - comma;
  } else {
    std::size_t family = out.count - 1;
    while (family > 1 && joined[family]) --family;
    while (family > 1 && IsOneOf(out.words[family - 1], kParticles) && !joined[family - 1])
      --family;
    out.family = family;
  }
  out.middle = 1;
  while (out.middle < out.family && joined[out.middle]) ++out.middle;
  const auto is_initial = [](std::span<const std::string_view> part) {
    return part.size() == 1 && part[0].size() == 1;
  };
  if (is_initial(out.Given()) || is_initial(out.Family())) return NameLack::kIncomplete;
  return NameLack::kNothing;
}

}  // namespace

void ParseName(std::string_view name, ParsedName& out) {
  const NormalText text = NormaliseText(name, out.text);
  if (text.status != TextStatus::kOk) {
    out.lack = NameLack::kMalformed;
    return;
  }
  out.raw = text.text;
  if (text.text.empty()) return;
  // Marks that are not seen are part of the way some scripts are written; a word in two scripts
  // and digits in another are not.
  if ((text.flags & (kTextForeignDigit | kTextMixedScript)) != 0) {
    out.lack = NameLack::kMalformed;
    return;
  }
  TypedWords words;
  out.lack = words.Read(text.text, out.text) ? Read(words, out) : NameLack::kMalformed;
}

std::string NormalisedNameKey(std::string_view name) {
  ParsedName parsed;
  ParseName(name, parsed);
  return NormalisedNameKey(parsed);
}

std::string NormalisedNameKey(const ParsedName& name) {
  if (!name.complete()) return {};
  std::string_view first = name.words[0];
  std::string_view second = name.words[name.count - 1];
  if (second < first) std::swap(first, second);
  std::string key(first);
  key += ' ';
  key += second;
  return key;
}

std::vector<std::string> SourceIndexKeys(const PersonView& person) {
  std::vector<std::string> keys;
  std::string digits;
  for (const char c : person.tax_number) {
    if (IsDigit(c)) digits += c;
  }
  if (digits.size() >= 5) keys.push_back("T" + digits);

  ParsedName name;
  ParseName(person.name, name);
  if (!name.complete()) return keys;
  keys.push_back("N" + NormalisedNameKey(name));
  std::string postal;
  for (const char c : person.address.postal_code) {
    // Five, so that ZIP+4 and ZIP meet.
    if ((IsDigit(c) || IsLetterByte(c)) && postal.size() < 5) postal += c;
  }
  if (postal.empty()) return keys;
  const std::string_view first = name.words[0];
  const std::string_view last = name.words[name.count - 1];
  for (const std::string_view word : {first, last}) {
    std::string key = "P" + postal + ' ';
    key += word;
    keys.push_back(std::move(key));
    if (first == last) break;
  }
  return keys;
}

}  // namespace holdfast::policy
