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
#include <string>
#include <string_view>

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

  // 16 bytes that name the machine's run: what SinceBoot() of two times can be compared in. Empty
  // where that is not known.
  virtual std::string BootId() const { return {}; }
};

// Reads a boot id as the kernel (36 characters) or the service manager (32) writes it; empty if it
// is none.
std::string ReadBootId(std::string_view text);

// CLOCK_REALTIME and CLOCK_BOOTTIME.
class SystemClock final : public Clock {
 public:
  // `boot_id` as the service manager says it: a confined process does not see the kernel's, which
  // is taken where it is empty.
  explicit SystemClock(std::string_view boot_id = {});

  UnixMillis WallNow() const override;
  std::chrono::milliseconds SinceBoot() const override;

  std::string BootId() const override { return boot_id_; }

 private:
  std::string boot_id_;
};

}  // namespace holdfast
