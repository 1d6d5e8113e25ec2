// SPDX-License-Identifier: Apache-2.0
// Checkpoints: crypto/checkpoint.h.

#include "crypto/checkpoint.h"

#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "base/bytes.h"
#include "crypto/merkle.h"
#include "crypto/merkle_proof.h"
#include "crypto/random.h"
#include "tests/support/external_data.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;

class CheckpointTest : public ::testing::Test {
 protected:
  static NoteKey Named(const std::string& name, const SigningKey& key,
                       NoteAlgorithm algorithm = NoteAlgorithm::kEd25519) {
    return *NoteKey::Make(name, algorithm, key.public_key());
  }

  SystemRandom random_;
  const std::string origin_ = LedgerOrigin(ExchangeId(LeafHash(AsBytes("agreement"))));
  const SigningKey key_ = *SigningKey::Generate(random_);
  const NoteKey ledger_ = Named(origin_, key_);
  const Checkpoint checkpoint_{origin_, 1'300'000, LeafHash(AsBytes("root")), {"epoch 7", "x"}};
};

TEST_F(CheckpointTest, OpensWhatWasSigned) {
  const auto note = SignCheckpoint(checkpoint_, {ledger_, key_});
  ASSERT_THAT(note, IsOk());
  const auto opened = OpenCheckpoint(*note, ledger_);
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ(opened->checkpoint, checkpoint_);
  EXPECT_TRUE(opened->witnesses.empty());
}

TEST_F(CheckpointTest, HasAnOriginThatNamesTheExchange) {
  EXPECT_EQ(origin_.substr(0, 22), "holdfast.dev/exchange/");
  EXPECT_EQ(origin_.size(), 22u + 64u);
  EXPECT_THAT(NoteKey::Make(origin_, NoteAlgorithm::kEd25519, key_.public_key()), IsOk());
}

TEST_F(CheckpointTest, IsRefusedAfterAnyDamage) {
  const std::string note = *SignCheckpoint(checkpoint_, {ledger_, key_});
  for (const test::Mutation& m : test::BitFlipsAndTruncations(AsBytes(note))) {
    EXPECT_FALSE(OpenCheckpoint(AsText(m.bytes), ledger_).ok()) << m.description;
  }
  for (const test::Mutation& m : test::Extensions(AsBytes(note))) {
    EXPECT_FALSE(OpenCheckpoint(AsText(m.bytes), ledger_).ok()) << m.description;
  }
}

TEST_F(CheckpointTest, TextIsReadOnlyAsItIsWritten) {
  const std::string text = CheckpointText(checkpoint_);
  EXPECT_THAT(ParseCheckpointText(text), IsOkAndHolds(checkpoint_));
  for (const test::Mutation& m : test::BitFlipsAndTruncations(AsBytes(text))) {
    const auto read = ParseCheckpointText(AsText(m.bytes));
    if (read.ok()) {
      EXPECT_EQ(CheckpointText(*read), AsText(m.bytes)) << m.description;
    }
  }
}

TEST_F(CheckpointTest, RefusesTextsOfAnotherShape) {
  const std::string root = Base64(checkpoint_.root);
  for (const std::string& text : {
           std::string(), std::string("\n"), std::string("o\n1\n"), "o\n1\n" + root,
           "\n1\n" + root + "\n", "o\n01\n" + root + "\n", "o\n+1\n" + root + "\n",
           "o\n-1\n" + root + "\n", "o\n0x1\n" + root + "\n", "o\n 1\n" + root + "\n",
           "o\n1 \n" + root + "\n", "o\n18446744073709551616\n" + root + "\n",
           "o\n1\n" + root + " \n", "o\n1\n" + root.substr(0, 40) + "\n", "o\n1\n" + root + "\n\n",
           "o\n1\n" + root + "\nx\n\n", "o\n1\n" + root + "\nx",
           "o\n0\n" + root + "\n",  // The empty tree has one root, and it is not this.
       }) {
    EXPECT_FALSE(ParseCheckpointText(text).ok()) << text;
  }
  EXPECT_THAT(ParseCheckpointText("o\n18446744073709551615\n" + root + "\n"), IsOk());
  EXPECT_THAT(ParseCheckpointText("o\n0\n" + Base64(EmptyRoot()) + "\n"), IsOk());
}

TEST_F(CheckpointTest, IsOfOneLedgerOnly) {
  Checkpoint other = checkpoint_;
  other.origin = "holdfast.dev/exchange/other";
  const std::string note = *SignCheckpoint(other, {ledger_, key_});
  EXPECT_THAT(OpenCheckpoint(note, ledger_), HasReason(Reason::kLedgerInconsistent));
}

TEST_F(CheckpointTest, NeedsTheLedgersSignatureAndNotAWitnesss) {
  const SigningKey witness_key = *SigningKey::Generate(random_);
  const NoteKey witness = Named("w.example", witness_key, NoteAlgorithm::kCosignatureV1);
  const UnixMillis now(1'800'000'000'000);
  const std::string alone = *SignNote(CheckpointText(checkpoint_), {witness, witness_key}, now);
  EXPECT_THAT(OpenCheckpoint(alone, ledger_, {{witness}}), HasReason(Reason::kSignatureInvalid));
  const std::string both =
      *AddNoteSignature(*SignCheckpoint(checkpoint_, {ledger_, key_}), {witness, witness_key}, now);
  const auto opened = OpenCheckpoint(both, ledger_, {{witness}});
  ASSERT_THAT(opened, IsOk());
  ASSERT_EQ(opened->witnesses.size(), 1u);
  EXPECT_EQ(opened->witnesses[0].key.name(), "w.example");
  EXPECT_EQ(opened->witnesses[0].at, now);
  EXPECT_TRUE(OpenCheckpoint(both, ledger_)->witnesses.empty());
}

TEST(CheckpointVectors, AgreeWithPublishedCheckpoints) {
  const auto path = test::ExternalData("merkle/tlog_tiles_15_leaves.json");
  if (!path) GTEST_SKIP() << test::kNoExternalData;
  std::ifstream file(*path);
  const auto json = nlohmann::json::parse(file);
  const auto key = NoteKey::Parse(json["vkey"].get<std::string>());
  ASSERT_THAT(key, IsOk());
  std::vector<Digest32> leaves;
  for (const auto& leaf : json["leaves"]) {
    leaves.push_back(LeafHash(AsBytes(leaf.get<std::string>())));
  }
  for (std::size_t n = 0; n <= leaves.size(); ++n) {
    const auto opened = OpenCheckpoint(
        json["checkpoints"]["checkpoint." + std::to_string(n)].get<std::string>(), *key);
    ASSERT_THAT(opened, IsOk()) << n;
    EXPECT_EQ(opened->checkpoint.size, n);
    EXPECT_EQ(opened->checkpoint.root, RootOf(std::span(leaves).first(n)));
  }
}

TEST(CheckpointVectors, JudgePublishedTexts) {
  const auto path = test::ExternalData("merkle/tlog_text_formats.json");
  if (!path) GTEST_SKIP() << test::kNoExternalData;
  std::ifstream file(*path);
  const auto json = nlohmann::json::parse(file)["tree"];
  const auto good = ParseCheckpointText(json["good"].get<std::string>());
  ASSERT_THAT(good, IsOk());
  EXPECT_EQ(good->size, 123'456'789'012u);
  EXPECT_EQ(good->root, LeafHash(AsBytes("hello world")));
  for (const auto& text : json["bad"]) {
    const auto read = ParseCheckpointText(text.get<std::string>());
    // The first of them is a checkpoint of another log.
    EXPECT_TRUE(!read.ok() || read->origin != "go.sum database tree") << text;
  }
}

// A witness's rules, in the order in which they apply: signature, size that it knows, proof.
TEST(CheckpointVectors, JudgePublishedWitnessRequests) {
  const auto path = test::ExternalData("merkle/witness_add_checkpoint_requests.json");
  if (!path) GTEST_SKIP() << test::kNoExternalData;
  std::ifstream file(*path);
  const auto json = nlohmann::json::parse(file);
  const auto public_key =
      PublicKey::FromBytes(*FromHex(json["log_public_key_hex"].get<std::string>()));
  ASSERT_THAT(public_key, IsOk());
  std::uint64_t known = 0;
  Digest32 known_root = EmptyRoot();
  for (const auto& request : json["requests"]) {
    const std::string note = request["checkpoint"];
    const std::string origin =
        "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562";
    const auto opened =
        OpenCheckpoint(note, *NoteKey::Make(origin, NoteAlgorithm::kEd25519, *public_key));
    int status = 200;
    std::vector<Bytes> hashes;
    for (const auto& text : request["consistency_proof"]) {
      hashes.push_back(*FromBase64(text.get<std::string>()));
    }
    const auto proof = ProofFromBytes(std::vector<ByteSpan>(hashes.begin(), hashes.end()));
    ASSERT_THAT(proof, IsOk());
    if (!opened.ok()) {
      status = 403;
    } else if (request["old_size"] != known) {
      status = 409;
    } else if (known != 0 && !VerifyConsistency(known, opened->checkpoint.size, known_root,
                                                opened->checkpoint.root, *proof)
                                  .ok()) {
      status = 422;
    }
    EXPECT_EQ(status, request["expect_http"]) << request["expect"];
    if (status == 200) {
      known = opened->checkpoint.size;
      known_root = opened->checkpoint.root;
    }
  }
  EXPECT_GT(known, 0u);
}

}  // namespace
}  // namespace holdfast::crypto
