// SPDX-License-Identifier: Apache-2.0
// A copy of a database that is in use.
//
// When to use  For backups. A backup opens nothing by itself: its keys are in the keyslot, and the
//              keyslot moves on with the next hold or destruction.
// Threads      May be called by any thread, and while a Store is open on the same folder.
// Ownership    Nothing is kept.
// Errors       kAlreadyExists if `destination` is there; kNotFound if there is no store; otherwise
//              as Store. After an error nothing is at `destination`.
#pragma once

#include <string>

#include "absl/status/status.h"

#include "base/file_system.h"

namespace holdfast::store {

// Copies the database of the store in `folder`, as of one commit, to the file `destination`, and
// makes it durable. To restore it is to put it into a folder under the name "database".
//
// It is copied in one step: one of several starts over at each commit, and beside a busy writer it
// never ends. Meanwhile commits go on, and the log grows.
absl::Status BackUpStore(FileSystem& files, const std::string& folder,
                         const std::string& destination);

}  // namespace holdfast::store
