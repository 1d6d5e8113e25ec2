// SPDX-License-Identifier: Apache-2.0
// Tiles: crypto/tiles.h.

#include "crypto/tiles.h"

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "base/bytes.h"
#include "crypto/merkle.h"
#include "tests/reference/merkle_model.h"
#include "tests/support/external_data.h"
#include "tests/support/mutations.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;
using ::testing::ElementsAre;

// A store of full tiles, as the daemon has one.
class TileStore final : public TileSource {
 public:
  void Put(const std::vector<Tile>& tiles) {
    for (const Tile& tile : tiles) {
      EXPECT_EQ(tile.bytes.size(), kFullTileBytes);
      EXPECT_TRUE(tiles_.emplace(tile.id, tile.bytes).second) << "a full tile is made once";
    }
  }

  absl::StatusOr<Bytes> ReadTile(const TileId& id) override {
    const auto found = tiles_.find(id);
    if (found == tiles_.end()) return MakeError(Reason::kNotFound, "no such tile");
    ++reads_;
    return found->second;
  }

  std::map<TileId, Bytes>& tiles() { return tiles_; }
  int reads() const { return reads_; }

 private:
  std::map<TileId, Bytes> tiles_;
  int reads_ = 0;
};

std::vector<Digest32> Leaves(std::size_t count) {
  std::vector<Digest32> leaves;
  for (std::size_t i = 0; i < count; ++i) leaves.push_back(LeafHash(AsBytes(std::to_string(i))));
  return leaves;
}

TEST(TilePathTest, IsThatOfTheSpecification) {
  EXPECT_EQ(TilePath({0, 0, 256}), "tile/0/000");
  EXPECT_EQ(TilePath({0, 1234067, 256}), "tile/0/x001/x234/067");
  EXPECT_EQ(TilePath({7, 999, 255}), "tile/7/999.p/255");
  EXPECT_EQ(TilePath({1, 1000, 1}), "tile/1/x001/000.p/1");
  EXPECT_EQ(EntriesPath(70, 256), "tile/entries/070");
  EXPECT_EQ(EntriesPath(1000, 12), "tile/entries/x001/000.p/12");
}

TEST(TilePathTest, IsReadBack) {
  test::SeededRandom random;
  for (int i = 0; i < 2000; ++i) {
    const TileId id{static_cast<std::uint8_t>(random.Below(8)),
                    random.Next() >> (9 + random.Below(55)),
                    static_cast<std::uint32_t>(random.Between(1, 256))};
    ASSERT_THAT(ParseTilePath(TilePath(id)), IsOkAndHolds(id)) << TilePath(id);
  }
}

TEST(TilePathTest, HasNoSecondSpelling) {
  for (const char* path : {"",
                           "tile",
                           "tile/",
                           "tile/0",
                           "tile/0/",
                           "tile/8/000",
                           "tile/00/000",
                           "tile/0/0",
                           "tile/0/0000",
                           "tile/0/1000",
                           "tile/0/x000/000",
                           "tile/0/000/",
                           "tile/0/000.p",
                           "tile/0/000.p/",
                           "tile/0/000.p/0",
                           "tile/0/000.p/256",
                           "tile/0/000.p/01",
                           "tile/0/000.p/-1",
                           "tile/0/x001",
                           "tile/0/x001/x002",
                           "tile/-1/000",
                           "tile/0/+00",
                           "/tile/0/000",
                           "tile/0/000 ",
                           "tile/entries/000",
                           "tile/x/000",
                           "tile/0/x001/x000/x000/x000/x000/x000/000"}) {
    EXPECT_THAT(ParseTilePath(path), HasReason(Reason::kRequestMalformed)) << path;
  }
}

TEST(TilePathTest, IsAnotherTilesOrNoneAfterAnyDamage) {
  const TileId id{1, 1234067, 112};
  for (const test::Mutation& m : test::BitFlipsAndTruncations(AsBytes(TilePath(id)))) {
    const auto read = ParseTilePath(AsText(m.bytes));
    if (read.ok()) {
      EXPECT_EQ(TilePath(*read), AsText(m.bytes)) << m.description;
    }
  }
}

TEST(TilesOfTest, ListsFullAndPartialTilesOfEveryLevel) {
  EXPECT_THAT(TilesOf(0), ElementsAre());
  EXPECT_THAT(TilesOf(1), ElementsAre(TileId{0, 0, 1}));
  EXPECT_THAT(TilesOf(256), ElementsAre(TileId{0, 0, 256}, TileId{1, 0, 1}));
  EXPECT_THAT(TilesOf(513),
              ElementsAre(TileId{0, 0, 256}, TileId{0, 1, 256}, TileId{0, 2, 1}, TileId{1, 0, 2}));
  EXPECT_EQ(TilesOf(70000).back(), (TileId{2, 0, 1}));
}

TEST(TileBuilderTest, MakesExactlyTheTilesOfTheTree) {
  const auto leaves = Leaves(1000);
  TileBuilder builder;
  TileStore store;
  for (std::size_t n = 0; n < leaves.size(); ++n) {
    std::vector<Tile> full;
    builder.Append(std::span(leaves).subspan(n, 1), full);
    store.Put(full);
    std::vector<TileId> ids;
    for (const auto& [id, bytes] : store.tiles()) ids.push_back(id);
    for (const Tile& tile : builder.PartialTiles()) ids.push_back(tile.id);
    std::sort(ids.begin(), ids.end());
    ASSERT_EQ(ids, TilesOf(n + 1));
  }
  EXPECT_EQ(builder.Root(), RootOf(leaves));
}

TEST(TileBuilderTest, MakesTheSameTilesInBatchesOfAnySize) {
  test::SeededRandom random;
  const auto leaves = Leaves(70000);
  TileBuilder at_once;
  std::vector<Tile> expected;
  at_once.Append(leaves, expected);
  TileBuilder builder;
  std::vector<Tile> full;
  for (std::size_t at = 0; at < leaves.size();) {
    const auto count =
        std::min<std::size_t>(leaves.size() - at, static_cast<std::size_t>(random.Below(900)));
    builder.Append(std::span(leaves).subspan(at, count), full);
    at += count;
  }
  ASSERT_EQ(full.size(), expected.size());
  ASSERT_EQ(full.size(), 274u);
  for (std::size_t i = 0; i < full.size(); ++i) {
    EXPECT_EQ(full[i].id, expected[i].id);
    EXPECT_EQ(full[i].bytes, expected[i].bytes);
  }
  // Tile 0 of level 1: each of its hashes is the root of a tile below.
  const auto level1 =
      std::find_if(full.begin(), full.end(), [](const Tile& tile) { return tile.id.level == 1; });
  ASSERT_NE(level1, full.end());
  for (std::size_t i = 0; i < 256; ++i) {
    const Digest32 root = RootOf(std::span(leaves).subspan(i * 256, 256));
    EXPECT_EQ(ToBytes(root), ToBytes(ByteSpan(level1->bytes).subspan(i * 32, 32)));
  }
}

// However long the ledger is, memory has the frontier and what is open, which is less than a tile a
// level.
TEST(TileBuilderTest, HoldsLessThanATileOfEachLevel) {
  const std::vector<Digest32> leaves = Leaves(1000);
  TileBuilder builder;
  std::vector<Tile> full;
  std::uint64_t given = 0;
  for (int i = 0; i < 200; ++i) {
    full.clear();
    builder.Append(leaves, full);
    given += full.size();
    std::size_t open = 0;
    for (unsigned level = 0; level <= kMaxTileLevel; ++level) {
      ASSERT_LT(builder.OpenTile(level).size(), kFullTileBytes) << level;
      open += builder.OpenTile(level).size();
    }
    ASSERT_LT(open, 3 * kFullTileBytes) << builder.size();
  }
  EXPECT_EQ(builder.size(), 200'000U);
  EXPECT_EQ(given, 781U + 3U);
}

TEST(TileBuilderTest, GoesOnFromWhatIsStored) {
  test::SeededRandom random;
  const auto leaves = Leaves(2000);
  for (const std::size_t size : {0u, 1u, 255u, 256u, 257u, 511u, 512u, 1000u, 1536u, 1999u}) {
    TileBuilder builder;
    TileStore store;
    std::vector<Tile> full;
    builder.Append(std::span(leaves).first(size), full);
    store.Put(full);
    auto restored =
        TileBuilder::Restore(size, store, std::span(leaves).first(size).last(size % 256));
    ASSERT_THAT(restored, IsOk()) << size;
    EXPECT_EQ(restored->size(), size);
    EXPECT_EQ(restored->Root(), builder.Root());
    std::vector<Tile> more;
    std::vector<Tile> more_restored;
    builder.Append(std::span(leaves).subspan(size), more);
    restored->Append(std::span(leaves).subspan(size), more_restored);
    EXPECT_EQ(restored->Root(), RootOf(leaves));
    ASSERT_EQ(more_restored.size(), more.size());
    for (std::size_t i = 0; i < more.size(); ++i) {
      EXPECT_EQ(more_restored[i].id, more[i].id);
      EXPECT_EQ(more_restored[i].bytes, more[i].bytes);
    }
    EXPECT_EQ(restored->frontier(), builder.frontier());
  }
}

TEST(TileBuilderTest, IsNotRestoredFromOtherTilesOrLeaves) {
  const auto leaves = Leaves(600);
  TileBuilder builder;
  TileStore store;
  std::vector<Tile> full;
  builder.Append(leaves, full);
  store.Put(full);
  const auto last = std::span(leaves).last(600 % 256);
  EXPECT_THAT(TileBuilder::Restore(601, store, last), HasReason(Reason::kLedgerInconsistent));
  EXPECT_THAT(TileBuilder::Restore(600, store, last.first(3)),
              HasReason(Reason::kLedgerInconsistent));
  EXPECT_THAT(TileBuilder::Restore(600 + 256, store, last), HasReason(Reason::kNotFound));
  store.tiles()[{0, 1, 256}][77] ^= std::byte{4};
  EXPECT_NE(TileBuilder::Restore(600, store, last)->Root(), builder.Root());
  store.tiles()[{0, 1, 256}].pop_back();
  EXPECT_THAT(TileBuilder::Restore(600, store, last), HasReason(Reason::kLedgerInconsistent));
}

TEST(LiveTilesTest, ProveEveryTreeThatEverWas) {
  test::SeededRandom random;
  const auto leaves = Leaves(1300);
  TileBuilder builder;
  TileStore store;
  std::vector<Tile> full;
  builder.Append(leaves, full);
  store.Put(full);
  LiveTiles tiles(store, builder);
  for (int round = 0; round < 150; ++round) {
    const auto size = static_cast<std::size_t>(random.Between(1, 1300));
    const auto index = static_cast<std::size_t>(random.Below(size));
    TileReader reader(size, tiles);
    const Digest32 root = RootOf(std::span(leaves).first(size));
    ASSERT_THAT(RootAt(size, reader), IsOkAndHolds(root)) << size;
    const auto inclusion = MakeInclusionProof(index, size, reader);
    ASSERT_THAT(inclusion, IsOk()) << size;
    EXPECT_THAT(VerifyInclusion(index, size, leaves[index], *inclusion, root), IsOk());
    const auto consistency = MakeConsistencyProof(index + 1, size, reader);
    ASSERT_THAT(consistency, IsOk()) << size;
    EXPECT_THAT(VerifyConsistency(index + 1, size, RootOf(std::span(leaves).first(index + 1)), root,
                                  *consistency),
                IsOk());
  }
}

TEST(LiveTilesTest, RefuseTilesThatAreNotThereYet) {
  const auto leaves = Leaves(300);
  TileBuilder builder;
  TileStore store;
  std::vector<Tile> full;
  builder.Append(leaves, full);
  store.Put(full);
  LiveTiles tiles(store, builder);
  EXPECT_THAT(tiles.ReadTile({0, 1, 44}), IsOk());
  EXPECT_THAT(tiles.ReadTile({0, 1, 45}), HasReason(Reason::kLedgerInconsistent));
  EXPECT_THAT(tiles.ReadTile({0, 2, 1}), HasReason(Reason::kLedgerInconsistent));
  EXPECT_THAT(tiles.ReadTile({2, 0, 1}), HasReason(Reason::kLedgerInconsistent));
  EXPECT_THAT(tiles.ReadTile({8, 0, 1}), HasReason(Reason::kLedgerInconsistent));
  EXPECT_THAT(tiles.ReadTile({0, 0, 0}), HasReason(Reason::kLedgerInconsistent));
}

TEST(TileReaderTest, ReadsEachTileOnce) {
  const auto leaves = Leaves(512);
  TileBuilder builder;
  TileStore store;
  std::vector<Tile> full;
  builder.Append(leaves, full);
  store.Put(full);
  LiveTiles tiles(store, builder);
  TileReader reader(512, tiles);
  ASSERT_THAT(MakeInclusionProof(3, 512, reader), IsOk());
  ASSERT_THAT(MakeInclusionProof(200, 512, reader), IsOk());
  EXPECT_EQ(store.reads(), 1);  // The other half is one hash of the tile above.
}

TEST(TileReaderTest, RefusesNodesOutsideOfTheTree) {
  TileStore store;
  TileReader reader(300, store);
  EXPECT_THAT(reader.ReadNode(0, 300), HasReason(Reason::kLedgerInconsistent));
  EXPECT_THAT(reader.ReadNode(9, 0), HasReason(Reason::kLedgerInconsistent));
  EXPECT_THAT(reader.ReadNode(64, 0), HasReason(Reason::kLedgerInconsistent));
  EXPECT_THAT(reader.ReadNode(0, 0), HasReason(Reason::kNotFound));
}

TEST(TileVectors, AgreeWithAPublishedLog) {
  const auto path = test::ExternalData("merkle/tlog_tiles_15_leaves.json");
  if (!path) GTEST_SKIP() << test::kNoExternalData;
  std::ifstream file(*path);
  const auto json = nlohmann::json::parse(file);
  TileBuilder builder;
  std::uint32_t width = 0;
  for (const auto& leaf : json["leaves"]) {
    std::vector<Tile> full;
    const Digest32 hash = LeafHash(AsBytes(leaf.get<std::string>()));
    builder.Append(std::span(&hash, 1), full);
    ++width;
    const auto partial = builder.PartialTiles();
    ASSERT_EQ(partial.size(), 1u);
    EXPECT_EQ(Base64(partial[0].bytes), json["tiles_b64"][TilePath(partial[0].id)]);
    EXPECT_TRUE(json["tiles_b64"].contains(EntriesPath(0, width)));
  }
}

}  // namespace
}  // namespace holdfast::crypto
