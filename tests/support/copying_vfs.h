// SPDX-License-Identifier: Apache-2.0
// A SQLite VFS over the default one that keeps every version of every file, and can fail a write.
//
// When to use  With a FileHistory, in tests of what stays readable. For what SQLite makes of a disk
//              that fails or loses power: tests/support/faulty_vfs.h.
// Threads      Connections may use it concurrently.
// Ownership    Borrows the history. Outlives every connection that uses it.
// Errors       While FailWrites() counts down to it, a write is done by half and is an I/O error,
//              and so is each one after it.
//
// The real disk is never synced: what was written counts as there, synced or not.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include <sqlite3.h>

#include "tests/support/file_history.h"

namespace holdfast::test {

class CopyingVfs final {
 public:
  explicit CopyingVfs(FileHistory& history);
  CopyingVfs(const CopyingVfs&) = delete;
  CopyingVfs& operator=(const CopyingVfs&) = delete;
  ~CopyingVfs();

  const std::string& name() const { return name_; }

  // Lets `good` more writes succeed and fails those that follow.
  void FailWrites(std::int64_t good) { good_writes_ = good; }

  // Lets all of them succeed again. Returns whether one has failed since FailWrites().
  bool StopFailing() { return good_writes_.exchange(kAll) < 0; }

 private:
  static constexpr std::int64_t kAll = std::int64_t{1} << 62;
  struct OpenFile;
  struct Methods;  // What SQLite calls.
  friend struct Methods;

  FileHistory& history_;
  const std::string name_;
  sqlite3_vfs* const inner_;
  sqlite3_vfs vfs_;
  std::atomic<std::int64_t> good_writes_ = kAll;
};

}  // namespace holdfast::test
