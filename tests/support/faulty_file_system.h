// SPDX-License-Identifier: Apache-2.0
// A file system in which one chosen operation fails.
//
// When to use  Around a MemoryFileSystem, inside a FaultSweep (tests/support/fault_sweep.h), for
//              everything that writes.
// Threads      As the file system inside.
// Ownership    Borrows the file system and the plan; both must outlive it and its files.
// Errors       The chosen operation fails with the plan's Reason. A write that fails has written
//              the first half of its bytes: that is what a full disk does.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "tests/support/fault_sweep.h"

namespace holdfast::test {

class FaultyFileSystem final : public FileSystem {
 public:
  FaultyFileSystem(FileSystem& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

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
  FaultPlan& plan_;
};

}  // namespace holdfast::test
