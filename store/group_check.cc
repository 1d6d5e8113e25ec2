// SPDX-License-Identifier: Apache-2.0
#include "store/group_check.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/status_macros.h"

namespace holdfast::store {
namespace {

absl::Status Contradiction(const char* what) {
  return MakeError(Reason::kInternal, std::string("the group ") + what);
}

bool IsBlob(ByteSpan bytes) { return !bytes.empty() && bytes.size() <= kMaxBlobBytes; }

template <typename T>
bool HasDuplicate(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  return std::adjacent_find(values.begin(), values.end()) != values.end();
}

absl::Status CheckLedger(const Head& head, const Group& group) {
  if (group.first_index != head.ledger_size) return Contradiction("does not follow the ledger");
  if (group.entries.size() > kMaxLedgerSize - head.ledger_size) {
    return Contradiction("makes the ledger too large");
  }
  for (const ByteSpan entry : group.entries) {
    if (entry.empty() || entry.size() > kMaxEntryBytes) {
      return Contradiction("has an entry of a wrong size");
    }
  }
  if (group.entries.empty() && group.root != head.root) {
    return Contradiction("changes the root and has no entry");
  }
  if (group.epoch < head.epoch) return Contradiction("goes back to an earlier epoch");
  if (group.epoch > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return Contradiction("has an epoch that is out of range");
  }
  return absl::OkStatus();
}

absl::Status CheckTiles(const Group& group) {
  std::vector<std::pair<std::uint8_t, std::uint64_t>> names;
  for (const TileWrite& tile : group.tiles) {
    if (tile.level > kMaxTileLevel || tile.index > kMaxTileIndex) {
      return Contradiction("has a tile that is out of range");
    }
    if (tile.bytes.size() != kTileBytes) return Contradiction("has a tile that is not full");
    names.emplace_back(tile.level, tile.index);
  }
  if (HasDuplicate(std::move(names))) return Contradiction("names a tile twice");
  return absl::OkStatus();
}

absl::Status CheckChunks(const Group& group) {
  std::vector<ChunkKey> names;
  for (const ChunkWrite& chunk : group.chunks) {
    const bool known = chunk.key.kind == ChunkKind::kSubjects ||
                       chunk.key.kind == ChunkKind::kEnvelopes ||
                       chunk.key.kind == ChunkKind::kOpenings;
    if (!known || chunk.key.chunk >= kMaxChunksPerTransfer) {
      return Contradiction("has a chunk that is out of range");
    }
    if (!IsBlob(chunk.bytes)) return Contradiction("has a chunk of a wrong size");
    names.push_back(chunk.key);
  }
  if (HasDuplicate(std::move(names))) return Contradiction("names a chunk twice");
  return absl::OkStatus();
}

absl::Status CheckPages(const Group& group) {
  std::vector<std::uint32_t> names = group.deleted_pages;
  for (const PageWrite& page : group.pages) {
    if (!IsBlob(page.bytes)) return Contradiction("has a page of a wrong size");
    names.push_back(page.segment);
  }
  if (HasDuplicate(std::move(names))) return Contradiction("names a segment twice");
  if (group.top_page.has_value() && !IsBlob(*group.top_page)) {
    return Contradiction("has a top page of a wrong size");
  }
  return absl::OkStatus();
}

absl::Status CheckDerived(const Group& group) {
  const std::uint64_t size = HeadAfter(group).ledger_size;
  if (group.checkpoint.has_value()) {
    const CheckpointWrite& checkpoint = *group.checkpoint;
    if (checkpoint.size > size) return Contradiction("has a checkpoint of the future");
    if (!IsBlob(AsBytes(checkpoint.note))) {
      return Contradiction("has a checkpoint of a wrong size");
    }
  }
  if (group.snapshot.has_value()) {
    const SnapshotWrite& snapshot = *group.snapshot;
    if (snapshot.ledger_size > size) return Contradiction("has a snapshot of the future");
    if (snapshot.parts.empty() ||
        !std::all_of(snapshot.parts.begin(), snapshot.parts.end(), IsBlob)) {
      return Contradiction("has a snapshot with a part of a wrong size");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckGroup(const Head& head, const Group& group) {
  HF_RETURN_IF_ERROR(CheckLedger(head, group));
  HF_RETURN_IF_ERROR(CheckTiles(group));
  HF_RETURN_IF_ERROR(CheckChunks(group));
  HF_RETURN_IF_ERROR(CheckPages(group));
  return CheckDerived(group);
}

Head HeadAfter(const Group& group) {
  Head head;
  head.epoch = group.epoch;
  head.ledger_size = group.first_index + group.entries.size();
  head.root = group.root;
  return head;
}

}  // namespace holdfast::store
