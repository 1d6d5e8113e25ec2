// SPDX-License-Identifier: Apache-2.0
// Place tables: what is read has no more places than lines, and knows each of them.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "policy/place_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto table = holdfast::policy::PlaceTable::Parse(text);
  if (!table.ok()) return 0;
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  HF_CHECK(table->size() >= 1 && table->size() <= lines);
  for (const std::string_view zip : {"00000", "62701", "99999"}) {
    HF_CHECK(table->Knows(zip) || !table->InState(zip, "IL"));
    HF_CHECK(table->InState(zip, "IL") || !table->HasCity(zip, "IL", "SPRINGFIELD"));
  }
  return 0;
}
