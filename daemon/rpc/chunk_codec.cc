// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/chunk_codec.h"

#include "base/check.h"
#include "base/error.h"
#include "base/limits.h"

namespace holdfast::rpc {
namespace {

// Version, kind, number of items (u16), bytes of an item (u32); high byte first.
constexpr std::size_t kHeaderBytes = 8;
constexpr std::byte kVersion{1};

}  // namespace

Bytes NewChunk(store::ChunkKind kind, std::size_t item_bytes, std::size_t count) {
  HF_CHECK(count <= kRowsPerChunk);
  Bytes chunk(kHeaderBytes + item_bytes * count);
  chunk[0] = kVersion;
  chunk[1] = static_cast<std::byte>(kind);
  chunk[2] = static_cast<std::byte>(count >> 8U);
  chunk[3] = static_cast<std::byte>(count & 0xffU);
  for (std::size_t i = 0; i < 4; ++i) {
    chunk[4 + i] = static_cast<std::byte>(item_bytes >> (24 - 8 * i) & 0xffU);
  }
  return chunk;
}

std::span<std::byte> ItemOf(Bytes& chunk, std::size_t item_bytes, std::size_t i) {
  return std::span(chunk).subspan(kHeaderBytes + i * item_bytes, item_bytes);
}

absl::StatusOr<std::vector<ByteSpan>> ParseChunk(store::ChunkKind kind, ByteSpan chunk) {
  const auto corrupt = [] { return MakeError(Reason::kStoreCorrupt, "a chunk is malformed"); };
  if (chunk.size() < kHeaderBytes || chunk[0] != kVersion ||
      chunk[1] != static_cast<std::byte>(kind)) {
    return corrupt();
  }
  const std::size_t count =
      std::to_integer<std::size_t>(chunk[2]) << 8U | std::to_integer<std::size_t>(chunk[3]);
  std::size_t item_bytes = 0;
  for (std::size_t i = 4; i < kHeaderBytes; ++i) {
    item_bytes = item_bytes << 8U | std::to_integer<std::size_t>(chunk[i]);
  }
  if (count > kRowsPerChunk || chunk.size() != kHeaderBytes + count * item_bytes) {
    return corrupt();
  }
  std::vector<ByteSpan> items;
  items.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    items.push_back(chunk.subspan(kHeaderBytes + i * item_bytes, item_bytes));
  }
  return items;
}

}  // namespace holdfast::rpc
