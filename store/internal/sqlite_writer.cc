// SPDX-License-Identifier: Apache-2.0
#include "store/internal/sqlite_writer.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/status_macros.h"
#include "store/entry_bundle.h"
#include "store/group_check.h"
#include "store/internal/schema.h"

namespace holdfast::store::internal {
namespace {

// page_size: a chunk or a bundle fills whole pages of this size; measured against 4 KiB it halves
// the time of a bulk load. It has an effect on an empty database only.
// wal_autocheckpoint: ours is CheckpointIfDue(), because SQLite's own drops the error.
// journal_size_limit: after a large group the log gives its space back.
constexpr char kSettings[] =
    "PRAGMA page_size = 16384;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA secure_delete = ON;"
    "PRAGMA wal_autocheckpoint = 0;"
    "PRAGMA journal_size_limit = 33554432;";

absl::Status RunWith(Statement& statement, std::int64_t key, ByteSpan bytes) {
  statement.Bind(1, key);
  statement.Bind(2, bytes);
  return statement.Run();
}

// Moves the whole log into the database and empties it.
absl::Status EmptyLog(Connection& db) {
  int log_pages = 0;
  int moved_pages = 0;
  const int code = sqlite3_wal_checkpoint_v2(db.get(), "main", SQLITE_CHECKPOINT_TRUNCATE,
                                             &log_pages, &moved_pages);
  if (code != SQLITE_OK) return SqliteError(db.get(), code, "move the log into the database");
  return absl::OkStatus();
}

// Begins a new log. Its header makes every page that an earlier log has left in the file illegible,
// those of a commit whose sync failed included.
absl::Status BeginLog(Connection& db) {
  return db.Execute("UPDATE head SET opened = opened + 1 WHERE id = 1;");
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteWriter>> SqliteWriter::Open(const std::string& path,
                                                                 const std::string& vfs,
                                                                 int checkpoint_pages) {
  HF_ASSIGN_OR_RETURN(Connection db, Connection::Open(path, vfs, Access::kReadWrite));
  HF_RETURN_IF_ERROR(db.Execute(kSettings));
  HF_RETURN_IF_ERROR(CreateOrCheckSchema(db));
  HF_RETURN_IF_ERROR(EmptyLog(db));
  HF_RETURN_IF_ERROR(BeginLog(db));

  HF_ASSIGN_OR_RETURN(Statement begin, db.Prepare("BEGIN IMMEDIATE"));
  HF_ASSIGN_OR_RETURN(Statement commit, db.Prepare("COMMIT"));
  HF_ASSIGN_OR_RETURN(
      Statement put_head,
      db.Prepare("UPDATE head SET epoch = ?1, ledger_size = ?2, root = ?3 WHERE id = 1"));
  HF_ASSIGN_OR_RETURN(Statement put_bundle,
                      db.Prepare("INSERT INTO entry_bundle VALUES (?1, ?2) "
                                 "ON CONFLICT (bundle) DO UPDATE SET bytes = excluded.bytes"));
  HF_ASSIGN_OR_RETURN(Statement add_tile, db.Prepare("INSERT INTO tile VALUES (?1, ?2)"));
  HF_ASSIGN_OR_RETURN(Statement add_chunk, db.Prepare("INSERT INTO chunk VALUES (?1, ?2)"));
  HF_ASSIGN_OR_RETURN(Statement put_chunk,
                      db.Prepare("INSERT INTO chunk VALUES (?1, ?2) "
                                 "ON CONFLICT (chunk) DO UPDATE SET bytes = excluded.bytes"));
  HF_ASSIGN_OR_RETURN(Statement put_page,
                      db.Prepare("INSERT INTO segment_page VALUES (?1, ?2) "
                                 "ON CONFLICT (segment) DO UPDATE SET bytes = excluded.bytes"));
  HF_ASSIGN_OR_RETURN(Statement delete_page,
                      db.Prepare("DELETE FROM segment_page WHERE segment = ?1"));
  HF_ASSIGN_OR_RETURN(Statement put_top_page,
                      db.Prepare("INSERT INTO top_page VALUES (?1, ?2) "
                                 "ON CONFLICT (id) DO UPDATE SET bytes = excluded.bytes"));
  HF_ASSIGN_OR_RETURN(
      Statement put_checkpoint,
      db.Prepare("INSERT INTO checkpoint VALUES (1, ?1, ?2) "
                 "ON CONFLICT (id) DO UPDATE SET size = excluded.size, note = excluded.note"));
  HF_ASSIGN_OR_RETURN(Statement delete_snapshot, db.Prepare("DELETE FROM snapshot"));
  HF_ASSIGN_OR_RETURN(Statement add_snapshot_part,
                      db.Prepare("INSERT INTO snapshot VALUES (?1, ?2, ?3)"));
  Statements statements{std::move(begin),
                        std::move(commit),
                        std::move(put_head),
                        std::move(put_bundle),
                        std::move(add_tile),
                        std::move(add_chunk),
                        std::move(put_chunk),
                        std::move(put_page),
                        std::move(delete_page),
                        std::move(put_top_page),
                        std::move(put_checkpoint),
                        std::move(delete_snapshot),
                        std::move(add_snapshot_part)};
  return std::unique_ptr<SqliteWriter>(
      new SqliteWriter(std::move(db), std::move(statements), checkpoint_pages));
}

SqliteWriter::SqliteWriter(Connection db, Statements statements, int checkpoint_pages)
    : db_(std::move(db)), statements_(std::move(statements)), checkpoint_pages_(checkpoint_pages) {
  sqlite3_wal_hook(db_.get(), &SqliteWriter::OnCommit, this);
}

int SqliteWriter::OnCommit(void* self, sqlite3*, const char*, int log_pages) {
  static_cast<SqliteWriter*>(self)->log_pages_ = log_pages;
  return SQLITE_OK;
}

absl::Status SqliteWriter::Load(SqliteReader& reader) {
  HF_ASSIGN_OR_RETURN(head_, reader.ReadHead());
  const std::uint64_t bundles = (head_.ledger_size + kEntriesPerBundle - 1) / kEntriesPerBundle;
  HF_ASSIGN_OR_RETURN(const std::int64_t rows,
                      db_.QueryInt("SELECT coalesce(max(bundle) + 1, 0) FROM entry_bundle"));
  if (static_cast<std::uint64_t>(rows) != bundles) {
    return MakeError(Reason::kStoreCorrupt, "the ledger does not end where its head says");
  }
  if (bundles == 0) return absl::OkStatus();

  HF_ASSIGN_OR_RETURN(Bytes last, reader.ReadBundle(bundles - 1));
  HF_ASSIGN_OR_RETURN(const std::vector<ByteSpan> entries, ParseBundle(last));
  if ((bundles - 1) * kEntriesPerBundle + entries.size() != head_.ledger_size) {
    return MakeError(Reason::kStoreCorrupt, "the last bundle does not end where the head says");
  }
  if (entries.size() < kEntriesPerBundle) open_bundle_ = std::move(last);
  return absl::OkStatus();
}

absl::Status SqliteWriter::Commit(const Group& group) {
  HF_RETURN_IF_ERROR(CheckGroup(head_, group));
  Bytes open_bundle = open_bundle_;
  HF_RETURN_IF_ERROR(statements_.begin.Run());
  absl::Status written = WriteAll(group, open_bundle);
  if (written.ok()) written = statements_.commit.Run();
  if (!written.ok()) {
    // SQLite has rolled back by itself after some errors. If this fails too, closing does it.
    if (sqlite3_get_autocommit(db_.get()) == 0) static_cast<void>(db_.Execute("ROLLBACK"));
    return written;
  }
  head_ = HeadAfter(group);
  open_bundle_ = std::move(open_bundle);
  return absl::OkStatus();
}

absl::Status SqliteWriter::WriteAll(const Group& group, Bytes& open_bundle) {
  HF_RETURN_IF_ERROR(WriteEntries(group, open_bundle));
  HF_RETURN_IF_ERROR(WriteTilesAndChunks(group));
  HF_RETURN_IF_ERROR(WritePages(group));
  HF_RETURN_IF_ERROR(WriteDerived(group));
  return WriteHead(HeadAfter(group));
}

absl::Status SqliteWriter::WriteEntries(const Group& group, Bytes& open_bundle) {
  if (group.entries.empty()) return absl::OkStatus();
  std::uint64_t index = group.first_index;
  for (const ByteSpan entry : group.entries) {
    AppendToBundle(open_bundle, entry);
    ++index;
    if (index % kEntriesPerBundle != 0) continue;
    HF_RETURN_IF_ERROR(RunWith(statements_.put_bundle,
                               static_cast<std::int64_t>(index / kEntriesPerBundle - 1),
                               open_bundle));
    open_bundle.clear();
  }
  if (open_bundle.empty()) return absl::OkStatus();
  const std::size_t bytes = open_bundle.size();
  open_bundle.resize(PaddedBundleBytes(bytes));
  const absl::Status written = RunWith(
      statements_.put_bundle, static_cast<std::int64_t>(index / kEntriesPerBundle), open_bundle);
  open_bundle.resize(bytes);
  return written;
}

absl::Status SqliteWriter::WriteTilesAndChunks(const Group& group) {
  for (const TileWrite& tile : group.tiles) {
    HF_RETURN_IF_ERROR(RunWith(statements_.add_tile, TileRow(tile.level, tile.index), tile.bytes));
  }
  for (const ChunkWrite& chunk : group.chunks) {
    Statement& statement =
        chunk.if_exists == IfChunkExists::kReplace ? statements_.put_chunk : statements_.add_chunk;
    HF_RETURN_IF_ERROR(RunWith(statement, ChunkRow(chunk.key), chunk.bytes));
  }
  return absl::OkStatus();
}

absl::Status SqliteWriter::WritePages(const Group& group) {
  for (const PageWrite& page : group.pages) {
    HF_RETURN_IF_ERROR(RunWith(statements_.put_page, page.segment, page.bytes));
  }
  for (const std::uint32_t segment : group.deleted_pages) {
    statements_.delete_page.Bind(1, std::int64_t{segment});
    HF_RETURN_IF_ERROR(statements_.delete_page.Run());
    if (sqlite3_changes64(db_.get()) != 1) {
      return MakeError(Reason::kInternal, "the group deletes a page that is not there");
    }
  }
  if (!group.top_page.has_value()) return absl::OkStatus();
  return RunWith(statements_.put_top_page, 1, *group.top_page);
}

absl::Status SqliteWriter::WriteDerived(const Group& group) {
  if (group.checkpoint.has_value()) {
    Statement& put = statements_.put_checkpoint;
    put.Bind(1, static_cast<std::int64_t>(group.checkpoint->size));
    put.Bind(2, group.checkpoint->note);
    HF_RETURN_IF_ERROR(put.Run());
  }
  if (!group.snapshot.has_value()) return absl::OkStatus();
  HF_RETURN_IF_ERROR(statements_.delete_snapshot.Run());
  std::int64_t number = 0;
  for (const ByteSpan part : group.snapshot->parts) {
    Statement& add = statements_.add_snapshot_part;
    add.Bind(1, number++);
    add.Bind(2, static_cast<std::int64_t>(group.snapshot->ledger_size));
    add.Bind(3, part);
    HF_RETURN_IF_ERROR(add.Run());
  }
  return absl::OkStatus();
}

absl::Status SqliteWriter::WriteHead(const Head& head) {
  Statement& put = statements_.put_head;
  put.Bind(1, static_cast<std::int64_t>(head.epoch));
  put.Bind(2, static_cast<std::int64_t>(head.ledger_size));
  put.Bind(3, ByteSpan(head.root));
  return put.Run();
}

absl::Status SqliteWriter::Checkpoint() {
  const int code =
      sqlite3_wal_checkpoint_v2(db_.get(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  // Busy: a reader is on an old page. The next one moves more.
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) {
    return SqliteError(db_.get(), code, "move the log into the database");
  }
  return absl::OkStatus();
}

absl::Status SqliteWriter::CheckpointIfDue() {
  if (log_pages_ < checkpoint_pages_) return absl::OkStatus();
  return Checkpoint();
}

}  // namespace holdfast::store::internal
