// SPDX-License-Identifier: Apache-2.0
// The tables of the database, and the keys that pack two or three numbers into one.
//
// When to use  In store/ only. docs/storage.md describes the same for people.
// Threads      As the Connection.
// Ownership    Nothing is kept.
// Errors       kStoreCorrupt for a database of another program or another version; those of SQLite.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"

#include "store/internal/sqlite.h"
#include "store/store.h"

namespace holdfast::store::internal {

inline constexpr std::int64_t kApplicationId = 0x48465354;  // "HFST"

// Of a backup: what has it is not taken for a store until somebody restores it.
inline constexpr std::int64_t kBackupApplicationId = 0x48465342;  // "HFSB"
inline constexpr std::int64_t kSchemaVersion = 1;

// A tile is named by level and index, a chunk by kind, transfer and number. An INTEGER PRIMARY KEY
// is SQLite's row id, so a lookup is one descent of one tree.
// REQUIRES: a level, an index, a chunk within the limits of store/group_check.h.
std::int64_t TileRow(std::uint8_t level, std::uint64_t index);
std::int64_t ChunkRow(const ChunkKey& key);

// Makes the tables if the database has none, in one transaction. Otherwise checks that they are
// ours.
absl::Status CreateOrCheckSchema(Connection& db);

}  // namespace holdfast::store::internal
