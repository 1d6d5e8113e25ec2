// SPDX-License-Identifier: Apache-2.0
// Reading a database through a connection of its own that can only read.
//
// When to use  What SqliteStore::NewReader() hands out. Each call is one statement, which is reset
//              before the call returns or a callback runs.
// Threads      Used by one thread at a time.
// Ownership    Owns its connection; needs nothing of the Store.
// Errors       store/store.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "store/internal/sqlite.h"
#include "store/store.h"

namespace holdfast::store::internal {

class SqliteReader final : public Reader {
 public:
  // `path` is a database whose schema was checked.
  static absl::StatusOr<std::unique_ptr<SqliteReader>> Open(const std::string& path,
                                                            const std::string& vfs);

  absl::StatusOr<Head> ReadHead() override;
  absl::StatusOr<Bytes> ReadBundle(std::uint64_t bundle) override;
  absl::Status ForEachEntry(std::uint64_t first, const EntryCallback& callback) override;
  absl::StatusOr<Bytes> ReadChunk(const ChunkKey& key) override;
  absl::StatusOr<bool> HasChunk(const ChunkKey& key) override;
  absl::StatusOr<Bytes> ReadPage(std::uint32_t segment) override;
  absl::StatusOr<std::vector<SegmentPage>> AllPages() override;
  absl::StatusOr<Bytes> ReadTopPage() override;
  absl::StatusOr<Bytes> ReadTile(std::uint8_t level, std::uint64_t index) override;
  absl::StatusOr<std::optional<CheckpointNote>> LatestCheckpoint() override;
  absl::StatusOr<std::optional<Snapshot>> ReadSnapshot() override;

 private:
  struct Statements {
    Statement head;
    Statement bundle;
    Statement chunk;
    Statement has_chunk;
    Statement page;
    Statement all_pages;
    Statement top_page;
    Statement tile;
    Statement checkpoint;
    Statement snapshot;
  };

  SqliteReader(Connection db, Statements statements)
      : db_(std::move(db)), statements_(std::move(statements)) {}

  // Before the statements, which must go first.
  Connection db_;
  Statements statements_;
};

}  // namespace holdfast::store::internal
