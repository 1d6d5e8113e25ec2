// SPDX-License-Identifier: Apache-2.0
// A disk in memory that forgets what was not synced when the power fails.
//
// It keeps exactly the promises that base/file_system.h makes, and none of the favours that real
// file systems add to them: the name of a new file is lost until its folder is synced, the bytes
// until the file is.
//
// When to use  For every test of something that writes files. Wrap it in a FaultyFileSystem to make
//              its operations fail.
// Threads      Every function may be called concurrently; a File, as always, may not.
// Ownership    Must outlive the files and locks that it gave out.
// Errors       As base/file_system.h. After LoseUnsyncedWrites() files and locks from before it
//              fail with kStoreFailed, as the process that held them is gone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/mutex.h"

namespace holdfast::test {

class MemoryFileSystem final : public FileSystem {
 public:
  // Has the folders "." and "/", empty.
  MemoryFileSystem();
  ~MemoryFileSystem() override;

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

  // Puts a file there, durably, in folders that are made as needed.
  void Preload(const std::string& path, ByteSpan bytes);

  // The power fails and comes back: what was not synced is gone, and so are locks and open files.
  void LoseUnsyncedWrites();

  // The machine stops in the middle of writing back: of what was not synced in each file the first
  // half has reached the disk after all. Names are lost as in LoseUnsyncedWrites().
  void TearUnsyncedWrites();

  // Forgets nothing, but closes files and drops locks, as kill -9 does.
  void KillProcess();

  // Returns every byte that anybody who takes the disk away can read: what is durable now, and
  // every content that a file had at an earlier sync.
  std::vector<Bytes> EverythingEverSynced() const;

  void SetMedium(Medium medium);

 private:
  struct Inode;
  struct Folder;
  class MemoryFile;
  class MemoryLock;
  enum class Unsynced { kGone, kHalfWritten };

  void Crash(Unsynced unsynced);
  Folder* FolderOf(const std::string& path) HF_REQUIRES(mutex_);
  std::shared_ptr<Inode> Find(const std::string& path) HF_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, Folder> folders_ HF_GUARDED_BY(mutex_);
  std::set<std::string> locked_ HF_GUARDED_BY(mutex_);
  std::vector<Bytes> synced_ HF_GUARDED_BY(mutex_);
  std::uint64_t process_ HF_GUARDED_BY(mutex_) = 0;  // Counts kills and losses of power.
  Medium medium_ HF_GUARDED_BY(mutex_) = Medium::kLocal;
};

}  // namespace holdfast::test
