// SPDX-License-Identifier: Apache-2.0
#include "store/internal/sqlite.h"

#include <array>
#include <cerrno>
#include <cstddef>

#include "base/check.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/status_macros.h"

namespace holdfast::store::internal {
namespace {

// How long a checkpoint waits for a reader to end its transaction.
constexpr int kBusyMillis = 5000;

// SQLite says "full" for ENOSPC alone.
bool MeansFull(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

Reason ReasonFor(sqlite3* db, int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return Reason::kStoreFull;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Reason::kStoreCorrupt;
    case SQLITE_CONSTRAINT:
      return Reason::kInternal;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return db != nullptr && MeansFull(sqlite3_system_errno(db)) ? Reason::kStoreFull
                                                                  : Reason::kStoreFailed;
    default:
      return Reason::kStoreFailed;
  }
}

}  // namespace

absl::Status SqliteError(sqlite3* db, int code, std::string_view doing) {
  const std::string cause = EscapeForLog(sqlite3_errstr(code), 120);
  absl::Status status =
      MakeError(ReasonFor(db, code), "cannot " + std::string(doing) + ": " + cause);
  return AddMetadata(std::move(status), "sqlite_code", std::to_string(code));
}

void Statement::Bind(int parameter, std::int64_t value) {
  const int result = sqlite3_bind_int64(statement_.get(), parameter, value);
  if (bind_result_ == SQLITE_OK) bind_result_ = result;
}

void Statement::Bind(int parameter, ByteSpan blob) {
  // A null pointer would bind NULL.
  const void* data = blob.empty() ? static_cast<const void*>("") : blob.data();
  const int result = sqlite3_bind_blob64(statement_.get(), parameter, data,
                                         static_cast<sqlite3_uint64>(blob.size()), SQLITE_STATIC);
  if (bind_result_ == SQLITE_OK) bind_result_ = result;
}

void Statement::Bind(int parameter, std::string_view text) {
  const char* data = text.empty() ? "" : text.data();
  const int result =
      sqlite3_bind_text64(statement_.get(), parameter, data,
                          static_cast<sqlite3_uint64>(text.size()), SQLITE_STATIC, SQLITE_UTF8);
  if (bind_result_ == SQLITE_OK) bind_result_ = result;
}

absl::StatusOr<bool> Statement::Step() {
  sqlite3* db = sqlite3_db_handle(statement_.get());
  if (bind_result_ != SQLITE_OK) return SqliteError(db, bind_result_, "bind a parameter");
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return SqliteError(db, sqlite3_extended_errcode(db), "run a statement");
}

absl::Status Statement::Run() {
  const StatementScope scope(*this);
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool row, Step());
    if (!row) return absl::OkStatus();
  }
}

void Statement::Reset() {
  // Its result is that of the last step, which was returned there.
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  bind_result_ = SQLITE_OK;
}

std::int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

ByteSpan Statement::Blob(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (data == nullptr) return {};
  return {static_cast<const std::byte*>(data), static_cast<std::size_t>(size)};
}

std::string_view Statement::Text(int column) const { return AsText(Blob(column)); }

absl::StatusOr<Connection> Connection::Open(const std::string& path, const std::string& vfs,
                                            Access access) {
  // NOMUTEX: no connection is used by two threads at once. No CREATE: who makes the file decides
  // who may read it. No URI: a path is a path.
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW |
                    (access == Access::kReadWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, vfs.empty() ? nullptr : vfs.c_str());
  Connection connection(raw);
  if (code != SQLITE_OK) return SqliteError(raw, code, "open " + EscapeForLog(path, 256));

  sqlite3_busy_timeout(raw, kBusyMillis);
  // Closing after a failed sync must not sync again (1). A database from elsewhere runs no code of
  // its own (0, 1).
  struct Setting {
    int option;
    int value;
  };
  constexpr std::array kSettings = {
      Setting{SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1}, Setting{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
      Setting{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, Setting{SQLITE_DBCONFIG_ENABLE_VIEW, 0},
      Setting{SQLITE_DBCONFIG_DEFENSIVE, 1}};
  for (const Setting& setting : kSettings) {
    const int result = sqlite3_db_config(raw, setting.option, setting.value, nullptr);
    if (result != SQLITE_OK) return SqliteError(raw, result, "configure SQLite");
  }
  // mmap_size: a file that is cut under a mapping ends the process.
  // cell_size_check: a damaged page is noticed where it is read.
  HF_RETURN_IF_ERROR(connection.Execute(
      "PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"));
  if (access == Access::kReadOnly) {
    HF_RETURN_IF_ERROR(connection.Execute("PRAGMA query_only = ON;"));
  }
  return connection;
}

absl::Status Connection::Execute(const char* sql) {
  const int code = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return SqliteError(db_.get(), code, "run a statement");
  return absl::OkStatus();
}

absl::StatusOr<std::int64_t> Connection::QueryInt(const char* sql) {
  HF_ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  const StatementScope scope(statement);
  HF_ASSIGN_OR_RETURN(const bool found, statement.Step());
  if (!found) return MakeError(Reason::kStoreCorrupt, "the database lacks a row");
  return statement.Int(0);
}

absl::StatusOr<Statement> Connection::Prepare(const char* sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(db_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return SqliteError(db_.get(), code, "prepare a statement");
  return Statement(raw);
}

}  // namespace holdfast::store::internal
