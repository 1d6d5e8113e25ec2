// SPDX-License-Identifier: Apache-2.0
// Proofs of single entries: crypto/tlog_proof.h.

#include "crypto/tlog_proof.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "crypto/merkle.h"
#include "crypto/random.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;

// The nodes of a small tree, from its leaves and by nothing else.
class SmallTree final : public NodeReader {
 public:
  explicit SmallTree(std::vector<Digest32> leaves) : leaves_(std::move(leaves)) {}

  absl::StatusOr<Digest32> ReadNode(unsigned level, std::uint64_t index) override {
    const std::size_t width = std::size_t{1} << level;
    return RootOf(std::span(leaves_).subspan(static_cast<std::size_t>(index) * width, width));
  }

  Digest32 Root() const { return RootOf(leaves_); }

 private:
  std::vector<Digest32> leaves_;
};

class TlogProofTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kSize = 21;

  static Digest32 Leaf(std::uint64_t index) {
    return LeafHash(AsBytes("entry " + std::to_string(index)));
  }

  static std::vector<Digest32> Leaves() {
    std::vector<Digest32> leaves;
    for (std::uint64_t i = 0; i < kSize; ++i) leaves.push_back(Leaf(i));
    return leaves;
  }

  TlogProof Make(std::uint64_t index) {
    TlogProof proof;
    proof.index = index;
    proof.path = *MakeInclusionProof(index, kSize, tree_);
    proof.checkpoint = *SignCheckpoint({origin_, kSize, tree_.Root(), {}}, {ledger_, key_});
    return proof;
  }

  SystemRandom random_;
  const std::string origin_ = LedgerOrigin(ExchangeId(LeafHash(AsBytes("agreement"))));
  const SigningKey key_ = *SigningKey::Generate(random_);
  const NoteKey ledger_ = *NoteKey::Make(origin_, NoteAlgorithm::kEd25519, key_.public_key());
  SmallTree tree_{Leaves()};
};

TEST_F(TlogProofTest, ProvesEachEntryAndNoOther) {
  for (std::uint64_t index = 0; index < kSize; ++index) {
    const auto read = ParseTlogProof(FormatTlogProof(Make(index)));
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(*read, Make(index));
    const auto verified = VerifyTlogProof(*read, Leaf(index), ledger_);
    ASSERT_THAT(verified, IsOk());
    EXPECT_EQ(verified->checkpoint.size, kSize);
    for (std::uint64_t other = 0; other < kSize; ++other) {
      if (other == index) continue;
      EXPECT_FALSE(VerifyTlogProof(*read, Leaf(other), ledger_).ok()) << index << " " << other;
    }
  }
}

TEST_F(TlogProofTest, IsRefusedAfterAnyDamage) {
  const std::string text = FormatTlogProof(Make(13));
  for (const test::Mutation& m : test::BitFlipsAndTruncations(AsBytes(text))) {
    const auto read = ParseTlogProof(ToString(m.bytes));
    if (!read.ok()) {
      EXPECT_THAT(read, HasReason(Reason::kRequestMalformed)) << m.description;
      continue;
    }
    EXPECT_EQ(FormatTlogProof(*read), ToString(m.bytes)) << m.description;
    EXPECT_FALSE(VerifyTlogProof(*read, Leaf(13), ledger_).ok()) << m.description;
  }
}

TEST_F(TlogProofTest, IsRefusedUnderAnotherKey) {
  const SigningKey other = *SigningKey::Generate(random_);
  const NoteKey other_key = *NoteKey::Make(origin_, NoteAlgorithm::kEd25519, other.public_key());
  EXPECT_THAT(VerifyTlogProof(Make(3), Leaf(3), other_key), HasReason(Reason::kSignatureInvalid));
}

TEST_F(TlogProofTest, DropsExtraDataAndRefusesWhatIsNoBase64) {
  const std::string text = FormatTlogProof(Make(3));
  const std::size_t second_line = text.find('\n') + 1;
  const auto with = [&](const std::string& line) {
    return ParseTlogProof(text.substr(0, second_line) + line + text.substr(second_line));
  };
  const auto read = with("extra aG9sZGZhc3Q=\n");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(*read, Make(3));
  EXPECT_THAT(with("extra aG9s ZGZhc3Q=\n"), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(with("extra aG9sZGZhc3Q=\nextra aG9sZGZhc3Q=\n"),
              HasReason(Reason::kRequestMalformed));
}

TEST_F(TlogProofTest, HasOneTextForEachIndex) {
  const std::string text = FormatTlogProof(Make(3));
  for (const std::string_view index :
       {"03", "+3", "-3", " 3", "3 ", "", "0x3", "18446744073709551616"}) {
    std::string changed = text;
    changed.replace(changed.find("index 3"), 7, "index " + std::string(index));
    EXPECT_THAT(ParseTlogProof(changed), HasReason(Reason::kRequestMalformed)) << index;
  }
}

TEST_F(TlogProofTest, BoundsWhatItReads) {
  TlogProof proof = Make(3);
  proof.path.assign(64, Digest32{});
  EXPECT_THAT(ParseTlogProof(FormatTlogProof(proof)), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(ParseTlogProof(std::string(kMaxTlogProofBytes + 1, 'a')),
              HasReason(Reason::kRequestMalformed));
}

}  // namespace
}  // namespace holdfast::crypto
