// SPDX-License-Identifier: Apache-2.0
// The Store of the daemon: one SQLite database in a folder of its own.
//
//   database, database-wal, database-shm   what docs/storage.md describes
//   head      size and root of the ledger, rewritten after each group
//   reserve   disk space for the day on which there is none
//   lock      locked while the Store is open
//
// When to use  One for each exchange. To copy a database while it is in use: store/backup.h.
// Threads      Open and use as Store says; several stores may be opened concurrently.
// Ownership    The Store borrows the FileSystem in its options.
// Errors       As Store. OpenSqliteStore() has kAlreadyRunning too, with the folder in its
// metadata.
//
// Invariants:
//   (1) A commit that returned OK survives a loss of power: each one is a sync of the log.
//   (2) Once the store is open it is settled whether a group is there whose commit failed: the log
//       was moved into the database and a new one begun, durably, before anything was read.
//   (3) No file is synced again through a handle on which a sync failed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "base/file_system.h"
#include "store/store.h"

namespace holdfast::store {

struct SqliteStoreOptions {
  // For lock, note and reserve. SQLite reaches its own files through `vfs`.
  // REQUIRES: not null.
  FileSystem* files = nullptr;

  // A registered SQLite VFS; empty means the default one.
  std::string vfs;

  // What is set aside for holds when the store is made; 0 sets nothing aside. A hold is one entry
  // of at most 128 KiB with its bundle, and one top page, and all of it is written twice: to the
  // log and to the database.
  std::uint64_t reserve_bytes = std::uint64_t{16} << 20;

  // The log is moved into the database when it has this many pages of 16 KiB. More of them make
  // that commit slower, and it is the slowest release that counts.
  int checkpoint_pages = 250;
};

// Opens the store in `folder`, and makes it if it is not there.
//
// If the disk is so full that even this cannot be done, the reserve is given back and it is tried
// once more: a full disk must not keep a hold from being placed. Whoever opened the store calls
// RestoreReserve() when there is space again.
// Errors: kAlreadyRunning; those of a commit; kStoreCorrupt for what is not a store of this
// version.
absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const std::string& folder,
                                                       const SqliteStoreOptions& options);

}  // namespace holdfast::store
