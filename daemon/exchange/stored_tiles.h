// SPDX-License-Identifier: Apache-2.0
// The tiles of the committed ledger, full and partial, read from the store.
//
// When to use  To prove something about the committed ledger without asking the writer: the head
//              that an order names, a consistency proof, an inclusion proof.
// Threads      StoredTiles: one thread, like the reader. TileRoots may be called concurrently.
// Ownership    Borrows the reader and the roots.
// Errors       The store's; kLedgerInconsistent for a tile that the ledger does not have.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

#include "base/ids.h"
#include "base/mutex.h"
#include "crypto/tiles.h"
#include "store/store.h"

namespace holdfast::exchange {

// The roots of full tiles, which never change while a store is open. Without them each root of the
// ledger is made of up to 255 full tiles of every level: 65,280 hashes, some 10 ms.
class TileRoots final {
 public:
  // About 4 MB; the tiles of 16 million entries. Beyond it all are forgotten and found anew.
  static constexpr std::size_t kMost = 65'536;

  std::optional<Digest32> Find(std::uint8_t level, std::uint64_t index) const;
  void Add(std::uint8_t level, std::uint64_t index, const Digest32& root);

 private:
  mutable Mutex mutex_;
  absl::flat_hash_map<std::pair<std::uint8_t, std::uint64_t>, Digest32> roots_
      HF_GUARDED_BY(mutex_);
};

class StoredTiles final : public crypto::TileSource {
 public:
  StoredTiles(store::Reader& reader, TileRoots& roots) : reader_(reader), roots_(roots) {}

  // A partial tile is not stored. It is made from what lies below it: entries, or full tiles.
  absl::StatusOr<Bytes> ReadTile(const crypto::TileId& id) override;

 private:
  absl::StatusOr<Digest32> RootOf(std::uint8_t level, std::uint64_t index);

  store::Reader& reader_;
  TileRoots& roots_;
};

}  // namespace holdfast::exchange
