// SPDX-License-Identifier: Apache-2.0
// Strict JSON: what was read and written is read as the same.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/strict_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = holdfast::ParseStrictJson(text);
  if (!value.ok()) return 0;
  const std::string written = holdfast::WriteJson(*value);
  const auto again = holdfast::ParseStrictJson(written);
  HF_CHECK(again.ok());
  HF_CHECK(holdfast::WriteJson(*again) == written);
  return 0;
}
