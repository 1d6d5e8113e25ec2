// SPDX-License-Identifier: Apache-2.0
// A file that holds disk space until something has to be written that must not fail.
//
// When to use  By SqliteStore.
// Threads      Used by one thread at a time.
// Ownership    Borrows the FileSystem.
// Errors       kStoreFull if there is no space to set aside; otherwise those of the FileSystem.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/file_system.h"

namespace holdfast::store {

class Reserve final {
 public:
  Reserve(FileSystem& files, std::string path, std::uint64_t bytes)
      : files_(files), path_(std::move(path)), bytes_(bytes) {}

  // Writes the file, unless it is there in full. Leaves nothing behind if it cannot.
  absl::Status Restore();

  // Removes the file, if it is there.
  absl::Status Release();

 private:
  absl::StatusOr<bool> IsWhole();
  absl::Status Fill();

  FileSystem& files_;
  const std::string path_;
  const std::uint64_t bytes_;
};

}  // namespace holdfast::store
