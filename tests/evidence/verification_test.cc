// SPDX-License-Identifier: Apache-2.0
// What a verifier says of an export, and that it notices every way of tampering: each is told apart
// by its rule.
#include "evidence/verification.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "evidence/cosignatures.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "crypto/dsse.h"
#include "crypto/signed_note.h"
#include "policy/order_json.h"
#include "policy/replay.h"
#include "tests/evidence/story.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/mutations.h"

namespace holdfast::evidence {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::HasSubstr;

class VerificationTest : public ::testing::Test {
 protected:
  absl::StatusOr<Verification> Verify(VerificationRequest request = {}) {
    request.folder = "/export";
    request.exchange = story_.world.agreement().exchange_id();
    return VerifyExport(files_, request, [](std::uint64_t) {});
  }

  // The same for an export of other entries, with a checkpoint over them by the ledger's own key:
  // what somebody can do who has the gateway.
  absl::StatusOr<Verification> VerifyOther(std::vector<std::string> entries,
                                           const VerificationRequest& request = {}) {
    test::SignedWorld other = test::Story();
    other.entries = std::move(entries);
    test::MemoryFileSystem files;
    test::WriteExport(files, "/export", other.entries, other.Checkpoint());
    VerificationRequest full = request;
    full.folder = "/export";
    full.exchange = story_.world.agreement().exchange_id();
    return VerifyExport(files, full, [](std::uint64_t) {});
  }

  static std::string RuleOf(const absl::StatusOr<Verification>& result) {
    if (result.ok()) return "none";
    EXPECT_THAT(result, HasReason(Reason::kLedgerInconsistent));
    const auto metadata = MetadataOf(result.status());
    const auto found = metadata.find("rule");
    return found == metadata.end() ? "" : found->second;
  }

  static std::string IndexOf(const absl::StatusOr<Verification>& result) {
    const auto metadata = MetadataOf(result.status());
    const auto found = metadata.find("index");
    return found == metadata.end() ? "" : found->second;
  }

  // The ledger index of the n-th accepted order.
  std::size_t Order(std::size_t n) const {
    for (std::size_t i = 0; i < story_.entries.size(); ++i) {
      ledger::v1::Entry entry;
      EXPECT_TRUE(entry.ParseFromString(story_.entries[i]));
      if (entry.has_order_accepted() && n-- == 0) return i;
    }
    ADD_FAILURE() << "no such order";
    return 0;
  }

  void SetUp() override {
    test::WriteExport(files_, "/export", story_.entries, story_.Checkpoint());
  }

  const test::SignedWorld story_ = test::Story();
  test::MemoryFileSystem files_;
};

TEST_F(VerificationTest, CountsWhatItFoundAndSaysWhatItShows) {
  const auto verification = Verify();
  ASSERT_THAT(verification, IsOk());
  EXPECT_EQ(verification->checkpoint.size, story_.entries.size());
  EXPECT_EQ(verification->report.decided_again, story_.entries.size());
  EXPECT_EQ(verification->holds_placed, 1U);
  EXPECT_EQ(verification->destructions, 1U);
  EXPECT_EQ(verification->records.destroyed, 3U);
  EXPECT_EQ(verification->verdicts.not_replayable, 3U);
  // What counsel reads, in this order, and with what it does not show at its end.
  const std::string text = DescribeVerification(*verification);
  std::string ending = "\n\nWhat this does not show. Assumed:";
  for (const std::string& line : VerificationAssumptions()) ending += "\n- " + line;
  std::size_t at = 0;
  for (const std::string& part :
       {std::string("verified: "), "root " + Hex(verification->checkpoint.root),
        std::string("the agreement is signed by both principals, each order by its person"),
        std::string("\n  rule, entries, decided again, different"),
        std::string("\n\nNo key left under a freeze: each of the 0 releases"),
        std::string("\nNo key was destroyed under a preservation hold"),
        std::string("and each of the 1 destructions had its window and its people."),
        std::string("\n\nTimes. All that the entries say are the gateway's own. No witness"),
        ending}) {
    at = text.find(part, at);
    ASSERT_NE(at, std::string::npos) << part << "\nin\n" << text;
  }
  EXPECT_EQ(at + ending.size(), text.size());
}

TEST_F(VerificationTest, RestsOnWhatTheDocumentForCounselSays) {
  const std::string document = test::Prose(std::string(HF_SOURCE_DIR) + "/docs/evidence.md");
  for (const std::string& line : VerificationAssumptions()) {
    EXPECT_THAT(document, HasSubstr("- " + line));
  }
}

TEST_F(VerificationTest, SaysOfEachRuleHowOftenItWasAskedAgain) {
  const test::SignedWorld story = test::Disclosures();
  test::MemoryFileSystem files;
  test::WriteExport(files, "/export", story.entries, story.Checkpoint());
  VerificationRequest request;
  request.folder = "/export";
  request.exchange = story.world.agreement().exchange_id();
  const auto verification = VerifyExport(files, request, [](std::uint64_t) {});
  ASSERT_THAT(verification, IsOk());
  std::uint64_t entries = 0;
  int named = 0;
  for (const RuleCount& rule : RulesOf(verification->report)) {
    entries += rule.entries;
    EXPECT_EQ(rule.again, rule.entries) << rule.rule;
    if (rule.rule == "key_released" || rule.rule == "FROZEN") ++named;
  }
  EXPECT_EQ(named, 2);
  EXPECT_EQ(entries, story.entries.size());
  EXPECT_THAT(DescribeVerification(*verification), HasSubstr("No witness has signed one."));
}

// A ledger with a cosignature of the witness over its first entries.
struct CosignedStory {
  static constexpr const char* kName = "audit.example/witness";

  CosignedStory() {
    story.world.Pass(std::chrono::hours(1));
    story.Collect();
    const crypto::SigningKey key = test::KeyOf("witness");
    const auto witness =
        crypto::NoteKey::Make(kName, crypto::NoteAlgorithm::kCosignatureV1, key.public_key());
    EXPECT_THAT(witness, IsOk());
    const std::string note = *crypto::AddNoteSignature(story.Checkpoint(), {*witness, key},
                                                       UnixMillis(1'790'000'123'000));
    fact = CosignaturesIn(note, story.world.agreement());
  }

  static test::AgreementOptions Options() {
    test::AgreementOptions options;
    options.more = std::string("witnesses { name: \"") + kName + "\" public_key: \"" +
                   test::KeyOf("witness").public_key().ToBase64() + "\" side: COURT }\n";
    return options;
  }

  // Verifies the ledger with `recorded` at its end.
  absl::StatusOr<Verification> With(const ledger::v1::CheckpointWitnessed& recorded) {
    test::SignedWorld other{Options()};
    other.world.Pass(std::chrono::hours(1));
    EXPECT_EQ(other.world.Try(recorded).refusal, policy::Refusal::kAllowed);
    other.Collect();
    test::MemoryFileSystem files;
    test::WriteExport(files, "/export", other.entries, other.Checkpoint());
    VerificationRequest request;
    request.folder = "/export";
    request.exchange = other.world.agreement().exchange_id();
    return VerifyExport(files, request, [](std::uint64_t) {});
  }

  test::SignedWorld story{Options()};
  ledger::v1::CheckpointWitnessed fact;
};

TEST_F(VerificationTest, ChecksEachCosignatureThatTheLedgerHolds) {
  CosignedStory cosigned;
  ASSERT_EQ(cosigned.fact.cosignatures_size(), 1);
  const ExchangeId exchange = cosigned.story.world.agreement().exchange_id();
  const policy::OpenedAgreement& agreement = cosigned.story.world.agreement();
  EXPECT_TRUE(CosignaturesAgree(cosigned.fact, exchange, agreement));

  const auto good = cosigned.With(cosigned.fact);
  ASSERT_THAT(good, IsOk());
  ASSERT_EQ(good->witnessed.size(), 1U);
  EXPECT_EQ(good->witnessed[0].size, cosigned.fact.size());
  EXPECT_EQ(good->witnessed[0].at, UnixMillis(1'790'000'123'000));
  EXPECT_EQ(good->witnessed[0].side, agreement::v1::COURT);

  // Whoever has the gateway can write what no witness has signed; nobody believes it.
  auto later = cosigned.fact;
  later.mutable_cosignatures(0)->set_time(later.cosignatures(0).time() + 1);
  EXPECT_EQ(RuleOf(cosigned.With(later)), "COSIGNATURE");
  auto shorter = cosigned.fact;
  shorter.set_size(shorter.size() - 1);
  EXPECT_EQ(RuleOf(cosigned.With(shorter)), "COSIGNATURE");
  auto forked = cosigned.fact;
  forked.mutable_root()->front() ^= 1;
  EXPECT_EQ(RuleOf(cosigned.With(forked)), "COSIGNATURE");
}

TEST_F(VerificationTest, EveryBitOfACosignatureCounts) {
  const CosignedStory cosigned;
  const ExchangeId exchange = cosigned.story.world.agreement().exchange_id();
  const policy::OpenedAgreement& agreement = cosigned.story.world.agreement();
  const std::string& signature = cosigned.fact.cosignatures(0).signature();
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    auto flipped = cosigned.fact;
    (*flipped.mutable_cosignatures(0)->mutable_signature())[bit / 8] ^=
        static_cast<char>(1 << bit % 8);
    EXPECT_FALSE(CosignaturesAgree(flipped, exchange, agreement)) << bit;
  }
  auto none = cosigned.fact;
  none.clear_cosignatures();
  EXPECT_FALSE(CosignaturesAgree(none, exchange, agreement));
  auto stranger = cosigned.fact;
  stranger.mutable_cosignatures(0)->set_witness("stranger");
  EXPECT_FALSE(CosignaturesAgree(stranger, exchange, agreement));
  EXPECT_FALSE(
      CosignaturesAgree(cosigned.fact, test::Story().world.agreement().exchange_id(), agreement));
}

TEST_F(VerificationTest, KeepsTimesOfTheAgreementsWitnessesApart) {
  const char* name = "audit.example/witness";
  const crypto::SigningKey key = test::KeyOf("witness");
  test::AgreementOptions options;
  options.more = std::string("witnesses { name: \"") + name + "\" public_key: \"" +
                 key.public_key().ToBase64() + "\" side: COURT }\n";
  test::SignedWorld story(options);
  story.world.Pass(std::chrono::hours(1));
  story.Collect();
  const auto witness =
      crypto::NoteKey::Make(name, crypto::NoteAlgorithm::kCosignatureV1, key.public_key());
  ASSERT_THAT(witness, IsOk());
  const auto other = crypto::NoteKey::Make("nobody", crypto::NoteAlgorithm::kCosignatureV1,
                                           test::KeyOf("otto").public_key());
  ASSERT_THAT(other, IsOk());
  const UnixMillis at(1'790'000'123'000);
  std::string note = *crypto::AddNoteSignature(story.Checkpoint(), {*witness, key}, at);
  note = *crypto::AddNoteSignature(note, {*other, test::KeyOf("otto")}, at);
  test::MemoryFileSystem files;
  test::WriteExport(files, "/export", story.entries, note);
  VerificationRequest request;
  request.folder = "/export";
  request.exchange = story.world.agreement().exchange_id();
  const auto verification = VerifyExport(files, request, [](std::uint64_t) {});
  ASSERT_THAT(verification, IsOk());
  ASSERT_EQ(verification->witnessed.size(), 1U);
  EXPECT_EQ(verification->witnessed[0].witness, name);
  EXPECT_EQ(verification->witnessed[0].size, story.entries.size());
  EXPECT_EQ(verification->witnessed[0].at, at);
  EXPECT_THAT(DescribeVerification(*verification), HasSubstr("the witness audit.example/witness"));

  // One that does not verify spoils the note, as any signature by a known key does.
  note[note.find(name) + 60] ^= 1;
  test::MemoryFileSystem damaged;
  test::WriteExport(damaged, "/export", story.entries, note);
  EXPECT_FALSE(VerifyExport(damaged, request, [](std::uint64_t) {}).ok());
}

TEST_F(VerificationTest, NoticesABitFlippedInAnyEntry) {
  for (std::size_t i = 0; i < story_.entries.size(); ++i) {
    std::vector<std::string> entries = story_.entries;
    std::string& entry = entries[i];
    entry[entry.size() / 2] = static_cast<char>(entry[entry.size() / 2] ^ 1);
    test::MemoryFileSystem files;
    test::WriteExport(files, "/export", entries, story_.Checkpoint());
    VerificationRequest request;
    request.folder = "/export";
    request.exchange = story_.world.agreement().exchange_id();
    EXPECT_THAT(VerifyExport(files, request, [](std::uint64_t) {}),
                HasReason(Reason::kLedgerInconsistent))
        << i;
  }
}

TEST_F(VerificationTest, NoticesEveryFlippedBitOfTheCheckpoint) {
  LedgerVerifier verifier(story_.world.agreement().exchange_id());
  for (const std::string& entry : story_.entries) {
    ASSERT_THAT(verifier.Add(AsBytes(entry)), IsOk());
  }
  const std::string note = story_.Checkpoint();
  EXPECT_THAT(verifier.Check(note), IsOk());
  for (const test::Mutation& m : test::BitFlipsAndTruncations(AsBytes(note))) {
    EXPECT_FALSE(verifier.Check(ToString(m.bytes)).ok()) << m.description;
    EXPECT_FALSE(verifier.CheckEarlier(ToString(m.bytes)).ok()) << m.description;
  }
}

TEST_F(VerificationTest, TellsADroppedTailFromAnotherRoot) {
  std::vector<std::string> entries = story_.entries;
  entries.pop_back();
  test::MemoryFileSystem files;
  test::WriteExport(files, "/export", entries, story_.Checkpoint());
  VerificationRequest request;
  request.folder = "/export";
  request.exchange = story_.world.agreement().exchange_id();
  EXPECT_EQ(RuleOf(VerifyExport(files, request, [](std::uint64_t) {})), "EXPORT");

  // The same with a checkpoint that the gateway's owner signs anew: found by whoever kept one.
  VerificationRequest with_earlier;
  with_earlier.earlier = {story_.Checkpoint()};
  const auto cut = VerifyOther(entries, with_earlier);
  EXPECT_EQ(RuleOf(cut), "EARLIER");
  EXPECT_THAT(std::string(cut.status().message()), HasSubstr("cut short"));
}

TEST_F(VerificationTest, NoticesAForkByAnEarlierCheckpointAndByAReceipt) {
  std::vector<std::string> forked = story_.entries;
  // Another salt in the last entry: allowed by every rule, and another ledger.
  ledger::v1::Entry entry;
  ASSERT_TRUE(entry.ParseFromString(forked.back()));
  entry.set_salt(std::string(16, 'x'));
  forked.back() = entry.SerializeAsString();
  EXPECT_EQ(RuleOf(VerifyOther(forked)), "none");

  VerificationRequest with_earlier;
  with_earlier.earlier = {story_.Checkpoint()};
  const auto fork = VerifyOther(forked, with_earlier);
  EXPECT_EQ(RuleOf(fork), "EARLIER");
  EXPECT_THAT(std::string(fork.status().message()), HasSubstr("a fork"));

  // A receipt whose own checkpoint is of the other branch.
  VerificationRequest with_receipt;
  with_receipt.receipts = {crypto::TlogProof{0, {}, story_.Checkpoint()}};
  EXPECT_EQ(RuleOf(VerifyOther(forked, with_receipt)), "EARLIER");
}

TEST_F(VerificationTest, TakesReceiptsOfItsOwnEntriesAndNoOthers) {
  std::vector<Digest32> leaves;
  for (const std::string& e : story_.entries) leaves.push_back(crypto::LeafHash(AsBytes(e)));
  class Nodes final : public crypto::NodeReader {
   public:
    explicit Nodes(const std::vector<Digest32>& all) : all_(all) {}
    absl::StatusOr<Digest32> ReadNode(unsigned level, std::uint64_t index) override {
      const std::size_t width = std::size_t{1} << level;
      return crypto::RootOf(
          std::span(all_).subspan(static_cast<std::size_t>(index) * width, width));
    }

   private:
    const std::vector<Digest32>& all_;
  } nodes(leaves);
  VerificationRequest request;
  for (std::uint64_t i = 0; i < leaves.size(); ++i) {
    request.receipts.push_back(
        {i, *crypto::MakeInclusionProof(i, leaves.size(), nodes), story_.Checkpoint()});
  }
  const auto verified = Verify(request);
  ASSERT_THAT(verified, IsOk());
  EXPECT_EQ(verified->receipts, leaves.size());

  std::swap(request.receipts[1].path, request.receipts[2].path);
  const auto refused = Verify(request);
  EXPECT_EQ(RuleOf(refused), "RECEIPT");
  EXPECT_EQ(IndexOf(refused), "1");
}

TEST_F(VerificationTest, NamesTheFirstBadEntryWhenOneIsDroppedInsertedOrSwapped) {
  for (std::size_t i = 1; i + 1 < story_.entries.size(); ++i) {
    std::vector<std::string> dropped = story_.entries;
    dropped.erase(dropped.begin() + static_cast<std::ptrdiff_t>(i));
    ledger::v1::Entry entry;
    ASSERT_TRUE(entry.ParseFromString(story_.entries[i]));
    const auto without = VerifyOther(dropped);
    if (without.ok()) {
      // A time that a later one follows, and what came last, are needed by no rule: only
      // checkpoints and receipts find them missing.
      EXPECT_TRUE(entry.has_time_advanced() || entry.has_records_destroyed())
          << policy::FactName(entry) << " at " << i;
    } else {
      EXPECT_THAT(without, HasReason(Reason::kLedgerInconsistent));
      EXPECT_NE(IndexOf(without), "") << i;
    }

    std::vector<std::string> twice = story_.entries;
    twice.insert(twice.begin() + static_cast<std::ptrdiff_t>(i), twice[i]);
    if (entry.has_order_accepted() || entry.has_envelope_deposited()) {
      EXPECT_EQ(IndexOf(VerifyOther(twice)), std::to_string(i + 1)) << i;
    }
  }
}

TEST_F(VerificationTest, NoticesAnOrderThatTheOperatorForged) {
  // Signed with a key of somebody who has the machine, over the same payload.
  std::vector<std::string> entries = story_.entries;
  const std::size_t at = Order(1);
  ledger::v1::Entry entry;
  ASSERT_TRUE(entry.ParseFromString(entries[at]));
  const auto envelope = crypto::ParseDsse(entry.order_accepted().order_dsse());
  ASSERT_THAT(envelope, IsOk());
  order::v1::Order order = *policy::ParseOrder(envelope->payload);
  entry.mutable_order_accepted()->set_order_dsse(test::SignOrder(order, "otto"));
  entries[at] = entry.SerializeAsString();
  const auto forged = VerifyOther(entries);
  EXPECT_EQ(RuleOf(forged), "ORDER");
  EXPECT_EQ(IndexOf(forged), std::to_string(at));
}

TEST_F(VerificationTest, NoticesAnOrderThatWasLeftOut) {
  // Carol's hold and everything that followed from it are gone; her next order names it.
  std::vector<std::string> entries = story_.entries;
  const std::size_t at = Order(1);
  entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(at));
  const auto without = VerifyOther(entries);
  EXPECT_FALSE(without.ok());
  EXPECT_NE(IndexOf(without), "");
}

TEST_F(VerificationTest, NoticesAnExportOfAnotherExchange) {
  VerificationRequest request;
  request.folder = "/export";
  request.exchange = ExchangeId(crypto::LeafHash(AsBytes("another")));
  EXPECT_EQ(RuleOf(VerifyExport(files_, request, [](std::uint64_t) {})), "EXCHANGE");
}

TEST_F(VerificationTest, NoticesACheckpointSignedWithAnotherKey) {
  const std::string origin = crypto::LedgerOrigin(story_.world.agreement().exchange_id());
  const crypto::SigningKey key = test::KeyOf("otto");
  const auto name =
      *crypto::NoteKey::Make(origin, crypto::NoteAlgorithm::kEd25519, key.public_key());
  const std::string note =
      *crypto::SignCheckpoint({origin, story_.entries.size(), story_.Root(), {}}, {name, key});
  ASSERT_THAT(ReplaceFile(files_, "/export/checkpoint", AsBytes(note)), IsOk());
  EXPECT_EQ(RuleOf(Verify()), "CHECKPOINT_SIGNATURE");
}

TEST_F(VerificationTest, TakesAFolderThatIsNoExportForAMistakeAndNotForADefect) {
  VerificationRequest request;
  request.folder = "/exprot";
  EXPECT_THAT(VerifyExport(files_, request, [](std::uint64_t) {}), HasReason(Reason::kNotFound));
}

TEST_F(VerificationTest, ReadsReceiptsFromFilesAndFolders) {
  const std::string proof = crypto::FormatTlogProof({3, {Digest32{}}, story_.Checkpoint()});
  ASSERT_THAT(files_.MakeDirectory("/receipts"), IsOk());
  ASSERT_THAT(ReplaceFile(files_, "/receipts/a.tlog-proof", AsBytes(proof)), IsOk());
  ASSERT_THAT(ReplaceFile(files_, "/receipts/letter.txt", AsBytes("dear")), IsOk());
  const auto read = ReadReceipts(files_, {"/receipts", "/receipts/a.tlog-proof"});
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->size(), 2U);
  const auto bad = ReadReceipts(files_, {"/receipts/letter.txt"});
  EXPECT_THAT(bad, HasReason(Reason::kRequestMalformed));
  EXPECT_EQ(MetadataOf(bad.status()).at("file"), "/receipts/letter.txt");
}

}  // namespace
}  // namespace holdfast::evidence
