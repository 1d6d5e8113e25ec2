// SPDX-License-Identifier: Apache-2.0
// SQLite, as little of it as the store uses, with our errors.
//
//   HF_ASSIGN_OR_RETURN(Statement find, db.Prepare("SELECT bytes FROM chunk WHERE chunk = ?1"));
//   const StatementScope scope(find);         // Ends its transaction, whatever happens.
//   find.Bind(1, key);
//   HF_ASSIGN_OR_RETURN(const bool found, find.Step());
//
// When to use  In store/ only.
// Threads      A Connection and its Statements are used by one thread at a time.
// Ownership    A Statement must not outlive its Connection. Blobs and texts that are bound are
//              borrowed until Reset(); columns are valid until the next Step() or Reset().
// Errors       kStoreFull, kStoreFailed, kStoreCorrupt; kInternal for a broken constraint.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"

namespace holdfast::store::internal {

// Returns the error for SQLite's `code` on `db` (which may be null), while `doing`.
absl::Status SqliteError(sqlite3* db, int code, std::string_view doing);

class Statement final {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement, &sqlite3_finalize) {}

  // A parameter that cannot be bound makes Step() fail.
  void Bind(int parameter, std::int64_t value);
  void Bind(int parameter, ByteSpan blob);
  void Bind(int parameter, std::string_view text);

  // Returns true if there is a row.
  absl::StatusOr<bool> Step();

  // Steps to the end and resets. For what returns no rows that matter.
  absl::Status Run();

  // Ends the statement's transaction, if it is the last one that is active, and drops what is
  // bound.
  void Reset();

  std::int64_t Int(int column) const;
  ByteSpan Blob(int column) const;
  std::string_view Text(int column) const;

 private:
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement_;
  int bind_result_ = SQLITE_OK;
};

// Resets a statement when it goes out of scope.
class StatementScope final {
 public:
  explicit StatementScope(Statement& statement) : statement_(statement) {}
  ~StatementScope() { statement_.Reset(); }
  StatementScope(const StatementScope&) = delete;
  StatementScope& operator=(const StatementScope&) = delete;

 private:
  Statement& statement_;
};

enum class Access { kReadOnly = 0, kReadWrite };

class Connection final {
 public:
  // Opens the database in `path`, which exists. `vfs` is a registered VFS; empty means the default.
  // The connection never checkpoints when it is closed: closing is what one does after an error.
  static absl::StatusOr<Connection> Open(const std::string& path, const std::string& vfs,
                                         Access access);

  // Runs statements that return nothing of interest.
  absl::Status Execute(const char* sql);

  // Returns the first column of the first row.
  // Errors: kStoreCorrupt too, if there is no row.
  absl::StatusOr<std::int64_t> QueryInt(const char* sql);

  // Prepares a statement that lives as long as the connection.
  absl::StatusOr<Statement> Prepare(const char* sql);

  sqlite3* get() const { return db_.get(); }

 private:
  explicit Connection(sqlite3* db) : db_(db, &sqlite3_close) {}

  std::unique_ptr<sqlite3, int (*)(sqlite3*)> db_;
};

}  // namespace holdfast::store::internal
