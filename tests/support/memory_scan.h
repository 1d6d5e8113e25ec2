// SPDX-License-Identifier: Apache-2.0
// Looks for secrets in the memory of its own process: heap, stacks of all threads, guarded pages,
// what was freed and not reused.
//
// When to use  In tests that show that something is gone. Secrets come masked, so that the search
//              does not find itself.
// Threads      Other threads may run; what they write meanwhile may be missed.
// Ownership    None.
// Errors       Ends the process if its own memory cannot be read.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace holdfast::test {

// A secret of 32 bytes, each XORed with kMask.
inline constexpr unsigned char kMask = 0x5a;
using MaskedSecret = std::array<unsigned char, 32>;

struct MemoryScan {
  std::vector<MaskedSecret> found;  // Those that are somewhere in memory, each once.
  std::size_t bytes = 0;            // How much was looked at.
};

MemoryScan ScanOwnMemory(const std::vector<MaskedSecret>& secrets);

}  // namespace holdfast::test
