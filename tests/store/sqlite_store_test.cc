// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_store.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sqlite3.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/file_system.h"
#include "tests/store/group_sequence.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::store {
namespace {

using ::holdfast::test::BytesAre;
using ::holdfast::test::HasMetadata;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;
using ::testing::Eq;
using ::testing::Optional;

constexpr std::uint64_t kReserveBytes = 64 << 10;

class SqliteStoreTest : public testing::Test {
 protected:
  SqliteStoreTest() {
    options_.files = &files_;
    options_.reserve_bytes = kReserveBytes;
  }

  std::unique_ptr<Store> Open() {
    absl::StatusOr<std::unique_ptr<Store>> store = OpenSqliteStore(folder_, options_);
    EXPECT_THAT(store, IsOk());
    return store.ok() ? *std::move(store) : nullptr;
  }

  absl::Status OpenError() { return OpenSqliteStore(folder_, options_).status(); }

  std::string PathOf(const std::string& name) const { return folder_ + "/" + name; }

  // Runs `sql` on the database of a closed store, and returns the last value that it gives.
  std::string Sql(const std::string& sql) {
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open(PathOf("database").c_str(), &db), SQLITE_OK);
    std::string last;
    const auto keep = [](void* out, int columns, char** values, char**) {
      if (columns > 0 && values[0] != nullptr) *static_cast<std::string*>(out) = values[0];
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), keep, &last, nullptr), SQLITE_OK) << sql;
    sqlite3_close(db);
    return last;
  }

  test::TempDir dir_;
  PosixFileSystem files_;
  const std::string folder_ = dir_.File("store");
  SqliteStoreOptions options_;
};

// A group with one small entry after `head`.
Group Small(const Head& head, std::string_view entry) {
  Group group;
  group.first_index = head.ledger_size;
  group.epoch = head.epoch;
  group.entries = {AsBytes(entry)};
  group.root = head.root;
  group.root[0] ^= std::byte{1};
  return group;
}

Head HeadOf(Store& store) { return store.ReadHead().value_or(Head()); }

TEST_F(SqliteStoreTest, BeginsEmpty) {
  const auto store = Open();
  EXPECT_THAT(store->ReadHead(), IsOkAndHolds(Head()));
  EXPECT_THAT(store->ReadBundle(0), HasReason(Reason::kNotFound));
  EXPECT_THAT(store->ReadBundle(~std::uint64_t{0}), HasReason(Reason::kNotFound));
  EXPECT_THAT(store->ReadTopPage(), HasReason(Reason::kNotFound));
  EXPECT_THAT(store->ReadTile(255, ~std::uint64_t{0}), HasReason(Reason::kNotFound));
  EXPECT_THAT(store->LatestCheckpoint(), IsOkAndHolds(Eq(std::nullopt)));
  EXPECT_THAT(store->ReadSnapshot(), IsOkAndHolds(Eq(std::nullopt)));
  EXPECT_THAT(store->NotedHead(), Eq(std::nullopt));
}

TEST_F(SqliteStoreTest, BelongsToItsOwnerAlone) {
  const auto store = Open();
  EXPECT_THAT(store->Commit(Small(Head(), "entry")), IsOk());
  EXPECT_EQ(files_.Stat(folder_)->permissions, 0700u);
  const absl::StatusOr<std::vector<std::string>> names = files_.List(folder_);
  ASSERT_THAT(names, IsOk());
  EXPECT_THAT(*names, testing::ElementsAre("database", "database-shm", "database-wal", "head",
                                           "lock", "reserve"));
  for (const std::string& name : *names) {
    EXPECT_EQ(files_.Stat(PathOf(name))->permissions, 0600u) << name;
  }
}

TEST_F(SqliteStoreTest, IsMarkedAsOurs) {
  Open().reset();
  EXPECT_EQ(Sql("PRAGMA application_id"), std::to_string(0x48465354));
  EXPECT_EQ(Sql("PRAGMA user_version"), "1");
  EXPECT_EQ(Sql("PRAGMA page_size"), "16384");
  EXPECT_EQ(Sql("PRAGMA journal_mode"), "wal");
}

TEST_F(SqliteStoreTest, IsOpenOnlyOnce) {
  auto store = Open();
  const absl::Status second = OpenError();
  EXPECT_THAT(second, HasReason(Reason::kAlreadyRunning));
  EXPECT_THAT(second, HasMetadata("folder", folder_));
  store.reset();
  Open();
}

TEST_F(SqliteStoreTest, FindsWhatWasCommitted) {
  GroupSequence sequence(3);
  std::string before;
  {
    const auto store = Open();
    for (int i = 0; i < 20; ++i) ASSERT_THAT(store->Commit(sequence.Next().group), IsOk());
    before = Dump(*store);
  }
  const auto store = Open();
  EXPECT_TRUE(Dump(*store) == before);
  EXPECT_THAT(store->Commit(sequence.Next().group), IsOk());
}

TEST_F(SqliteStoreTest, CommitsASmallGroupWithOneSync) {
  test::FaultPlan plan;
  test::FaultyVfs vfs(plan, 1);
  options_.vfs = vfs.name();
  const auto store = Open();
  for (int i = 0; i < 10; ++i) {
    const std::uint64_t before = vfs.syncs();
    ASSERT_THAT(store->Commit(Small(HeadOf(*store), "entry")), IsOk());
    EXPECT_EQ(vfs.syncs() - before, 1u);
  }
}

TEST_F(SqliteStoreTest, RefusesToCommitOnceACommitHasFailed) {
  auto store = Open();
  ASSERT_THAT(store->Commit(Small(Head(), "entry")), IsOk());
  const Head head = HeadOf(*store);
  EXPECT_THAT(store->Commit(Small(Head(), "again at 0")), HasReason(Reason::kInternal));
  EXPECT_THAT(store->Commit(Small(head, "a good one")), HasReason(Reason::kInternal));
  EXPECT_THAT(store->CheckpointLog(), HasReason(Reason::kInternal));
  EXPECT_THAT(store->ReadHead(), IsOkAndHolds(head));
  store.reset();
  store = Open();
  EXPECT_THAT(store->Commit(Small(head, "a good one")), IsOk());
}

TEST_F(SqliteStoreTest, WritesAChunkOnceUnlessItIsToldToReplaceIt) {
  auto store = Open();
  Group group;
  group.chunks.emplace_back();
  group.chunks[0].key.kind = ChunkKind::kSubjects;
  group.chunks[0].bytes = AsBytes("first");
  ASSERT_THAT(store->Commit(group), IsOk());
  group.chunks[0].bytes = AsBytes("second");
  group.top_page = AsBytes("of the same group");
  EXPECT_THAT(store->Commit(group), HasReason(Reason::kInternal));
  EXPECT_THAT(store->ReadChunk(group.chunks[0].key), IsOkAndHolds(BytesAre("first")));
  EXPECT_THAT(store->ReadTopPage(), HasReason(Reason::kNotFound));

  store.reset();
  store = Open();
  group.chunks[0].if_exists = IfChunkExists::kReplace;
  EXPECT_THAT(store->Commit(group), IsOk());
  EXPECT_THAT(store->ReadChunk(group.chunks[0].key), IsOkAndHolds(BytesAre("second")));
}

TEST_F(SqliteStoreTest, DeletesOnlyAPageThatIsThere) {
  const auto store = Open();
  Group group;
  group.deleted_pages = {5};
  EXPECT_THAT(store->Commit(group), HasReason(Reason::kInternal));
}

TEST_F(SqliteStoreTest, StoresTheLargestEntry) {
  const Bytes entry(kMaxEntryBytes, std::byte{7});
  auto store = Open();
  Group group = Small(Head(), "small");
  group.entries.push_back(entry);
  ASSERT_THAT(store->Commit(group), IsOk());
  store.reset();
  store = Open();
  const auto check = [&](std::uint64_t index, ByteSpan bytes) -> absl::Status {
    EXPECT_EQ(index, 1u);
    EXPECT_TRUE(ToBytes(bytes) == entry);
    return absl::OkStatus();
  };
  EXPECT_THAT(store->ForEachEntry(1, check), IsOk());
}

TEST_F(SqliteStoreTest, EndsAWalkWithTheErrorOfTheCallback) {
  const auto store = Open();
  ASSERT_THAT(store->Commit(Small(Head(), "entry")), IsOk());
  const auto fail = [](std::uint64_t, ByteSpan) -> absl::Status {
    return MakeError(Reason::kShuttingDown, "enough");
  };
  EXPECT_THAT(store->ForEachEntry(0, fail), HasReason(Reason::kShuttingDown));
  EXPECT_THAT(store->ForEachEntry(1, fail), IsOk());
}

TEST_F(SqliteStoreTest, NotesTheHeadBesideTheDatabase) {
  LedgerHead noted;
  {
    const auto store = Open();
    ASSERT_THAT(store->Commit(Small(Head(), "entry")), IsOk());
    noted.size = 1;
    noted.root = HeadOf(*store).root;
    EXPECT_THAT(store->NotedHead(), Eq(std::nullopt));
  }
  EXPECT_THAT(Open()->NotedHead(), Optional(noted));
  ASSERT_THAT(files_.Remove(PathOf("head")), IsOk());
  EXPECT_THAT(Open()->NotedHead(), Eq(std::nullopt));
}

TEST_F(SqliteStoreTest, KeepsAReserveUntilItIsReleased) {
  const auto store = Open();
  EXPECT_EQ(files_.Stat(PathOf("reserve"))->size_bytes, kReserveBytes);
  EXPECT_THAT(store->ReleaseReserve(), IsOk());
  EXPECT_THAT(files_.Stat(PathOf("reserve")), HasReason(Reason::kNotFound));
  EXPECT_THAT(store->RestoreReserve(), IsOk());
  EXPECT_EQ(files_.Stat(PathOf("reserve"))->size_bytes, kReserveBytes);
}

TEST_F(SqliteStoreTest, DoesNotTakeAReleasedReserveBackByItself) {
  ASSERT_THAT(Open()->ReleaseReserve(), IsOk());
  Open();
  EXPECT_THAT(files_.Stat(PathOf("reserve")), HasReason(Reason::kNotFound));
}

TEST_F(SqliteStoreTest, LetsACallbackCommitAndEndsWhereTheLedgerEnded) {
  const auto store = Open();
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(store->Commit(Small(HeadOf(*store), "entry")), IsOk());
  }
  int calls = 0;
  const auto commit = [&](std::uint64_t, ByteSpan) {
    ++calls;
    return store->Commit(Small(HeadOf(*store), "one more"));
  };
  EXPECT_THAT(store->ForEachEntry(0, commit), IsOk());
  EXPECT_EQ(calls, 3);
}

TEST_F(SqliteStoreTest, DoesNotLetAnIdleReaderPinTheLog) {
  options_.checkpoint_pages = 20;
  const auto store = Open();
  const auto reader = store->NewReader();
  ASSERT_THAT(reader, IsOk());
  const Bytes page(100'000, std::byte{1});
  for (int i = 0; i < 60; ++i) {
    Group group = Small(HeadOf(*store), "entry");
    group.pages.emplace_back();
    group.pages[0].bytes = page;
    ASSERT_THAT(store->Commit(group), IsOk());
    EXPECT_THAT((*reader)->AllPages(), IsOk());
    EXPECT_THAT((*reader)->ReadHead(), IsOkAndHolds(HeadOf(*store)));
  }
  EXPECT_LT(files_.Stat(PathOf("database-wal"))->size_bytes, 60u * 16'384u);
}

TEST_F(SqliteStoreTest, ShowsReadersInOtherThreadsWholeGroupsOnly) {
  const auto store = Open();
  const auto reader = store->NewReader();
  ASSERT_THAT(reader, IsOk());
  std::atomic<bool> done = false;
  std::thread thread([&] {
    std::uint64_t last = 0;
    while (!done.load()) {
      std::uint64_t count = 0;
      const auto counted = [&count](std::uint64_t, ByteSpan) -> absl::Status {
        ++count;
        return absl::OkStatus();
      };
      EXPECT_THAT((*reader)->ForEachEntry(0, counted), IsOk());
      EXPECT_EQ(count % 3, 0u);
      EXPECT_GE(count, last);
      last = count;
    }
  });
  for (int i = 0; i < 60; ++i) {
    Group group = Small(HeadOf(*store), "one");
    group.entries.push_back(AsBytes("two"));
    group.entries.push_back(AsBytes("three"));
    EXPECT_THAT(store->Commit(group), IsOk());
  }
  done.store(true);
  thread.join();
}

TEST_F(SqliteStoreTest, LetsAReaderOutliveIt) {
  auto store = Open();
  ASSERT_THAT(store->Commit(Small(Head(), "entry")), IsOk());
  const auto reader = store->NewReader();
  ASSERT_THAT(reader, IsOk());
  const Head head = HeadOf(*store);
  store.reset();
  EXPECT_THAT((*reader)->ReadHead(), IsOkAndHolds(head));
  store = Open();
  ASSERT_THAT(store->Commit(Small(head, "another")), IsOk());
  EXPECT_THAT((*reader)->ReadHead(), IsOkAndHolds(HeadOf(*store)));
}

TEST_F(SqliteStoreTest, OverwritesADeletedPageInTheDatabase) {
  const std::string marker = "a page that has to go, told by these very words";
  const auto store = Open();
  Group group;
  group.pages.emplace_back();
  group.pages[0].bytes = AsBytes(marker);
  ASSERT_THAT(store->Commit(group), IsOk());
  ASSERT_THAT(store->CheckpointLog(), IsOk());
  const auto has_marker = [&] {
    std::ifstream in(PathOf("database"), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    return text.find(marker) != std::string::npos;
  };
  EXPECT_TRUE(has_marker());
  Group deletion;
  deletion.deleted_pages = {0};
  ASSERT_THAT(store->Commit(deletion), IsOk());
  ASSERT_THAT(store->CheckpointLog(), IsOk());
  EXPECT_FALSE(has_marker());
}

TEST_F(SqliteStoreTest, RefusesADatabaseThatIsNotItsOwn) {
  const auto spoilt = [this](const std::string& sql) {
    std::filesystem::remove_all(folder_);
    auto store = Open();
    EXPECT_THAT(store->Commit(Small(Head(), "entry")), IsOk());
    store.reset();
    Sql(sql);
    return OpenError();
  };
  EXPECT_THAT(spoilt("SELECT 1"), IsOk());
  EXPECT_THAT(spoilt("PRAGMA application_id = 1"), HasReason(Reason::kStoreCorrupt));
  EXPECT_THAT(spoilt("PRAGMA user_version = 2"), HasReason(Reason::kStoreCorrupt));
  EXPECT_THAT(spoilt("CREATE TABLE other (x)"), HasReason(Reason::kStoreCorrupt));
  EXPECT_THAT(spoilt("CREATE TRIGGER t AFTER INSERT ON tile BEGIN DELETE FROM head; END"),
              HasReason(Reason::kStoreCorrupt));
  EXPECT_THAT(spoilt("DROP TABLE tile"), HasReason(Reason::kStoreCorrupt));
  EXPECT_THAT(spoilt("DELETE FROM head"), HasReason(Reason::kStoreCorrupt));
  EXPECT_THAT(spoilt("UPDATE head SET root = x'00'"), HasReason(Reason::kStoreCorrupt));
  EXPECT_THAT(spoilt("UPDATE head SET ledger_size = -1"), HasReason(Reason::kStoreCorrupt));
  EXPECT_THAT(spoilt("UPDATE head SET ledger_size = 0"), HasReason(Reason::kStoreCorrupt));
  EXPECT_THAT(spoilt("UPDATE head SET ledger_size = 2"), HasReason(Reason::kStoreCorrupt));
  EXPECT_THAT(spoilt("UPDATE head SET ledger_size = 257"), HasReason(Reason::kStoreCorrupt));
  EXPECT_THAT(spoilt("UPDATE entry_bundle SET bytes = x'000161ff'"),
              HasReason(Reason::kStoreCorrupt));
  EXPECT_THAT(spoilt("DELETE FROM entry_bundle"), HasReason(Reason::kStoreCorrupt));
}

// Two of the head and of what was added, and one where that lies across two pages.
TEST_F(SqliteStoreTest, WritesOnlyThePagesThatDiffer) {
  constexpr std::uint64_t kFrame = 16'384 + 24;
  const Bytes order(1'500, std::byte{'o'});
  const std::vector<ByteSpan> one = {ByteSpan(order)};
  const std::unique_ptr<Store> store = Open();
  std::map<std::uint64_t, int> commits;  // By pages.
  std::uint64_t before = std::filesystem::file_size(PathOf("database-wal"));
  for (int i = 0; i < 60; ++i) {
    Group group = Small(HeadOf(*store), "unused");
    group.entries = one;
    ASSERT_THAT(store->Commit(group), IsOk());
    const std::uint64_t now = std::filesystem::file_size(PathOf("database-wal"));
    ++commits[(now - before) / kFrame];
    before = now;
  }
  EXPECT_GT(commits[2] + commits[3], 55) << testing::PrintToString(commits);
}

TEST_F(SqliteStoreTest, NoticesAHoleInTheLedger) {
  const std::vector<ByteSpan> entries(600, AsBytes("entry"));
  {
    Group group = Small(Head(), "unused");
    group.entries = entries;
    ASSERT_THAT(Open()->Commit(group), IsOk());
  }
  const auto ignore = [](std::uint64_t, ByteSpan) -> absl::Status { return absl::OkStatus(); };
  EXPECT_THAT(Open()->ForEachEntry(0, ignore), IsOk());
  Sql("UPDATE entry_bundle SET bytes = x'000161' WHERE bundle = 1");
  EXPECT_THAT(Open()->ForEachEntry(0, ignore), HasReason(Reason::kStoreCorrupt));
  Sql("DELETE FROM entry_bundle WHERE bundle = 1");
  EXPECT_THAT(Open()->ForEachEntry(0, ignore), HasReason(Reason::kStoreCorrupt));
}

TEST_F(SqliteStoreTest, RefusesAFileThatIsNoDatabase) {
  Open().reset();
  std::filesystem::remove(PathOf("database-wal"));
  std::ofstream(PathOf("database"), std::ios::binary) << std::string(40'000, 'x');
  EXPECT_THAT(OpenError(), HasReason(Reason::kStoreCorrupt));
}

}  // namespace
}  // namespace holdfast::store
