// SPDX-License-Identifier: Apache-2.0
#include "store/backup.h"

#include <memory>
#include <utility>

#include <sqlite3.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "store/entry_bundle.h"
#include "store/internal/files.h"
#include "store/internal/schema.h"
#include "store/internal/sqlite.h"
#include "store/internal/sqlite_reader.h"

namespace holdfast::store {
namespace {

using internal::Access;
using internal::Connection;
using internal::SqliteError;
using internal::Statement;
using internal::StatementScope;

absl::Status CopyPages(const std::string& source_path, const std::string& copy_path) {
  HF_ASSIGN_OR_RETURN(Connection source,
                      Connection::Open(source_path, /*vfs=*/"", Access::kReadOnly));
  HF_ASSIGN_OR_RETURN(Connection copy, Connection::Open(copy_path, /*vfs=*/"", Access::kReadWrite));
  // It is thrown away if it does not succeed, so it needs no journal.
  HF_RETURN_IF_ERROR(copy.Execute("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;"));

  sqlite3_backup* backup = sqlite3_backup_init(copy.get(), "main", source.get(), "main");
  if (backup == nullptr) {
    return SqliteError(copy.get(), sqlite3_extended_errcode(copy.get()), "begin a backup");
  }
  const int stepped = sqlite3_backup_step(backup, /*nPage=*/-1);
  const int finished = sqlite3_backup_finish(backup);
  if (stepped == SQLITE_DONE && finished == SQLITE_OK) return absl::OkStatus();
  return SqliteError(copy.get(), stepped == SQLITE_DONE ? finished : stepped, "copy the database");
}

// Without a log, so that it is one file; and under the name of what it is.
absl::Status Mark(const std::string& path, std::int64_t application) {
  HF_ASSIGN_OR_RETURN(Connection db, Connection::Open(path, /*vfs=*/"", Access::kReadWrite));
  const std::string statements =
      "PRAGMA journal_mode = DELETE; PRAGMA application_id = " + std::to_string(application) + ";";
  return db.Execute(statements.c_str());
}

absl::Status SyncFile(FileSystem& files, const std::string& path) {
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.Open(path, OpenMode::kReadWrite));
  HF_RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

absl::Status MakeCopy(FileSystem& files, const std::string& source, const std::string& part,
                      const std::string& destination, std::int64_t application) {
  {
    // Ours alone from its first byte on.
    HF_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.Open(part, OpenMode::kCreateNew));
    HF_RETURN_IF_ERROR(file->Close());
  }
  HF_RETURN_IF_ERROR(CopyPages(source, part));
  HF_RETURN_IF_ERROR(Mark(part, application));
  HF_RETURN_IF_ERROR(SyncFile(files, part));
  HF_RETURN_IF_ERROR(files.Rename(part, destination));
  return files.SyncDirectory(ParentPath(destination));
}

absl::Status CopyTo(FileSystem& files, const std::string& source, const std::string& destination,
                    std::int64_t application) {
  HF_RETURN_IF_ERROR(files.Stat(source).status());
  const absl::StatusOr<FileInfo> there = files.Stat(destination);
  if (there.ok()) return MakeError(Reason::kAlreadyExists, "the file exists already");
  if (ReasonOf(there.status()) != Reason::kNotFound) return there.status();

  const std::string part = destination + ".part";
  // Of an attempt that was cut short.
  absl::Status removed = files.Remove(part);
  if (!removed.ok() && ReasonOf(removed) != Reason::kNotFound) return removed;
  absl::Status made = MakeCopy(files, source, part, destination, application);
  if (!made.ok()) {
    // What MakeCopy() met is the error that matters.
    static_cast<void>(files.Remove(part));
  }
  return made;
}

absl::Status RemoveIfThere(FileSystem& files, const std::string& path) {
  absl::Status removed = files.Remove(path);
  return ReasonOf(removed) == Reason::kNotFound ? absl::OkStatus() : removed;
}

}  // namespace

absl::Status BackUpStore(FileSystem& files, const std::string& folder,
                         const std::string& destination) {
  return CopyTo(files, JoinPath(folder, internal::kDatabaseName), destination,
                internal::kBackupApplicationId);
}

absl::StatusOr<BackupInfo> InspectBackup(
    const std::string& backup, const std::function<absl::StatusOr<Hash>(Reader& reader)>& root_of) {
  const auto damaged = [](const char* what) { return MakeError(Reason::kStoreCorrupt, what); };
  {
    HF_ASSIGN_OR_RETURN(Connection db, Connection::Open(backup, /*vfs=*/"", Access::kReadOnly));
    HF_ASSIGN_OR_RETURN(const std::int64_t application, db.QueryInt("PRAGMA application_id"));
    if (application != internal::kBackupApplicationId) return damaged("the file is no backup");
    HF_ASSIGN_OR_RETURN(Statement check, db.Prepare("PRAGMA integrity_check(1)"));
    const StatementScope scope(check);
    HF_ASSIGN_OR_RETURN(const bool row, check.Step());
    if (!row || check.Text(0) != "ok") return damaged("the backup's pages are damaged");
  }
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<internal::SqliteReader> reader,
                      internal::SqliteReader::Open(backup, /*vfs=*/""));
  BackupInfo info;
  HF_ASSIGN_OR_RETURN(info.head, reader->ReadHead());
  HF_ASSIGN_OR_RETURN(const Hash root, root_of(*reader));
  if (root != info.head.root) return damaged("the backup's ledger has not the root that it claims");
  if (info.head.ledger_size == 0) return info;
  HF_ASSIGN_OR_RETURN(const Bytes bundle, reader->ReadBundle(0));
  HF_ASSIGN_OR_RETURN(const std::vector<ByteSpan> entries, ParseBundle(bundle));
  info.first_entry = ToBytes(entries.front());
  return info;
}

absl::Status RestoreStore(FileSystem& files, const std::string& backup, const std::string& folder) {
  const std::string database = JoinPath(folder, internal::kDatabaseName);
  if (files.Stat(database).ok()) {
    return MakeError(Reason::kAlreadyExists, "the folder has a database; nothing was changed");
  }
  // A log, or a note of the ledger's head, of the database that was lost.
  for (const char* name : {"database-wal", "database-shm", internal::kHeadName}) {
    HF_RETURN_IF_ERROR(RemoveIfThere(files, JoinPath(folder, name)));
  }
  return CopyTo(files, backup, database, internal::kApplicationId);
}

}  // namespace holdfast::store
