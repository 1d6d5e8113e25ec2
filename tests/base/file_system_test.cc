// SPDX-License-Identifier: Apache-2.0
// FileSystem: the contract in base/file_system.h, for the real file system and for the one in
// memory, so that a test with the double says something about the real one.

#include "base/file_system.h"

#include <memory>
#include <string>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast {
namespace {

using ::holdfast::test::BytesAre;
using ::holdfast::test::HasMetadata;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t kPlenty = 1 << 20;

enum class Kind { kPosix, kMemory };

class FileSystemTest : public ::testing::TestWithParam<Kind> {
 protected:
  FileSystemTest() {
    if (GetParam() == Kind::kPosix) {
      files_ = std::make_unique<PosixFileSystem>();
      root_ = folder_.path();
    } else {
      files_ = std::make_unique<test::MemoryFileSystem>();
      root_ = "/";
    }
  }

  std::string Path(std::string_view name) const { return JoinPath(root_, name); }

  std::unique_ptr<File> MustOpen(std::string_view name, OpenMode mode = OpenMode::kOpenOrCreate) {
    auto file = files_->Open(Path(name), mode);
    EXPECT_THAT(file, IsOk());
    return *std::move(file);
  }

  void Write(std::string_view name, std::string_view text) {
    const auto file = MustOpen(name);
    EXPECT_THAT(file->Truncate(0), IsOk());
    EXPECT_THAT(file->Append(AsBytes(text)), IsOk());
    EXPECT_THAT(file->Close(), IsOk());
  }

  test::TempDir folder_;
  std::unique_ptr<FileSystem> files_;
  std::string root_;
};

INSTANTIATE_TEST_SUITE_P(Both, FileSystemTest, ::testing::Values(Kind::kPosix, Kind::kMemory),
                         [](const auto& param) {
                           return param.param == Kind::kPosix ? "Posix" : "Memory";
                         });

TEST_P(FileSystemTest, ReadsWhatWasWritten) {
  Write("f", "hello");
  EXPECT_THAT(files_->ReadWhole(Path("f"), kPlenty), IsOkAndHolds(BytesAre("hello")));
  EXPECT_THAT(files_->ReadWhole(Path("f"), 5), IsOkAndHolds(BytesAre("hello")));
}

TEST_P(FileSystemTest, ReadsNoMoreThanItMay) {
  Write("f", "hello");
  EXPECT_THAT(files_->ReadWhole(Path("f"), 4), HasReason(Reason::kRequestTooLarge));
}

TEST_P(FileSystemTest, OpensOnlyWhatTheModeAllows) {
  EXPECT_THAT(files_->Open(Path("f"), OpenMode::kRead), HasReason(Reason::kNotFound));
  EXPECT_THAT(files_->Open(Path("f"), OpenMode::kReadWrite), HasReason(Reason::kNotFound));
  EXPECT_THAT(files_->Open(Path("f"), OpenMode::kCreateNew), IsOk());
  EXPECT_THAT(files_->Open(Path("f"), OpenMode::kCreateNew), HasReason(Reason::kAlreadyExists));
  EXPECT_THAT(files_->Open(Path("f"), OpenMode::kOpenOrCreate), IsOk());
  EXPECT_THAT(files_->Open(Path("none/f"), OpenMode::kOpenOrCreate), HasReason(Reason::kNotFound));
}

TEST_P(FileSystemTest, DoesNotWriteToWhatWasOpenedForReading) {
  Write("f", "hello");
  const auto file = MustOpen("f", OpenMode::kRead);
  EXPECT_THAT(file->Append(AsBytes("x")), HasReason(Reason::kStoreFailed));
}

TEST_P(FileSystemTest, ReadsAndWritesAnywhereInAFile) {
  const auto file = MustOpen("f");
  EXPECT_THAT(file->WriteAt(2, AsBytes("cd")), IsOk());
  EXPECT_THAT(file->WriteAt(0, AsBytes("a")), IsOk());
  EXPECT_THAT(file->Append(AsBytes("e")), IsOk());
  EXPECT_THAT(file->Size(), IsOkAndHolds(5u));
  EXPECT_THAT(files_->ReadWhole(Path("f"), kPlenty),
              IsOkAndHolds(BytesAre(std::string("a\0cde", 5))));
  Bytes part(2);
  EXPECT_THAT(file->ReadAt(3, part), IsOkAndHolds(2u));
  EXPECT_THAT(part, BytesAre("de"));
  EXPECT_THAT(file->ReadAt(4, part), IsOkAndHolds(1u));
  EXPECT_THAT(file->ReadAt(5, part), IsOkAndHolds(0u));
  EXPECT_THAT(file->ReadAt(500, part), IsOkAndHolds(0u));
  EXPECT_THAT(file->Truncate(1), IsOk());
  EXPECT_THAT(file->Size(), IsOkAndHolds(1u));
  EXPECT_THAT(file->Sync(), IsOk());
  EXPECT_THAT(file->Close(), IsOk());
}

TEST_P(FileSystemTest, RenamesOverWhatIsThere) {
  Write("a", "new");
  Write("b", "old");
  EXPECT_THAT(files_->Rename(Path("a"), Path("b")), IsOk());
  EXPECT_THAT(files_->ReadWhole(Path("b"), kPlenty), IsOkAndHolds(BytesAre("new")));
  EXPECT_THAT(files_->Stat(Path("a")), HasReason(Reason::kNotFound));
  EXPECT_THAT(files_->Rename(Path("a"), Path("b")), HasReason(Reason::kNotFound));
}

TEST_P(FileSystemTest, RemovesFilesAndEmptyFolders) {
  EXPECT_THAT(files_->MakeDirectory(Path("d")), IsOk());
  Write("d/f", "x");
  EXPECT_THAT(files_->Remove(Path("d")), HasReason(Reason::kAlreadyExists));
  EXPECT_THAT(files_->Remove(Path("d/f")), IsOk());
  EXPECT_THAT(files_->Remove(Path("d/f")), HasReason(Reason::kNotFound));
  EXPECT_THAT(files_->Remove(Path("d")), IsOk());
  EXPECT_THAT(files_->Stat(Path("d")), HasReason(Reason::kNotFound));
}

TEST_P(FileSystemTest, ListsNamesInOrder) {
  EXPECT_THAT(files_->List(root_), IsOkAndHolds(IsEmpty()));
  Write("b", "");
  Write("a", "");
  EXPECT_THAT(files_->MakeDirectory(Path("c")), IsOk());
  EXPECT_THAT(files_->List(root_), IsOkAndHolds(ElementsAre("a", "b", "c")));
  EXPECT_THAT(files_->List(Path("none")), HasReason(Reason::kNotFound));
}

TEST_P(FileSystemTest, MakesWhatOnlyItsOwnerMayRead) {
  Write("f", "hello");
  EXPECT_THAT(files_->MakeDirectory(Path("d")), IsOk());
  EXPECT_THAT(files_->MakeDirectory(Path("d")), HasReason(Reason::kAlreadyExists));
  const auto file = files_->Stat(Path("f"));
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->kind, FileKind::kRegular);
  EXPECT_EQ(file->size_bytes, 5u);
  EXPECT_EQ(file->permissions, 0600u);
  const auto folder = files_->Stat(Path("d"));
  ASSERT_THAT(folder, IsOk());
  EXPECT_EQ(folder->kind, FileKind::kDirectory);
  EXPECT_EQ(folder->permissions, 0700u);
}

TEST_P(FileSystemTest, DoesNotOpenAFolderAsAFile) {
  EXPECT_THAT(files_->MakeDirectory(Path("d")), IsOk());
  EXPECT_THAT(files_->Open(Path("d"), OpenMode::kRead), HasReason(Reason::kStoreFailed));
}

TEST_P(FileSystemTest, SyncsFolders) {
  EXPECT_THAT(files_->SyncDirectory(root_), IsOk());
  EXPECT_THAT(files_->SyncDirectory(Path("none")), HasReason(Reason::kNotFound));
}

TEST_P(FileSystemTest, GivesALockToOneHolderAtATime) {
  auto first = files_->Lock(Path("lock"));
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(files_->Lock(Path("lock")), HasReason(Reason::kAlreadyRunning));
  first->reset();
  EXPECT_THAT(files_->Lock(Path("lock")), IsOk());
}

TEST_P(FileSystemTest, ReplacesAFileWhole) {
  EXPECT_THAT(ReplaceFile(*files_, Path("f"), AsBytes("first")), IsOk());
  EXPECT_THAT(ReplaceFile(*files_, Path("f"), AsBytes("second")), IsOk());
  EXPECT_THAT(files_->ReadWhole(Path("f"), kPlenty), IsOkAndHolds(BytesAre("second")));
  EXPECT_THAT(files_->List(root_), IsOkAndHolds(ElementsAre("f")));
}

TEST_P(FileSystemTest, OverwritesTheLeftOverOfAnAttemptThatWasCutShort) {
  Write("f.new", "something longer than what comes now");
  EXPECT_THAT(ReplaceFile(*files_, Path("f"), AsBytes("x")), IsOk());
  EXPECT_THAT(files_->ReadWhole(Path("f"), kPlenty), IsOkAndHolds(BytesAre("x")));
}

TEST(PosixFileSystemTest, SaysWhichFileAndWhy) {
  PosixFileSystem files;
  const test::TempDir folder;
  const auto result = files.ReadWhole(folder.File("none"), kPlenty);
  EXPECT_THAT(result, HasReason(Reason::kNotFound));
  EXPECT_THAT(result, HasMetadata("file", HasSubstr("none")));
  EXPECT_THAT(result, HasMetadata("operation", HasSubstr("open")));
}

TEST(PosixFileSystemTest, RefusesASymbolicLinkForStateAndFollowsOneForConfiguration) {
  PosixFileSystem files;
  const test::TempDir folder;
  ASSERT_THAT(ReplaceFile(files, folder.File("real"), AsBytes("x")), IsOk());
  ASSERT_EQ(::symlink("real", folder.File("link").c_str()), 0);
  EXPECT_THAT(files.Open(folder.File("link"), OpenMode::kReadWrite),
              HasReason(Reason::kStoreFailed));
  EXPECT_THAT(files.Lock(folder.File("link")), HasReason(Reason::kStoreFailed));
  EXPECT_THAT(files.ReadWhole(folder.File("link"), kPlenty), IsOkAndHolds(BytesAre("x")));
}

TEST(PosixFileSystemTest, DoesNotWaitForAPipe) {
  PosixFileSystem files;
  const test::TempDir folder;
  ASSERT_EQ(::mkfifo(folder.File("pipe").c_str(), 0600), 0);
  EXPECT_THAT(files.Open(folder.File("pipe"), OpenMode::kRead), HasReason(Reason::kStoreFailed));
  EXPECT_THAT(files.ReadWhole(folder.File("pipe"), kPlenty), HasReason(Reason::kStoreFailed));
}

TEST(PosixFileSystemTest, KnowsWhatAFolderIsStoredOn) {
  PosixFileSystem files;
  EXPECT_THAT(files.MediumOf("/proc"), IsOkAndHolds(Medium::kUnknown));
  EXPECT_THAT(files.MediumOf("/none/at/all"), HasReason(Reason::kNotFound));
  EXPECT_THAT(files.MediumOf("/dev/shm"), IsOkAndHolds(Medium::kMemory));
}

TEST(PathTest, JoinsAndSplits) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
  EXPECT_EQ(JoinPath("/", "b"), "/b");
  EXPECT_EQ(ParentPath("a/b"), "a");
  EXPECT_EQ(ParentPath("/b"), "/");
  EXPECT_EQ(ParentPath("b"), ".");
}

}  // namespace
}  // namespace holdfast
