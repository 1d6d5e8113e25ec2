// SPDX-License-Identifier: Apache-2.0
// Remembered checkpoints, and exports.
#include "client/ledger_client.h"

#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "client/entry_proof.h"
#include "crypto/ed25519.h"
#include "crypto/merkle.h"
#include "crypto/merkle_proof.h"
#include "crypto/random.h"
#include "tests/support/fault_sweep.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::client {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;

// A ledger of entries "PREFIX0", "PREFIX1" and so on, signed by a key of its own.
class FakeLedger final : public crypto::NodeReader {
 public:
  FakeLedger(const ExchangeId& exchange, const crypto::SigningKey& key)
      : exchange_(exchange), key_(key) {}

  void Add(const std::string& entry) {
    const Digest32 leaf = crypto::LeafHash(AsBytes(entry));
    Put(0, leaf);
    frontier_.AppendAnd(leaf, [&](unsigned level, const Digest32& hash) { Put(level, hash); });
  }

  v1::Checkpoint Answer(std::uint64_t known_size) {
    v1::Checkpoint answer;
    crypto::Checkpoint checkpoint;
    checkpoint.origin = crypto::LedgerOrigin(exchange_);
    checkpoint.size = frontier_.size();
    checkpoint.root = frontier_.Root();
    const auto note_key = crypto::NoteKey::Make(checkpoint.origin, crypto::NoteAlgorithm::kEd25519,
                                                key_.public_key());
    EXPECT_THAT(note_key, IsOk());
    const auto note = crypto::SignCheckpoint(checkpoint, {*note_key, key_});
    EXPECT_THAT(note, IsOk());
    answer.set_note(*note);
    if (known_size > 0 && known_size < frontier_.size()) {
      const auto proof = crypto::MakeConsistencyProof(known_size, frontier_.size(), *this);
      EXPECT_THAT(proof, IsOk());
      for (const Digest32& hash : *proof) answer.add_consistency(ToString(hash));
    }
    return answer;
  }

  v1::InclusionProof Prove(std::uint64_t index) {
    v1::InclusionProof answer;
    const auto proof = crypto::MakeInclusionProof(index, frontier_.size(), *this);
    EXPECT_THAT(proof, IsOk());
    for (const Digest32& hash : *proof) answer.add_path(ToString(hash));
    return answer;
  }

  absl::StatusOr<Digest32> ReadNode(unsigned level, std::uint64_t index) override {
    return levels_.at(level).at(static_cast<std::size_t>(index));
  }

 private:
  void Put(unsigned level, const Digest32& hash) {
    if (levels_.size() <= level) levels_.resize(level + 1);
    levels_[level].push_back(hash);
  }

  const ExchangeId exchange_;
  const crypto::SigningKey& key_;
  crypto::Frontier frontier_;
  std::vector<std::vector<Digest32>> levels_;
};

class CheckpointMemoryTest : public ::testing::Test {
 protected:
  CheckpointMemoryTest() : key_(*crypto::SigningKey::Generate(random_)) {}

  absl::StatusOr<VerifiedCheckpoint> Accept(const v1::Checkpoint& answer) {
    return AcceptCheckpoint(memory_, exchange_, key_.public_key().bytes(), answer);
  }

  crypto::SystemRandom random_;
  const crypto::SigningKey key_;
  const ExchangeId exchange_{Digest32{std::byte{7}}};
  test::MemoryFileSystem files_;
  CheckpointMemory memory_{files_, "/state", exchange_};
  FakeLedger ledger_{exchange_, key_};
};

TEST_F(CheckpointMemoryTest, FollowsALedgerThatGrows) {
  std::uint64_t known = 0;
  for (int i = 0; i < 40; ++i) {
    ledger_.Add("entry" + std::to_string(i));
    const auto verified = Accept(ledger_.Answer(known));
    ASSERT_THAT(verified, IsOk());
    EXPECT_EQ(verified->followed_from, known);
    known = verified->checkpoint.size;
  }
  EXPECT_THAT(Accept(ledger_.Answer(known)), IsOk());  // Nothing new.
}

TEST_F(CheckpointMemoryTest, NoticesAForkAndKeepsBoth) {
  for (int i = 0; i < 5; ++i) ledger_.Add("entry" + std::to_string(i));
  ASSERT_THAT(Accept(ledger_.Answer(0)), IsOk());
  const auto remembered = memory_.Load();
  ASSERT_THAT(remembered, IsOk());
  FakeLedger fork(exchange_, key_);
  for (int i = 0; i < 9; ++i) fork.Add("other" + std::to_string(i));
  const auto refused = Accept(fork.Answer(5));
  EXPECT_THAT(refused, HasReason(Reason::kLedgerInconsistent));
  const auto metadata = MetadataOf(refused.status());
  EXPECT_EQ(ToString(*files_.ReadWhole(metadata.at("refused"), 1 << 16)), fork.Answer(5).note());
  EXPECT_EQ(memory_.Load()->note, remembered->note);
  EXPECT_EQ(metadata.at("kept"), memory_.path());
}

// Two commands of one person at the same time.
TEST_F(CheckpointMemoryTest, TakesWhatAnotherProcessCameToKnowMeanwhileForNoFork) {
  for (int i = 0; i < 5; ++i) ledger_.Add("entry" + std::to_string(i));
  ASSERT_THAT(Accept(ledger_.Answer(0)), IsOk());
  const auto asked = memory_.Load();
  ASSERT_THAT(asked, IsOk());
  const auto accept = [&](const v1::Checkpoint& answer) {
    return AcceptCheckpoint(memory_, *asked, exchange_, key_.public_key().bytes(), answer);
  };
  ledger_.Add("entry5");
  const v1::Checkpoint older = ledger_.Answer(5);
  ledger_.Add("entry6");
  ASSERT_THAT(Accept(ledger_.Answer(5)), IsOk());  // The other one.
  const auto newest = memory_.Load();
  // What was answered before is older than what is known now, and no rollback.
  EXPECT_THAT(accept(older), IsOk());
  EXPECT_EQ(memory_.Load()->note, newest->note);
  // And what was answered afterwards begins with what was asked about.
  ledger_.Add("entry7");
  const auto verified = accept(ledger_.Answer(5));
  ASSERT_THAT(verified, IsOk());
  EXPECT_EQ(verified->followed_from, 5u);
  EXPECT_EQ(memory_.Load()->note, verified->note);
  // A fork stays one.
  FakeLedger fork(exchange_, key_);
  for (int i = 0; i < 9; ++i) fork.Add("other" + std::to_string(i));
  EXPECT_THAT(accept(fork.Answer(5)), HasReason(Reason::kLedgerInconsistent));
  EXPECT_EQ(memory_.Load()->note, verified->note);
}

TEST_F(CheckpointMemoryTest, NoticesARollbackAndAForkOfTheSameSize) {
  for (int i = 0; i < 5; ++i) ledger_.Add("entry" + std::to_string(i));
  ASSERT_THAT(Accept(ledger_.Answer(0)), IsOk());
  FakeLedger shorter(exchange_, key_);
  for (int i = 0; i < 4; ++i) shorter.Add("entry" + std::to_string(i));
  EXPECT_THAT(Accept(shorter.Answer(0)), HasReason(Reason::kLedgerInconsistent));
  FakeLedger same_size(exchange_, key_);
  for (int i = 0; i < 5; ++i) same_size.Add("other" + std::to_string(i));
  EXPECT_THAT(Accept(same_size.Answer(0)), HasReason(Reason::kLedgerInconsistent));
}

TEST_F(CheckpointMemoryTest, BelievesNoOtherKeyThanTheFirst) {
  ledger_.Add("entry");
  ASSERT_THAT(Accept(ledger_.Answer(0)), IsOk());
  const auto other_key = crypto::SigningKey::Generate(random_);
  ASSERT_THAT(other_key, IsOk());
  FakeLedger forged(exchange_, *other_key);
  forged.Add("entry");
  EXPECT_THAT(
      AcceptCheckpoint(memory_, exchange_, other_key->public_key().bytes(), forged.Answer(0))
          .status(),
      HasReason(Reason::kLedgerInconsistent));
}

TEST_F(CheckpointMemoryTest, RefusesANoteOfAnotherExchange) {
  FakeLedger other(ExchangeId(), key_);
  other.Add("entry");
  EXPECT_THAT(Accept(other.Answer(0)), HasReason(Reason::kSignatureInvalid));
}

TEST_F(CheckpointMemoryTest, RemembersTheOldOrTheNewWhicheverOperationFails) {
  ledger_.Add("entry 0");
  const std::string old = ledger_.Answer(0).note();
  ledger_.Add("entry 1");
  const std::string newer = ledger_.Answer(0).note();
  test::FaultSweep([&](test::FaultPlan& plan) {
    test::MemoryFileSystem disk;
    const CheckpointMemory memory(disk, "/state", exchange_);
    ASSERT_THAT(memory.Store({"key", old}), IsOk());
    test::FaultyFileSystem flaky(disk, plan);
    const bool stored = CheckpointMemory(flaky, "/state", exchange_).Store({"key", newer}).ok();
    disk.LoseUnsyncedWrites();
    const auto remembered = memory.Load();
    ASSERT_THAT(remembered, IsOk());
    EXPECT_TRUE(remembered->note == newer || (!stored && remembered->note == old));
  });
}

// What one process has verified and not remembered, the gateway could take back unseen.
TEST_F(CheckpointMemoryTest, WaitsForAnotherProcessThatRemembers) {
  ledger_.Add("entry");
  const std::string note = ledger_.Answer(0).note();
  ASSERT_THAT(files_.MakeDirectory("/state"), IsOk());
  auto lock = files_.Lock(memory_.path() + ".lock");
  ASSERT_THAT(lock, IsOk());
  absl::Status stored;
  std::thread other([&] { stored = memory_.Store({"key", note}); });
  lock->reset();
  other.join();
  EXPECT_THAT(stored, IsOk());
  EXPECT_EQ(memory_.Load()->note, note);
}

TEST_F(CheckpointMemoryTest, SaysSoWhereItCannotRemember) {
  ledger_.Add("entry");
  ASSERT_THAT(files_.MakeDirectory("/state"), IsOk());
  const auto lock = files_.Lock(memory_.path() + ".lock");
  ASSERT_THAT(lock, IsOk());
  EXPECT_THAT(Accept(ledger_.Answer(0)), HasReason(Reason::kAlreadyRunning));
}

TEST_F(CheckpointMemoryTest, HoldsAnExportAgainstWhatItRemembers) {
  for (int i = 0; i < 5; ++i) ledger_.Add("entry" + std::to_string(i));
  ASSERT_THAT(Accept(ledger_.Answer(0)), IsOk());
  const auto export_of = [&](FakeLedger& exported) {
    return AcceptExport(memory_, exchange_, key_.public_key().bytes(), exported.Answer(0).note(),
                        [&](std::uint64_t size) { return crypto::RootAt(size, exported); });
  };
  EXPECT_THAT(export_of(ledger_), IsOk()) << "the same ledger";
  for (int i = 5; i < 9; ++i) ledger_.Add("entry" + std::to_string(i));
  const auto grown = export_of(ledger_);
  ASSERT_THAT(grown, IsOk());
  EXPECT_EQ(grown->followed_from, 5U);
  const auto remembered = memory_.Load();
  ASSERT_THAT(remembered, IsOk());
  EXPECT_EQ(remembered->note, ledger_.Answer(0).note());

  // The gateway proves one ledger and exports another, or less of it.
  FakeLedger fork(exchange_, key_);
  for (int i = 0; i < 12; ++i) fork.Add("other" + std::to_string(i));
  const auto refused = export_of(fork);
  EXPECT_THAT(refused, HasReason(Reason::kLedgerInconsistent));
  EXPECT_EQ(ToString(*files_.ReadWhole(MetadataOf(refused.status()).at("refused"), 1 << 16)),
            fork.Answer(0).note());
  FakeLedger shorter(exchange_, key_);
  for (int i = 0; i < 6; ++i) shorter.Add("entry" + std::to_string(i));
  EXPECT_THAT(export_of(shorter), HasReason(Reason::kLedgerInconsistent));
  EXPECT_EQ(memory_.Load()->note, remembered->note);
}

using EntryProofTest = CheckpointMemoryTest;

TEST_F(EntryProofTest, ProvesEachEntryOfAVerifiedLedger) {
  for (int i = 0; i < 9; ++i) ledger_.Add("entry" + std::to_string(i));
  const auto head = Accept(ledger_.Answer(0));
  ASSERT_THAT(head, IsOk());
  for (std::uint64_t i = 0; i < 9; ++i) {
    const Digest32 leaf = crypto::LeafHash(AsBytes("entry" + std::to_string(i)));
    const auto proof = AcceptProof(*head, i, leaf, ledger_.Prove(i));
    ASSERT_THAT(proof, IsOk());
    EXPECT_EQ(proof->index, i);
    EXPECT_EQ(proof->checkpoint, head->note);
  }
}

TEST_F(EntryProofTest, NamesNoEntryThatItCannotProve) {
  for (int i = 0; i < 9; ++i) ledger_.Add("entry" + std::to_string(i));
  const auto head = Accept(ledger_.Answer(0));
  ASSERT_THAT(head, IsOk());
  const Digest32 leaf = crypto::LeafHash(AsBytes("entry4"));
  const auto refused = [&](std::uint64_t index, const Digest32& hash,
                           const v1::InclusionProof& answer) {
    return ReasonOf(AcceptProof(*head, index, hash, answer).status()) ==
           Reason::kLedgerInconsistent;
  };
  EXPECT_TRUE(refused(4, crypto::LeafHash(AsBytes("entry5")), ledger_.Prove(4)));
  EXPECT_TRUE(refused(5, leaf, ledger_.Prove(4)));
  EXPECT_TRUE(refused(4, leaf, ledger_.Prove(5)));
  EXPECT_TRUE(refused(4, leaf, v1::InclusionProof()));
  const v1::InclusionProof good = ledger_.Prove(4);
  for (int i = 0; i < good.path_size(); ++i) {
    for (const test::Mutation& m : test::BitFlipsAndTruncations(AsBytes(good.path(i)))) {
      v1::InclusionProof bad = good;
      bad.set_path(i, ToString(m.bytes));
      EXPECT_TRUE(refused(4, leaf, bad)) << m.description;
    }
  }
}

TEST_F(EntryProofTest, BelievesAReceiptOnlyOfTheVeryEntry) {
  v1::Receipt receipt;
  receipt.set_leaf_hash(ToString(crypto::LeafHash(AsBytes("entry4"))));
  EXPECT_THAT(CheckReceipt(receipt, AsBytes("entry4")), IsOk());
  EXPECT_THAT(CheckReceipt(receipt, AsBytes("entry5")).status(),
              HasReason(Reason::kLedgerInconsistent));
  EXPECT_THAT(CheckReceipt(receipt, {}).status(), HasReason(Reason::kLedgerInconsistent));
  receipt.clear_leaf_hash();
  EXPECT_THAT(CheckReceipt(receipt, AsBytes("entry4")).status(),
              HasReason(Reason::kLedgerInconsistent));
}

}  // namespace
}  // namespace holdfast::client
