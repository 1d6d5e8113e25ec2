// SPDX-License-Identifier: Apache-2.0
#include "cli/json.h"

#include "base/utf8.h"

namespace holdfast::cli {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

}  // namespace

std::string JsonQuote(std::string_view text) {
  const bool is_utf8 = IsUtf8(text);
  std::string out = "\"";
  for (const char character : text) {
    const auto c = static_cast<unsigned char>(character);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += character;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c < 0x20 || c == 0x7F) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      out += "\\u00";
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
    } else if (c < 0x80 || is_utf8) {
      out += character;
    } else {
      out += kReplacement;
    }
  }
  out += '"';
  return out;
}

JsonArray& JsonArray::AddRaw(std::string_view json) {
  if (!body_.empty()) body_ += ", ";
  body_ += json;
  return *this;
}

JsonObject::JsonObject(std::string_view schema) {
  Set("schema", "holdfast.cli.v1." + std::string(schema));
}

JsonObject& JsonObject::SetRaw(std::string_view name, std::string_view json) {
  if (!body_.empty()) body_ += ", ";
  body_ += JsonQuote(name);
  body_ += ": ";
  body_ += json;
  return *this;
}

}  // namespace holdfast::cli
