// SPDX-License-Identifier: Apache-2.0
// Every version that every file ever had: what somebody has who copied the disk after each write.
//
//   FileHistory history;
//   CopyingFileSystem files(disk, history);   // For what is written through base/file_system.h.
//   CopyingVfs vfs(history);                  // For what SQLite writes.
//
// When to use  In tests of what stays readable, for ever.
// Threads      Every function may be called concurrently.
// Ownership    Owns copies.
// Errors       None.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/mutex.h"

namespace holdfast::test {

class FileHistory final {
 public:
  struct Change {
    enum class Kind { kWrite, kTruncate, kRename, kRemove } kind = Kind::kWrite;
    std::string path;
    std::string to;            // Of a rename.
    std::uint64_t offset = 0;  // Of a write; the new size, of a truncation.
    Bytes bytes;
  };

  void Write(const std::string& path, std::uint64_t offset, ByteSpan bytes);
  void Truncate(const std::string& path, std::uint64_t size);
  void Rename(const std::string& from, const std::string& to);
  void Remove(const std::string& path);

  // Everything so far, in order.
  std::vector<Change> changes() const;

  // Calls `version` with a file's path and content after each change of it.
  void ForEachVersion(
      const std::function<void(const std::string& path, ByteSpan content)>& version) const;

 private:
  void Add(Change change);

  mutable Mutex mutex_;
  std::vector<Change> changes_ HF_GUARDED_BY(mutex_);
};

}  // namespace holdfast::test
