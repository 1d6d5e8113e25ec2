// SPDX-License-Identifier: Apache-2.0
// Key trees: the contract in crypto/key_tree.h, against a table of all leaves. Numbers in comments
// are the invariants listed there.
#include "crypto/key_tree.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/internal/secret_access.h"
#include "tests/crypto/reference_key_tree.h"
#include "tests/support/mutations.h"
#include "tests/support/seeded_crypto_random.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using ::holdfast::crypto::internal::SecretAccess;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::ReferenceKeyTree;
using ::testing::Each;
using ::testing::ElementsAre;

using Leaves = std::vector<std::uint32_t>;

// A tree and its table, from the same root.
struct Pair {
  SegmentTree tree;
  ReferenceKeyTree table;
};

Pair MakePair(std::uint32_t depth, std::uint64_t seed = 1) {
  test::SeededCryptoRandom random(seed);
  test::SeededCryptoRandom same(seed);
  return {SegmentTree::Create(random, depth).value(), ReferenceKeyTree(Draw<32>(same), depth)};
}

Bytes ImageOf(const SegmentTree& tree) {
  const auto image = tree.Serialize();
  return ToBytes(SecretAccess::Read(*image));
}

absl::StatusOr<SegmentTree> ParseImage(ByteSpan bytes) {
  Bytes copy = ToBytes(bytes);
  if (copy.empty()) return MakeError(Reason::kStoreCorrupt, "guarded memory is never empty");
  return SegmentTree::Parse(SecretBytes::TakeFrom(copy).value());
}

// Compares every leaf, in the order that costs least.
void ExpectSame(const SegmentTree& tree, const ReferenceKeyTree& table) {
  LeafCursor cursor(tree);
  ASSERT_EQ(tree.leaves(), table.leaves().size());
  for (std::uint32_t leaf = 0; leaf < tree.leaves(); ++leaf) {
    const auto& expected = table.leaves()[leaf];
    LeafSeed seed;
    const absl::Status status = cursor.Derive(leaf, seed);
    ASSERT_EQ(tree.IsDerivable(leaf), expected.has_value()) << leaf;
    ASSERT_EQ(status.ok(), expected.has_value()) << leaf;
    if (expected) {
      ASSERT_TRUE(std::ranges::equal(SecretAccess::Read(seed), *expected)) << leaf;
    } else {
      ASSERT_THAT(status, HasReason(Reason::kRecordNotReleasable));
      ASSERT_THAT(SecretAccess::Read(seed), Each(std::byte{0}));
    }
  }
}

bool Contains(const Bytes& haystack, const ReferenceKeyTree::Seed& needle) {
  return std::search(haystack.begin(), haystack.end(), needle.begin(), needle.end()) !=
         haystack.end();
}

TEST(SegmentTreeTest, DerivesEveryLeafOfAFreshSegment) {
  const Pair pair = MakePair(SegmentTree::kMaxDepth);
  EXPECT_EQ(pair.tree.leaves(), 65'536u);
  EXPECT_THAT(pair.tree.positions(), ElementsAre(1u));
  ExpectSame(pair.tree, pair.table);
}

TEST(SegmentTreeTest, ForgetsEverySubsetOfASmallTree) {
  for (std::uint32_t depth = 1; depth <= 3; ++depth) {
    const std::uint32_t leaves = std::uint32_t{1} << depth;
    for (std::uint32_t subset = 0; subset < (std::uint32_t{1} << leaves); ++subset) {
      SCOPED_TRACE(subset);
      Pair pair = MakePair(depth);
      Leaves destroyed;
      for (std::uint32_t leaf = 0; leaf < leaves; ++leaf) {
        if ((subset >> leaf & 1) != 0) destroyed.push_back(leaf);
      }
      const auto after = pair.tree.Puncture(destroyed);
      ASSERT_THAT(after, IsOk());
      const Bytes image = ImageOf(*after);
      for (const std::uint32_t leaf : destroyed) {
        pair.table.Destroy(leaf);
        // Not only can it not be derived: nothing from which it follows is written down.
        for (const auto& seed : pair.table.PathTo(leaf)) ASSERT_FALSE(Contains(image, seed));
      }
      ASSERT_NO_FATAL_FAILURE(ExpectSame(*after, pair.table));
      ASSERT_THAT(VerifyPuncture(pair.tree, *after, destroyed), IsOk());
    }
  }
}

TEST(SegmentTreeTest, ForgetsMoreAndMoreUntilNothingIsLeft) {  // (2)
  test::SeededRandom choose;
  Pair pair = MakePair(9, choose.seed());
  SegmentTree tree = std::move(pair.tree);
  for (int round = 0; round < 60; ++round) {
    std::set<std::uint32_t> some;
    for (std::uint64_t i = choose.Below(20); i > 0; --i) {
      some.insert(static_cast<std::uint32_t>(choose.Below(tree.leaves())));
    }
    if (round % 10 == 9) {  // A whole stretch, some of it gone before.
      const auto from = static_cast<std::uint32_t>(choose.Below(tree.leaves()));
      for (std::uint32_t i = from; i < std::min(from + 64, tree.leaves()); ++i) some.insert(i);
    }
    const Leaves destroyed(some.begin(), some.end());
    auto after = tree.Puncture(destroyed);
    ASSERT_THAT(after, IsOk());
    for (const std::uint32_t leaf : destroyed) pair.table.Destroy(leaf);
    ASSERT_NO_FATAL_FAILURE(ExpectSame(*after, pair.table));
    ASSERT_THAT(VerifyPuncture(tree, *after, destroyed), IsOk());
    tree = *std::move(after);
  }
  Leaves all(tree.leaves());
  for (std::uint32_t i = 0; i < tree.leaves(); ++i) all[i] = i;
  const auto nothing = tree.Puncture(all);
  ASSERT_THAT(nothing, IsOk());
  EXPECT_TRUE(nothing->positions().empty());
  EXPECT_THAT(VerifyPuncture(tree, *nothing, all), IsOk());
  EXPECT_FALSE(nothing->IsDerivable(0));
  const auto still_nothing = ParseImage(ImageOf(*nothing));
  ASSERT_THAT(still_nothing, IsOk());
  EXPECT_THAT(still_nothing->Puncture(all), IsOk());
}

TEST(SegmentTreeTest, ForgetsThousandsOfLeavesOfAFullSegment) {
  test::SeededRandom choose;
  Pair pair = MakePair(SegmentTree::kMaxDepth, choose.seed());
  std::set<std::uint32_t> some;
  while (some.size() < 2'365) some.insert(static_cast<std::uint32_t>(choose.Below(65'536)));
  const Leaves destroyed(some.begin(), some.end());
  const auto after = pair.tree.Puncture(destroyed);
  ASSERT_THAT(after, IsOk());
  for (const std::uint32_t leaf : destroyed) pair.table.Destroy(leaf);
  ExpectSame(*after, pair.table);
  EXPECT_THAT(VerifyPuncture(pair.tree, *after, destroyed), IsOk());
}

TEST(SegmentTreeTest, KeepsItsNodesInTheOrderOfTheirLeaves) {  // (1)
  const Pair pair = MakePair(4);
  const Leaves destroyed{5};
  const auto after = pair.tree.Puncture(destroyed);
  ASSERT_THAT(after, IsOk());
  // Leaf 5 is node 21; what is left are the siblings of 21, 10, 5 and 2.
  EXPECT_THAT(after->positions(), ElementsAre(4u, 20u, 11u, 3u));
}

TEST(SegmentTreeTest, DerivesInAnyOrder) {
  test::SeededRandom choose;
  Pair pair = MakePair(8);
  const Leaves destroyed{0, 17, 18, 19, 200, 255};
  const auto after = pair.tree.Puncture(destroyed);
  ASSERT_THAT(after, IsOk());
  for (const std::uint32_t leaf : destroyed) pair.table.Destroy(leaf);
  LeafCursor cursor(*after);
  for (int i = 0; i < 5'000; ++i) {
    const auto leaf = static_cast<std::uint32_t>(choose.Below(300));
    LeafSeed by_cursor;
    LeafSeed alone;
    const bool exists = leaf < 256 && pair.table.leaves()[leaf].has_value();
    ASSERT_EQ(cursor.Derive(leaf, by_cursor).ok(), exists) << leaf;
    ASSERT_EQ(after->DeriveLeaf(leaf, alone).ok(), exists) << leaf;
    if (exists) {
      ASSERT_TRUE(std::ranges::equal(SecretAccess::Read(by_cursor), *pair.table.leaves()[leaf]));
      ASSERT_TRUE(std::ranges::equal(SecretAccess::Read(alone), *pair.table.leaves()[leaf]));
    }
  }
  LeafSeed seed;
  EXPECT_THAT(cursor.Derive(0xffff'ffff, seed), HasReason(Reason::kRecordNotReleasable));
}

TEST(SegmentTreeTest, ParsesWhatItSerialized) {
  Pair pair = MakePair(10);
  const Leaves destroyed{1, 2, 3, 500, 1'023};
  const auto after = pair.tree.Puncture(destroyed);
  const auto parsed = ParseImage(ImageOf(*after));
  ASSERT_THAT(parsed, IsOk());
  for (const std::uint32_t leaf : destroyed) pair.table.Destroy(leaf);
  ExpectSame(*parsed, pair.table);
  const auto copy = parsed->Duplicate();
  ASSERT_THAT(copy, IsOk());
  ExpectSame(*copy, pair.table);
}

TEST(SegmentTreeTest, RejectsEveryTruncationAndExtensionOfAnImage) {
  const Pair pair = MakePair(4);
  const Bytes image = ImageOf(*pair.tree.Puncture(Leaves{5}));
  for (const auto& m : test::Truncations(image)) {
    EXPECT_THAT(ParseImage(m.bytes), HasReason(Reason::kStoreCorrupt)) << m.description;
  }
  for (const auto& m : test::Extensions(image)) {
    EXPECT_THAT(ParseImage(m.bytes), HasReason(Reason::kStoreCorrupt)) << m.description;
  }
}

// The image is authenticated by its page; the parser only has to keep the tree's invariants.
TEST(SegmentTreeTest, KeepsItsInvariantsWhicheverBitOfAnImageFlips) {
  const Pair pair = MakePair(4);
  const Bytes image = ImageOf(*pair.tree.Puncture(Leaves{5}));
  for (const auto& m : test::BitFlips(image)) {
    SCOPED_TRACE(m.description);
    const auto tree = ParseImage(m.bytes);
    if (!tree.ok()) {
      EXPECT_THAT(tree, HasReason(Reason::kStoreCorrupt));
      continue;
    }
    std::vector<int> covered(tree->leaves());
    for (const NodePosition position : tree->positions()) {
      ASSERT_GE(position, 1u);
      std::uint64_t from = position;
      std::uint64_t to = from + 1;
      for (; from < tree->leaves(); from *= 2) to *= 2;
      ASSERT_LE(to, 2 * std::uint64_t{tree->leaves()});
      for (; from < to; ++from) ++covered[from - tree->leaves()];
    }
    EXPECT_LE(*std::max_element(covered.begin(), covered.end()), 1);
    LeafSeed seed;
    EXPECT_EQ(tree->DeriveLeaf(0, seed).ok(), covered[0] == 1);
  }
}

TEST(VerifyPunctureTest, NoticesALeafThatIsStillThere) {
  const Pair pair = MakePair(6);
  const Leaves destroyed{7, 9};
  const auto after = pair.tree.Puncture(Leaves{7});
  EXPECT_THAT(VerifyPuncture(pair.tree, *after, destroyed), HasReason(Reason::kInternal));
  EXPECT_THAT(VerifyPuncture(pair.tree, pair.tree, destroyed), HasReason(Reason::kInternal));
}

TEST(VerifyPunctureTest, NoticesALeafThatIsGoneAndShouldNotBe) {
  const Pair pair = MakePair(6);
  const auto after = pair.tree.Puncture(Leaves{7, 9});
  EXPECT_THAT(VerifyPuncture(pair.tree, *after, Leaves{7}), HasReason(Reason::kInternal));
}

TEST(VerifyPunctureTest, NoticesALeafThatCameBack) {
  const Pair pair = MakePair(6);
  const auto punctured = pair.tree.Puncture(Leaves{7});
  EXPECT_THAT(VerifyPuncture(*punctured, pair.tree, Leaves{}), HasReason(Reason::kInternal));
}

TEST(VerifyPunctureTest, NoticesAChangeInAnySeed) {
  const Pair pair = MakePair(4);
  const Leaves destroyed{5};
  const auto after = pair.tree.Puncture(destroyed);
  const Bytes image = ImageOf(*after);
  const std::size_t seeds_at = 6 + 4 * after->positions().size();
  for (std::size_t i = seeds_at; i < image.size(); ++i) {
    Bytes changed = image;
    changed[i] ^= std::byte{0x10};
    const auto wrong = ParseImage(changed);
    ASSERT_THAT(wrong, IsOk());
    EXPECT_THAT(VerifyPuncture(pair.tree, *wrong, destroyed), HasReason(Reason::kInternal)) << i;
  }
}

TEST(VerifyPunctureTest, NoticesAnAncestorsSeedUnderAnotherPlace) {
  // The root's seed, kept where the sibling's should be: every leaf could be derived from it.
  const Pair pair = MakePair(1);
  const auto after = pair.tree.Puncture(Leaves{0});
  ASSERT_THAT(after->positions(), ElementsAre(3u));
  Bytes image = ImageOf(pair.tree);
  image[9] = std::byte{3};
  const auto wrong = ParseImage(image);
  ASSERT_THAT(wrong, IsOk());
  ASSERT_THAT(wrong->positions(), ElementsAre(3u));
  EXPECT_THAT(VerifyPuncture(pair.tree, *wrong, Leaves{0}), HasReason(Reason::kInternal));
}

TEST(VerifyPunctureTest, NoticesLeavesOutOfOrderOrOutOfRange) {
  const Pair pair = MakePair(4);
  const auto after = pair.tree.Puncture(Leaves{3, 5});
  EXPECT_THAT(VerifyPuncture(pair.tree, *after, Leaves{3, 5}), IsOk());
  EXPECT_THAT(VerifyPuncture(pair.tree, *after, Leaves{5, 3}), HasReason(Reason::kInternal));
  EXPECT_THAT(VerifyPuncture(pair.tree, *after, Leaves{3, 5, 16}), HasReason(Reason::kInternal));
}

TEST(VerifyPunctureTest, NoticesATreeOfAnotherDepth) {
  const Pair small = MakePair(4);
  const Pair large = MakePair(5);
  EXPECT_THAT(VerifyPuncture(small.tree, large.tree, Leaves{}), HasReason(Reason::kInternal));
}

TEST(VerifyPunctureTest, AgreesThatALeafWhichWasGoneStaysGone) {
  const Pair pair = MakePair(4);
  const auto once = pair.tree.Puncture(Leaves{5});
  const auto twice = once->Puncture(Leaves{5, 6});
  EXPECT_THAT(VerifyPuncture(*once, *twice, Leaves{5, 6}), IsOk());
}

}  // namespace
}  // namespace holdfast::crypto
