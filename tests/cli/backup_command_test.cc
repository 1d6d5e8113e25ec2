// SPDX-License-Identifier: Apache-2.0
// holdfast backup create beside an exchange that makes an epoch at the worst moment. What a backup
// is good for is in tests/integration/journey/backup_test.py.
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "store/sqlite_store.h"
#include "tests/cli/cli_harness.h"
#include "tests/daemon/exchange/exchange_world.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::cli {
namespace {

using test::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// The real file system, where something happens before a file gets its name.
class Interrupting final : public FileSystem {
 public:
  // Called with the name that it gets.
  std::function<void(const std::string& to)> before_rename;

  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    return posix_.Open(path, mode);
  }
  absl::StatusOr<Bytes> ReadWhole(const std::string& path, std::size_t max_bytes) override {
    return posix_.ReadWhole(path, max_bytes);
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (before_rename) before_rename(to);
    return posix_.Rename(from, to);
  }
  absl::Status Remove(const std::string& path) override { return posix_.Remove(path); }
  absl::Status MakeDirectory(const std::string& path) override {
    return posix_.MakeDirectory(path);
  }
  absl::Status SyncDirectory(const std::string& path) override {
    return posix_.SyncDirectory(path);
  }
  absl::Status SyncAll(const std::string& path) override { return posix_.SyncAll(path); }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    return posix_.List(path);
  }
  absl::StatusOr<FileInfo> Stat(const std::string& path) override { return posix_.Stat(path); }
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    return posix_.Lock(path);
  }
  absl::StatusOr<Medium> MediumOf(const std::string& path) override {
    return posix_.MediumOf(path);
  }

 private:
  PosixFileSystem posix_;
};

class BackupCreate : public ::testing::Test {
 protected:
  BackupCreate() {
    EXPECT_THAT(posix_.MakeDirectory(state_), IsOk());
    world_.open_store = [this] {
      store::SqliteStoreOptions options;
      options.files = &posix_;
      options.reserve_bytes = 0;
      return store::OpenSqliteStore(state_, options);
    };
    world_.MustStart();
    NoteEpoch(world_.epoch());
  }

  // As the daemon does once an epoch has begun.
  void NoteEpoch(std::uint64_t epoch) {
    EXPECT_THAT(
        ReplaceFile(posix_, JoinPath(state_, "epoch"), AsBytes(std::to_string(epoch) + "\n")),
        IsOk());
  }

  void MakeEpoch() {
    const std::string id = "hold-" + std::to_string(++holds_);
    EXPECT_TRUE(world_.Order("carol", test::ExchangeWorld::HoldAct(id)).decision.allowed());
    NoteEpoch(world_.epoch());
  }

  nlohmann::json Create() {
    said_ =
        CliHarness(files_).Run({"backup", "create", "--state", state_, "--into", into_, "--json"});
    EXPECT_EQ(said_.exit, 0) << said_.err;
    return nlohmann::json::parse(said_.out);
  }

  std::uint64_t NotedBackup() {
    return std::stoull(ToString(posix_.ReadWhole(JoinPath(state_, "backup-epoch"), 64).value()));
  }

  std::vector<std::string> Backups() {
    std::vector<std::string> names = posix_.List(into_).value();
    for (std::string& name : names) name = JoinPath(into_, name);
    return names;
  }

  const test::TempDir folder_;
  const std::string state_ = folder_.File("state");
  const std::string into_ = folder_.File("backups");
  PosixFileSystem posix_;
  Interrupting files_;
  test::ExchangeWorld world_;
  CommandResult said_;
  int holds_ = 0;
};

TEST_F(BackupCreate, MakesOneWhereNothingHappens) {
  int made = 0;
  files_.before_rename = [&](const std::string& to) { made += to.ends_with(".backup") ? 1 : 0; };
  const nlohmann::json backup = Create();
  EXPECT_EQ(backup["epoch"], world_.epoch());
  // Once under way, and once under its own name.
  EXPECT_EQ(made, 2);
}

// systemd starts nothing for an epoch that begins while the backup of the one before is made.
TEST_F(BackupCreate, MakesAnotherOneIfAnEpochBeganAfterTheCopy) {
  int left = 2;
  files_.before_rename = [&](const std::string& to) {
    // The copy is made, and gets the name of the epoch that it is of.
    if (to.find("/epoch-") == std::string::npos || left == 0) return;
    --left;
    MakeEpoch();
  };
  const nlohmann::json backup = Create();
  EXPECT_EQ(left, 0);
  EXPECT_EQ(world_.epoch(), 3U);
  EXPECT_EQ(backup["epoch"], 3U);
  EXPECT_EQ(NotedBackup(), 3U);
  EXPECT_THAT(Backups(), ElementsAre(backup["file"].get<std::string>()));
  EXPECT_THAT(said_.err, Not(HasSubstr("names epoch")));
}

// A note of another state folder, say: it does not go on for ever.
TEST_F(BackupCreate, SaysSoIfTheDatabaseIsOlderThanTheStateFolderSays) {
  NoteEpoch(9);
  const nlohmann::json backup = Create();
  EXPECT_EQ(backup["epoch"], 1U);
  EXPECT_EQ(NotedBackup(), 1U);
  EXPECT_THAT(Backups(), ElementsAre(backup["file"].get<std::string>()));
  EXPECT_THAT(said_.err, HasSubstr("names epoch 9, and its database is of epoch 1"));
}

}  // namespace
}  // namespace holdfast::cli
