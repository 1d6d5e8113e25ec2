// SPDX-License-Identifier: Apache-2.0
// Many files that are replaced with one wait for the disk, where ReplaceFile() waits twice for
// each.
//
// When to use  For hundreds of files that are of use only together, such as an export. One file
//              that others rely on by itself is for ReplaceFile().
// Threads      Not safe for concurrent use.
// Ownership    Borrows the file system.
// Errors       The file system's. After one the batch is of no more use; what lies there is whole
//              old files, whole new ones, and left-overs that end in ".new".
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

#include "base/bytes.h"
#include "base/file_system.h"

namespace holdfast {

class FileBatch final {
 public:
  // `folder` is on the file system of all the files, and exists when Commit() is called.
  FileBatch(FileSystem& files, std::string folder) : files_(&files), folder_(std::move(folder)) {}

  // Writes what `path` is to have, beside it. Left-overs are overwritten.
  absl::Status Add(const std::string& path, ByteSpan bytes);

  // Gives each file its name, in the order of Add(), after all bytes are durable: after a loss of
  // power any of them may still be the old one, and none is torn. The names are durable after the
  // next Commit(), or FileSystem::SyncAll(). The batch is empty then.
  absl::Status Commit();

  // How much waits for Commit().
  std::size_t bytes() const { return bytes_; }

 private:
  FileSystem* files_;
  std::string folder_;
  std::vector<std::string> paths_;
  std::size_t bytes_ = 0;
};

}  // namespace holdfast
