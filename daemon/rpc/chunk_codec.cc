// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/chunk_codec.h"

#include <algorithm>
#include <string_view>

#include "base/check.h"
#include "base/error.h"
#include "base/limits.h"

namespace holdfast::rpc {
namespace {

// Version, kind, number of items (u16), bytes of an item (u32); high byte first.
constexpr std::size_t kHeaderBytes = 8;
constexpr std::byte kVersion{1};

// In place of the bytes of an item: each item's follow, as u32, before the items.
constexpr std::size_t kSized = 0xffff'ffff;
constexpr std::size_t kSizeBytes = 4;

constexpr std::string_view kWaitingMagic = "HFW1";

void PutU32(std::span<std::byte> out, std::size_t value) {
  for (std::size_t i = 0; i < 4; ++i)
    out[i] = static_cast<std::byte>(value >> (24 - 8 * i) & 0xffU);
}

std::size_t GetU32(ByteSpan bytes) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8U | std::to_integer<std::size_t>(bytes[i]);
  return value;
}

}  // namespace

Bytes NewChunk(store::ChunkKind kind, std::size_t item_bytes, std::size_t count) {
  HF_CHECK(count <= kRowsPerChunk);
  Bytes chunk(kHeaderBytes + item_bytes * count);
  chunk[0] = kVersion;
  chunk[1] = static_cast<std::byte>(kind);
  chunk[2] = static_cast<std::byte>(count >> 8U);
  chunk[3] = static_cast<std::byte>(count & 0xffU);
  PutU32(std::span(chunk).subspan(4, 4), item_bytes);
  return chunk;
}

std::span<std::byte> ItemOf(Bytes& chunk, std::size_t item_bytes, std::size_t i) {
  return std::span(chunk).subspan(kHeaderBytes + i * item_bytes, item_bytes);
}

SizedChunk::SizedChunk(store::ChunkKind kind, std::span<const std::size_t> sizes)
    : bytes_(NewChunk(kind, 0, sizes.size())) {
  for (std::size_t i = 4; i < kHeaderBytes; ++i) bytes_[i] = std::byte{0xff};
  offsets_.push_back(kHeaderBytes + kSizeBytes * sizes.size());
  for (const std::size_t size : sizes) {
    HF_CHECK(size < kSized);
    offsets_.push_back(offsets_.back() + size);
  }
  bytes_.resize(offsets_.back());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    PutU32(std::span(bytes_).subspan(kHeaderBytes + kSizeBytes * i, kSizeBytes), sizes[i]);
  }
}

void MarkWaiting(std::span<std::byte> item, std::uint32_t row) {
  HF_CHECK(item.size() >= kWaitingMagic.size() + 4);
  std::fill(item.begin(), item.end(), std::byte{0});
  const ByteSpan magic = AsBytes(kWaitingMagic);
  std::copy(magic.begin(), magic.end(), item.begin());
  PutU32(item.subspan(kWaitingMagic.size(), 4), row);
}

std::optional<std::uint32_t> WaitingRow(ByteSpan item) {
  const std::size_t magic = kWaitingMagic.size();
  if (item.size() < magic + 4 || AsText(item.first(magic)) != kWaitingMagic) return std::nullopt;
  return static_cast<std::uint32_t>(GetU32(item.subspan(magic, 4)));
}

absl::StatusOr<std::vector<ByteSpan>> ParseChunk(store::ChunkKind kind, ByteSpan chunk) {
  const auto corrupt = [] { return MakeError(Reason::kStoreCorrupt, "a chunk is malformed"); };
  if (chunk.size() < kHeaderBytes || chunk[0] != kVersion ||
      chunk[1] != static_cast<std::byte>(kind)) {
    return corrupt();
  }
  const std::size_t count =
      std::to_integer<std::size_t>(chunk[2]) << 8U | std::to_integer<std::size_t>(chunk[3]);
  if (count > kRowsPerChunk) return corrupt();
  const std::size_t item_bytes = GetU32(chunk.subspan(4, 4));
  const bool sized = item_bytes == kSized;
  if (sized != (kind == store::ChunkKind::kOpenings)) return corrupt();
  const std::size_t first = kHeaderBytes + (sized ? kSizeBytes * count : 0);
  if (chunk.size() < first) return corrupt();
  std::vector<ByteSpan> items;
  items.reserve(count);
  ByteSpan left = chunk.subspan(first);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t size =
        sized ? GetU32(chunk.subspan(kHeaderBytes + kSizeBytes * i, kSizeBytes)) : item_bytes;
    if (size > left.size()) return corrupt();
    items.push_back(left.first(size));
    left = left.subspan(size);
  }
  if (!left.empty()) return corrupt();
  return items;
}

}  // namespace holdfast::rpc
