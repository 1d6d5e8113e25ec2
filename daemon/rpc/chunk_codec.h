// SPDX-License-Identifier: Apache-2.0
// The two kinds of chunks: up to 256 sealed subjects, or envelopes, of one size. docs/storage.md,
// "Chunks".
//
// When to use  To write what SubmitSubjects and DepositRecords store, and to read it again.
// Threads      May be called concurrently.
// Ownership    ParseChunk() borrows its argument.
// Errors       kStoreCorrupt for what NewChunk() did not begin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "store/store.h"

namespace holdfast::rpc {

// A subject's plaintext is padded to this. One that does not fit is refused.
inline constexpr std::size_t kSubjectPaddedBytes = 512;

// Returns a chunk with room for `count` items of `item_bytes`, all zero.
// REQUIRES: count <= 256.
Bytes NewChunk(store::ChunkKind kind, std::size_t item_bytes, std::size_t count);

// The place of item `i` in what NewChunk() returned.
std::span<std::byte> ItemOf(Bytes& chunk, std::size_t item_bytes, std::size_t i);

// The items, in order.
absl::StatusOr<std::vector<ByteSpan>> ParseChunk(store::ChunkKind kind, ByteSpan chunk);

}  // namespace holdfast::rpc
