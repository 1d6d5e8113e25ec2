// SPDX-License-Identifier: Apache-2.0
#include "base/freed_memory.h"

#include <cstddef>
#include <cstdint>

#include <malloc.h>
#include <sys/mman.h>

namespace holdfast {

void ReuseFreedMemory() {
  // A few of the largest messages. To set either ends the library's own adapting of both.
  constexpr int kBytes = 4 << 20;
  // Another allocator, such as a sanitizer's, has no such bounds and says so: nothing is lost.
  static_cast<void>(mallopt(M_MMAP_THRESHOLD, kBytes));
  static_cast<void>(mallopt(M_TRIM_THRESHOLD, kBytes));
  // Small pieces are put together when they are freed, and not by the hundred thousand when
  // somebody next asks for a large one.
  static_cast<void>(mallopt(M_MXFAST, 0));
}

void InLargePages(Bytes& bytes) {
  constexpr std::uintptr_t kLargePage = std::uintptr_t{2} << 20;
  auto* const begin = bytes.data() + bytes.size();
  const std::size_t before =
      (kLargePage - reinterpret_cast<std::uintptr_t>(begin) % kLargePage) % kLargePage;
  const std::size_t room = bytes.capacity() - bytes.size();
  if (room < before + kLargePage) return;
  // Where the kernel has none they stay small.
  static_cast<void>(
      ::madvise(begin + before, (room - before) / kLargePage * kLargePage, MADV_HUGEPAGE));
}

}  // namespace holdfast
