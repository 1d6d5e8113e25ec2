// SPDX-License-Identifier: Apache-2.0
// Requests that are read in place, against the generated parser.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "tests/daemon/rpc/view_model.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // So few bytes cannot be more than either view takes.
  if (size > 2'048) return 0;
  HF_CHECK(holdfast::test::DifferenceAsSubmit(bytes).empty());
  HF_CHECK(holdfast::test::DifferenceAsDeposit(bytes).empty());
  return 0;
}
