// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/error.h"

namespace holdfast {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Returns the value of each character that is a digit, and -1 for every other.
constexpr std::array<int, 256> ValuesOf(std::string_view digits) {
  std::array<int, 256> values{};
  for (int& value : values) value = -1;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    values[static_cast<unsigned char>(digits[i])] = static_cast<int>(i);
  }
  return values;
}

constexpr auto kHexValues = ValuesOf(kHexDigits);
constexpr auto kBase64Values = ValuesOf(kBase64Digits);

int ValueIn(const std::array<int, 256>& values, char c) {
  return values[static_cast<unsigned char>(c)];
}

absl::Status Malformed(const char* message) {
  return MakeError(Reason::kRequestMalformed, message);
}

}  // namespace

std::string ToString(ByteSpan bytes) { return std::string(AsText(bytes)); }

std::string_view AsText(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string Hex(ByteSpan bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    const auto value = std::to_integer<unsigned>(b);
    text.push_back(kHexDigits[value >> 4]);
    text.push_back(kHexDigits[value & 15]);
  }
  return text;
}

absl::StatusOr<Bytes> FromHex(std::string_view text) {
  if (text.size() % 2 != 0) return Malformed("hexadecimal text has an odd length");
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = ValueIn(kHexValues, text[i]);
    const int low = ValueIn(kHexValues, text[i + 1]);
    if (high < 0 || low < 0) return Malformed("not a lower-case hexadecimal digit");
    bytes.push_back(static_cast<std::byte>(high * 16 + low));
  }
  return bytes;
}

std::string Base64(ByteSpan bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group <<= 8;
      if (j < count) group |= std::to_integer<std::uint32_t>(bytes[i + j]);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text.push_back(j <= count ? kBase64Digits[(group >> (18 - 6 * j)) & 63] : '=');
    }
  }
  return text;
}

absl::StatusOr<Bytes> FromBase64(std::string_view text) {
  if (text.size() % 4 != 0) return Malformed("base64 text is not padded");
  Bytes bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    std::size_t count = 4;
    if (last && text[i + 3] == '=') count = text[i + 2] == '=' ? 2 : 3;
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      group <<= 6;
      if (j >= count) continue;
      const int value = ValueIn(kBase64Values, text[i + j]);
      if (value < 0) return Malformed("not a base64 digit");
      group |= static_cast<std::uint32_t>(value);
    }
    const std::size_t byte_count = count - 1;
    for (std::size_t j = 0; j < byte_count; ++j) {
      bytes.push_back(static_cast<std::byte>((group >> (16 - 8 * j)) & 255));
    }
    // What is left below the last byte must be zero, or two texts would mean the same bytes.
    if (byte_count < 3 && (group & ((std::uint32_t{1} << (24 - 8 * byte_count)) - 1)) != 0) {
      return Malformed("base64 text has bits after its last byte");
    }
  }
  return bytes;
}

}  // namespace holdfast
