// SPDX-License-Identifier: Apache-2.0
// A file system that keeps every version of every file.
//
// When to use  With a FileHistory, in tests of what stays readable.
// Threads      As the file system inside.
// Ownership    Borrows the file system and the history; both must outlive it and its files.
// Errors       Those of the file system inside. What failed is kept too: part of it may be there.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "tests/support/file_history.h"

namespace holdfast::test {

class CopyingFileSystem final : public FileSystem {
 public:
  CopyingFileSystem(FileSystem& inner, FileHistory& history) : inner_(inner), history_(history) {}

  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  absl::StatusOr<Bytes> ReadWhole(const std::string& path, std::size_t max_bytes) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status MakeDirectory(const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::Status SyncAll(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::StatusOr<FileInfo> Stat(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override;
  absl::StatusOr<Medium> MediumOf(const std::string& path) override;

 private:
  FileSystem& inner_;
  FileHistory& history_;
};

}  // namespace holdfast::test
