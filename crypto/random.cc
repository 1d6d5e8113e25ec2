// SPDX-License-Identifier: Apache-2.0
#include "crypto/random.h"

#include <cerrno>

#include <sys/random.h>

#include "base/check.h"

namespace holdfast::crypto {

// Not randombytes_buf(): it asks the kernel for 256 bytes at a time.
void SystemRandom::Fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t count = getrandom(out.data(), out.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    HF_CHECK(count > 0);
    out = out.subspan(static_cast<std::size_t>(count));
  }
}

}  // namespace holdfast::crypto
