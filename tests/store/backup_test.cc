// SPDX-License-Identifier: Apache-2.0
#include "store/backup.h"

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "base/file_system.h"
#include "store/sqlite_store.h"
#include "tests/store/group_sequence.h"
#include "tests/store/memory_temp_dir.h"
#include "tests/support/fault_sweep.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::store {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;

class BackupTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { PutTempDirsIntoMemory(); }

  BackupTest() {
    options_.files = &files_;
    options_.reserve_bytes = 0;
  }

  std::unique_ptr<Store> Open(const std::string& folder) {
    auto store = OpenSqliteStore(folder, options_);
    EXPECT_THAT(store, IsOk());
    return store.ok() ? *std::move(store) : nullptr;
  }

  // Puts a backup into a folder of its own and opens that.
  std::unique_ptr<Store> Restore(const std::string& backup) {
    const std::string folder = dir_.File("restored");
    std::filesystem::remove_all(folder);
    EXPECT_THAT(files_.MakeDirectory(folder), IsOk());
    EXPECT_THAT(RestoreStore(files_, backup, folder), IsOk());
    return Open(folder);
  }

  test::TempDir dir_;
  PosixFileSystem files_;
  const std::string folder_ = dir_.File("store");
  const std::string backup_ = dir_.File("backup");
  SqliteStoreOptions options_;
};

TEST_F(BackupTest, HoldsWhatTheStoreHeld) {
  const auto store = Open(folder_);
  GroupSequence sequence(1);
  for (int i = 0; i < 10; ++i) ASSERT_THAT(store->Commit(sequence.Next().group), IsOk());
  const std::string before = Dump(*store);
  ASSERT_THAT(BackUpStore(files_, folder_, backup_), IsOk());
  EXPECT_EQ(files_.Stat(backup_)->permissions, 0600u);
  ASSERT_THAT(store->Commit(sequence.Next().group), IsOk());
  EXPECT_TRUE(Dump(*Restore(backup_)) == before);
}

TEST_F(BackupTest, IsOfOneMomentBesideABusyWriter) {
  const auto store = Open(folder_);
  constexpr std::uint64_t kSeed = 5;
  GroupSequence sequence(kSeed);
  for (int i = 0; i < 10; ++i) ASSERT_THAT(store->Commit(sequence.Next().group), IsOk());
  std::atomic<bool> done = false;
  std::thread writer([&] {
    while (!done.load()) EXPECT_THAT(store->Commit(sequence.Next().group), IsOk());
  });
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(BackUpStore(files_, folder_, backup_ + std::to_string(i)), IsOk());
  }
  done.store(true);
  writer.join();
  for (int i = 0; i < 3; ++i) {
    const auto restored = Restore(backup_ + std::to_string(i));
    const std::uint64_t epoch = restored->ReadHead()->epoch;
    EXPECT_TRUE(Dump(*restored) == DumpAfter(kSeed, epoch)) << "epoch " << epoch;
  }
}

TEST_F(BackupTest, OverwritesNothing) {
  const auto store = Open(folder_);
  ASSERT_THAT(BackUpStore(files_, folder_, backup_), IsOk());
  EXPECT_THAT(BackUpStore(files_, folder_, backup_), HasReason(Reason::kAlreadyExists));
}

TEST_F(BackupTest, NeedsAStore) {
  EXPECT_THAT(BackUpStore(files_, folder_, backup_), HasReason(Reason::kNotFound));
  EXPECT_THAT(files_.Stat(backup_), HasReason(Reason::kNotFound));
}

// Whoever copies a backup over a database has not decided anything.
TEST_F(BackupTest, IsNotTakenForAStore) {
  {
    const auto store = Open(folder_);
    ASSERT_THAT(BackUpStore(files_, folder_, backup_), IsOk());
  }
  const std::string folder = dir_.File("copied");
  ASSERT_THAT(files_.MakeDirectory(folder), IsOk());
  std::filesystem::copy_file(backup_, folder + "/database");
  const auto opened = OpenSqliteStore(folder, options_);
  EXPECT_THAT(opened, HasReason(Reason::kLedgerInconsistent));
  EXPECT_NE(std::string(opened.status().message()).find("holdfast backup restore"),
            std::string::npos);
}

TEST_F(BackupTest, IsRestoredOverNoDatabase) {
  const auto store = Open(folder_);
  ASSERT_THAT(BackUpStore(files_, folder_, backup_), IsOk());
  EXPECT_THAT(RestoreStore(files_, backup_, folder_), HasReason(Reason::kAlreadyExists));
}

TEST_F(BackupTest, IsInspectedWholeAndADamagedOneIsNoticed) {
  const auto store = Open(folder_);
  GroupSequence sequence(1);
  for (int i = 0; i < 10; ++i) ASSERT_THAT(store->Commit(sequence.Next().group), IsOk());
  ASSERT_THAT(BackUpStore(files_, folder_, backup_), IsOk());
  const Head head = *store->ReadHead();
  const auto root = [](Reader& reader) -> absl::StatusOr<Hash> { return reader.ReadHead()->root; };
  const auto info = InspectBackup(backup_, root);
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->head, head);
  EXPECT_FALSE(info->first_entry.empty());

  EXPECT_THAT(InspectBackup(backup_, [](Reader&) { return absl::StatusOr<Hash>(Hash{}); }),
              HasReason(Reason::kStoreCorrupt));
  // The store itself is none.
  ASSERT_THAT(store->CheckpointLog(), IsOk());
  EXPECT_THAT(InspectBackup(folder_ + "/database", root), HasReason(Reason::kStoreCorrupt));
  // Nor is one of which a part is missing.
  std::filesystem::resize_file(backup_, std::filesystem::file_size(backup_) / 2);
  EXPECT_FALSE(InspectBackup(backup_, root).ok());
}

TEST_F(BackupTest, TakesTheNameOnlyWhenItIsWhole) {
  const auto store = Open(folder_);
  GroupSequence sequence(1);
  for (int i = 0; i < 4; ++i) ASSERT_THAT(store->Commit(sequence.Next().group), IsOk());
  const std::string before = Dump(*store);
  test::FaultSweep([&](test::FaultPlan& plan) {
    std::filesystem::remove(backup_);
    test::FaultyFileSystem flaky(files_, plan);
    const absl::Status outcome = BackUpStore(flaky, folder_, backup_);
    // After an error of the very last step, the sync of the folder, the name may be there.
    if (files_.Stat(backup_).ok()) {
      EXPECT_TRUE(Dump(*Restore(backup_)) == before);
    } else {
      EXPECT_FALSE(outcome.ok());
    }
    EXPECT_THAT(store->CheckpointLog(), IsOk());
  });
}

}  // namespace
}  // namespace holdfast::store
