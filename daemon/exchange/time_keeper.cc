// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/time_keeper.h"

#include <algorithm>
#include <cstdlib>

namespace holdfast::exchange {
namespace {

constexpr std::int64_t kMaxDriftMs =
    std::chrono::duration_cast<std::chrono::milliseconds>(TimeKeeper::kMaxDrift).count();
constexpr std::int64_t kDriftWindowMs =
    std::chrono::duration_cast<std::chrono::milliseconds>(TimeKeeper::kDriftWindow).count();

// Differences are summed up to this before they count: two clocks that are read one after the
// other always differ a little, and that cancels out, while a slow drift does not.
constexpr std::int64_t kJitterMs = 100;

}  // namespace

TimeKeeper::TimeKeeper(const Clock& clock)
    : TimeKeeper(clock, {0, 0, true, 0}, std::chrono::milliseconds(0)) {}

TimeKeeper::TimeKeeper(const Clock& clock, const Times& last, std::chrono::milliseconds ahead)
    : clock_(clock),
      last_(last),
      ahead_ms_(ahead.count()),
      anchor_wall_ms_(clock.WallNow().value()),
      anchor_boot_ms_(clock.SinceBoot().count()),
      previous_wall_ms_(anchor_wall_ms_),
      previous_boot_ms_(anchor_boot_ms_),
      trusted_(last.trusted && !IsBehind()) {}

bool TimeKeeper::IsBehind() const {
  return previous_wall_ms_ + kMaxDriftMs + ahead_ms_ < last_.late_ms;
}

Times TimeKeeper::Read() {
  const std::int64_t wall = clock_.WallNow().value();
  const std::int64_t boot = clock_.SinceBoot().count();

  residue_ms_ += (wall - previous_wall_ms_) - (boot - previous_boot_ms_);
  previous_wall_ms_ = wall;
  previous_boot_ms_ = boot;
  if (std::abs(residue_ms_) > kJitterMs) {
    steps_.push_back({boot, std::abs(residue_ms_)});
    drift_ms_ += std::abs(residue_ms_);
    residue_ms_ = 0;
  }
  while (!steps_.empty() && boot - steps_.front().at_boot_ms > kDriftWindowMs) {
    drift_ms_ -= steps_.front().size_ms;
    steps_.pop_front();
  }
  if (drift_ms_ > kMaxDriftMs || IsBehind()) trusted_ = false;

  const std::int64_t elapsed = anchor_wall_ms_ + (boot - anchor_boot_ms_);
  last_.late_ms = std::max({last_.late_ms, wall, elapsed});
  last_.early_ms = std::max(last_.early_ms, std::min(wall, elapsed));
  last_.trusted = trusted_;
  last_.wall_ms = wall;
  ahead_ms_ = std::min(ahead_ms_, last_.late_ms - wall);
  return last_;
}

void TimeKeeper::Trust() {
  anchor_wall_ms_ = clock_.WallNow().value();
  anchor_boot_ms_ = clock_.SinceBoot().count();
  previous_wall_ms_ = anchor_wall_ms_;
  previous_boot_ms_ = anchor_boot_ms_;
  steps_.clear();
  drift_ms_ = 0;
  residue_ms_ = 0;
  // The ledger's time never runs back: where it went ahead, the clock has to catch up.
  ahead_ms_ = std::max<std::int64_t>(0, last_.late_ms - anchor_wall_ms_);
  trusted_ = true;
}

}  // namespace holdfast::exchange
