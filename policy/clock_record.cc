// SPDX-License-Identifier: Apache-2.0
#include "policy/clock_record.h"

#include <algorithm>

namespace holdfast::policy {

void ClockDrift::Note(std::int64_t wall_ms, std::int64_t boot_ms) {
  if (last_) {
    residue_ms_ += (wall_ms - last_->wall_ms) - (boot_ms - last_->boot_ms);
    const std::int64_t size_ms = std::max(residue_ms_, -residue_ms_);
    if (size_ms > kJitterMs) {
      steps_.push_back({boot_ms, size_ms});
      sum_ms_ += size_ms;
      residue_ms_ = 0;
    }
  }
  last_ = Reading{wall_ms, boot_ms};
  constexpr std::int64_t kWindowMs =
      std::chrono::duration_cast<std::chrono::milliseconds>(kWindow).count();
  while (!steps_.empty() && boot_ms - steps_.front().at_boot_ms > kWindowMs) {
    sum_ms_ -= steps_.front().size_ms;
    steps_.pop_front();
  }
}

void ClockDrift::StartRun() {
  for (Step& step : steps_) step.at_boot_ms = 0;
  last_.reset();
  residue_ms_ = 0;
}

}  // namespace holdfast::policy
