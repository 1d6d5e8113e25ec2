// SPDX-License-Identifier: Apache-2.0
// The kinds of chunks: up to 256 sealed subjects, or envelopes, of one size; or openings, each of
// its own. docs/storage.md, "Chunks".
//
// When to use  To write what SubmitSubjects and DepositRecords store, and to read it again.
// Threads      May be called concurrently.
// Ownership    ParseChunk() borrows its argument.
// Errors       kStoreCorrupt for what NewChunk() did not begin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "store/store.h"

namespace holdfast::rpc {

// Returns a chunk with room for `count` items of `item_bytes`, all zero.
// REQUIRES: count <= 256.
Bytes NewChunk(store::ChunkKind kind, std::size_t item_bytes, std::size_t count);

// The place of item `i` in what NewChunk() returned.
std::span<std::byte> ItemOf(Bytes& chunk, std::size_t item_bytes, std::size_t i);

// A chunk of items of different sizes: openings.
class SizedChunk final {
 public:
  // With room for one item of each size, all zero. REQUIRES: at most 256, each below 4 GiB.
  SizedChunk(store::ChunkKind kind, std::span<const std::size_t> sizes);

  // The place of item `i`. REQUIRES: Take() was not called.
  std::span<std::byte> Item(std::size_t i) {
    return std::span(bytes_).subspan(offsets_[i], offsets_[i + 1] - offsets_[i]);
  }
  Bytes Take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
  std::vector<std::size_t> offsets_;
};

// The place of a row that has no envelope yet: it names the row and nothing else.
void MarkWaiting(std::span<std::byte> item, std::uint32_t row);

// The row, if `item` is such a place.
std::optional<std::uint32_t> WaitingRow(ByteSpan item);

// The items of either kind of chunk, in order.
absl::StatusOr<std::vector<ByteSpan>> ParseChunk(store::ChunkKind kind, ByteSpan chunk);

}  // namespace holdfast::rpc
