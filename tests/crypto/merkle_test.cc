// SPDX-License-Identifier: Apache-2.0
// Frontier and the hashes of the tree: crypto/merkle.h. Numbers in comments are its invariants.

#include "crypto/merkle.h"

#include <bit>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "base/bytes.h"
#include "crypto/sha256.h"
#include "tests/reference/merkle_model.h"
#include "tests/support/external_data.h"
#include "tests/support/mutations.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOkAndHolds;

std::vector<Bytes> RandomLeaves(test::SeededRandom& random, std::size_t count) {
  std::vector<Bytes> leaves;
  for (std::size_t i = 0; i < count; ++i) leaves.push_back(random.MakeBytes(random.Below(80)));
  return leaves;
}

TEST(MerkleTest, SeparatesLeavesFromNodes) {  // (1)
  const Digest32 a = LeafHash(AsBytes("a"));
  const Digest32 b = LeafHash(AsBytes("b"));
  Bytes both(a.begin(), a.end());
  both.insert(both.end(), b.begin(), b.end());
  EXPECT_NE(NodeHash(a, b), LeafHash(both));
  EXPECT_EQ(NodeHash(a, b), test::ModelHash(1, a, b));
  EXPECT_NE(NodeHash(a, b), NodeHash(b, a));
}

TEST(MerkleTest, HashesLeavesInABatchAsOneByOne) {
  test::SeededRandom random;
  const std::vector<Bytes> leaves = RandomLeaves(random, 20);
  const std::vector<ByteSpan> spans(leaves.begin(), leaves.end());
  std::vector<Digest32> hashes(leaves.size());
  LeafHashes(spans, hashes);
  for (std::size_t i = 0; i < leaves.size(); ++i) EXPECT_EQ(hashes[i], LeafHash(leaves[i]));
}

TEST(FrontierTest, HasTheRootOfTheModelAtEverySize) {
  test::SeededRandom random;
  const std::vector<Bytes> leaves = RandomLeaves(random, 300);
  Frontier frontier;
  std::vector<Digest32> hashes;
  EXPECT_EQ(frontier.Root(), EmptyRoot());
  for (std::size_t n = 1; n <= leaves.size(); ++n) {
    hashes.push_back(LeafHash(leaves[n - 1]));
    frontier.Append(hashes.back());
    ASSERT_EQ(frontier.size(), n);
    ASSERT_EQ(frontier.Root(), test::ModelRoot(test::Leaves(leaves).first(n))) << n;
    ASSERT_EQ(RootOf(hashes), frontier.Root());
  }
}

TEST(FrontierTest, HoldsOneHashForEachSetBit) {  // (2)
  Frontier frontier;
  for (std::uint64_t n = 0; n < 600; ++n) {
    EXPECT_EQ(frontier.Serialize().size(), 8 + 32 * static_cast<std::size_t>(std::popcount(n)));
    frontier.Append(LeafHash(AsBytes("x")));
  }
}

TEST(FrontierTest, ReportsEachNodeThatALeafCompletes) {
  Frontier frontier;
  std::vector<Digest32> leaves;
  for (unsigned n = 1; n <= 64; ++n) {
    leaves.push_back(LeafHash(AsBytes(std::to_string(n))));
    unsigned last = 0;
    frontier.AppendAnd(leaves.back(), [&](unsigned level, const Digest32& hash) {
      EXPECT_EQ(level, last + 1);
      last = level;
      EXPECT_EQ(hash, RootOf(std::span(leaves).last(std::size_t{1} << level)));
    });
    EXPECT_EQ(last, static_cast<unsigned>(std::countr_zero(n)));
  }
}

TEST(FrontierTest, GoesOnWhereItWasSerialized) {
  test::SeededRandom random;
  Frontier frontier;
  for (int i = 0; i < 200; ++i) {
    auto read = Frontier::Parse(frontier.Serialize());
    ASSERT_THAT(read, IsOkAndHolds(frontier));
    const Digest32 leaf = LeafHash(random.MakeBytes(8));
    read->Append(leaf);
    frontier.Append(leaf);
    ASSERT_EQ(read->Root(), frontier.Root());
  }
}

TEST(FrontierTest, RefusesBytesOfAnotherLength) {
  Frontier frontier;
  for (int i = 0; i < 5; ++i) frontier.Append(LeafHash(AsBytes("x")));
  const Bytes bytes = frontier.Serialize();
  for (const test::Mutation& m : test::Truncations(bytes)) {
    EXPECT_THAT(Frontier::Parse(m.bytes), HasReason(Reason::kStoreCorrupt)) << m.description;
  }
  for (const test::Mutation& m : test::Extensions(bytes)) {
    EXPECT_THAT(Frontier::Parse(m.bytes), HasReason(Reason::kStoreCorrupt)) << m.description;
  }
}

TEST(FrontierTest, IsAnotherTreeAfterAnyFlippedBit) {
  Frontier frontier;
  for (int i = 0; i < 5; ++i) frontier.Append(LeafHash(AsBytes("x")));
  for (const test::Mutation& m : test::BitFlips(frontier.Serialize())) {
    const auto read = Frontier::Parse(m.bytes);
    if (!read.ok()) continue;
    EXPECT_TRUE(read->size() != frontier.size() || read->Root() != frontier.Root())
        << m.description;
  }
}

TEST(MerkleVectors, AgreeWithThePublishedTree) {
  const auto path = test::ExternalData("merkle/rfc6962_reference_tree.json");
  if (!path) GTEST_SKIP() << test::kNoExternalData;
  std::ifstream file(*path);
  const auto json = nlohmann::json::parse(file);
  Frontier frontier;
  ASSERT_EQ(Hex(frontier.Root()), json["root_by_size"][0]);
  for (std::size_t i = 0; i < json["leaf_inputs_hex"].size(); ++i) {
    const auto input = FromHex(std::string(json["leaf_inputs_hex"][i]));
    ASSERT_TRUE(input.ok());
    const Digest32 leaf = LeafHash(*input);
    EXPECT_EQ(Hex(leaf), json["node_hashes_by_level"][0][i]);
    frontier.AppendAnd(leaf, [&](unsigned level, const Digest32& hash) {
      EXPECT_EQ(Hex(hash), json["node_hashes_by_level"][level][i >> level]);
    });
    EXPECT_EQ(Hex(frontier.Root()), json["root_by_size"][i + 1]);
  }
  EXPECT_EQ(Hex(EmptyRoot()), json["hasher_cases"][0]["sha256"]);
  EXPECT_EQ(Hex(LeafHash(AsBytes(""))), json["hasher_cases"][1]["leaf_hash"]);
  EXPECT_EQ(Hex(LeafHash(AsBytes("L123456"))), json["hasher_cases"][2]["leaf_hash"]);
  // The children of this node are five bytes long, not hashes.
  EXPECT_EQ(Hex(test::ModelHash(1, AsBytes("N123"), AsBytes("N456"))),
            json["hasher_cases"][3]["node_hash"]);
}

}  // namespace
}  // namespace holdfast::crypto
