// SPDX-License-Identifier: Apache-2.0
#include "base/freed_memory.h"

#include <malloc.h>

namespace holdfast {

void ReuseFreedMemory() {
  // A few of the largest messages. To set either ends the library's own adapting of both.
  constexpr int kBytes = 4 << 20;
  // Another allocator, such as a sanitizer's, has no such bounds and says so: nothing is lost.
  static_cast<void>(mallopt(M_MMAP_THRESHOLD, kBytes));
  static_cast<void>(mallopt(M_TRIM_THRESHOLD, kBytes));
}

}  // namespace holdfast
