// SPDX-License-Identifier: Apache-2.0
// A copy of a database that is in use.
//
// When to use  For backups. A backup opens nothing by itself: its keys are in the keyslot, and the
//              keyslot moves on with the next hold or destruction. Nor is it taken for a store: it
//              says that it is a backup, until RestoreStore() is told otherwise by somebody who
//              may.
// Threads      May be called by any thread, and while a Store is open on the same folder.
// Ownership    Nothing is kept.
// Errors       kAlreadyExists if `destination` is there; kNotFound if there is no store; otherwise
//              as Store. After an error nothing is at `destination`.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/file_system.h"
#include "store/store.h"

namespace holdfast::store {

// Copies the database of the store in `folder`, as of one commit, to the file `destination`, and
// makes it durable.
//
// It is copied in one step: one of several starts over at each commit, and beside a busy writer it
// never ends. Meanwhile commits go on, and the log grows.
absl::Status BackUpStore(FileSystem& files, const std::string& folder,
                         const std::string& destination);

// What a backup is of.
struct BackupInfo {
  Head head;
  Bytes first_entry;  // Entry 0 of the ledger; empty if there is none.
};

// Reads a backup, and checks that it is whole: every page of the database, and that its ledger has
// the root that it claims, for which `root_of` is called with the backup open.
// Errors: kStoreCorrupt if it is no backup, or damaged.
absl::StatusOr<BackupInfo> InspectBackup(
    const std::string& backup, const std::function<absl::StatusOr<Hash>(Reader& reader)>& root_of);

// Makes the store in `folder`, which exists and has none, out of `backup`. What the folder says of
// an earlier one's ledger is removed: the caller has found out what is lost.
// Errors: kAlreadyExists if there is a database; otherwise as Store. After an error there is none.
absl::Status RestoreStore(FileSystem& files, const std::string& backup, const std::string& folder);

}  // namespace holdfast::store
