// SPDX-License-Identifier: Apache-2.0
#include "policy/text.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

namespace holdfast::policy {
namespace {

constexpr char kUnreadableByte = '\0';

// What an ASCII byte becomes. Control characters become kUnreadableByte.
constexpr std::array<char, 128> MakeAsciiTable() {
  std::array<char, 128> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const char c = static_cast<char>(i);
    if (c == '\t' || c == '\n' || c == '\r') {
      table[i] = ' ';
    } else if (c < ' ' || i == 0x7F) {
      table[i] = kUnreadableByte;
    } else if (c >= 'a' && c <= 'z') {
      table[i] = static_cast<char>(c - 'a' + 'A');
    } else {
      table[i] = c;
    }
  }
  return table;
}
constexpr std::array<char, 128> kAscii = MakeAsciiTable();

// Letters and signs that no Unicode normalisation takes to A to Z, as people transcribe them.
struct Transcription {
  UChar32 from;
  const char* to;
};
constexpr Transcription kTranscriptions[] = {
    {0x00E6, "ae"}, {0x00F0, "d"},  {0x00F8, "o"},  {0x00FE, "th"}, {0x0111, "d"}, {0x0127, "h"},
    {0x0131, "i"},  {0x0138, "k"},  {0x0142, "l"},  {0x0153, "oe"}, {0x0167, "t"}, {0x02B9, "'"},
    {0x02BB, "'"},  {0x02BC, "'"},  {0x02C8, "'"},  {0x2010, "-"},  {0x2011, "-"}, {0x2012, "-"},
    {0x2013, "-"},  {0x2014, "-"},  {0x2015, "-"},  {0x2018, "'"},  {0x2019, "'"}, {0x201A, "'"},
    {0x201B, "'"},  {0x201C, "\""}, {0x201D, "\""}, {0x2032, "'"},  {0x2044, "/"}, {0x2212, "-"},
    {0x2215, "/"},
};

const char* Transcribe(UChar32 c) {
  const auto* end = std::end(kTranscriptions);
  const auto* at = std::lower_bound(
      std::begin(kTranscriptions), end, c,
      [](const Transcription& entry, UChar32 value) { return entry.from < value; });
  return at != end && at->from == c ? at->to : nullptr;
}

// The normalisers are ICU's own, made once and never freed.
struct Normalisers {
  const icu::Normalizer2* fold = nullptr;       // NFKC, case folded, without the ignorable.
  const icu::Normalizer2* decompose = nullptr;  // NFD.
};

const Normalisers& TheNormalisers() {
  static const Normalisers normalisers = [] {
    Normalisers made;
    UErrorCode error = U_ZERO_ERROR;
    made.fold = icu::Normalizer2::getNFKCCasefoldInstance(error);
    made.decompose = icu::Normalizer2::getNFDInstance(error);
    if (U_FAILURE(error)) made = Normalisers{};
    return made;
  }();
  return normalisers;
}

// Notes what is unusual in a character as it was typed. False for control characters.
bool Inspect(UChar32 c, std::uint8_t& flags) {
  switch (u_charType(c)) {
    case U_CONTROL_CHAR:
      if (c == '\t' || c == '\n' || c == '\r') return true;
      return false;
    case U_FORMAT_CHAR:
      flags |= kTextHidden;
      break;
    case U_DECIMAL_DIGIT_NUMBER:
      if (c > 0x7F) flags |= kTextForeignDigit;
      break;
    case U_LETTER_NUMBER:
    case U_OTHER_NUMBER:
      flags |= kTextForeignDigit;
      break;
    case U_PRIVATE_USE_CHAR:
    case U_SURROGATE:
    case U_UNASSIGNED:
      return false;
    default:
      break;
  }
  if (u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT)) flags |= kTextHidden;
  return true;
}

// Whether a letter of `script` may stand in a word whose letters so far are of `word`.
bool SameScript(UScriptCode word, UScriptCode script) {
  const auto kana_or_han = [](UScriptCode s) {
    return s == USCRIPT_HAN || s == USCRIPT_HIRAGANA || s == USCRIPT_KATAKANA;
  };
  return word == script || (kana_or_han(word) && kana_or_han(script));
}

// Writes blanks as one space between words and none at the ends.
class Collapser {
 public:
  explicit Collapser(TextBuffer& buffer) : buffer_(buffer), begin_(buffer.size()) {}

  [[nodiscard]] bool Put(char c) {
    if (c == ' ') {
      pending_ = buffer_.size() != begin_;
      return true;
    }
    if (pending_) {
      pending_ = false;
      if (!buffer_.Append(' ')) return false;
    }
    return buffer_.Append(c);
  }
  std::string_view Text() const { return buffer_.From(begin_); }

 private:
  TextBuffer& buffer_;
  std::size_t begin_;
  bool pending_ = false;
};

NormalText NormaliseUnicode(std::string_view text, TextBuffer& buffer) {
  const Normalisers& normalisers = TheNormalisers();
  if (normalisers.fold == nullptr || normalisers.decompose == nullptr) return {};

  NormalText result;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const auto length = static_cast<std::int32_t>(text.size());
  icu::UnicodeString typed;
  UScriptCode word = USCRIPT_COMMON;
  for (std::int32_t i = 0; i < length;) {
    UChar32 c = 0;
    U8_NEXT(bytes, i, length, c);
    if (c < 0 || !Inspect(c, result.flags)) return {};
    typed.append(c);
    UErrorCode error = U_ZERO_ERROR;
    const UScriptCode script = uscript_getScript(c, &error);
    if (u_isUWhiteSpace(c)) {
      word = USCRIPT_COMMON;
    } else if (u_isalpha(c) && script != USCRIPT_COMMON && script != USCRIPT_INHERITED) {
      if (word != USCRIPT_COMMON && !SameScript(word, script)) result.flags |= kTextMixedScript;
      word = script;
    }
  }

  UErrorCode error = U_ZERO_ERROR;
  const icu::UnicodeString folded = normalisers.fold->normalize(typed, error);
  const icu::UnicodeString apart = normalisers.decompose->normalize(folded, error);
  if (U_FAILURE(error)) return {};

  Collapser out(buffer);
  const std::size_t begin = buffer.size();
  bool fits = true;
  for (std::int32_t i = 0; i < apart.length() && fits; i = apart.moveIndex32(i, 1)) {
    const UChar32 c = apart.char32At(i);
    if (c < 0x80) {
      const char ascii = kAscii[static_cast<std::size_t>(c)];
      if (ascii == kUnreadableByte) return {};
      fits = out.Put(ascii);
      continue;
    }
    if (u_charType(c) == U_NON_SPACING_MARK) continue;
    if (u_isUWhiteSpace(c)) {
      fits = out.Put(' ');
      continue;
    }
    if (const char* ascii = Transcribe(c)) {
      for (; *ascii != '\0' && fits; ++ascii) {
        fits = out.Put(kAscii[static_cast<std::size_t>(*ascii)]);
      }
      continue;
    }
    result.flags |= kTextNotLatin;
    std::uint8_t encoded[U8_MAX_LENGTH];
    std::int32_t size = 0;
    U8_APPEND_UNSAFE(encoded, size, static_cast<std::uint32_t>(c));
    for (std::int32_t k = 0; k < size && fits; ++k) fits = out.Put(static_cast<char>(encoded[k]));
  }
  if (!fits || out.Text().size() > kMaxTextBytes) {
    buffer.Shrink(begin);
    return {TextStatus::kTooLong, 0, {}};
  }
  result.status = TextStatus::kOk;
  result.text = out.Text();
  return result;
}

// Distance in typing errors, at most `limit` + 1: insertion, deletion, change, exchange of two
// neighbours (optimal string alignment).
std::size_t TypingErrors(std::string_view a, std::string_view b, std::size_t limit) {
  constexpr std::size_t kLongest = 64;
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > limit || b.size() > kLongest) return limit + 1;
  std::array<std::uint8_t, kLongest + 1> before_last{};
  std::array<std::uint8_t, kLongest + 1> last{};
  std::array<std::uint8_t, kLongest + 1> row{};
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = static_cast<std::uint8_t>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<std::uint8_t>(i);
    std::uint8_t best = row[0];
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int changed = a[i - 1] != b[j - 1] ? 1 : 0;
      int cost = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + changed});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost = std::min(cost, before_last[j - 2] + 1);
      }
      row[j] = static_cast<std::uint8_t>(cost);
      best = std::min(best, row[j]);
    }
    if (best > limit) return limit + 1;
    before_last = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

bool TextBuffer::Append(std::string_view text) {
  if (text.size() > kCapacity - size_) return false;
  if (!text.empty()) std::memcpy(data_.data() + size_, text.data(), text.size());
  size_ += text.size();
  return true;
}

NormalText NormaliseText(std::string_view text, TextBuffer& buffer) {
  if (text.size() > kMaxTextBytes) return {TextStatus::kTooLong, 0, {}};
  const std::size_t begin = buffer.size();
  Collapser out(buffer);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) {
      buffer.Shrink(begin);
      return NormaliseUnicode(text, buffer);
    }
    const char mapped = kAscii[byte];
    if (mapped == kUnreadableByte) {
      buffer.Shrink(begin);
      return {};
    }
    if (!out.Put(mapped)) {
      buffer.Shrink(begin);
      return {TextStatus::kTooLong, 0, {}};
    }
  }
  return {TextStatus::kOk, 0, out.Text()};
}

bool IsSameText(std::string_view a, std::string_view b) {
  TextBuffer buffer;
  const NormalText x = NormaliseText(a, buffer);
  const NormalText y = NormaliseText(b, buffer);
  return x.status == TextStatus::kOk && y.status == TextStatus::kOk && x.text == y.text;
}

bool IsNear(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const std::size_t shorter = std::min(a.size(), b.size());
  if (shorter < 3) return false;
  const std::size_t limit = shorter >= 9 ? 2 : 1;
  return WithinTypingErrors(a, b, limit);
}

bool WithinTypingErrors(std::string_view a, std::string_view b, std::size_t limit) {
  return TypingErrors(a, b, limit) <= limit;
}

}  // namespace holdfast::policy
