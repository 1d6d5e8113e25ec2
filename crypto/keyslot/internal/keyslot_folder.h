// SPDX-License-Identifier: Apache-2.0
// The folder that every kind of keyslot has: outside the data folder, its owner's alone, and open
// in one process at a time.
//
// When to use  By the kinds of crypto/keyslot/, when they are opened.
// Threads      May be called concurrently.
// Ownership    The lock is the slot's, and ends with it.
// Errors       kKeyslotFailed: whoever waits for a keyslot does the same about all of them.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/file_system.h"
#include "crypto/wiped_buffer.h"

namespace holdfast::crypto::internal {

// Returns `status` as an error of the keyslot.
absl::Status KeyslotStatus(const absl::Status& status);

// Makes `folder` unless it is there; the folder that it lies in must be. Refuses one that others
// may enter.
absl::Status MakeKeyslotFolder(FileSystem& files, const std::string& folder);

// Takes the lock of a folder, so that no second process works with the same slot.
absl::StatusOr<std::unique_ptr<FileLock>> LockKeyslotFolder(FileSystem& files,
                                                            const std::string& folder);

// Returns what a file with a PIN or a password holds, without a line's end. Others than owner and
// group may not read it.
absl::StatusOr<WipedBuffer> ReadSecretFile(FileSystem& files, const std::string& path);

}  // namespace holdfast::crypto::internal
