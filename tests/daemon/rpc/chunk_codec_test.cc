// SPDX-License-Identifier: Apache-2.0
// Chunks: the contract in daemon/rpc/chunk_codec.h.
#include "daemon/rpc/chunk_codec.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"

#include "base/error.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::rpc {
namespace {

using test::HasReason;
using test::IsOk;

constexpr std::size_t kItemBytes = 5;

Bytes SomeChunk() {
  Bytes chunk = NewChunk(store::ChunkKind::kSubjects, kItemBytes, 3);
  for (std::size_t i = 0; i < 3; ++i) {
    std::ranges::fill(ItemOf(chunk, kItemBytes, i), static_cast<std::byte>('a' + i));
  }
  return chunk;
}

TEST(ChunkCodecTest, GivesBackWhatWasWritten) {
  const Bytes chunk = SomeChunk();
  const auto items = ParseChunk(store::ChunkKind::kSubjects, chunk);
  ASSERT_THAT(items.status(), IsOk());
  ASSERT_EQ(items->size(), 3U);
  EXPECT_EQ(AsText((*items)[2]), "ccccc");
}

TEST(ChunkCodecTest, AChunkMayBeEmpty) {
  const Bytes chunk = NewChunk(store::ChunkKind::kEnvelopes, kItemBytes, 0);
  const auto items = ParseChunk(store::ChunkKind::kEnvelopes, chunk);
  ASSERT_THAT(items.status(), IsOk());
  EXPECT_TRUE(items->empty());
}

TEST(ChunkCodecTest, AnotherKindIsRefused) {
  EXPECT_THAT(ParseChunk(store::ChunkKind::kEnvelopes, SomeChunk()).status(),
              HasReason(Reason::kStoreCorrupt));
}

// The header is eight bytes; what follows is sealed, and its reader notices changes.
TEST(ChunkCodecTest, EveryBitOfTheHeaderAndEveryLengthCounts) {
  const Bytes chunk = SomeChunk();
  for (const test::Mutation& mutation : test::BitFlipsAndTruncations(chunk)) {
    SCOPED_TRACE(mutation.description);
    const bool same_header = mutation.bytes.size() == chunk.size() &&
                             std::equal(chunk.begin(), chunk.begin() + 8, mutation.bytes.begin());
    EXPECT_EQ(ParseChunk(store::ChunkKind::kSubjects, mutation.bytes).ok(), same_header);
  }
}

Bytes SomeSizedChunk() {
  const std::size_t sizes[] = {3, 0, 7};
  SizedChunk chunk(store::ChunkKind::kOpenings, sizes);
  for (std::size_t i = 0; i < 3; ++i) {
    std::ranges::fill(chunk.Item(i), static_cast<std::byte>('a' + i));
  }
  return chunk.Take();
}

TEST(ChunkCodecTest, ItemsMayHaveSizesOfTheirOwn) {
  const Bytes chunk = SomeSizedChunk();
  const auto items = ParseChunk(store::ChunkKind::kOpenings, chunk);
  ASSERT_THAT(items.status(), IsOk());
  ASSERT_EQ(items->size(), 3U);
  EXPECT_EQ(AsText((*items)[0]), "aaa");
  EXPECT_TRUE((*items)[1].empty());
  EXPECT_EQ(AsText((*items)[2]), "ccccccc");
}

TEST(ChunkCodecTest, OnlyOpeningsHaveSizesOfTheirOwn) {
  Bytes chunk = SomeSizedChunk();
  chunk[1] = static_cast<std::byte>(store::ChunkKind::kEnvelopes);
  EXPECT_FALSE(ParseChunk(store::ChunkKind::kEnvelopes, chunk).ok());
  chunk = SomeChunk();
  chunk[1] = static_cast<std::byte>(store::ChunkKind::kOpenings);
  EXPECT_FALSE(ParseChunk(store::ChunkKind::kOpenings, chunk).ok());
}

// Header and sizes are twenty bytes. No other text of them gives the same items.
TEST(ChunkCodecTest, EveryBitOfTheSizesAndEveryLengthCounts) {
  const Bytes chunk = SomeSizedChunk();
  for (const test::Mutation& mutation : test::BitFlipsAndTruncations(chunk)) {
    SCOPED_TRACE(mutation.description);
    const bool same_sizes = mutation.bytes.size() == chunk.size() &&
                            std::equal(chunk.begin(), chunk.begin() + 20, mutation.bytes.begin());
    EXPECT_EQ(ParseChunk(store::ChunkKind::kOpenings, mutation.bytes).ok(), same_sizes);
  }
}

TEST(ChunkCodecTest, APlaceThatWaitsNamesItsRow) {
  Bytes place(64, std::byte{7});
  EXPECT_EQ(WaitingRow(place), std::nullopt);
  MarkWaiting(place, 0x01020304);
  EXPECT_EQ(WaitingRow(place), 0x01020304U);
  EXPECT_EQ(WaitingRow(ByteSpan(place).first(7)), std::nullopt);
  EXPECT_EQ(place.back(), std::byte{0});
}

}  // namespace
}  // namespace holdfast::rpc
