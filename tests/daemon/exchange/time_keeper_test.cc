// SPDX-License-Identifier: Apache-2.0
// TimeKeeper: the contract in daemon/exchange/time_keeper.h (R17).
#include "daemon/exchange/time_keeper.h"

#include <chrono>

#include "gtest/gtest.h"

#include "tests/support/fake_clock.h"

namespace holdfast::exchange {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr UnixMillis kNoon{1'790'000'000'000};

class TimeKeeperTest : public ::testing::Test {
 protected:
  test::FakeClock clock_{kNoon, hours(1)};
  TimeKeeper time_{clock_};
};

TEST_F(TimeKeeperTest, FollowsAClockThatRuns) {
  clock_.Advance(seconds(90));
  const Times now = time_.Read();
  EXPECT_EQ(now.late_ms, (kNoon + seconds(90)).value());
  EXPECT_EQ(now.early_ms, now.late_ms);
  EXPECT_TRUE(now.trusted);
}

TEST_F(TimeKeeperTest, AStepBackRevivesNothing) {
  clock_.Advance(hours(1));
  const Times before = time_.Read();
  clock_.SetWall(kNoon);
  const Times after = time_.Read();
  EXPECT_GE(after.late_ms, before.late_ms);
  EXPECT_FALSE(after.trusted);
}

TEST_F(TimeKeeperTest, AStepForwardDestroysNothing) {
  clock_.SetWall(kNoon + hours(48));
  const Times now = time_.Read();
  EXPECT_EQ(now.late_ms, (kNoon + hours(48)).value());
  EXPECT_EQ(now.early_ms, kNoon.value());
  EXPECT_FALSE(now.trusted);
}

TEST_F(TimeKeeperTest, StepsBelowTheLimitAreSummed) {
  clock_.SetWall(kNoon + seconds(299));
  EXPECT_TRUE(time_.Read().trusted);
  clock_.SetWall(kNoon);
  EXPECT_FALSE(time_.Read().trusted);  // 598 s in all.
}

TEST_F(TimeKeeperTest, ASlowDriftIsNoticedToo) {
  for (int i = 0; i < 4000; ++i) {
    clock_.Advance(seconds(1));
    clock_.SetWall(clock_.WallNow() + milliseconds(90));
    static_cast<void>(time_.Read());
  }
  EXPECT_FALSE(time_.Read().trusted);  // 360 s in 67 minutes.
}

TEST_F(TimeKeeperTest, StepsAreForgottenAfterADay) {
  clock_.SetWall(kNoon + seconds(299));
  EXPECT_TRUE(time_.Read().trusted);
  clock_.Advance(hours(25));
  EXPECT_TRUE(time_.Read().trusted);
  clock_.SetWall(clock_.WallNow() - seconds(299));
  EXPECT_TRUE(time_.Read().trusted);
}

TEST_F(TimeKeeperTest, ASuspensionIsNoStep) {
  clock_.Advance(hours(200));
  EXPECT_TRUE(time_.Read().trusted);
}

TEST_F(TimeKeeperTest, ARestartIsNoStepButMayNotBeBehindTheLedger) {
  const Times last = time_.Read();
  clock_.Reboot(hours(10));
  TimeKeeper restarted(clock_, last, seconds(0));
  EXPECT_TRUE(restarted.Read().trusted);
  EXPECT_GT(restarted.Read().late_ms, last.late_ms);

  clock_.SetWall(kNoon - minutes(6));
  TimeKeeper behind(clock_, last, seconds(0));
  const Times now = behind.Read();
  EXPECT_FALSE(now.trusted);
  EXPECT_EQ(now.late_ms, last.late_ms);
}

TEST_F(TimeKeeperTest, StaysUntrustedUntilSomebodySaysOtherwise) {
  clock_.SetWall(kNoon + hours(1));
  EXPECT_FALSE(time_.Read().trusted);
  clock_.Advance(hours(30));
  EXPECT_FALSE(time_.Read().trusted);
  time_.Trust();
  EXPECT_TRUE(time_.Read().trusted);
}

// R17, in steps of 299 seconds: each would do by itself, and a restart forgets none of them.
TEST_F(TimeKeeperTest, StepsBackAreSummedOverRestartsToo) {
  Times last = time_.Read();
  clock_.SetWall(clock_.WallNow() - seconds(299));
  clock_.Reboot(seconds(0));
  last = TimeKeeper(clock_, last, seconds(0)).Read();
  EXPECT_TRUE(last.trusted);
  clock_.SetWall(clock_.WallNow() - seconds(299));
  clock_.Reboot(seconds(0));
  last = TimeKeeper(clock_, last, seconds(0)).Read();
  EXPECT_FALSE(last.trusted);
  EXPECT_EQ(last.late_ms, kNoon.value());
}

TEST_F(TimeKeeperTest, NoRestartMakesAClockInDoubtGood) {
  clock_.SetWall(kNoon + hours(1));
  const Times doubt = time_.Read();
  EXPECT_FALSE(doubt.trusted);
  clock_.Reboot(hours(10));
  TimeKeeper restarted(clock_, doubt, seconds(0));
  EXPECT_FALSE(restarted.Read().trusted);
  restarted.Trust();
  EXPECT_TRUE(restarted.Read().trusted);
}

// The late time stays where a wrong clock has taken it. The clock that was set right catches up.
TEST_F(TimeKeeperTest, AClockThatWasSetBackAndIsOrderedRightStaysTrusted) {
  clock_.SetWall(kNoon + hours(48));
  const Times wrong = time_.Read();
  clock_.SetWall(kNoon);
  EXPECT_FALSE(time_.Read().trusted);
  time_.Trust();
  const Times right = time_.Read();
  EXPECT_TRUE(right.trusted);
  EXPECT_EQ(right.late_ms, wrong.late_ms);
  EXPECT_EQ(right.wall_ms, kNoon.value());
  clock_.Advance(hours(1));
  const Times later = time_.Read();
  EXPECT_TRUE(later.trusted);
  EXPECT_EQ(later.late_ms, wrong.late_ms);
  TimeKeeper restarted(clock_, later, hours(47));
  EXPECT_TRUE(restarted.Read().trusted);
  // What was forgiven is forgiven once.
  clock_.SetWall(kNoon + minutes(50));
  TimeKeeper behind(clock_, later, hours(47));
  EXPECT_FALSE(behind.Read().trusted);
  clock_.SetWall(kNoon + hours(49));
  EXPECT_GT(restarted.Read().late_ms, wrong.late_ms);
}

TEST_F(TimeKeeperTest, NeitherTimeEverRunsBack) {
  Times previous = time_.Read();
  const milliseconds steps[] = {seconds(5), -seconds(40), hours(3), -hours(4), seconds(1)};
  for (const milliseconds step : steps) {
    clock_.Advance(seconds(2));
    clock_.SetWall(clock_.WallNow() + step);
    const Times now = time_.Read();
    EXPECT_GE(now.late_ms, previous.late_ms);
    EXPECT_GE(now.early_ms, previous.early_ms);
    EXPECT_LE(now.early_ms, now.late_ms);
    previous = now;
  }
}

}  // namespace
}  // namespace holdfast::exchange
