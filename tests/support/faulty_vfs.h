// SPDX-License-Identifier: Apache-2.0
// A SQLite VFS over the default one, in which operations fail as planned and power can be lost.
//
//   FaultyVfs vfs(plan, /*seed=*/1);
//   ... open a store with options.vfs = vfs.name(), let it fail, close it ...
//   vfs.LosePower();
//   ... open it with the default VFS and look ...
//
// When to use  For every test of what SQLite leaves behind. Counted are open, read, write,
// truncate,
//              sync, delete and the growth of the shared index. Locks are not: they leave nothing.
// Threads      Used by one thread at a time.
// Ownership    Borrows the plan. Outlives every connection that uses it.
// Errors       A planned fault with kStoreFull is SQLITE_FULL, any other an I/O error.
//
// A write that fails is done by half, or not at all if the disk is full. A sync that fails drops
// what it should have made durable, or part of it, as Linux does: the process goes on to read it,
// and no later sync writes it. The real disk is never synced: that would be most of the time of a
// sweep.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "base/bytes.h"
#include "tests/support/fault_sweep.h"
#include "tests/support/seeded_random.h"

namespace holdfast::test {

class FaultyVfs final {
 public:
  FaultyVfs(FaultPlan& plan, std::uint64_t seed);
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;
  ~FaultyVfs();

  const std::string& name() const { return name_; }

  // How many files were synced, and how often.
  std::uint64_t syncs() const { return syncs_; }

  // Everything in `folder`, what SQLite did not write included, may take up `bytes`. A write that
  // would make a file longer than that allows is SQLITE_FULL. 0 means no limit.
  void SetQuota(std::string folder, std::uint64_t bytes);

  // Gives each file the content that it has after a loss of power: all that was synced, and of what
  // was not, by chance, everything, nothing, or some sectors of 512 bytes. REQUIRES: every
  // connection is closed.
  void LosePower();

 private:
  struct Change {
    bool is_truncation = false;
    std::uint64_t offset = 0;  // Or the size, of a truncation.
    Bytes bytes;
  };
  // A file as the disk has it, and what the disk does not have yet.
  struct FileState {
    Bytes durable;
    std::vector<Change> pending;
  };
  struct OpenFile;
  struct Methods;  // What SQLite calls.
  friend struct Methods;

  // Returns SQLITE_OK, or what the operation has to fail with.
  int Next(const std::string& operation, int io_error);
  bool IsOverQuota(std::uint64_t growth) const;
  FileState& Track(const std::string& path);
  void ApplyByChance(FileState& state);

  FaultPlan& plan_;
  SeededRandom random_;
  const std::string name_;
  sqlite3_vfs* const inner_;
  sqlite3_vfs vfs_{};
  std::map<std::string, FileState> files_;
  std::uint64_t syncs_ = 0;
  std::string quota_folder_;
  std::uint64_t quota_bytes_ = 0;
};

}  // namespace holdfast::test
