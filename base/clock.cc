// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <fstream>

#include <time.h>

#include "base/bytes.h"
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

std::string ReadBootId(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != '-' && c != '\n') digits += c;
  }
  const auto bytes = FromHex(digits);
  return bytes.ok() && bytes->size() == 16 ? ToString(*bytes) : std::string();
}

SystemClock::SystemClock(std::string_view boot_id) : boot_id_(ReadBootId(boot_id)) {
  if (!boot_id_.empty()) return;
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string line;
  if (std::getline(file, line)) boot_id_ = ReadBootId(line);
}

}  // namespace holdfast
