// SPDX-License-Identifier: Apache-2.0
#include "store/backup.h"

#include <memory>
#include <utility>

#include <sqlite3.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "store/internal/files.h"
#include "store/internal/sqlite.h"

namespace holdfast::store {
namespace {

using internal::Access;
using internal::Connection;
using internal::SqliteError;

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

absl::Status SyncFile(FileSystem& files, const std::string& path) {
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.Open(path, OpenMode::kReadWrite));
  HF_RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

absl::Status MakeCopy(FileSystem& files, const std::string& source, const std::string& part,
                      const std::string& destination) {
  {
    // Ours alone from its first byte on.
    HF_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.Open(part, OpenMode::kCreateNew));
    HF_RETURN_IF_ERROR(file->Close());
  }
  HF_RETURN_IF_ERROR(CopyPages(source, part));
  HF_RETURN_IF_ERROR(SyncFile(files, part));
  HF_RETURN_IF_ERROR(files.Rename(part, destination));
  return files.SyncDirectory(ParentPath(destination));
}

}  // namespace

absl::Status BackUpStore(FileSystem& files, const std::string& folder,
                         const std::string& destination) {
  const std::string source = JoinPath(folder, internal::kDatabaseName);
  HF_RETURN_IF_ERROR(files.Stat(source).status());
  const absl::StatusOr<FileInfo> there = files.Stat(destination);
  if (there.ok()) return MakeError(Reason::kAlreadyExists, "the backup's file exists already");
  if (ReasonOf(there.status()) != Reason::kNotFound) return there.status();

  const std::string part = destination + ".part";
  // Of an attempt that was cut short.
  absl::Status removed = files.Remove(part);
  if (!removed.ok() && ReasonOf(removed) != Reason::kNotFound) return removed;
  absl::Status made = MakeCopy(files, source, part, destination);
  if (!made.ok()) {
    // What MakeCopy() met is the error that matters.
    static_cast<void>(files.Remove(part));
  }
  return made;
}

}  // namespace holdfast::store
