// SPDX-License-Identifier: Apache-2.0
// ReplaceFile() against a disk that fails and a machine that loses power.

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/file_system.h"
#include "tests/support/fault_sweep.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/status_matchers.h"

namespace holdfast {
namespace {

using ::holdfast::test::BytesAre;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;
using ::testing::AnyOf;

constexpr std::size_t kPlenty = 1 << 20;

void ExpectOldOrNew(test::MemoryFileSystem& disk, const absl::Status& outcome) {
  if (outcome.ok()) {
    EXPECT_THAT(disk.ReadWhole("/f", kPlenty), IsOkAndHolds(BytesAre("new content")));
  } else {
    EXPECT_THAT(disk.ReadWhole("/f", kPlenty),
                IsOkAndHolds(AnyOf(BytesAre("old"), BytesAre("new content"))));
  }
}

TEST(ReplaceFileTest, LeavesTheOldOrTheNewContentWhicheverOperationFails) {
  test::FaultSweep([](test::FaultPlan& plan) {
    test::MemoryFileSystem disk;
    disk.Preload("/f", AsBytes("old"));
    test::FaultyFileSystem flaky(disk, plan);
    const absl::Status outcome = ReplaceFile(flaky, "/f", AsBytes("new content"));
    EXPECT_EQ(outcome.ok(), !plan.fired());
    disk.LoseUnsyncedWrites();
    ExpectOldOrNew(disk, outcome);
  });
}

TEST(ReplaceFileTest, LeavesTheOldOrTheNewContentWhenPagesAreTorn) {
  test::FaultSweep([](test::FaultPlan& plan) {
    test::MemoryFileSystem disk;
    disk.Preload("/f", AsBytes("old"));
    test::FaultyFileSystem flaky(disk, plan);
    const absl::Status outcome = ReplaceFile(flaky, "/f", AsBytes("new content"));
    disk.TearUnsyncedWrites();
    ExpectOldOrNew(disk, outcome);
  });
}

TEST(ReplaceFileTest, CanBeTriedAgainAfterAnyFailure) {
  test::FaultSweep([](test::FaultPlan& plan) {
    test::MemoryFileSystem disk;
    test::FaultyFileSystem flaky(disk, plan);
    (void)ReplaceFile(flaky, "/f", AsBytes("first attempt, which is longer"));
    disk.LoseUnsyncedWrites();
    EXPECT_THAT(ReplaceFile(disk, "/f", AsBytes("second")), IsOk());
    disk.LoseUnsyncedWrites();
    EXPECT_THAT(disk.ReadWhole("/f", kPlenty), IsOkAndHolds(BytesAre("second")));
  });
}

}  // namespace
}  // namespace holdfast
