// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/time_keeper.h"

#include <algorithm>

namespace holdfast::exchange {
namespace {

constexpr std::int64_t kMaxDriftMs =
    std::chrono::duration_cast<std::chrono::milliseconds>(TimeKeeper::kMaxDrift).count();

}  // namespace

TimeKeeper::TimeKeeper(const Clock& clock) : TimeKeeper(clock, {0, 0, true}, {}, {}) {}

TimeKeeper::TimeKeeper(const Clock& clock, const Times& last, const policy::ClockRecord& record,
                       std::chrono::milliseconds ahead)
    : clock_(clock),
      last_(last),
      ahead_ms_(ahead.count()),
      anchor_wall_ms_(clock.WallNow().value()),
      anchor_boot_ms_(clock.SinceBoot().count()),
      drift_(record.drift) {
  const std::int64_t wall = anchor_wall_ms_;
  const bool same_run = record.since_boot_ms > 0 && record.boot == clock.BootId() &&
                        anchor_boot_ms_ >= record.since_boot_ms;
  if (same_run) {
    anchor_wall_ms_ = record.elapsed_ms + (anchor_boot_ms_ - record.since_boot_ms);
    unexplained_ms_ = record.unexplained_ms;
  } else {
    drift_.StartRun();
    const bool is_new = last.early_ms == 0;
    unexplained_ms_ =
        is_new ? 0 : std::max<std::int64_t>(0, wall - anchor_boot_ms_ - last.early_ms);
  }
  drift_.Note(wall, anchor_boot_ms_);
  trusted_ = last.trusted && !IsBehind(wall);
}

bool TimeKeeper::IsBehind(std::int64_t wall_ms) const {
  return wall_ms + kMaxDriftMs + ahead_ms_ < last_.late_ms;
}

Times TimeKeeper::Read() {
  const std::int64_t wall = clock_.WallNow().value();
  const std::int64_t boot = clock_.SinceBoot().count();
  drift_.Note(wall, boot);
  if (drift_.sum_ms() > kMaxDriftMs || IsBehind(wall)) trusted_ = false;

  const std::int64_t elapsed = anchor_wall_ms_ + (boot - anchor_boot_ms_);
  last_.late_ms = std::max({last_.late_ms, wall, elapsed});
  last_.early_ms = std::max(last_.early_ms, std::min(wall, elapsed) - unexplained_ms_);
  last_.trusted = trusted_;
  last_.wall_ms = wall;
  last_.since_boot_ms = boot;
  last_.elapsed_ms = elapsed;
  last_.unexplained_ms = unexplained_ms_;
  ahead_ms_ = std::min(ahead_ms_, last_.late_ms - wall);
  return last_;
}

void TimeKeeper::Trust() {
  anchor_wall_ms_ = clock_.WallNow().value();
  anchor_boot_ms_ = clock_.SinceBoot().count();
  drift_.Forget();
  drift_.Note(anchor_wall_ms_, anchor_boot_ms_);
  unexplained_ms_ = 0;
  // The ledger's time never runs back: where it went ahead, the clock has to catch up.
  ahead_ms_ = std::max<std::int64_t>(0, last_.late_ms - anchor_wall_ms_);
  trusted_ = true;
}

}  // namespace holdfast::exchange
