// SPDX-License-Identifier: Apache-2.0
// A disk without space, by a quota in the VFS and by the kernel's own limit.

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <signal.h>
#include <sys/resource.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "base/file_system.h"
#include "store/sqlite_store.h"
#include "tests/store/group_sequence.h"
#include "tests/store/memory_temp_dir.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::store {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;

constexpr std::uint64_t kReserveBytes = std::uint64_t{1} << 20;

class StoreFullTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { PutTempDirsIntoMemory(); }

  StoreFullTest() : vfs_(plan_, 1) {
    options_.files = &files_;
    options_.vfs = vfs_.name();
    options_.reserve_bytes = kReserveBytes;
    options_.checkpoint_pages = 20;
  }

  std::uint64_t BytesInUse() const {
    std::uint64_t total = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      total += entry.file_size();
    }
    return total;
  }

  std::unique_ptr<Store> Open() {
    auto store = OpenSqliteStore(folder_, options_);
    EXPECT_THAT(store, IsOk());
    return store.ok() ? *std::move(store) : nullptr;
  }

  // Commits until the disk is full, and returns what the store has to hold then.
  std::string Fill(Store& store, GroupSequence& sequence, std::uint64_t seed) {
    for (int i = 0; i < 1000; ++i) {
      const absl::Status outcome = store.Commit(sequence.Next().group);
      if (outcome.ok()) continue;
      EXPECT_THAT(outcome, HasReason(Reason::kStoreFull));
      return DumpAfter(seed, store.ReadHead().value_or(Head()).epoch);
    }
    ADD_FAILURE() << "the disk was never full";
    return "";
  }

  // What a hold commits: one large order, and a top page.
  absl::Status CommitHold(Store& store) {
    const Head head = store.ReadHead().value_or(Head());
    const Bytes order(128 << 10, std::byte{1});
    const Bytes top_page(256 << 10, std::byte{2});
    Group group;
    group.first_index = head.ledger_size;
    group.epoch = head.epoch + 1;
    group.entries = {order};
    group.top_page = top_page;
    return store.Commit(group);
  }

  test::FaultPlan plan_;
  test::FaultyVfs vfs_;
  test::TempDir dir_;
  PosixFileSystem files_;
  const std::string folder_ = dir_.File("store");
  SqliteStoreOptions options_;
};

TEST_F(StoreFullTest, StaysIntactAndHasRoomForAHold) {
  // Wherever the limit falls: in a commit, in a move of the log.
  for (std::uint64_t extra = 0; extra < 400'000; extra += 40'000) {
    SCOPED_TRACE(extra);
    std::filesystem::remove_all(folder_);
    vfs_.SetQuota(folder_, 0);
    auto store = Open();
    GroupSequence sequence(extra);
    for (int i = 0; i < 3; ++i) ASSERT_THAT(store->Commit(sequence.Next().group), IsOk());
    vfs_.SetQuota(folder_, BytesInUse() + extra);

    const std::string before = Fill(*store, sequence, extra);
    EXPECT_TRUE(Dump(*store) == before);
    EXPECT_THAT(store->Commit(Group()), HasReason(Reason::kStoreFull));
    EXPECT_THAT(store->ReleaseReserve(), IsOk());
    store.reset();
    store = Open();
    EXPECT_TRUE(Dump(*store) == before);
    EXPECT_THAT(CommitHold(*store), IsOk());
    store.reset();
    store = Open();
    EXPECT_FALSE(Dump(*store) == before);
  }
}

TEST_F(StoreFullTest, GivesTheReserveBackWhenItCannotEvenBeOpened) {
  auto store = Open();
  GroupSequence sequence(1);
  vfs_.SetQuota(folder_, BytesInUse() + 600'000);
  const std::string before = Fill(*store, sequence, 1);
  store.reset();
  vfs_.SetQuota(folder_, BytesInUse() - kReserveBytes / 2);
  store = Open();
  EXPECT_TRUE(Dump(*store) == before);
  EXPECT_THAT(files_.Stat(folder_ + "/reserve"), HasReason(Reason::kNotFound));
}

// EFBIG is what the kernel says to a process with RLIMIT_FSIZE; SQLite has no code for it.
TEST_F(StoreFullTest, TakesALimitOfTheKernelForAFullDisk) {
  const auto child = [this] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {std::uint64_t{2} << 20, std::uint64_t{2} << 20};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) std::_Exit(2);
    options_.vfs.clear();
    auto store = OpenSqliteStore(folder_, options_);
    if (!store.ok()) std::_Exit(3);
    GroupSequence sequence(2);
    for (int i = 0; i < 1000; ++i) {
      const absl::Status outcome = (*store)->Commit(sequence.Next().group);
      if (!outcome.ok()) std::_Exit(ReasonOf(outcome) == Reason::kStoreFull ? 0 : 4);
    }
    std::_Exit(5);
  };
  EXPECT_EXIT(child(), testing::ExitedWithCode(0), "");
  options_.vfs.clear();
  EXPECT_GT(Open()->ReadHead()->epoch, 0u);
}

}  // namespace
}  // namespace holdfast::store
