// SPDX-License-Identifier: Apache-2.0
// Inclusion and consistency proofs: crypto/merkle_proof.h.

#include "crypto/merkle_proof.h"

#include <fstream>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "base/bytes.h"
#include "crypto/merkle.h"
#include "tests/reference/merkle_model.h"
#include "tests/support/external_data.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;

std::vector<Bytes> MakeLeaves(std::size_t count) {
  std::vector<Bytes> leaves;
  for (std::size_t i = 0; i < count; ++i) leaves.push_back(ToBytes("entry " + std::to_string(i)));
  return leaves;
}

// Every node of a tree, computed once, level by level.
class AllNodes final : public NodeReader {
 public:
  explicit AllNodes(const std::vector<Bytes>& leaves) {
    levels_.emplace_back();
    for (const Bytes& leaf : leaves) levels_[0].push_back(LeafHash(leaf));
    while (levels_.back().size() > 1) {
      const std::vector<Digest32>& below = levels_.back();
      std::vector<Digest32> level;
      for (std::size_t i = 0; i + 1 < below.size(); i += 2) {
        level.push_back(NodeHash(below[i], below[i + 1]));
      }
      levels_.push_back(std::move(level));
    }
  }

  absl::StatusOr<Digest32> ReadNode(unsigned level, std::uint64_t index) override {
    if (level >= levels_.size() || index >= levels_[level].size()) {
      return MakeError(Reason::kInternal, "asked for a node that the tree does not have");
    }
    return levels_[level][static_cast<std::size_t>(index)];
  }

 private:
  std::vector<std::vector<Digest32>> levels_;
};

// Calls `check` with each bit of each hash of `proof` flipped, each hash left out, doubled or
// exchanged with the next, and one more at either end.
void ForEachDamage(const MerkleProof& proof, const std::function<void(const MerkleProof&)>& check) {
  for (std::size_t i = 0; i < proof.size(); ++i) {
    for (std::size_t bit = 0; bit < 256; ++bit) {
      MerkleProof damaged = proof;
      damaged[i][bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
      check(damaged);
    }
    const auto at = static_cast<std::ptrdiff_t>(i);
    MerkleProof shorter = proof;
    shorter.erase(shorter.begin() + at);
    check(shorter);
    MerkleProof longer = proof;
    longer.insert(longer.begin() + at, proof[i]);
    check(longer);
    if (i + 1 < proof.size() && proof[i] != proof[i + 1]) {
      MerkleProof exchanged = proof;
      std::swap(exchanged[i], exchanged[i + 1]);
      check(exchanged);
    }
  }
  MerkleProof longer = proof;
  longer.push_back(EmptyRoot());
  check(longer);
  longer = proof;
  longer.insert(longer.begin(), Digest32{});
  check(longer);
}

Digest32 FlipOneBit(Digest32 hash) {
  hash[31] ^= std::byte{1};
  return hash;
}

TEST(InclusionProofTest, IsTheModelsForEveryLeafOfEverySmallTree) {
  const auto leaves = MakeLeaves(70);
  AllNodes nodes(leaves);
  for (std::size_t size = 1; size <= leaves.size(); ++size) {
    const auto tree = test::Leaves(leaves).first(size);
    const Digest32 root = test::ModelRoot(tree);
    ASSERT_THAT(RootAt(size, nodes), IsOkAndHolds(root));
    for (std::size_t index = 0; index < size; ++index) {
      const auto proof = MakeInclusionProof(index, size, nodes);
      ASSERT_THAT(proof, IsOkAndHolds(test::ModelPath(index, tree))) << index << " of " << size;
      ASSERT_THAT(VerifyInclusion(index, size, LeafHash(leaves[index]), *proof, root), IsOk());
    }
  }
  EXPECT_THAT(RootAt(0, nodes), IsOkAndHolds(EmptyRoot()));
}

TEST(ConsistencyProofTest, IsTheModelsForEveryPairOfSmallTrees) {
  const auto leaves = MakeLeaves(70);
  AllNodes nodes(leaves);
  std::vector<Digest32> roots;
  for (std::size_t n = 0; n <= leaves.size(); ++n) {
    roots.push_back(test::ModelRoot(test::Leaves(leaves).first(n)));
  }
  for (std::size_t size = 1; size <= leaves.size(); ++size) {
    for (std::size_t old = 1; old <= size; ++old) {
      const auto proof = MakeConsistencyProof(old, size, nodes);
      ASSERT_THAT(proof,
                  IsOkAndHolds(test::ModelConsistency(old, test::Leaves(leaves).first(size))))
          << old << " to " << size;
      ASSERT_THAT(VerifyConsistency(old, size, roots[old], roots[size], *proof), IsOk());
    }
  }
}

TEST(MerkleProofTest, HoldsForRandomLargerTrees) {
  test::SeededRandom random;
  const auto leaves = MakeLeaves(3000);
  AllNodes nodes(leaves);
  for (int round = 0; round < 40; ++round) {
    const auto size = static_cast<std::size_t>(random.Between(1, 3000));
    const auto index = static_cast<std::size_t>(random.Below(size));
    const Digest32 root = *RootAt(size, nodes);
    const auto inclusion = MakeInclusionProof(index, size, nodes);
    ASSERT_THAT(inclusion, IsOk());
    ASSERT_THAT(VerifyInclusion(index, size, LeafHash(leaves[index]), *inclusion, root), IsOk());
    const std::size_t old = index + 1;
    const auto consistency = MakeConsistencyProof(old, size, nodes);
    ASSERT_THAT(consistency, IsOk());
    ASSERT_THAT(VerifyConsistency(old, size, *RootAt(old, nodes), root, *consistency), IsOk());
  }
}

TEST(InclusionProofTest, IsRefusedAfterAnyDamage) {
  const auto leaves = MakeLeaves(13);
  AllNodes nodes(leaves);
  for (const std::size_t size : {1u, 2u, 7u, 8u, 13u}) {
    const Digest32 root = *RootAt(size, nodes);
    for (std::size_t index = 0; index < size; ++index) {
      const MerkleProof proof = *MakeInclusionProof(index, size, nodes);
      const Digest32 leaf = LeafHash(leaves[index]);
      ForEachDamage(proof, [&](const MerkleProof& damaged) {
        ASSERT_THAT(VerifyInclusion(index, size, leaf, damaged, root),
                    HasReason(Reason::kLedgerInconsistent));
      });
      EXPECT_FALSE(VerifyInclusion(index, size, FlipOneBit(leaf), proof, root).ok());
      EXPECT_FALSE(VerifyInclusion(index, size, leaf, proof, FlipOneBit(root)).ok());
      for (std::size_t other = 0; other < size + 3; ++other) {
        if (other == index) continue;
        EXPECT_FALSE(VerifyInclusion(other, size, leaf, proof, root).ok());
      }
    }
  }
}

TEST(ConsistencyProofTest, IsRefusedAfterAnyDamage) {
  const auto leaves = MakeLeaves(13);
  AllNodes nodes(leaves);
  for (const std::size_t size : {1u, 2u, 7u, 8u, 13u}) {
    const Digest32 root = *RootAt(size, nodes);
    for (std::size_t old = 1; old <= size; ++old) {
      const MerkleProof proof = *MakeConsistencyProof(old, size, nodes);
      const Digest32 old_root = *RootAt(old, nodes);
      ForEachDamage(proof, [&](const MerkleProof& damaged) {
        ASSERT_THAT(VerifyConsistency(old, size, old_root, root, damaged),
                    HasReason(Reason::kLedgerInconsistent));
      });
      EXPECT_FALSE(VerifyConsistency(old, size, FlipOneBit(old_root), root, proof).ok());
      EXPECT_FALSE(VerifyConsistency(old, size, old_root, FlipOneBit(root), proof).ok());
    }
  }
}

// Another size can have the same path: the proof is one of the old root's, so it must then fail on
// it.
TEST(ConsistencyProofTest, IsRefusedForAnotherOldSize) {
  const auto leaves = MakeLeaves(40);
  AllNodes nodes(leaves);
  for (std::size_t old = 1; old <= 40; ++old) {
    const MerkleProof proof = *MakeConsistencyProof(old, 40, nodes);
    for (std::size_t other = 0; other <= 41; ++other) {
      if (other == old) continue;
      EXPECT_FALSE(
          VerifyConsistency(other, 40, *RootAt(old, nodes), *RootAt(40, nodes), proof).ok())
          << old << " as " << other;
    }
  }
}

TEST(MerkleProofTest, RefusesToProveWhatNoTreeCan) {
  AllNodes nodes(MakeLeaves(4));
  EXPECT_THAT(MakeInclusionProof(4, 4, nodes), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(MakeInclusionProof(0, 0, nodes), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(MakeConsistencyProof(0, 4, nodes), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(MakeConsistencyProof(0, 0, nodes), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(MakeConsistencyProof(4, 3, nodes), HasReason(Reason::kRequestMalformed));
}

TEST(MerkleProofTest, HandsOnWhatTheReaderCouldNotRead) {
  AllNodes nodes(MakeLeaves(4));
  EXPECT_THAT(MakeInclusionProof(0, 8, nodes), HasReason(Reason::kInternal));
  EXPECT_THAT(MakeConsistencyProof(2, 8, nodes), HasReason(Reason::kInternal));
  EXPECT_THAT(RootAt(8, nodes), HasReason(Reason::kInternal));
}

TEST(MerkleProofTest, WithstandsTheLargestNumbers) {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  const Digest32 hash = LeafHash(AsBytes("x"));
  for (std::size_t length = 0; length < 70; ++length) {
    const MerkleProof proof(length, hash);
    for (const std::uint64_t n : {std::uint64_t{1}, kMax / 2, kMax / 2 + 1, kMax - 1, kMax}) {
      EXPECT_FALSE(VerifyInclusion(n, kMax, hash, proof, hash).ok());
      EXPECT_EQ(VerifyConsistency(n, kMax, hash, hash, proof).ok(), n == kMax && length == 0);
    }
  }
}

TEST(MerkleProofTest, ReadsAProofFromTheWire) {
  const Digest32 hash = LeafHash(AsBytes("x"));
  EXPECT_THAT(ProofFromBytes(std::vector<ByteSpan>(65, hash)), IsOkAndHolds(MerkleProof(65, hash)));
  EXPECT_THAT(ProofFromBytes(std::vector<ByteSpan>(66, hash)),
              HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(ProofFromBytes(std::vector<ByteSpan>{ByteSpan(hash).first(31)}),
              HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(ProofFromBytes(std::vector<ByteSpan>{ByteSpan()}),
              HasReason(Reason::kRequestMalformed));
}

// The published cases spell hashes of any length in base64, and a missing proof as null.
absl::StatusOr<Digest32> HashFrom(const nlohmann::json& text) {
  const auto bytes = FromBase64(text.get<std::string>());
  if (!bytes.ok()) return bytes.status();
  return ArrayFromBytes<Digest32>(*bytes);
}

absl::StatusOr<MerkleProof> ProofFrom(const nlohmann::json& texts) {
  std::vector<Bytes> hashes;
  for (const auto& text : texts) {
    auto bytes = FromBase64(text.get<std::string>());
    if (!bytes.ok()) return bytes.status();
    hashes.push_back(*std::move(bytes));
  }
  return ProofFromBytes(std::vector<ByteSpan>(hashes.begin(), hashes.end()));
}

void ForEachCase(const std::filesystem::path& path,
                 const std::function<bool(const nlohmann::json&)>& holds) {
  std::ifstream file(path);
  std::string line;
  int cases = 0;
  while (std::getline(file, line)) {
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(holds(json), !json["wantErr"].get<bool>()) << json["file"];
    ++cases;
  }
  EXPECT_GT(cases, 90);
}

TEST(MerkleProofVectors, JudgeEveryPublishedInclusionCase) {
  const auto path = test::ExternalData("merkle/inclusion.jsonl");
  if (!path) GTEST_SKIP() << test::kNoExternalData;
  ForEachCase(*path, [](const nlohmann::json& json) {
    const auto leaf = HashFrom(json["leafHash"]);
    const auto root = HashFrom(json["root"]);
    const auto proof = ProofFrom(json["proof"]);
    return leaf.ok() && root.ok() && proof.ok() &&
           VerifyInclusion(json["leafIdx"], json["treeSize"], *leaf, *proof, *root).ok();
  });
}

TEST(MerkleProofVectors, JudgeEveryPublishedConsistencyCase) {
  const auto path = test::ExternalData("merkle/consistency.jsonl");
  if (!path) GTEST_SKIP() << test::kNoExternalData;
  ForEachCase(*path, [](const nlohmann::json& json) {
    // Some roots here are words of a few bytes, and one case with them is meant to hold: as two
    // equal roots. So words are made hashes by hashing them; equal words stay equal.
    const auto root_of = [](const nlohmann::json& text) {
      const auto hash = HashFrom(text);
      return hash.ok() ? *hash : LeafHash(AsBytes(text.get<std::string>()));
    };
    const auto proof = ProofFrom(json["proof"]);
    return proof.ok() && VerifyConsistency(json["size1"], json["size2"], root_of(json["root1"]),
                                           root_of(json["root2"]), *proof)
                             .ok();
  });
}

}  // namespace
}  // namespace holdfast::crypto
