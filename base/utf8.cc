// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace holdfast {
namespace {

bool IsSpace(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

bool IsDeceptive(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x61c || c == 0x180e ||
         (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
         (c >= 0xe0000 && c <= 0xe007f);
}

// Whether some character of `text` is `wanted`. Stops where `text` is no UTF-8.
bool HasAny(std::string_view text, bool (*wanted)(char32_t)) {
  while (const auto c = TakeCodePoint(text)) {
    if (wanted(*c)) return true;
  }
  return false;
}

// How many bytes of ASCII the text begins with; eight are looked at together.
std::size_t AsciiBytes(std::string_view text) {
  std::size_t bytes = 0;
  std::uint64_t eight = 0;
  for (; bytes + sizeof(eight) <= text.size(); bytes += sizeof(eight)) {
    std::memcpy(&eight, text.data() + bytes, sizeof(eight));
    if ((eight & 0x8080808080808080) != 0) break;
  }
  while (bytes < text.size() && static_cast<unsigned char>(text[bytes]) < 0x80) ++bytes;
  return bytes;
}

}  // namespace

std::optional<char32_t> TakeCodePoint(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) {
    text.remove_prefix(1);
    return first;
  }
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return std::nullopt;
  char32_t c = first & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return std::nullopt;
    c = (c << 6) | (next & 0x3fu);
  }
  // 2-byte forms below U+0080 begin with 0xc0 or 0xc1 and are gone already.
  const bool overlong = (length == 3 && c < 0x800) || (length == 4 && c < 0x10000);
  if (overlong || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff) return std::nullopt;
  text.remove_prefix(length);
  return c;
}

bool IsUtf8(std::string_view text) {
  for (;;) {
    // Most text is ASCII throughout.
    text.remove_prefix(AsciiBytes(text));
    if (text.empty()) return true;
    if (!TakeCodePoint(text)) return false;
  }
}

bool HasUnicodeSpace(std::string_view text) { return HasAny(text, IsSpace); }

bool HasDeceptiveCharacter(std::string_view text) { return HasAny(text, IsDeceptive); }

}  // namespace holdfast
