// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <ctime>

#include "gtest/gtest.h"

#include "tests/support/fake_clock.h"

namespace holdfast {
namespace {

TEST(SystemClockTest, AgreesWithTheSystem) {
  const SystemClock clock;
  const std::time_t before = std::time(nullptr);
  const UnixMillis now = clock.WallNow();
  const std::time_t after = std::time(nullptr);
  // time() may lag behind the clock by a tick of the kernel.
  EXPECT_GE(now.value() + 1000, std::int64_t{before} * 1000);
  EXPECT_LE(now.value() - 1000, std::int64_t{after} * 1000);
}

TEST(SystemClockTest, TimeSinceBootNeverRunsBackwards) {
  const SystemClock clock;
  const auto first = clock.SinceBoot();
  EXPECT_GT(first.count(), 0);
  EXPECT_GE(clock.SinceBoot(), first);
}

TEST(FakeClockTest, MovesOnlyWhenItIsTold) {
  test::FakeClock clock(UnixMillis{1000}, std::chrono::milliseconds(50));
  EXPECT_EQ(clock.WallNow(), UnixMillis{1000});
  clock.Advance(std::chrono::milliseconds(5));
  EXPECT_EQ(clock.WallNow(), UnixMillis{1005});
  EXPECT_EQ(clock.SinceBoot(), std::chrono::milliseconds(55));
}

TEST(FakeClockTest, ASetClockDoesNotMakeTimePass) {
  test::FakeClock clock(UnixMillis{1000}, std::chrono::milliseconds(50));
  clock.SetWall(UnixMillis{10});
  EXPECT_EQ(clock.WallNow(), UnixMillis{10});
  EXPECT_EQ(clock.SinceBoot(), std::chrono::milliseconds(50));
}

TEST(FakeClockTest, ARebootStartsTheTimeSinceBootOver) {
  test::FakeClock clock(UnixMillis{1000}, std::chrono::milliseconds(50));
  clock.Reboot(std::chrono::milliseconds(7));
  EXPECT_EQ(clock.WallNow(), UnixMillis{1007});
  EXPECT_EQ(clock.SinceBoot(), std::chrono::milliseconds(0));
}

}  // namespace
}  // namespace holdfast
