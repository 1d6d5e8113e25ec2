// SPDX-License-Identifier: Apache-2.0
// The texts of base/: what is accepted is the one spelling of what it means.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "base/escape.h"
#include "base/time.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto bytes = holdfast::FromBase64(text); bytes.ok()) {
    HF_CHECK(holdfast::Base64(*bytes) == text);
  }
  if (const auto bytes = holdfast::FromHex(text); bytes.ok()) {
    HF_CHECK(holdfast::Hex(*bytes) == text);
  }
  if (const auto time = holdfast::ParseRfc3339(text); time.ok()) {
    const auto again = holdfast::ParseRfc3339(holdfast::FormatRfc3339(*time));
    HF_CHECK(again.ok() && *again == *time);
  }
  for (const char c : holdfast::EscapeForLog(text)) HF_CHECK(c >= 0x20 && c < 0x7f);
  return 0;
}
