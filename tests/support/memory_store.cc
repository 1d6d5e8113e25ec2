// SPDX-License-Identifier: Apache-2.0
#include "tests/support/memory_store.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "store/entry_bundle.h"
#include "store/group_check.h"

namespace holdfast::test {
namespace {

absl::Status NotThere() { return MakeError(Reason::kNotFound, "there is no such thing"); }

absl::Status Contradiction() {
  return MakeError(Reason::kInternal, "the group contradicts what is stored");
}

template <typename Map>
absl::StatusOr<Bytes> Find(const Map& map, const typename Map::key_type& key) {
  const auto found = map.find(key);
  if (found == map.end()) return NotThere();
  return found->second;
}

// Refuses what CheckGroup() cannot know of.
absl::Status CheckAgainst(const MemoryStoreDisk::Contents& contents, const store::Group& group) {
  for (const store::TileWrite& tile : group.tiles) {
    if (contents.tiles.contains(std::pair(tile.level, tile.index))) return Contradiction();
  }
  for (const store::ChunkWrite& chunk : group.chunks) {
    const bool may_replace = chunk.if_exists == store::IfChunkExists::kReplace;
    if (contents.chunks.contains(chunk.key) && !may_replace) return Contradiction();
  }
  for (const std::uint32_t segment : group.deleted_pages) {
    if (!contents.pages.contains(segment)) return Contradiction();
  }
  return absl::OkStatus();
}

void Apply(const store::Group& group, MemoryStoreDisk::Contents& contents) {
  for (const ByteSpan entry : group.entries) contents.entries.push_back(ToBytes(entry));
  for (const store::TileWrite& tile : group.tiles) {
    contents.tiles[std::pair(tile.level, tile.index)] = ToBytes(tile.bytes);
  }
  for (const store::ChunkWrite& chunk : group.chunks) {
    contents.chunks[chunk.key] = ToBytes(chunk.bytes);
  }
  for (const store::PageWrite& page : group.pages) {
    contents.pages[page.segment] = ToBytes(page.bytes);
  }
  for (const std::uint32_t segment : group.deleted_pages) contents.pages.erase(segment);
  if (group.top_page.has_value()) contents.top_page = ToBytes(*group.top_page);
  if (group.checkpoint.has_value()) {
    contents.checkpoint.emplace();
    contents.checkpoint->size = group.checkpoint->size;
    contents.checkpoint->note = std::string(group.checkpoint->note);
  }
  if (group.snapshot.has_value()) {
    contents.snapshot.emplace();
    contents.snapshot->ledger_size = group.snapshot->ledger_size;
    for (const ByteSpan part : group.snapshot->parts) {
      contents.snapshot->parts.push_back(ToBytes(part));
    }
  }
  contents.head = store::HeadAfter(group);
}

}  // namespace

MemoryStoreDisk::Contents MemoryStoreDisk::Backup() const {
  MutexLock lock(mutex_);
  return contents_;
}

void MemoryStoreDisk::Restore(Contents contents) {
  MutexLock lock(mutex_);
  HF_CHECK(!open_);
  contents.noted_head = contents_.noted_head;
  contents_ = std::move(contents);
}

void MemoryStoreDisk::SetFull(bool full) {
  MutexLock lock(mutex_);
  full_ = full;
}

bool MemoryStoreDisk::HasReserve() const {
  MutexLock lock(mutex_);
  return reserve_;
}

absl::StatusOr<store::Head> MemoryReader::ReadHead() {
  MutexLock lock(disk_.mutex_);
  return disk_.contents_.head;
}

absl::StatusOr<Bytes> MemoryReader::ReadBundle(std::uint64_t bundle) {
  MutexLock lock(disk_.mutex_);
  const std::vector<Bytes>& entries = disk_.contents_.entries;
  const std::uint64_t bundles =
      (entries.size() + store::kEntriesPerBundle - 1) / store::kEntriesPerBundle;
  if (bundle >= bundles) return NotThere();
  Bytes bytes;
  std::uint64_t index = bundle * store::kEntriesPerBundle;
  const std::uint64_t end =
      std::min<std::uint64_t>(entries.size(), index + store::kEntriesPerBundle);
  for (; index < end; ++index) {
    store::AppendToBundle(bytes, entries[static_cast<std::size_t>(index)]);
  }
  return bytes;
}

absl::Status MemoryReader::ForEachEntry(std::uint64_t first, const EntryCallback& callback) {
  std::vector<Bytes> entries;
  {
    MutexLock lock(disk_.mutex_);
    entries = disk_.contents_.entries;
  }
  for (std::uint64_t i = first; i < entries.size(); ++i) {
    HF_RETURN_IF_ERROR(callback(i, entries[static_cast<std::size_t>(i)]));
  }
  return absl::OkStatus();
}

absl::StatusOr<Bytes> MemoryReader::ReadChunk(const store::ChunkKey& key) {
  MutexLock lock(disk_.mutex_);
  return Find(disk_.contents_.chunks, key);
}

absl::StatusOr<bool> MemoryReader::HasChunk(const store::ChunkKey& key) {
  MutexLock lock(disk_.mutex_);
  return disk_.contents_.chunks.contains(key);
}

absl::StatusOr<Bytes> MemoryReader::ReadPage(std::uint32_t segment) {
  MutexLock lock(disk_.mutex_);
  return Find(disk_.contents_.pages, segment);
}

absl::StatusOr<std::vector<store::SegmentPage>> MemoryReader::AllPages() {
  MutexLock lock(disk_.mutex_);
  std::vector<store::SegmentPage> pages;
  for (const auto& [segment, bytes] : disk_.contents_.pages) {
    pages.emplace_back();
    pages.back().segment = segment;
    pages.back().bytes = bytes;
  }
  return pages;
}

absl::StatusOr<Bytes> MemoryReader::ReadTopPage() {
  MutexLock lock(disk_.mutex_);
  if (!disk_.contents_.top_page.has_value()) return NotThere();
  return *disk_.contents_.top_page;
}

absl::StatusOr<Bytes> MemoryReader::ReadTile(std::uint8_t level, std::uint64_t index) {
  MutexLock lock(disk_.mutex_);
  return Find(disk_.contents_.tiles, std::pair(level, index));
}

absl::StatusOr<std::optional<store::CheckpointNote>> MemoryReader::LatestCheckpoint() {
  MutexLock lock(disk_.mutex_);
  return disk_.contents_.checkpoint;
}

absl::StatusOr<std::optional<store::Snapshot>> MemoryReader::ReadSnapshot() {
  MutexLock lock(disk_.mutex_);
  return disk_.contents_.snapshot;
}

absl::StatusOr<std::unique_ptr<MemoryStore>> MemoryStore::Open(MemoryStoreDisk& disk,
                                                               FaultPlan* plan) {
  MutexLock lock(disk.mutex_);
  if (disk.open_) return MakeError(Reason::kAlreadyRunning, "the memory store is open");
  disk.open_ = true;
  return std::unique_ptr<MemoryStore>(new MemoryStore(disk, plan, disk.contents_.noted_head));
}

MemoryStore::~MemoryStore() {
  MutexLock lock(disk_.mutex_);
  disk_.open_ = false;
}

absl::Status MemoryStore::Failpoint(const char* where) {
  return plan_ == nullptr ? absl::OkStatus() : plan_->Next(where);
}

absl::Status MemoryStore::TryCommit(const store::Group& group) {
  HF_RETURN_IF_ERROR(Failpoint("commit, before it is done"));
  {
    MutexLock lock(disk_.mutex_);
    HF_RETURN_IF_ERROR(store::CheckGroup(disk_.contents_.head, group));
    if (disk_.full_ && disk_.reserve_) {
      return MakeError(Reason::kStoreFull, "the memory store is full");
    }
    HF_RETURN_IF_ERROR(CheckAgainst(disk_.contents_, group));
    Apply(group, disk_.contents_);
  }
  HF_RETURN_IF_ERROR(Failpoint("commit, after it is done"));
  MutexLock lock(disk_.mutex_);
  disk_.contents_.noted_head.emplace();
  disk_.contents_.noted_head->size = disk_.contents_.head.ledger_size;
  disk_.contents_.noted_head->root = disk_.contents_.head.root;
  return absl::OkStatus();
}

absl::Status MemoryStore::Commit(const store::Group& group) {
  HF_RETURN_IF_ERROR(failure_);
  failure_ = TryCommit(group);
  return failure_;
}

absl::StatusOr<std::unique_ptr<store::Reader>> MemoryStore::NewReader() {
  return std::make_unique<MemoryReader>(disk_);
}

absl::Status MemoryStore::ReleaseReserve() {
  MutexLock lock(disk_.mutex_);
  disk_.reserve_ = false;
  return absl::OkStatus();
}

absl::Status MemoryStore::RestoreReserve() {
  MutexLock lock(disk_.mutex_);
  if (disk_.full_ && !disk_.reserve_) {
    return MakeError(Reason::kStoreFull, "the memory store is full");
  }
  disk_.reserve_ = true;
  return absl::OkStatus();
}

}  // namespace holdfast::test
