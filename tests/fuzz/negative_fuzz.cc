// SPDX-License-Identifier: Apache-2.0
// A target that is wrong on purpose: it fails on an input that is one bit away from its corpus. If
// it passes, it is the fuzzing that does not work.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (std::string_view(reinterpret_cast<const char*>(data), size) == "holdfasu") std::_Exit(1);
  return 0;
}
