// SPDX-License-Identifier: Apache-2.0
// The tiles of the committed ledger, full and partial, read from the store.
//
// When to use  To prove something about the committed ledger without asking the writer: the head
//              that an order names, a consistency proof, an inclusion proof.
// Threads      One thread, like the reader.
// Ownership    Borrows the reader.
// Errors       The store's; kLedgerInconsistent for a tile that the ledger does not have.
#pragma once

#include "absl/status/statusor.h"

#include "crypto/tiles.h"
#include "store/store.h"

namespace holdfast::exchange {

class StoredTiles final : public crypto::TileSource {
 public:
  explicit StoredTiles(store::Reader& reader) : reader_(reader) {}

  // A partial tile is not stored. It is made from what lies below it: entries, or full tiles.
  absl::StatusOr<Bytes> ReadTile(const crypto::TileId& id) override;

 private:
  store::Reader& reader_;
};

}  // namespace holdfast::exchange
