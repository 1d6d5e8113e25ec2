// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <time.h>

#include "base/check.h"

namespace holdfast {
namespace {

std::chrono::milliseconds Read(clockid_t clock) {
  timespec now{};
  // Fails only for a clock that the kernel does not know.
  HF_CHECK(clock_gettime(clock, &now) == 0);
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace

UnixMillis SystemClock::WallNow() const { return UnixMillis{Read(CLOCK_REALTIME).count()}; }

std::chrono::milliseconds SystemClock::SinceBoot() const { return Read(CLOCK_BOOTTIME); }

}  // namespace holdfast
