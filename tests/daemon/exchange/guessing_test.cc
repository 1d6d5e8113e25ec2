// SPDX-License-Identifier: Apache-2.0
// Nobody learns a verdict from hashes and proofs: each entry has a salt of its own, and a receipt
// has no entry but the one that its holder knows.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "crypto/merkle.h"
#include "crypto/merkle_proof.h"
#include "crypto/random.h"
#include "crypto/tlog_proof.h"
#include "daemon/exchange/entry_batch.h"

namespace holdfast::exchange {
namespace {

constexpr std::uint32_t kRows = 8;
constexpr std::uint32_t kVerdicts = 256;

// One chunk as a worker prepares it. Only the verdicts are secret.
std::unique_ptr<EntryBatch> Chunk(crypto::Random& random) {
  auto batch = std::make_unique<EntryBatch>(kRows, random);
  for (std::uint32_t row = 0; row < kRows; ++row) {
    auto& fact = *batch->Add()->mutable_subject_judged();
    fact.set_transfer(3);
    fact.set_row(row);
    fact.set_verdict(1 + row % 3);
    fact.set_gate_version(1);
  }
  batch->Seal();
  return batch;
}

class Nodes final : public crypto::NodeReader {
 public:
  explicit Nodes(std::vector<Digest32> leaves) : leaves_(std::move(leaves)) {}
  absl::StatusOr<Digest32> ReadNode(unsigned level, std::uint64_t index) override {
    const std::size_t width = std::size_t{1} << level;
    return crypto::RootOf(
        std::span(leaves_).subspan(static_cast<std::size_t>(index) * width, width));
  }

 private:
  const std::vector<Digest32> leaves_;
};

// How many of all verdicts make this leaf, if `entry` is right in everything else.
int Guesses(ledger::v1::Entry entry, const std::string& salt, const Digest32& leaf) {
  int hits = 0;
  entry.set_salt(salt);
  for (std::uint32_t verdict = 0; verdict < kVerdicts; ++verdict) {
    entry.mutable_subject_judged()->set_verdict(verdict);
    if (crypto::LeafHash(AsBytes(entry.SerializeAsString())) == leaf) ++hits;
  }
  return hits;
}

TEST(GuessingTest, ANeighboursVerdictCannotBeTriedAgainstAProof) {
  crypto::SystemRandom random;
  const auto batch = Chunk(random);
  std::vector<Digest32> leaves;
  for (std::size_t i = 0; i < batch->size(); ++i) leaves.push_back(batch->leaf_hash(i));
  Nodes nodes(leaves);
  for (std::uint64_t own = 0; own < kRows; ++own) {
    const auto proof = crypto::MakeInclusionProof(own, kRows, nodes);
    ASSERT_TRUE(proof.ok());
    // The proof's first hash is the neighbour's leaf, and its entry is known but for the verdict.
    const std::uint64_t other = own ^ 1;
    ASSERT_EQ(proof->front(), leaves[other]);
    const ledger::v1::Entry& entry = batch->entry(other);
    EXPECT_EQ(Guesses(entry, batch->entry(own).salt(), proof->front()), 0);
    EXPECT_EQ(Guesses(entry, std::string(EntryBatch::kSaltBytes, '\0'), proof->front()), 0);
    EXPECT_EQ(Guesses(entry, "", proof->front()), 0);
    // The test can tell: with the salt there is exactly one.
    EXPECT_EQ(Guesses(entry, entry.salt(), proof->front()), 1);
  }
}

TEST(GuessingTest, NoSaltIsUsedTwice) {
  crypto::SystemRandom random;
  std::set<std::string> salts;
  for (int i = 0; i < 64; ++i) {
    const auto batch = Chunk(random);
    for (std::size_t row = 0; row < batch->size(); ++row) {
      EXPECT_EQ(batch->entry(row).salt().size(), EntryBatch::kSaltBytes);
      EXPECT_TRUE(salts.insert(batch->entry(row).salt()).second);
    }
  }
}

TEST(GuessingTest, AReceiptHasNoBytesOfAnyEntry) {
  crypto::SystemRandom random;
  const auto batch = Chunk(random);
  std::vector<Digest32> leaves;
  for (std::size_t i = 0; i < batch->size(); ++i) leaves.push_back(batch->leaf_hash(i));
  Nodes nodes(leaves);
  const auto path = crypto::MakeInclusionProof(2, kRows, nodes);
  ASSERT_TRUE(path.ok());
  const std::string receipt = crypto::FormatTlogProof({2, *path, "a checkpoint\n"});
  for (std::size_t i = 0; i < batch->size(); ++i) {
    // Every entry begins with its salt, and no two are the same.
    EXPECT_EQ(receipt.find(Base64(AsBytes(batch->entry(i).salt()))), std::string::npos);
    EXPECT_EQ(receipt.find(batch->entry(i).salt()), std::string::npos);
  }
  // What it has: an index, and one hash for each level of the tree.
  EXPECT_EQ(path->size(), 3U);
}

}  // namespace
}  // namespace holdfast::exchange
