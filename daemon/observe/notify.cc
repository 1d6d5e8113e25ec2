// SPDX-License-Identifier: Apache-2.0
#include "daemon/observe/notify.h"

#include <cstdint>

#include <systemd/sd-daemon.h>
#include <time.h>

#include "fmt/format.h"

namespace holdfast::observe {

void NotifyReady() { sd_notify(0, "READY=1"); }

void NotifyReloading() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                           std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000)
                   .c_str());
}

void NotifyStopping() { sd_notify(0, "STOPPING=1"); }
void NotifyAlive() { sd_notify(0, "WATCHDOG=1"); }

std::optional<std::chrono::microseconds> WatchdogInterval() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

}  // namespace holdfast::observe
