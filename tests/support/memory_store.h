// SPDX-License-Identifier: Apache-2.0
// A Store that keeps everything in maps: the reference for SQLite, and the double for an exchange.
//
//   MemoryStoreDisk disk;
//   auto store = MemoryStore::Open(disk);        // Or with a FaultPlan, to let commits fail.
//   store->reset();                              // The exchange stops...
//   store = MemoryStore::Open(disk);             // ...and finds what it committed.
//
// When to use  For tests of what is above store/. Not for anything about files.
// Threads      As Store. Readers of one disk may be used concurrently.
// Ownership    Store and Readers borrow the disk, the Store borrows the plan.
// Errors       As Store. Each commit has two failpoints in the plan: before it is done, and after
//              it is done but not yet answered. Their Reason is the plan's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "store/store.h"
#include "tests/support/fault_sweep.h"

namespace holdfast::test {

// What survives when a MemoryStore is closed.
class MemoryStoreDisk final {
 public:
  MemoryStoreDisk() = default;
  MemoryStoreDisk(const MemoryStoreDisk&) = delete;
  MemoryStoreDisk& operator=(const MemoryStoreDisk&) = delete;

  struct Contents {
    store::Head head;
    std::vector<Bytes> entries;
    std::map<std::pair<std::uint8_t, std::uint64_t>, Bytes> tiles;
    std::map<store::ChunkKey, Bytes> chunks;
    std::map<std::uint32_t, Bytes> pages;
    std::optional<Bytes> top_page;
    std::optional<store::CheckpointNote> checkpoint;
    std::optional<store::Snapshot> snapshot;
    std::optional<store::LedgerHead> noted_head;
  };

  // What an operator does who restores a backup: Backup() now, Restore() later. The note of the
  // head is not in the database, and stays. REQUIRES for Restore(): no Store is open.
  Contents Backup() const;
  void Restore(Contents contents);

  // The disk is full: every commit is refused with kStoreFull, unless the reserve was released.
  void SetFull(bool full);

  bool HasReserve() const;

 private:
  friend class MemoryStore;
  friend class MemoryReader;

  mutable Mutex mutex_;
  Contents contents_ HF_GUARDED_BY(mutex_);
  bool open_ HF_GUARDED_BY(mutex_) = false;
  bool full_ HF_GUARDED_BY(mutex_) = false;
  bool reserve_ HF_GUARDED_BY(mutex_) = true;
};

class MemoryReader final : public store::Reader {
 public:
  explicit MemoryReader(MemoryStoreDisk& disk) : disk_(disk) {}

  absl::StatusOr<store::Head> ReadHead() override;
  absl::StatusOr<Bytes> ReadBundle(std::uint64_t bundle) override;
  absl::Status ForEachEntry(std::uint64_t first, const EntryCallback& callback) override;
  absl::StatusOr<Bytes> ReadChunk(const store::ChunkKey& key) override;
  absl::StatusOr<bool> HasChunk(const store::ChunkKey& key) override;
  absl::StatusOr<Bytes> ReadPage(std::uint32_t segment) override;
  absl::StatusOr<std::vector<store::SegmentPage>> AllPages() override;
  absl::StatusOr<Bytes> ReadTopPage() override;
  absl::StatusOr<Bytes> ReadTile(std::uint8_t level, std::uint64_t index) override;
  absl::StatusOr<std::optional<store::CheckpointNote>> LatestCheckpoint() override;
  absl::StatusOr<std::optional<store::Snapshot>> ReadSnapshot() override;

 private:
  MemoryStoreDisk& disk_;
};

class MemoryStore final : public store::Store {
 public:
  // Errors: kAlreadyRunning if a MemoryStore has the disk open.
  static absl::StatusOr<std::unique_ptr<MemoryStore>> Open(MemoryStoreDisk& disk,
                                                           FaultPlan* plan = nullptr);
  ~MemoryStore() override;

  absl::Status Commit(const store::Group& group) override;
  absl::StatusOr<std::unique_ptr<store::Reader>> NewReader() override;
  std::optional<store::LedgerHead> NotedHead() const override { return noted_head_; }
  absl::Status ReleaseReserve() override;
  absl::Status RestoreReserve() override;
  absl::Status CheckpointLog() override { return failure_; }

  absl::StatusOr<store::Head> ReadHead() override { return reader_.ReadHead(); }
  absl::StatusOr<Bytes> ReadBundle(std::uint64_t bundle) override {
    return reader_.ReadBundle(bundle);
  }
  absl::Status ForEachEntry(std::uint64_t first, const EntryCallback& callback) override {
    return reader_.ForEachEntry(first, callback);
  }
  absl::StatusOr<Bytes> ReadChunk(const store::ChunkKey& key) override {
    return reader_.ReadChunk(key);
  }
  absl::StatusOr<bool> HasChunk(const store::ChunkKey& key) override {
    return reader_.HasChunk(key);
  }
  absl::StatusOr<Bytes> ReadPage(std::uint32_t segment) override {
    return reader_.ReadPage(segment);
  }
  absl::StatusOr<std::vector<store::SegmentPage>> AllPages() override { return reader_.AllPages(); }
  absl::StatusOr<Bytes> ReadTopPage() override { return reader_.ReadTopPage(); }
  absl::StatusOr<Bytes> ReadTile(std::uint8_t level, std::uint64_t index) override {
    return reader_.ReadTile(level, index);
  }
  absl::StatusOr<std::optional<store::CheckpointNote>> LatestCheckpoint() override {
    return reader_.LatestCheckpoint();
  }
  absl::StatusOr<std::optional<store::Snapshot>> ReadSnapshot() override {
    return reader_.ReadSnapshot();
  }

 private:
  MemoryStore(MemoryStoreDisk& disk, FaultPlan* plan, std::optional<store::LedgerHead> noted_head)
      : disk_(disk), plan_(plan), noted_head_(noted_head), reader_(disk) {}

  absl::Status Failpoint(const char* where);
  absl::Status TryCommit(const store::Group& group);

  MemoryStoreDisk& disk_;
  FaultPlan* const plan_;
  const std::optional<store::LedgerHead> noted_head_;
  MemoryReader reader_;
  absl::Status failure_;
};

}  // namespace holdfast::test
