// SPDX-License-Identifier: Apache-2.0
// What an exchange keeps, and the two ways to touch it: commit a group, read.
//
//   Group group;
//   group.first_index = size;
//   group.entries = {entry_bytes};
//   group.root = root_with_the_entry;
//   group.epoch = epoch;
//   HF_RETURN_IF_ERROR(store->Commit(group));   // From here on it survives a loss of power.
//
// When to use  By the writer of an exchange, which owns the Store, and by workers that read, each
//              through a Reader of its own. A seam because tests have a second implementation
//              (tests/support/memory_store.h); the daemon has one (store/sqlite_store.h).
// Threads      A Store and a Reader are each used by one thread at a time. NewReader() may be
//              called at any time by any thread.
// Ownership    What is handed in is borrowed until the call returns. What comes out is a value. A
//              Reader may outlive the Store that made it.
// Errors       kStoreFull: no space; what was committed is intact.
//              kStoreFailed: reading or writing failed; a group may or may not be there.
//              kStoreCorrupt: what was read is not what this program writes.
//              kNotFound: a read for something that is not there.
//              kInternal: a group contradicts itself or what is stored; nothing was written.
//
// What is stored does not depend on what it means: pages and chunks are sealed, entries are
// serialised, hashes are computed by the caller. docs/storage.md has every byte.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"

namespace holdfast::store {

using Hash = std::array<std::byte, 32>;

// Entries of one bundle, and hashes of one tile.
inline constexpr std::uint64_t kEntriesPerBundle = 256;
inline constexpr std::size_t kTileBytes = 256 * 32;

// The largest entry. A signed order in its entry is the largest there is.
inline constexpr std::size_t kMaxEntryBytes = std::size_t{1} << 20;

// The largest chunk, page, top page or part of a snapshot.
inline constexpr std::size_t kMaxBlobBytes = std::size_t{64} << 20;

// Chunks of one transfer: its rows are 32-bit numbers, 256 of which make a chunk.
inline constexpr std::uint32_t kMaxChunksPerTransfer = std::uint32_t{1} << 24;

enum class ChunkKind : std::uint8_t {
  kUnspecified = 0,
  kSubjects = 1,
  kEnvelopes = 2,
  kOpenings = 3
};

// The name of a chunk: rows [256 * chunk, 256 * chunk + 256) of a transfer.
struct ChunkKey {
  ChunkKind kind = ChunkKind::kUnspecified;
  std::uint32_t transfer = 0;
  std::uint32_t chunk = 0;

  friend bool operator==(const ChunkKey&, const ChunkKey&) = default;
  friend auto operator<=>(const ChunkKey&, const ChunkKey&) = default;
};

// Where the ledger ends, and the epoch of the top page.
struct Head {
  std::uint64_t epoch = 0;
  std::uint64_t ledger_size = 0;
  Hash root{};

  friend bool operator==(const Head&, const Head&) = default;
};

// Size and root of a ledger at some time.
struct LedgerHead {
  std::uint64_t size = 0;
  Hash root{};

  friend bool operator==(const LedgerHead&, const LedgerHead&) = default;
};

// What to do if the chunk is there already.
enum class IfChunkExists {
  kFail = 0,
  kReplace,
};

struct ChunkWrite {
  ChunkKey key;
  ByteSpan bytes;
  IfChunkExists if_exists = IfChunkExists::kFail;
};

// A tile that is full, and so never changes again.
struct TileWrite {
  std::uint8_t level = 0;  // 0 holds leaf hashes.
  std::uint64_t index = 0;
  ByteSpan bytes;  // kTileBytes.
};

struct PageWrite {
  std::uint32_t segment = 0;
  ByteSpan bytes;
};

struct CheckpointWrite {
  std::uint64_t size = 0;
  std::string_view note;
};

// A state of the fold at `ledger_size`, in parts so that none is larger than a blob may be. Takes
// the place of every earlier snapshot.
struct SnapshotWrite {
  std::uint64_t ledger_size = 0;
  std::vector<ByteSpan> parts;
};

// What one commit makes durable, all of it or nothing.
struct Group {
  // The ledger's size before this group. A group need not have entries.
  std::uint64_t first_index = 0;

  // Appended in this order. None is empty or larger than kMaxEntryBytes.
  std::vector<ByteSpan> entries;

  // The ledger's root and the epoch after this group.
  Hash root{};
  std::uint64_t epoch = 0;

  // The tiles that the entries fill.
  std::vector<TileWrite> tiles;

  std::vector<ChunkWrite> chunks;

  // Segment pages that are new or changed, and segments that have none any more. A segment is named
  // once.
  std::vector<PageWrite> pages;
  std::vector<std::uint32_t> deleted_pages;

  // In place of the one that is there.
  std::optional<ByteSpan> top_page;

  // In place of the one that is there.
  std::optional<CheckpointWrite> checkpoint;

  std::optional<SnapshotWrite> snapshot;
};

struct SegmentPage {
  std::uint32_t segment = 0;
  Bytes bytes;

  friend bool operator==(const SegmentPage&, const SegmentPage&) = default;
};

struct CheckpointNote {
  std::uint64_t size = 0;
  std::string note;

  friend bool operator==(const CheckpointNote&, const CheckpointNote&) = default;
};

struct Snapshot {
  std::uint64_t ledger_size = 0;
  std::vector<Bytes> parts;

  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

// Each call sees what was committed when it was made, and two calls may see different groups. No
// call leaves a transaction open: a reader that waits for the network would pin the write-ahead
// log.
class Reader {
 public:
  // Gets an entry's index and bytes, borrowed for the call. An error ends the walk and is its
  // result.
  using EntryCallback = std::function<absl::Status(std::uint64_t index, ByteSpan entry)>;

  Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  virtual ~Reader() = default;

  // A new store has epoch 0, size 0 and a root of zeros.
  virtual absl::StatusOr<Head> ReadHead() = 0;

  // Returns entries [256 * bundle, ...) in the form of store/entry_bundle.h: 256 of them, or as
  // many as there are in the last one. Errors: kNotFound.
  virtual absl::StatusOr<Bytes> ReadBundle(std::uint64_t bundle) = 0;

  // Calls `callback` for each entry from `first` to the size that the ledger had when this was
  // called. No transaction is open while the callback runs, and it may use the Reader.
  virtual absl::Status ForEachEntry(std::uint64_t first, const EntryCallback& callback) = 0;

  // Errors: kNotFound.
  virtual absl::StatusOr<Bytes> ReadChunk(const ChunkKey& key) = 0;

  virtual absl::StatusOr<bool> HasChunk(const ChunkKey& key) = 0;

  // Errors: kNotFound.
  virtual absl::StatusOr<Bytes> ReadPage(std::uint32_t segment) = 0;

  // Returns every page of one moment, by ascending segment.
  virtual absl::StatusOr<std::vector<SegmentPage>> AllPages() = 0;

  // Errors: kNotFound.
  virtual absl::StatusOr<Bytes> ReadTopPage() = 0;

  // Errors: kNotFound.
  virtual absl::StatusOr<Bytes> ReadTile(std::uint8_t level, std::uint64_t index) = 0;

  // Returns the checkpoint of the last group that had one, or nullopt.
  virtual absl::StatusOr<std::optional<CheckpointNote>> LatestCheckpoint() = 0;

  // Returns the snapshot of the last group that had one, or nullopt.
  virtual absl::StatusOr<std::optional<Snapshot>> ReadSnapshot() = 0;
};

class Store : public Reader {
 public:
  // Makes `group` durable, wholly or not at all.
  //
  // After any error whether the group is there is known only to a Store that is opened anew, and
  // this one refuses every later Commit() with the same reason: what a failed sync left behind
  // cannot be told through the same handle. Reads still work, and show the state before the group.
  virtual absl::Status Commit(const Group& group) = 0;

  // Returns a Reader for one other thread.
  virtual absl::StatusOr<std::unique_ptr<Reader>> NewReader() = 0;

  // Returns the ledger that the store last said was committed, as noted beside the database, when
  // this Store was opened; nullopt if there is no legible note. It is written without a sync, so it
  // may lag behind; a ledger of which it is no prefix has been replaced by an older one.
  virtual std::optional<LedgerHead> NotedHead() const = 0;

  // Gives the disk back what was set aside for it, so that a hold finds space where nothing else
  // does. Works on a Store that refuses to commit. Does nothing if it is given back already.
  virtual absl::Status ReleaseReserve() = 0;

  // Sets space aside again. Does nothing if it is.
  // Errors: kStoreFull, and then nothing is set aside.
  virtual absl::Status RestoreReserve() = 0;

  // Moves what is in the write-ahead log into the database.
  // Errors: those of Commit(), with the same consequence.
  virtual absl::Status CheckpointLog() = 0;
};

}  // namespace holdfast::store
