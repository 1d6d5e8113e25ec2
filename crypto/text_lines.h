// SPDX-License-Identifier: Apache-2.0
// The lines of C2SP's text formats, read strictly.
//
// When to use  In parsers of checkpoints, notes and proofs.
// Threads      Functions may be called concurrently.
// Ownership    Views into what was given.
// Errors       nullopt.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::crypto {

// Takes the first line of `text` off. Returns nullopt if no line break is left.
inline std::optional<std::string_view> TakeLine(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

// Reads a decimal without leading zeros or sign: one number has one text.
inline std::optional<std::uint64_t> ParseDecimal(std::string_view text) {
  std::uint64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || std::to_string(number) != text) return std::nullopt;
  return number;
}

}  // namespace holdfast::crypto
