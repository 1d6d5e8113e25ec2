// SPDX-License-Identifier: Apache-2.0
#include "base/escape.h"

namespace holdfast {

std::string EscapeForLog(std::string_view text, std::size_t max_bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string escaped;
  for (const char c : text.substr(0, max_bytes)) {
    const auto value = static_cast<unsigned char>(c);
    if (value >= 0x20 && value < 0x7f && c != '\\' && c != '"' && c != '\'') {
      escaped.push_back(c);
    } else {
      escaped += "\\x";
      escaped.push_back(kDigits[value >> 4]);
      escaped.push_back(kDigits[value & 15]);
    }
  }
  if (text.size() > max_bytes) escaped += "...";
  return escaped;
}

}  // namespace holdfast
