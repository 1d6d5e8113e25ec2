// SPDX-License-Identifier: Apache-2.0
// MemoryFileSystem: what it loses. That it otherwise behaves like a real file system is shown in
// tests/base/file_system_test.cc.

#include "tests/support/memory_file_system.h"

#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/file_system.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::size_t kPlenty = 1 << 20;

class MemoryFileSystemTest : public ::testing::Test {
 protected:
  std::unique_ptr<File> MustOpen(const std::string& path) {
    auto file = disk_.Open(path, OpenMode::kOpenOrCreate);
    EXPECT_THAT(file, IsOk());
    return *std::move(file);
  }

  MemoryFileSystem disk_;
};

TEST_F(MemoryFileSystemTest, LosesBytesThatWereNotSynced) {
  disk_.Preload("/f", AsBytes("old"));
  const auto file = MustOpen("/f");
  EXPECT_THAT(file->WriteAt(0, AsBytes("new and longer")), IsOk());
  disk_.LoseUnsyncedWrites();
  EXPECT_THAT(disk_.ReadWhole("/f", kPlenty), IsOkAndHolds(BytesAre("old")));
}

TEST_F(MemoryFileSystemTest, KeepsBytesThatWereSynced) {
  disk_.Preload("/f", AsBytes("old"));
  const auto file = MustOpen("/f");
  EXPECT_THAT(file->WriteAt(0, AsBytes("new")), IsOk());
  EXPECT_THAT(file->Sync(), IsOk());
  EXPECT_THAT(file->WriteAt(0, AsBytes("xxx")), IsOk());
  disk_.LoseUnsyncedWrites();
  EXPECT_THAT(disk_.ReadWhole("/f", kPlenty), IsOkAndHolds(BytesAre("new")));
}

TEST_F(MemoryFileSystemTest, LosesANewNameThoughItsBytesWereSynced) {
  const auto file = MustOpen("/f");
  EXPECT_THAT(file->Append(AsBytes("x")), IsOk());
  EXPECT_THAT(file->Sync(), IsOk());
  disk_.LoseUnsyncedWrites();
  EXPECT_THAT(disk_.Stat("/f"), HasReason(Reason::kNotFound));
}

TEST_F(MemoryFileSystemTest, KeepsANameWhoseFolderWasSyncedThoughItsBytesAreLost) {
  const auto file = MustOpen("/f");
  EXPECT_THAT(file->Append(AsBytes("x")), IsOk());
  EXPECT_THAT(disk_.SyncDirectory("/"), IsOk());
  disk_.LoseUnsyncedWrites();
  EXPECT_THAT(disk_.ReadWhole("/f", kPlenty), IsOkAndHolds(IsEmpty()));
}

TEST_F(MemoryFileSystemTest, UndoesARenameThatWasNotSynced) {
  disk_.Preload("/a", AsBytes("a"));
  disk_.Preload("/b", AsBytes("b"));
  EXPECT_THAT(disk_.Rename("/a", "/b"), IsOk());
  disk_.LoseUnsyncedWrites();
  EXPECT_THAT(disk_.ReadWhole("/a", kPlenty), IsOkAndHolds(BytesAre("a")));
  EXPECT_THAT(disk_.ReadWhole("/b", kPlenty), IsOkAndHolds(BytesAre("b")));
}

TEST_F(MemoryFileSystemTest, BringsBackARemovedFileWhoseFolderWasNotSynced) {
  disk_.Preload("/f", AsBytes("x"));
  EXPECT_THAT(disk_.Remove("/f"), IsOk());
  disk_.LoseUnsyncedWrites();
  EXPECT_THAT(disk_.ReadWhole("/f", kPlenty), IsOkAndHolds(BytesAre("x")));
  EXPECT_THAT(disk_.Remove("/f"), IsOk());
  EXPECT_THAT(disk_.SyncDirectory("/"), IsOk());
  disk_.LoseUnsyncedWrites();
  EXPECT_THAT(disk_.Stat("/f"), HasReason(Reason::kNotFound));
}

TEST_F(MemoryFileSystemTest, LosesAFolderWithAllThatIsInIt) {
  EXPECT_THAT(disk_.MakeDirectory("/d"), IsOk());
  const auto file = MustOpen("/d/f");
  EXPECT_THAT(file->Sync(), IsOk());
  EXPECT_THAT(disk_.SyncDirectory("/d"), IsOk());
  disk_.LoseUnsyncedWrites();
  EXPECT_THAT(disk_.List("/"), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(disk_.List("/d"), HasReason(Reason::kNotFound));
}

TEST_F(MemoryFileSystemTest, KeepsEveryByteAndNameThatWasThereAtASyncOfAll) {
  EXPECT_THAT(disk_.MakeDirectory("/d"), IsOk());
  disk_.Preload("/old", AsBytes("x"));
  EXPECT_THAT(disk_.Rename("/old", "/d/new"), IsOk());
  const auto file = MustOpen("/d/f");
  EXPECT_THAT(file->Append(AsBytes("before")), IsOk());
  EXPECT_THAT(disk_.SyncAll("/d"), IsOk());
  EXPECT_THAT(file->Append(AsBytes(" and after")), IsOk());
  disk_.LoseUnsyncedWrites();
  EXPECT_THAT(disk_.ReadWhole("/d/f", kPlenty), IsOkAndHolds(BytesAre("before")));
  EXPECT_THAT(disk_.ReadWhole("/d/new", kPlenty), IsOkAndHolds(BytesAre("x")));
  EXPECT_THAT(disk_.Stat("/old"), HasReason(Reason::kNotFound));
  EXPECT_THAT(disk_.SyncAll("/none"), HasReason(Reason::kNotFound));
}

TEST_F(MemoryFileSystemTest, TearsWhatWasBeingWritten) {
  disk_.Preload("/f", AsBytes("oldold"));
  const auto file = MustOpen("/f");
  EXPECT_THAT(file->WriteAt(0, AsBytes("newnew")), IsOk());
  disk_.TearUnsyncedWrites();
  EXPECT_THAT(disk_.ReadWhole("/f", kPlenty), IsOkAndHolds(BytesAre("newold")));
}

TEST_F(MemoryFileSystemTest, AKilledProcessLosesItsLocksAndFilesButNoBytes) {
  const auto lock = disk_.Lock("/lock");
  EXPECT_THAT(lock, IsOk());
  const auto file = MustOpen("/f");
  EXPECT_THAT(file->Append(AsBytes("x")), IsOk());
  disk_.KillProcess();
  EXPECT_THAT(file->Append(AsBytes("y")), HasReason(Reason::kStoreFailed));
  EXPECT_THAT(disk_.Lock("/lock"), IsOk());
  EXPECT_THAT(disk_.ReadWhole("/f", kPlenty), IsOkAndHolds(BytesAre("x")));
}

TEST_F(MemoryFileSystemTest, ADeadProcessDoesNotReleaseTheLockOfTheNextOne) {
  auto first = disk_.Lock("/lock");
  disk_.KillProcess();
  const auto second = disk_.Lock("/lock");
  EXPECT_THAT(second, IsOk());
  first->reset();
  EXPECT_THAT(disk_.Lock("/lock"), HasReason(Reason::kAlreadyRunning));
}

TEST_F(MemoryFileSystemTest, RemembersEveryContentThatWasEverDurable) {
  const auto file = MustOpen("/f");
  EXPECT_THAT(file->Append(AsBytes("first")), IsOk());
  EXPECT_THAT(file->Sync(), IsOk());
  EXPECT_THAT(file->WriteAt(0, AsBytes("never")), IsOk());
  EXPECT_THAT(file->WriteAt(0, AsBytes("third")), IsOk());
  EXPECT_THAT(file->Sync(), IsOk());
  EXPECT_THAT(disk_.EverythingEverSynced(), Contains(BytesAre("first")));
  EXPECT_THAT(disk_.EverythingEverSynced(), Contains(BytesAre("third")));
  EXPECT_THAT(disk_.EverythingEverSynced(), Not(Contains(BytesAre("never"))));
}

TEST_F(MemoryFileSystemTest, TakesEverySpellingOfAPath) {
  disk_.Preload("a/b/f", AsBytes("x"));
  EXPECT_THAT(disk_.ReadWhole("./a//b/f", kPlenty), IsOkAndHolds(BytesAre("x")));
  EXPECT_THAT(disk_.List("a/"), IsOkAndHolds(ElementsAre("b")));
  EXPECT_THAT(disk_.List("."), IsOkAndHolds(ElementsAre("a")));
}

TEST_F(MemoryFileSystemTest, IsStoredOnWhatTheTestSays) {
  EXPECT_THAT(disk_.MediumOf("/"), IsOkAndHolds(Medium::kLocal));
  disk_.SetMedium(Medium::kNetwork);
  EXPECT_THAT(disk_.MediumOf("/"), IsOkAndHolds(Medium::kNetwork));
}

}  // namespace
}  // namespace holdfast::test
