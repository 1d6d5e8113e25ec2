// SPDX-License-Identifier: Apache-2.0
// ReplaceFile() and FileBatch against a disk that fails and a machine that loses power.

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/file_batch.h"
#include "base/file_system.h"
#include "base/status_macros.h"
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

absl::Status ReplaceBoth(FileSystem& files) {
  FileBatch batch(files, "/d");
  HF_RETURN_IF_ERROR(batch.Add("/d/1", AsBytes("new 1")));
  HF_RETURN_IF_ERROR(batch.Add("/d/2", AsBytes("new 2")));
  EXPECT_EQ(batch.bytes(), 10U);
  HF_RETURN_IF_ERROR(batch.Commit());
  EXPECT_EQ(batch.bytes(), 0U);
  return files.SyncAll("/d");
}

TEST(FileBatchTest, LeavesWholeFilesWhicheverOperationFails) {
  for (const bool torn : {false, true}) {
    test::FaultSweep([torn](test::FaultPlan& plan) {
      test::MemoryFileSystem disk;
      disk.Preload("/d/1", AsBytes("old 1"));
      disk.Preload("/d/2", AsBytes("old 2"));
      test::FaultyFileSystem flaky(disk, plan);
      const absl::Status outcome = ReplaceBoth(flaky);
      EXPECT_EQ(outcome.ok(), !plan.fired());
      torn ? disk.TearUnsyncedWrites() : disk.LoseUnsyncedWrites();
      const auto first = disk.ReadWhole("/d/1", kPlenty);
      const auto second = disk.ReadWhole("/d/2", kPlenty);
      EXPECT_THAT(first, IsOkAndHolds(AnyOf(BytesAre("old 1"), BytesAre("new 1"))));
      EXPECT_THAT(second, IsOkAndHolds(AnyOf(BytesAre("old 2"), BytesAre("new 2"))));
      if (outcome.ok()) {
        EXPECT_THAT(first, IsOkAndHolds(BytesAre("new 1")));
        EXPECT_THAT(second, IsOkAndHolds(BytesAre("new 2")));
      }
      EXPECT_THAT(ReplaceBoth(disk), IsOk()) << "left-overs do not matter";
    });
  }
}

TEST(FileBatchTest, WaitsForTheDiskOnceForAllOfThem) {
  test::MemoryFileSystem disk;
  FileBatch batch(disk, "/");
  ASSERT_THAT(batch.Commit(), IsOk());  // Nothing to do.
  ASSERT_THAT(batch.Add("/f", AsBytes("new content")), IsOk());
  EXPECT_TRUE(disk.EverythingEverSynced().empty());
  ASSERT_THAT(batch.Commit(), IsOk());
  EXPECT_EQ(disk.EverythingEverSynced().size(), 1U);
}

}  // namespace
}  // namespace holdfast
