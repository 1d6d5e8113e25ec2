// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_store.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"
#include "store/entry_bundle.h"
#include "store/group_check.h"
#include "store/head_file.h"
#include "store/internal/files.h"
#include "store/internal/sqlite_reader.h"
#include "store/internal/sqlite_writer.h"
#include "store/reserve.h"

namespace holdfast::store {
namespace {

using internal::kDatabaseName;
using internal::kHeadName;
using internal::kLockName;
using internal::kReserveName;
using internal::SqliteReader;
using internal::SqliteWriter;

class SqliteStore final : public Store {
 public:
  SqliteStore(std::string path, std::string vfs, std::unique_ptr<FileLock> lock,
              std::unique_ptr<Reserve> reserve, HeadFile head_file,
              std::unique_ptr<SqliteWriter> writer, std::unique_ptr<SqliteReader> reader)
      : path_(std::move(path)),
        vfs_(std::move(vfs)),
        lock_(std::move(lock)),
        reserve_(std::move(reserve)),
        head_file_(std::move(head_file)),
        writer_(std::move(writer)),
        reader_(std::move(reader)) {}

  absl::Status Commit(const Group& group) override {
    HF_RETURN_IF_ERROR(failure_);
    absl::Status committed = writer_->Commit(group);
    if (!committed.ok()) return Fail(std::move(committed));

    const Head head = HeadAfter(group);
    // The group is durable and is answered. A note that was not written is an older one, and as
    // true; the next group writes it again.
    static_cast<void>(head_file_.Write({head.ledger_size, head.root}));
    // So is an error here one of the next group.
    absl::Status moved = writer_->CheckpointIfDue();
    if (!moved.ok()) static_cast<void>(Fail(std::move(moved)));
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<Reader>> NewReader() override {
    return SqliteReader::Open(path_, vfs_);
  }

  std::optional<LedgerHead> NotedHead() const override { return head_file_.at_open(); }

  absl::Status ReleaseReserve() override { return reserve_->Release(); }
  absl::Status RestoreReserve() override { return reserve_->Restore(); }

  absl::Status CheckpointLog() override {
    HF_RETURN_IF_ERROR(failure_);
    absl::Status moved = writer_->Checkpoint();
    if (!moved.ok()) return Fail(std::move(moved));
    return absl::OkStatus();
  }

  absl::StatusOr<Head> ReadHead() override { return reader_->ReadHead(); }
  absl::StatusOr<Bytes> ReadBundle(std::uint64_t bundle) override {
    return reader_->ReadBundle(bundle);
  }
  absl::Status ForEachEntry(std::uint64_t first, const EntryCallback& callback) override {
    return reader_->ForEachEntry(first, callback);
  }
  absl::StatusOr<Bytes> ReadChunk(const ChunkKey& key) override { return reader_->ReadChunk(key); }
  absl::StatusOr<bool> HasChunk(const ChunkKey& key) override { return reader_->HasChunk(key); }
  absl::StatusOr<Bytes> ReadPage(std::uint32_t segment) override {
    return reader_->ReadPage(segment);
  }
  absl::StatusOr<std::vector<SegmentPage>> AllPages() override { return reader_->AllPages(); }
  absl::StatusOr<Bytes> ReadTopPage() override { return reader_->ReadTopPage(); }
  absl::StatusOr<Bytes> ReadTile(std::uint8_t level, std::uint64_t index) override {
    return reader_->ReadTile(level, index);
  }
  absl::StatusOr<std::optional<CheckpointNote>> LatestCheckpoint() override {
    return reader_->LatestCheckpoint();
  }
  absl::StatusOr<std::optional<Snapshot>> ReadSnapshot() override {
    return reader_->ReadSnapshot();
  }

 private:
  // Makes `error` the answer to every later commit.
  absl::Status Fail(absl::Status error) {
    failure_ = AddMetadata(error, "store_must_be_opened_again", "true");
    return error;
  }

  const std::string path_;
  const std::string vfs_;

  // The lock goes last.
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<Reserve> reserve_;
  HeadFile head_file_;
  std::unique_ptr<SqliteWriter> writer_;
  std::unique_ptr<SqliteReader> reader_;
  absl::Status failure_;
};

// Makes what `make` says, unless it is there.
template <typename Make>
absl::StatusOr<bool> MakeIfMissing(Make make) {
  absl::Status made = make();
  if (made.ok()) return true;
  if (ReasonOf(made) == Reason::kAlreadyExists) return false;
  return made;
}

absl::Status MakeFolder(FileSystem& files, const std::string& folder) {
  HF_ASSIGN_OR_RETURN(const bool made, MakeIfMissing([&] { return files.MakeDirectory(folder); }));
  return made ? files.SyncDirectory(ParentPath(folder)) : absl::OkStatus();
}

// Makes an empty file, so that it is ours alone from its first byte on; SQLite gives the log the
// same permissions. Never opens one that is there: closing it would drop SQLite's locks.
absl::StatusOr<bool> MakeFile(FileSystem& files, const std::string& path) {
  return MakeIfMissing([&]() -> absl::Status {
    HF_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.Open(path, OpenMode::kCreateNew));
    return file->Close();
  });
}

absl::StatusOr<std::unique_ptr<FileLock>> TakeLock(FileSystem& files, const std::string& folder) {
  absl::StatusOr<std::unique_ptr<FileLock>> lock = files.Lock(JoinPath(folder, kLockName));
  if (ReasonOf(lock.status()) != Reason::kAlreadyRunning) return lock;
  const std::string name = EscapeForLog(folder, 256);
  absl::Status taken =
      MakeError(Reason::kAlreadyRunning, "another process has the store in " + name + " open");
  return AddMetadata(std::move(taken), "folder", name);
}

struct Database {
  std::unique_ptr<SqliteWriter> writer;
  std::unique_ptr<SqliteReader> reader;
};

absl::StatusOr<Database> OpenDatabase(const std::string& path, const SqliteStoreOptions& options) {
  Database database;
  HF_ASSIGN_OR_RETURN(database.writer,
                      SqliteWriter::Open(path, options.vfs, options.checkpoint_pages));
  HF_ASSIGN_OR_RETURN(database.reader, SqliteReader::Open(path, options.vfs));
  HF_RETURN_IF_ERROR(database.writer->Load(*database.reader));
  return database;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const std::string& folder,
                                                       const SqliteStoreOptions& options) {
  HF_CHECK(options.files != nullptr);
  FileSystem& files = *options.files;
  const std::string path = JoinPath(folder, kDatabaseName);
  HF_RETURN_IF_ERROR(MakeFolder(files, folder));
  HF_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, TakeLock(files, folder));
  auto reserve =
      std::make_unique<Reserve>(files, JoinPath(folder, kReserveName), options.reserve_bytes);
  HF_ASSIGN_OR_RETURN(const bool is_new, MakeFile(files, path));
  if (is_new) HF_RETURN_IF_ERROR(reserve->Restore());
  HF_ASSIGN_OR_RETURN(HeadFile head_file, HeadFile::Open(files, JoinPath(folder, kHeadName)));
  HF_RETURN_IF_ERROR(files.SyncDirectory(folder));

  absl::StatusOr<Database> database = OpenDatabase(path, options);
  if (ReasonOf(database.status()) == Reason::kStoreFull) {
    HF_RETURN_IF_ERROR(reserve->Release());
    database = OpenDatabase(path, options);
  }
  HF_RETURN_IF_ERROR(database.status());
  return std::make_unique<SqliteStore>(path, options.vfs, std::move(lock), std::move(reserve),
                                       std::move(head_file), std::move(database->writer),
                                       std::move(database->reader));
}

}  // namespace holdfast::store
