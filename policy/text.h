// SPDX-License-Identifier: Apache-2.0
//
// One normal form for text that people typed: upper case, no diacritics, no disguise.
//
// The form is Unicode NFKC with case folding and without what is invisible, then without
// combining marks, with A to Z in upper case and each run of blanks as one space. Letters
// that have no mark to lose but are written with A to Z elsewhere (L with stroke, AE) are
// replaced. docs/gates.md has the rules.
//
// When to use  Before any comparison of text in a gate. Not for identifiers that are defined as
//              ASCII, such as dates: read those strictly.
// Threads      Every function may be called concurrently.
// Ownership    TextBuffer owns its bytes; views into it live as long as it does and it is not
// cleared. Errors       By TextStatus. ASCII takes a path of its own, without ICU and without
// allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::policy {

// The longest text that is read, in bytes before and after normalisation.
inline constexpr std::size_t kMaxTextBytes = 256;

// Bytes that grow at the end, without allocation. Not copied: views point into it.
class TextBuffer final {
 public:
  static constexpr std::size_t kCapacity = 4 * kMaxTextBytes;

  TextBuffer() = default;
  TextBuffer(const TextBuffer&) = delete;
  TextBuffer& operator=(const TextBuffer&) = delete;

  void Clear() { size_ = 0; }
  std::size_t size() const { return size_; }
  std::string_view From(std::size_t begin) const { return {data_.data() + begin, size_ - begin}; }
  std::string_view All() const { return {data_.data(), size_}; }

  // Append returns false, and appends nothing, if there is no room.
  [[nodiscard]] bool Append(char c) {
    if (size_ == kCapacity) return false;
    data_[size_++] = c;
    return true;
  }
  [[nodiscard]] bool Append(std::string_view text);

  // REQUIRES: size <= size().
  void Shrink(std::size_t size) { size_ = size; }

 private:
  std::size_t size_ = 0;
  std::array<char, kCapacity> data_;  // Only [0, size_) was ever written.
};

enum class TextStatus : std::uint8_t {
  kUnreadable = 0,  // Not UTF-8, or with control characters other than tab and line ends.
  kOk,
  kTooLong,
};

// What was unusual about a text, as bits.
enum TextFlag : std::uint8_t {
  kTextHidden = 1U << 0,        // Had characters that are not seen: zero width, soft hyphen, tags.
  kTextForeignDigit = 1U << 1,  // Had digits or numbers other than 0 to 9: full width, superscript.
  kTextMixedScript = 1U << 2,   // A word has letters of two scripts, such as a Cyrillic A in LANE.
  kTextNotLatin = 1U << 3,      // Letters remain that are not A to Z.
};

struct NormalText {
  TextStatus status = TextStatus::kUnreadable;
  std::uint8_t flags = 0;
  std::string_view text;  // In the buffer. Empty unless kOk.
};

// Appends the normal form of `text` to `buffer`.
NormalText NormaliseText(std::string_view text, TextBuffer& buffer);

// Whether both can be read, and have one normal form.
bool IsSameText(std::string_view a, std::string_view b);

// Whether `a` and `b` are the same letters and digits but for one typing error, or two if both
// are of nine or more: a letter added, dropped, changed, or two neighbours exchanged. Texts under
// three letters have no typing errors: they are the same or they are not. Equal texts are near.
bool IsNear(std::string_view a, std::string_view b);

// Whether `a` becomes `b` by at most `limit` typing errors. Texts over 64 bytes never do.
bool WithinTypingErrors(std::string_view a, std::string_view b, std::size_t limit);

inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }

// A letter of the normal form: A to Z, or a byte of a letter of another script.
inline bool IsLetterByte(char c) { return IsUpper(c) || static_cast<unsigned char>(c) >= 0x80; }

}  // namespace holdfast::policy
