// SPDX-License-Identifier: Apache-2.0
#include "store/internal/sqlite_reader.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "store/entry_bundle.h"
#include "store/group_check.h"
#include "store/internal/schema.h"

namespace holdfast::store::internal {
namespace {

absl::Status NotThere(const char* what) {
  return MakeError(Reason::kNotFound, std::string("there is no such ") + what);
}

// Returns the blob of the row `key`.
absl::StatusOr<Bytes> ReadBlob(Statement& find, std::int64_t key, const char* what) {
  const StatementScope scope(find);
  find.Bind(1, key);
  HF_ASSIGN_OR_RETURN(const bool found, find.Step());
  if (!found) return NotThere(what);
  return ToBytes(find.Blob(0));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteReader>> SqliteReader::Open(const std::string& path,
                                                                 const std::string& vfs) {
  HF_ASSIGN_OR_RETURN(Connection db, Connection::Open(path, vfs, Access::kReadOnly));
  HF_ASSIGN_OR_RETURN(Statement head,
                      db.Prepare("SELECT epoch, ledger_size, root FROM head WHERE id = 1"));
  HF_ASSIGN_OR_RETURN(Statement bundle,
                      db.Prepare("SELECT bytes FROM entry_bundle WHERE bundle = ?1"));
  HF_ASSIGN_OR_RETURN(Statement chunk, db.Prepare("SELECT bytes FROM chunk WHERE chunk = ?1"));
  HF_ASSIGN_OR_RETURN(Statement has_chunk, db.Prepare("SELECT 1 FROM chunk WHERE chunk = ?1"));
  HF_ASSIGN_OR_RETURN(Statement page,
                      db.Prepare("SELECT bytes FROM segment_page WHERE segment = ?1"));
  HF_ASSIGN_OR_RETURN(Statement all_pages,
                      db.Prepare("SELECT segment, bytes FROM segment_page ORDER BY segment"));
  HF_ASSIGN_OR_RETURN(Statement top_page, db.Prepare("SELECT bytes FROM top_page WHERE id = ?1"));
  HF_ASSIGN_OR_RETURN(Statement tile, db.Prepare("SELECT bytes FROM tile WHERE tile = ?1"));
  HF_ASSIGN_OR_RETURN(Statement checkpoint,
                      db.Prepare("SELECT size, note FROM checkpoint WHERE id = 1"));
  HF_ASSIGN_OR_RETURN(Statement snapshot,
                      db.Prepare("SELECT ledger_size, bytes FROM snapshot ORDER BY part"));
  Statements statements{std::move(head),      std::move(bundle), std::move(chunk),
                        std::move(has_chunk), std::move(page),   std::move(all_pages),
                        std::move(top_page),  std::move(tile),   std::move(checkpoint),
                        std::move(snapshot)};
  return std::unique_ptr<SqliteReader>(new SqliteReader(std::move(db), std::move(statements)));
}

absl::StatusOr<Head> SqliteReader::ReadHead() {
  Statement& find = statements_.head;
  const StatementScope scope(find);
  HF_ASSIGN_OR_RETURN(const bool found, find.Step());
  const ByteSpan root = found ? find.Blob(2) : ByteSpan();
  if (!found || root.size() != Hash().size() || find.Int(0) < 0 || find.Int(1) < 0) {
    return MakeError(Reason::kStoreCorrupt, "the head of the store is damaged");
  }
  Head head;
  head.epoch = static_cast<std::uint64_t>(find.Int(0));
  head.ledger_size = static_cast<std::uint64_t>(find.Int(1));
  std::copy(root.begin(), root.end(), head.root.begin());
  return head;
}

absl::StatusOr<Bytes> SqliteReader::ReadBundle(std::uint64_t bundle) {
  // A number that no row can have; it would be a negative one to SQLite.
  if (bundle > static_cast<std::uint64_t>(INT64_MAX)) return NotThere("entry bundle");
  HF_ASSIGN_OR_RETURN(Bytes stored, ReadBlob(statements_.bundle, static_cast<std::int64_t>(bundle),
                                             "entry bundle"));
  HF_RETURN_IF_ERROR(RemovePadding(stored));
  return stored;
}

absl::Status SqliteReader::ForEachEntry(std::uint64_t first, const EntryCallback& callback) {
  HF_ASSIGN_OR_RETURN(const Head head, ReadHead());
  while (first < head.ledger_size) {
    const std::uint64_t bundle = first / kEntriesPerBundle;
    const std::uint64_t base = bundle * kEntriesPerBundle;
    const std::uint64_t end = std::min(head.ledger_size, base + kEntriesPerBundle);
    absl::StatusOr<Bytes> bytes = ReadBundle(bundle);
    if (ReasonOf(bytes.status()) == Reason::kNotFound) {
      return MakeError(Reason::kStoreCorrupt, "the ledger lacks an entry bundle");
    }
    HF_RETURN_IF_ERROR(bytes.status());
    HF_ASSIGN_OR_RETURN(const std::vector<ByteSpan> entries, ParseBundle(*bytes));
    // It may have more: it grows while we walk.
    if (entries.size() < end - base) {
      return MakeError(Reason::kStoreCorrupt, "an entry bundle lacks an entry");
    }
    for (; first < end; ++first) {
      HF_RETURN_IF_ERROR(callback(first, entries[static_cast<std::size_t>(first - base)]));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Bytes> SqliteReader::ReadChunk(const ChunkKey& key) {
  if (key.chunk >= kMaxChunksPerTransfer) return NotThere("chunk");
  return ReadBlob(statements_.chunk, ChunkRow(key), "chunk");
}

absl::StatusOr<bool> SqliteReader::HasChunk(const ChunkKey& key) {
  if (key.chunk >= kMaxChunksPerTransfer) return false;
  const StatementScope scope(statements_.has_chunk);
  statements_.has_chunk.Bind(1, ChunkRow(key));
  return statements_.has_chunk.Step();
}

absl::StatusOr<Bytes> SqliteReader::ReadPage(std::uint32_t segment) {
  return ReadBlob(statements_.page, segment, "segment page");
}

absl::StatusOr<std::vector<SegmentPage>> SqliteReader::AllPages() {
  Statement& list = statements_.all_pages;
  const StatementScope scope(list);
  std::vector<SegmentPage> pages;
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool row, list.Step());
    if (!row) return pages;
    SegmentPage page;
    page.segment = static_cast<std::uint32_t>(list.Int(0));
    page.bytes = ToBytes(list.Blob(1));
    pages.push_back(std::move(page));
  }
}

absl::StatusOr<Bytes> SqliteReader::ReadTopPage() {
  return ReadBlob(statements_.top_page, 1, "top page");
}

absl::StatusOr<Bytes> SqliteReader::ReadTile(std::uint8_t level, std::uint64_t index) {
  if (level > kMaxTileLevel || index > kMaxTileIndex) return NotThere("tile");
  return ReadBlob(statements_.tile, TileRow(level, index), "tile");
}

absl::StatusOr<std::optional<CheckpointNote>> SqliteReader::LatestCheckpoint() {
  Statement& find = statements_.checkpoint;
  const StatementScope scope(find);
  HF_ASSIGN_OR_RETURN(const bool found, find.Step());
  if (!found) return std::optional<CheckpointNote>();
  CheckpointNote checkpoint;
  checkpoint.size = static_cast<std::uint64_t>(find.Int(0));
  checkpoint.note = std::string(find.Text(1));
  return std::optional<CheckpointNote>(std::move(checkpoint));
}

absl::StatusOr<std::optional<Snapshot>> SqliteReader::ReadSnapshot() {
  Statement& list = statements_.snapshot;
  const StatementScope scope(list);
  std::optional<Snapshot> snapshot;
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool row, list.Step());
    if (!row) return snapshot;
    const auto ledger_size = static_cast<std::uint64_t>(list.Int(0));
    if (!snapshot.has_value()) {
      snapshot.emplace();
      snapshot->ledger_size = ledger_size;
    }
    if (snapshot->ledger_size != ledger_size) {
      return MakeError(Reason::kStoreCorrupt, "the snapshot has parts of another one");
    }
    snapshot->parts.push_back(ToBytes(list.Blob(1)));
  }
}

}  // namespace holdfast::store::internal
