// SPDX-License-Identifier: Apache-2.0
// TimeKeeper: the contract in daemon/exchange/time_keeper.h (R17).
#include "daemon/exchange/time_keeper.h"

#include <chrono>
#include <cstdint>
#include <optional>

#include "gtest/gtest.h"

#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"

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
  TimeKeeper restarted(clock_, last, {}, seconds(0));
  EXPECT_TRUE(restarted.Read().trusted);
  EXPECT_GT(restarted.Read().late_ms, last.late_ms);

  clock_.SetWall(kNoon - minutes(6));
  TimeKeeper behind(clock_, last, {}, seconds(0));
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

// A process after another on one machine: what a ledger keeps of the clock, and the keeper.
class Ledger {
 public:
  explicit Ledger(test::FakeClock& clock) : clock_(clock) {
    keeper_.emplace(clock);
    Note();
  }

  // What is written down, and folded as policy::Apply folds it.
  Times Note() {
    last_ = keeper_->Read();
    record_.boot = clock_.BootId();
    record_.drift.Note(last_.wall_ms, last_.since_boot_ms);
    record_.since_boot_ms = last_.since_boot_ms;
    record_.elapsed_ms = last_.elapsed_ms;
    record_.unexplained_ms = last_.unexplained_ms;
    return last_;
  }

  Times Restart() {
    if (record_.boot != clock_.BootId()) record_.drift.StartRun();
    keeper_.emplace(clock_, last_, record_, seconds(0));
    return Note();
  }

  const Times& last() const { return last_; }

 private:
  test::FakeClock& clock_;
  std::optional<TimeKeeper> keeper_;
  Times last_;
  policy::ClockRecord record_;
};

// R17, in steps of 299 seconds: each would do by itself, and a restart forgets none of them.
TEST_F(TimeKeeperTest, StepsBackAreSummedOverRestartsToo) {
  Ledger ledger(clock_);
  clock_.SetWall(clock_.WallNow() - seconds(299));
  EXPECT_TRUE(ledger.Restart().trusted);
  clock_.SetWall(clock_.WallNow() - seconds(299));
  EXPECT_FALSE(ledger.Restart().trusted);
  EXPECT_EQ(ledger.last().late_ms, kNoon.value());
}

TEST_F(TimeKeeperTest, StepsForthAreSummedOverRestartsToo) {
  Ledger ledger(clock_);
  clock_.SetWall(clock_.WallNow() + seconds(299));
  EXPECT_TRUE(ledger.Restart().trusted);
  clock_.Advance(hours(1));
  EXPECT_TRUE(ledger.Restart().trusted);
  clock_.SetWall(clock_.WallNow() + seconds(299));
  EXPECT_FALSE(ledger.Restart().trusted);
}

TEST_F(TimeKeeperTest, StepsAreSummedOverRunsOfTheMachineToo) {
  Ledger ledger(clock_);
  for (int i = 0; i < 2; ++i) {
    clock_.SetWall(clock_.WallNow() + seconds(160));
    EXPECT_EQ(ledger.Note().trusted, i == 0);
    clock_.Reboot(seconds(10));
    EXPECT_EQ(ledger.Restart().trusted, i == 0);
  }
}

// A clock that is set forth by a year while the daemon is down: the time since boot says otherwise.
TEST_F(TimeKeeperTest, AClockThatIsSetForthWhileTheDaemonIsDownDestroysNothing) {
  Ledger ledger(clock_);
  clock_.Advance(minutes(1));
  clock_.SetWall(clock_.WallNow() + hours(24 * 365));
  const Times now = ledger.Restart();
  EXPECT_FALSE(now.trusted);
  EXPECT_EQ(now.early_ms, kNoon.value() + 60'000);
  EXPECT_GE(now.late_ms, clock_.WallNow().value())
      << "what is too old is decided by the later time";
}

// And while the machine is down nothing says otherwise: so it is believed where that is safe.
TEST_F(TimeKeeperTest, WhatPassedWhileTheMachineWasOffDestroysNothing) {
  Ledger ledger(clock_);
  clock_.Reboot(hours(24 * 365));
  clock_.Advance(minutes(1));
  Times now = ledger.Restart();
  EXPECT_TRUE(now.trusted) << "a machine may be off for a year";
  EXPECT_EQ(now.early_ms, kNoon.value() + 60'000);
  EXPECT_EQ(now.unexplained_ms, hours(24 * 365) / milliseconds(1));
  clock_.Advance(hours(1));
  now = ledger.Restart();
  EXPECT_EQ(now.early_ms, kNoon.value() + 60'000 + 3'600'000) << "a restart is no excuse";
  EXPECT_EQ(now.late_ms, clock_.WallNow().value());
}

TEST_F(TimeKeeperTest, AnOrderVouchesForWhatPassedWhileTheMachineWasOff) {
  TimeKeeper before(clock_);
  const Times last = before.Read();
  clock_.Reboot(hours(100));
  TimeKeeper keeper(clock_, last, {}, seconds(0));
  EXPECT_EQ(keeper.Read().early_ms, kNoon.value());
  keeper.Trust();
  EXPECT_EQ(keeper.Read().early_ms, clock_.WallNow().value());
  EXPECT_EQ(keeper.Read().unexplained_ms, 0);
}

// Whatever is done to the clock, and however often it is restarted: what may be destroyed, or a
// lift that may take effect, never comes before its true time; neither time runs back; and within
// one run of the machine no key lives longer than its true time.
TEST_F(TimeKeeperTest, NoSeriesOfStepsRestartsAndSuspensionsGainsTime) {
  test::SeededRandom random;
  for (int round = 0; round < 40; ++round) {
    test::FakeClock clock(kNoon, hours(1));
    Ledger ledger(clock);
    std::int64_t truth = kNoon.value();
    bool rebooted = false;
    for (int step = 0; step < 200; ++step) {
      const Times before = ledger.last();
      switch (random.Below(6)) {
        case 0:
          clock.SetWall(clock.WallNow() + seconds(299));
          break;
        case 1:
          clock.SetWall(clock.WallNow() - seconds(299));
          break;
        case 2:
          clock.SetWall(clock.WallNow() + seconds(random.Between(-100'000, 100'000)));
          break;
        case 3: {
          if (!random.OneIn(4)) break;
          const seconds off(random.Between(0, 10'000));
          // Whoever sets the clock meanwhile says what he likes.
          clock.Reboot(off + seconds(random.OneIn(2) ? 0 : random.Between(-5'000, 500'000)));
          truth += off / milliseconds(1);
          rebooted = true;
          ledger.Restart();
          break;
        }
        default: {
          const seconds passed(random.OneIn(3) ? random.Between(0, 200'000)
                                               : random.Between(0, 60));
          clock.Advance(passed);
          truth += passed / milliseconds(1);
          break;
        }
      }
      const Times now = random.OneIn(2) ? ledger.Restart() : ledger.Note();
      ASSERT_LE(now.early_ms, truth);
      ASSERT_GE(now.early_ms, before.early_ms);
      ASSERT_GE(now.late_ms, before.late_ms);
      ASSERT_LE(now.early_ms, now.late_ms);
      ASSERT_TRUE(rebooted || now.late_ms >= truth);
    }
  }
}

TEST_F(TimeKeeperTest, NoRestartMakesAClockInDoubtGood) {
  clock_.SetWall(kNoon + hours(1));
  const Times doubt = time_.Read();
  EXPECT_FALSE(doubt.trusted);
  clock_.Reboot(hours(10));
  TimeKeeper restarted(clock_, doubt, {}, seconds(0));
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
  TimeKeeper restarted(clock_, later, {}, hours(47));
  EXPECT_TRUE(restarted.Read().trusted);
  // What was forgiven is forgiven once.
  clock_.SetWall(kNoon + minutes(50));
  TimeKeeper behind(clock_, later, {}, hours(47));
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
