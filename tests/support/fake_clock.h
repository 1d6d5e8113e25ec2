// SPDX-License-Identifier: Apache-2.0
// A clock that stands still until a test moves it.
//
// When to use  In every test of something that takes a Clock.
// Threads      Every function may be called concurrently.
// Ownership    Lent to the code under test.
// Errors       None.
#pragma once

#include <chrono>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"

namespace holdfast::test {

class FakeClock final : public Clock {
 public:
  // Some day in 2026, on a machine that has been up for an hour.
  FakeClock() : FakeClock(UnixMillis{1'767'225'600'000}, std::chrono::hours(1)) {}
  FakeClock(UnixMillis wall, std::chrono::milliseconds since_boot)
      : wall_(wall), since_boot_(since_boot) {}

  UnixMillis WallNow() const override {
    MutexLock lock(mutex_);
    return wall_;
  }

  std::chrono::milliseconds SinceBoot() const override {
    MutexLock lock(mutex_);
    return since_boot_;
  }

  std::string BootId() const override {
    MutexLock lock(mutex_);
    return std::string(16, static_cast<char>('a' + boots_ % 26));
  }

  // Time passes: both clocks go on by `duration`.
  void Advance(std::chrono::milliseconds duration) {
    MutexLock lock(mutex_);
    wall_ = wall_ + duration;
    since_boot_ += duration;
  }

  // Someone sets the wall clock; no time passes.
  void SetWall(UnixMillis wall) {
    MutexLock lock(mutex_);
    wall_ = wall;
  }

  // The machine starts again: the wall clock has gone on by `off_for`.
  void Reboot(std::chrono::milliseconds off_for) {
    MutexLock lock(mutex_);
    wall_ = wall_ + off_for;
    since_boot_ = std::chrono::milliseconds(0);
    ++boots_;
  }

 private:
  mutable Mutex mutex_;
  UnixMillis wall_ HF_GUARDED_BY(mutex_);
  std::chrono::milliseconds since_boot_ HF_GUARDED_BY(mutex_);
  int boots_ HF_GUARDED_BY(mutex_) = 0;
};

}  // namespace holdfast::test
