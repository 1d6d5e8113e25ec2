// SPDX-License-Identifier: Apache-2.0
// The one connection that writes, and how a group becomes a transaction.
//
// When to use  By SqliteStore, which decides what an error means for the next group.
// Threads      Used by one thread at a time.
// Ownership    Owns its connection. There is one for each database, in all processes.
// Errors       store/store.h.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "store/internal/sqlite.h"
#include "store/internal/sqlite_reader.h"
#include "store/store.h"

namespace holdfast::store::internal {

class SqliteWriter final {
 public:
  // Opens the database in `path`, which may be an empty file, and settles what its log holds.
  static absl::StatusOr<std::unique_ptr<SqliteWriter>> Open(const std::string& path,
                                                            const std::string& vfs,
                                                            int checkpoint_pages);

  // Reads where the ledger ends, and checks that it does. REQUIRES: called once, before Commit().
  absl::Status Load(SqliteReader& reader);

  absl::Status Commit(const Group& group);

  // Moves the log into the database, as far as readers let it.
  absl::Status Checkpoint();

  // Does it if the log is long enough.
  absl::Status CheckpointIfDue();

 private:
  struct Statements {
    Statement begin;
    Statement commit;
    Statement put_head;
    Statement put_bundle;
    Statement add_tile;
    Statement add_chunk;
    Statement put_chunk;
    Statement put_page;
    Statement delete_page;
    Statement put_top_page;
    Statement put_checkpoint;
    Statement delete_snapshot;
    Statement add_snapshot_part;
  };

  SqliteWriter(Connection db, Statements statements, int checkpoint_pages);

  static int OnCommit(void* self, sqlite3* db, const char* name, int log_pages);

  absl::Status WriteAll(const Group& group, Bytes& open_bundle);
  absl::Status WriteEntries(const Group& group, Bytes& open_bundle);
  absl::Status WriteTilesAndChunks(const Group& group);
  absl::Status WritePages(const Group& group);
  absl::Status WriteDerived(const Group& group);
  absl::Status WriteHead(const Head& head);

  // Before the statements, which must go first.
  Connection db_;
  Statements statements_;
  const int checkpoint_pages_;

  Head head_;
  Bytes open_bundle_;  // The last bundle, while it has fewer than 256 entries.
  int log_pages_ = 0;
};

}  // namespace holdfast::store::internal
