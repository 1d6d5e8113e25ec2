// SPDX-License-Identifier: Apache-2.0
// The two clocks of the machine, behind a seam.
//
// When to use  Whenever the time is needed. Never call the system's clocks directly: what is tested
//              with a FakeClock cannot depend on them.
// Threads      Every implementation may be called concurrently.
// Ownership    Borrowed by whoever needs the time; must outlive them.
// Errors       None. Whether a clock is to be trusted is decided above (policy/).
#pragma once

#include <chrono>

#include "base/time.h"

namespace holdfast {

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  // What the wall clock says. It can be set, and can run backwards.
  virtual UnixMillis WallNow() const = 0;

  // The time since the machine started, suspension included. Never runs backwards, and starts over
  // with the machine.
  virtual std::chrono::milliseconds SinceBoot() const = 0;
};

// CLOCK_REALTIME and CLOCK_BOOTTIME.
class SystemClock final : public Clock {
 public:
  UnixMillis WallNow() const override;
  std::chrono::milliseconds SinceBoot() const override;
};

}  // namespace holdfast
