// SPDX-License-Identifier: Apache-2.0
// SQLite against the maps of MemoryStore: the same groups, the same answers.

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "base/file_system.h"
#include "store/sqlite_store.h"
#include "tests/store/group_sequence.h"
#include "tests/store/memory_temp_dir.h"
#include "tests/support/memory_store.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::store {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;

class Pair final {
 public:
  Pair() {
    options_.files = &files_;
    options_.reserve_bytes = 0;
    options_.checkpoint_pages = 50;
    Reopen();
  }

  void Reopen() {
    sqlite_.reset();
    memory_.reset();
    auto sqlite = OpenSqliteStore(dir_.File("store"), options_);
    auto memory = test::MemoryStore::Open(disk_);
    ASSERT_THAT(sqlite, IsOk());
    ASSERT_THAT(memory, IsOk());
    sqlite_ = *std::move(sqlite);
    memory_ = *std::move(memory);
    EXPECT_EQ(sqlite_->NotedHead(), memory_->NotedHead());
  }

  absl::Status Commit(const Group& group) {
    absl::Status expected = memory_->Commit(group);
    EXPECT_EQ(ReasonOf(sqlite_->Commit(group)), ReasonOf(expected));
    return expected;
  }

  void Compare() { ASSERT_TRUE(Dump(*sqlite_) == Dump(*memory_)); }

 private:
  test::TempDir dir_;
  PosixFileSystem files_;
  SqliteStoreOptions options_;
  test::MemoryStoreDisk disk_;
  std::unique_ptr<Store> sqlite_;
  std::unique_ptr<test::MemoryStore> memory_;
};

// Makes `group` contradict what was stored by `previous`, or itself.
void Spoil(Group& group, const Group& previous, test::SeededRandom& random) {
  const std::uint64_t way = random.Below(5);
  if (way == 0 && !previous.tiles.empty()) {
    group.tiles = previous.tiles;
  } else if (way <= 1 && !previous.chunks.empty()) {
    group.chunks = previous.chunks;
    group.chunks.back().if_exists = IfChunkExists::kFail;
  } else if (way == 2) {
    group.deleted_pages.push_back(GroupSequence::kSegments + 1);
  } else if (way == 3) {
    group.epoch = 0;
  } else {
    ++group.first_index;
  }
}

TEST(StoreModelTest, SaysWhatTheReferenceSays) {
  PutTempDirsIntoMemory();
  test::SeededRandom random;
  Pair stores;
  GroupSequence sequence(random.seed());
  MadeGroup previous = sequence.Next();
  ASSERT_THAT(stores.Commit(previous.group), IsOk());
  for (int step = 0; step < 80 && !testing::Test::HasFailure(); ++step) {
    MadeGroup made = sequence.Next();
    if (random.OneIn(4)) {
      Group bad = made.group;
      Spoil(bad, previous.group, random);
      EXPECT_THAT(stores.Commit(bad), HasReason(Reason::kInternal));
      EXPECT_THAT(stores.Commit(made.group), HasReason(Reason::kInternal));
      stores.Compare();
      stores.Reopen();
    }
    EXPECT_THAT(stores.Commit(made.group), IsOk());
    if (random.OneIn(6)) stores.Reopen();
    if (random.OneIn(4)) stores.Compare();
    previous = std::move(made);
  }
  stores.Compare();
}

TEST(MemoryStoreTest, FailsBeforeOrAfterTheCommit) {
  int with_group = 0;
  int without_group = 0;
  test::FaultSweep([&](test::FaultPlan& plan) {
    test::MemoryStoreDisk disk;
    GroupSequence sequence(1);
    std::uint64_t acknowledged = 0;
    auto store = test::MemoryStore::Open(disk, &plan);
    ASSERT_THAT(store, IsOk());
    for (int i = 0; i < 3; ++i) {
      if ((*store)->Commit(sequence.Next().group).ok()) ++acknowledged;
    }
    if (plan.fired()) {
      EXPECT_THAT((*store)->Commit(Group()), HasReason(Reason::kStoreFailed));
    }
    store->reset();
    store = test::MemoryStore::Open(disk);
    ASSERT_THAT(store, IsOk());
    const std::uint64_t epoch = (*store)->ReadHead()->epoch;
    EXPECT_TRUE(epoch == acknowledged || epoch == acknowledged + 1);
    ++(epoch == acknowledged ? without_group : with_group);
  });
  EXPECT_GT(with_group, 0);
  EXPECT_GT(without_group, 0);
}

TEST(MemoryStoreTest, IsOpenOnlyOnce) {
  test::MemoryStoreDisk disk;
  auto store = test::MemoryStore::Open(disk);
  EXPECT_THAT(test::MemoryStore::Open(disk), HasReason(Reason::kAlreadyRunning));
  store->reset();
  EXPECT_THAT(test::MemoryStore::Open(disk), IsOk());
}

TEST(MemoryStoreTest, TakesAGroupOnAFullDiskOnceTheReserveIsReleased) {
  test::MemoryStoreDisk disk;
  disk.SetFull(true);
  auto store = test::MemoryStore::Open(disk);
  EXPECT_THAT((*store)->Commit(Group()), HasReason(Reason::kStoreFull));
  EXPECT_THAT((*store)->ReleaseReserve(), IsOk());
  EXPECT_THAT((*store)->Commit(Group()), HasReason(Reason::kStoreFull));
  store->reset();
  store = test::MemoryStore::Open(disk);
  EXPECT_THAT((*store)->Commit(Group()), IsOk());
  EXPECT_THAT((*store)->RestoreReserve(), HasReason(Reason::kStoreFull));
  disk.SetFull(false);
  EXPECT_THAT((*store)->RestoreReserve(), IsOk());
  EXPECT_TRUE(disk.HasReserve());
}

TEST(MemoryStoreTest, KeepsTheNoteWhenABackupIsRestored) {
  test::MemoryStoreDisk disk;
  const test::MemoryStoreDisk::Contents old = disk.Backup();
  {
    auto store = test::MemoryStore::Open(disk);
    Group group;
    group.entries = {AsBytes("entry")};
    ASSERT_THAT((*store)->Commit(group), IsOk());
  }
  disk.Restore(old);
  auto store = test::MemoryStore::Open(disk);
  EXPECT_EQ((*store)->ReadHead()->ledger_size, 0u);
  ASSERT_TRUE((*store)->NotedHead().has_value());
  EXPECT_EQ((*store)->NotedHead()->size, 1u);
}

}  // namespace
}  // namespace holdfast::store
