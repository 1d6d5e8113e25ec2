// SPDX-License-Identifier: Apache-2.0
#include "store/reserve.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "tests/support/fault_sweep.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/status_matchers.h"

namespace holdfast::store {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::Eq;

constexpr std::uint64_t kBytes = (std::uint64_t{2} << 20) + 17;

std::uint64_t SizeOf(FileSystem& files) {
  const auto info = files.Stat("/reserve");
  return info.ok() ? info->size_bytes : 0;
}

TEST(ReserveTest, TakesTheSpaceAndGivesItBack) {
  test::MemoryFileSystem files;
  Reserve reserve(files, "/reserve", kBytes);
  EXPECT_THAT(reserve.Restore(), IsOk());
  EXPECT_THAT(reserve.Restore(), IsOk());
  EXPECT_THAT(SizeOf(files), Eq(kBytes));
  EXPECT_THAT(reserve.Release(), IsOk());
  EXPECT_THAT(reserve.Release(), IsOk());
  EXPECT_THAT(SizeOf(files), Eq(0u));
}

TEST(ReserveTest, ReplacesOneOfAnotherSize) {
  test::MemoryFileSystem files;
  files.Preload("/reserve", AsBytes("cut short"));
  Reserve reserve(files, "/reserve", kBytes);
  EXPECT_THAT(reserve.Restore(), IsOk());
  EXPECT_THAT(SizeOf(files), Eq(kBytes));
}

TEST(ReserveTest, TakesNothingIfItShallTakeNothing) {
  test::MemoryFileSystem files;
  Reserve reserve(files, "/reserve", 0);
  EXPECT_THAT(reserve.Restore(), IsOk());
  EXPECT_THAT(files.Stat("/reserve"), HasReason(Reason::kNotFound));
}

TEST(ReserveTest, IsWholeOrSaysThatItIsNot) {
  test::FaultSweep([](test::FaultPlan& plan) {
    test::MemoryFileSystem disk;
    test::FaultyFileSystem flaky(disk, plan);
    const absl::Status outcome = Reserve(flaky, "/reserve", kBytes).Restore();
    if (outcome.ok()) {
      EXPECT_THAT(SizeOf(disk), Eq(kBytes));
    }
    // Whatever was left behind is mended.
    EXPECT_THAT(Reserve(disk, "/reserve", kBytes).Restore(), IsOk());
    EXPECT_THAT(SizeOf(disk), Eq(kBytes));
  });
}

TEST(ReserveTest, LeavesNothingBehindOnAFullDisk) {
  test::MemoryFileSystem disk;
  // Operations: stat, remove, open, and then the first write.
  test::FaultPlan plan(3, test::FaultPlan::Extent::kOnce, Reason::kStoreFull);
  test::FaultyFileSystem flaky(disk, plan);
  EXPECT_THAT(Reserve(flaky, "/reserve", kBytes).Restore(), HasReason(Reason::kStoreFull));
  EXPECT_THAT(plan.failed_operation(), testing::StartsWith("write"));
  EXPECT_THAT(disk.Stat("/reserve"), HasReason(Reason::kNotFound));
}

}  // namespace
}  // namespace holdfast::store
