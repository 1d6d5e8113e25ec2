// SPDX-License-Identifier: Apache-2.0
#include "store/internal/schema.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "base/status_macros.h"

namespace holdfast::store::internal {
namespace {

// Sorted by name, as they are compared.
constexpr std::array<const char*, 8> kTables = {
    "CREATE TABLE checkpoint (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, "
    "note TEXT NOT NULL) STRICT",
    "CREATE TABLE chunk (chunk INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT",
    "CREATE TABLE entry_bundle (bundle INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT",
    "CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL, "
    "ledger_size INTEGER NOT NULL, root BLOB NOT NULL, opened INTEGER NOT NULL) STRICT",
    "CREATE TABLE segment_page (segment INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT",
    "CREATE TABLE snapshot (part INTEGER PRIMARY KEY, ledger_size INTEGER NOT NULL, "
    "bytes BLOB NOT NULL) STRICT",
    "CREATE TABLE tile (tile INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT",
    "CREATE TABLE top_page (id INTEGER PRIMARY KEY CHECK (id = 1), bytes BLOB NOT NULL) STRICT",
};

absl::Status Foreign(const char* what) {
  return MakeError(Reason::kStoreCorrupt, std::string("the database ") + what);
}

absl::Status Create(Connection& db) {
  std::string sql = "BEGIN IMMEDIATE;";
  for (const char* table : kTables) sql.append(table).append(";");
  sql += "INSERT INTO head VALUES (1, 0, 0, zeroblob(32), 0);";
  sql += "PRAGMA application_id = " + std::to_string(kApplicationId) + ";";
  sql += "PRAGMA user_version = " + std::to_string(kSchemaVersion) + ";";
  sql += "COMMIT;";
  return db.Execute(sql.c_str());
}

absl::Status Check(Connection& db) {
  HF_ASSIGN_OR_RETURN(Statement list, db.Prepare("SELECT sql FROM sqlite_schema ORDER BY name"));
  const StatementScope scope(list);
  for (const char* table : kTables) {
    HF_ASSIGN_OR_RETURN(const bool found, list.Step());
    if (!found || list.Text(0) != table) return Foreign("does not have our tables");
  }
  HF_ASSIGN_OR_RETURN(const bool more, list.Step());
  if (more) return Foreign("has a table that is not ours");
  return absl::OkStatus();
}

}  // namespace

std::int64_t TileRow(std::uint8_t level, std::uint64_t index) {
  return static_cast<std::int64_t>((static_cast<std::uint64_t>(level) << 48) | index);
}

std::int64_t ChunkRow(const ChunkKey& key) {
  return static_cast<std::int64_t>((static_cast<std::uint64_t>(key.kind) << 56) |
                                   (static_cast<std::uint64_t>(key.transfer) << 24) | key.chunk);
}

absl::Status CreateOrCheckSchema(Connection& db) {
  HF_ASSIGN_OR_RETURN(const std::int64_t application, db.QueryInt("PRAGMA application_id"));
  HF_ASSIGN_OR_RETURN(const std::int64_t version, db.QueryInt("PRAGMA user_version"));
  HF_ASSIGN_OR_RETURN(const std::int64_t tables, db.QueryInt("SELECT count(*) FROM sqlite_schema"));
  // All three are written by one transaction, so a start that was cut short left none of them.
  if (application == 0 && version == 0 && tables == 0) return Create(db);
  if (application == kBackupApplicationId) {
    return MakeError(Reason::kLedgerInconsistent,
                     "the database is a backup, which goes on only by an order of two people: see "
                     "`holdfast backup restore` and docs/operations.md");
  }
  if (application != kApplicationId) return Foreign("is not one of Holdfast");
  if (version != kSchemaVersion) return Foreign("was made by another version of Holdfast");
  return Check(db);
}

}  // namespace holdfast::store::internal
