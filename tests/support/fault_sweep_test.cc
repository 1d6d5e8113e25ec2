// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fault_sweep.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/file_system.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using ::testing::ElementsAre;

// Runs three operations, stopping at the first that fails. Returns which of them worked.
std::string ThreeSteps(FaultPlan& plan) {
  std::string done;
  for (const char* name : {"a", "b", "c"}) {
    if (!plan.Next(name).ok()) break;
    done += name;
  }
  return done;
}

TEST(FaultSweepTest, LetsEachOperationFailOnceAndForGood) {
  std::vector<std::string> runs;
  FaultSweep([&](FaultPlan& plan) { runs.push_back(ThreeSteps(plan)); });
  EXPECT_THAT(runs, ElementsAre("abc", "", "a", "ab", "", "a", "ab"));
}

TEST(FaultSweepTest, AFaultOnceLeavesTheRestWorking) {
  FaultPlan plan(1, FaultPlan::Extent::kOnce, Reason::kStoreFull);
  EXPECT_THAT(plan.Next("a"), IsOk());
  EXPECT_FALSE(plan.fired());
  EXPECT_THAT(plan.Next("b"), HasReason(Reason::kStoreFull));
  EXPECT_THAT(plan.Next("c"), IsOk());
  EXPECT_TRUE(plan.fired());
  EXPECT_EQ(plan.failed_operation(), "b");
}

TEST(FaultSweepTest, AFaultFromThenOnLeavesNothingWorking) {
  FaultPlan plan(1, FaultPlan::Extent::kFromThenOn);
  EXPECT_THAT(plan.Next("a"), IsOk());
  EXPECT_THAT(plan.Next("b"), HasReason(Reason::kStoreFailed));
  EXPECT_THAT(plan.Next("c"), HasReason(Reason::kStoreFailed));
  EXPECT_EQ(plan.failed_operation(), "b");
}

TEST(FaultSweepTest, FailsWhenNothingCouldFail) {
  EXPECT_FATAL_FAILURE(FaultSweep([](FaultPlan&) {}), "no operation");
}

int shrinking_runs = 0;

TEST(FaultSweepTest, FailsWhenTheScenarioIsNotTheSameEachTime) {
  EXPECT_FATAL_FAILURE(FaultSweep([](FaultPlan& plan) {
                         if (shrinking_runs++ == 0) (void)plan.Next("only the first time");
                       }),
                       "not the same");
}

TEST(FaultyFileSystemTest, EveryOperationIsCountedAndCanFail) {
  FaultSweep([](FaultPlan& plan) {
    MemoryFileSystem disk;
    disk.Preload("/f", AsBytes("x"));
    FaultyFileSystem flaky(disk, plan);
    int failures = 0;
    const auto count = [&](const absl::Status& status) { failures += status.ok() ? 0 : 1; };
    count(flaky.ReadWhole("/f", 10).status());
    count(flaky.Stat("/f").status());
    count(flaky.List("/").status());
    count(flaky.MediumOf("/").status());
    count(flaky.MakeDirectory("/d"));
    count(flaky.SyncDirectory("/"));
    count(flaky.Lock("/lock").status());
    const auto file = flaky.Open("/f", OpenMode::kReadWrite);
    count(file.status());
    if (file.ok()) {
      count((*file)->Append(AsBytes("y")));
      count((*file)->WriteAt(0, AsBytes("z")));
      Bytes out(1);
      count((*file)->ReadAt(0, out).status());
      count((*file)->Truncate(1));
      count((*file)->Size().status());
      count((*file)->Sync());
      count((*file)->Close());
    }
    count(flaky.Rename("/f", "/g"));
    count(flaky.Remove("/g"));
    EXPECT_EQ(failures > 0, plan.fired());
  });
}

TEST(FaultyFileSystemTest, AWriteThatFailsHasWrittenHalf) {
  MemoryFileSystem disk;
  disk.Preload("/f", {});
  FaultPlan plan(1, FaultPlan::Extent::kOnce);
  FaultyFileSystem flaky(disk, plan);
  const auto file = flaky.Open("/f", OpenMode::kReadWrite);
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT((*file)->Append(AsBytes("abcd")), HasReason(Reason::kStoreFailed));
  EXPECT_THAT(disk.ReadWhole("/f", 10), IsOkAndHolds(BytesAre("ab")));
}

}  // namespace
}  // namespace holdfast::test
