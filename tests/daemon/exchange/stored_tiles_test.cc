// SPDX-License-Identifier: Apache-2.0
// StoredTiles: proofs from the store are those of the tree, at every size.
#include "daemon/exchange/stored_tiles.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "base/error.h"
#include "crypto/merkle.h"
#include "crypto/merkle_proof.h"
#include "tests/support/memory_store.h"
#include "tests/support/status_matchers.h"

namespace holdfast::exchange {
namespace {

using test::HasReason;
using test::IsOk;

constexpr std::uint64_t kEntries = 1000;

class StoredTilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = test::MemoryStore::Open(disk_);
    ASSERT_THAT(store.status(), IsOk());
    store_ = *std::move(store);
    for (std::uint64_t i = 0; i < kEntries; ++i) {
      const Bytes entry = ToBytes("entry " + std::to_string(i));
      leaves_.push_back(crypto::LeafHash(entry));
      std::vector<crypto::Tile> full;
      builder_.Append(std::span(&leaves_.back(), 1), full);
      store::Group group;
      group.first_index = i;
      group.entries.push_back(entry);
      group.root = builder_.Root();
      for (const crypto::Tile& tile : full) {
        group.tiles.push_back({tile.id.level, tile.id.index, tile.bytes});
      }
      ASSERT_THAT(store_->Commit(group), IsOk());
    }
  }

  test::MemoryStoreDisk disk_;
  std::unique_ptr<test::MemoryStore> store_;
  crypto::TileBuilder builder_;
  std::vector<Digest32> leaves_;
};

TEST_F(StoredTilesTest, RootsAreThoseOfTheLeavesAtEverySize) {
  TileRoots roots;
  StoredTiles tiles(*store_, roots);
  for (std::uint64_t size = 1; size <= kEntries; size += 37) {
    crypto::TileReader nodes(size, tiles);
    const absl::StatusOr<Digest32> root = crypto::RootAt(size, nodes);
    ASSERT_THAT(root.status(), IsOk()) << size;
    EXPECT_EQ(*root, crypto::RootOf(std::span(leaves_).first(size))) << size;
  }
}

TEST(TileRootsTest, ForgetsBeforeItGrowsBeyondItsBound) {
  TileRoots roots;
  EXPECT_EQ(roots.Find(1, 0), std::nullopt);
  for (std::uint64_t i = 0; i < TileRoots::kMost; ++i) {
    roots.Add(0, i, Digest32{std::byte{1}});
  }
  EXPECT_EQ(roots.Find(0, TileRoots::kMost - 1), Digest32{std::byte{1}});
  EXPECT_EQ(roots.Find(1, 0), std::nullopt);
  roots.Add(1, 0, Digest32{std::byte{2}});
  EXPECT_EQ(roots.Find(1, 0), Digest32{std::byte{2}});
  EXPECT_EQ(roots.Find(0, 0), std::nullopt);
}

TEST_F(StoredTilesTest, ProofsVerify) {
  TileRoots roots;
  StoredTiles tiles(*store_, roots);
  for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{255}, std::uint64_t{256},
                                   std::uint64_t{257}, std::uint64_t{777}, kEntries}) {
    crypto::TileReader nodes(size, tiles);
    const Digest32 root = crypto::RootOf(std::span(leaves_).first(size));
    for (std::uint64_t index = 0; index < size; index += 97) {
      const auto proof = crypto::MakeInclusionProof(index, size, nodes);
      ASSERT_THAT(proof.status(), IsOk());
      EXPECT_THAT(crypto::VerifyInclusion(index, size, leaves_[index], *proof, root), IsOk());
    }
    const auto consistency = crypto::MakeConsistencyProof(1, size, nodes);
    ASSERT_THAT(consistency.status(), IsOk());
    EXPECT_THAT(crypto::VerifyConsistency(1, size, leaves_[0], root, *consistency), IsOk());
  }
}

TEST_F(StoredTilesTest, WhatTheLedgerDoesNotHaveIsNoTile) {
  TileRoots roots;
  StoredTiles tiles(*store_, roots);
  EXPECT_FALSE(tiles.ReadTile({0, 3, 250}).ok());  // It has 232.
  EXPECT_FALSE(tiles.ReadTile({0, 9, 1}).ok());
  EXPECT_FALSE(tiles.ReadTile({1, 0, 4}).ok());  // Of three full tiles.
}

}  // namespace
}  // namespace holdfast::exchange
