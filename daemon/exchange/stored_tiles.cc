// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/stored_tiles.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/merkle.h"
#include "store/entry_bundle.h"

namespace holdfast::exchange {
namespace {

void Append(Bytes& out, const Digest32& hash) { out.insert(out.end(), hash.begin(), hash.end()); }

absl::StatusOr<Digest32> RootOfTile(ByteSpan tile) {
  if (tile.size() != crypto::kFullTileBytes) {
    return MakeError(Reason::kLedgerInconsistent, "a stored tile is not full");
  }
  std::vector<Digest32> hashes(crypto::kTileWidth);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    std::copy_n(tile.begin() + static_cast<std::ptrdiff_t>(i * sizeof(Digest32)), sizeof(Digest32),
                hashes[i].begin());
  }
  return crypto::RootOf(hashes);
}

}  // namespace

std::optional<Digest32> TileRoots::Find(std::uint8_t level, std::uint64_t index) const {
  MutexLock lock(mutex_);
  const auto found = roots_.find({level, index});
  if (found == roots_.end()) return std::nullopt;
  return found->second;
}

void TileRoots::Add(std::uint8_t level, std::uint64_t index, const Digest32& root) {
  MutexLock lock(mutex_);
  if (roots_.size() >= kMost) roots_.clear();
  roots_.emplace(std::pair(level, index), root);
}

absl::StatusOr<Bytes> StoredTiles::ReadTile(const crypto::TileId& id) {
  absl::StatusOr<Bytes> full = reader_.ReadTile(id.level, id.index);
  if (full.ok()) {
    full->resize(id.width * sizeof(Digest32));
    return full;
  }
  if (ReasonOf(full.status()) != Reason::kNotFound || id.width == crypto::kTileWidth) {
    return full;
  }

  Bytes partial;
  partial.reserve(id.width * sizeof(Digest32));
  if (id.level == 0) {
    HF_ASSIGN_OR_RETURN(const Bytes bundle, reader_.ReadBundle(id.index));
    HF_ASSIGN_OR_RETURN(const std::vector<ByteSpan> entries, store::ParseBundle(bundle));
    if (entries.size() < id.width) {
      return MakeError(Reason::kLedgerInconsistent, "the ledger is shorter than was asked");
    }
    for (std::uint32_t i = 0; i < id.width; ++i) Append(partial, crypto::LeafHash(entries[i]));
    return partial;
  }
  const auto below = static_cast<std::uint8_t>(id.level - 1);
  for (std::uint32_t i = 0; i < id.width; ++i) {
    HF_ASSIGN_OR_RETURN(const Digest32 root, RootOf(below, id.index * crypto::kTileWidth + i));
    Append(partial, root);
  }
  return partial;
}

absl::StatusOr<Digest32> StoredTiles::RootOf(std::uint8_t level, std::uint64_t index) {
  if (const std::optional<Digest32> known = roots_.Find(level, index)) return *known;
  HF_ASSIGN_OR_RETURN(const Bytes tile, reader_.ReadTile(level, index));
  HF_ASSIGN_OR_RETURN(const Digest32 root, RootOfTile(tile));
  roots_.Add(level, index, root);
  return root;
}

}  // namespace holdfast::exchange
