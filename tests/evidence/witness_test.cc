// SPDX-License-Identifier: Apache-2.0
// A witness signs what extends the last ledger that it signed, and nothing else:
// evidence/witness.h.
#include "evidence/witness.h"

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "base/error.h"
#include "crypto/merkle.h"
#include "tests/policy/test_agreement.h"
#include "tests/support/external_data.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::evidence {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr UnixMillis kNow(1'790'000'000'000);
constexpr const char* kWitnessName = "audit.example/witness";

crypto::NoteKey LedgerName(const std::string& origin = "holdfast.dev/exchange/test") {
  return *crypto::NoteKey::Make(origin, crypto::NoteAlgorithm::kEd25519,
                                test::KeyOf("ledger").public_key());
}

crypto::NoteKey WitnessName() {
  return *crypto::NoteKey::Make(kWitnessName, crypto::NoteAlgorithm::kCosignatureV1,
                                test::KeyOf("witness").public_key());
}

// A ledger of leaves, of which every size is signed.
class Ledger final : public crypto::NodeReader {
 public:
  explicit Ledger(std::string_view branch, std::size_t size = 20) {
    for (std::size_t i = 0; i < size; ++i) {
      leaves_.push_back(
          crypto::LeafHash(AsBytes(std::string(i < 5 ? "" : branch) + std::to_string(i))));
    }
  }

  absl::StatusOr<Digest32> ReadNode(unsigned level, std::uint64_t index) override {
    const std::size_t width = std::size_t{1} << level;
    return crypto::RootOf(
        std::span(leaves_).subspan(static_cast<std::size_t>(index) * width, width));
  }

  std::string Note(std::size_t size) const {
    const crypto::NoteKey name = LedgerName();
    return *crypto::SignCheckpoint(
        {name.name(), size, crypto::RootOf(std::span(leaves_).first(size)), {}},
        {name, test::KeyOf("ledger")});
  }

  std::string Request(std::uint64_t old_size, std::size_t size) {
    AddCheckpoint request{old_size, {}, Note(size)};
    if (old_size > 0 && old_size < size) {
      request.proof = *crypto::MakeConsistencyProof(old_size, size, *this);
    }
    return FormatAddCheckpoint(request);
  }

 private:
  std::vector<Digest32> leaves_;
};

std::unique_ptr<Witness> OpenWitness(FileSystem& files) {
  auto witness =
      Witness::Open(files, "/witness", LedgerName(), WitnessName(), test::KeyOf("witness"));
  EXPECT_THAT(witness, IsOk());
  return *std::move(witness);
}

TEST(WitnessTest, SignsWhatExtendsWhatItSignedAndSaysWhen) {
  test::MemoryFileSystem files;
  const auto witness = OpenWitness(files);
  Ledger ledger("a");
  for (const auto& [old_size, size] :
       {std::pair<std::uint64_t, std::size_t>{0, 3}, {3, 3}, {3, 8}, {8, 20}}) {
    const WitnessAnswer answer = witness->Add(ledger.Request(old_size, size), kNow);
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_THAT(answer.body, StartsWith("— " + std::string(kWitnessName) + " "));
    const auto cosigned = AddCosignature(ledger.Note(size), answer.body, WitnessName());
    ASSERT_THAT(cosigned, IsOk());
    const crypto::NoteKey name = WitnessName();
    const auto opened = crypto::OpenCheckpoint(*cosigned, LedgerName(), std::span(&name, 1));
    ASSERT_THAT(opened, IsOk());
    ASSERT_EQ(opened->witnesses.size(), 1U);
    EXPECT_EQ(opened->witnesses[0].at, kNow);
    EXPECT_EQ(witness->known(), size);
  }
}

TEST(WitnessTest, SignsNoForkAndNothingShorterAndNothingOfAnother) {
  test::MemoryFileSystem files;
  const auto witness = OpenWitness(files);
  Ledger ledger("a");
  Ledger fork("b");
  ASSERT_EQ(witness->Add(ledger.Request(0, 8), kNow).status, 200);
  // A fork of the same size, one that is longer, and the same ledger rolled back.
  EXPECT_EQ(witness->Add(fork.Request(8, 8), kNow).status, 409);
  EXPECT_EQ(witness->Add(fork.Request(8, 20), kNow).status, 422);
  EXPECT_EQ(witness->Add(ledger.Request(8, 4), kNow).status, 400);
  const WitnessAnswer stale = witness->Add(ledger.Request(4, 20), kNow);
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(stale.body, "8\n");
  EXPECT_EQ(stale.content_type, "text/x.tlog.size");
  // From nothing everything would be consistent.
  EXPECT_EQ(witness->Add(fork.Request(0, 20), kNow).status, 409);
  // Signed by somebody else, or of another origin.
  const crypto::NoteKey other = *crypto::NoteKey::Make(
      LedgerName().name(), crypto::NoteAlgorithm::kEd25519, test::KeyOf("otto").public_key());
  const auto note =
      *crypto::SignCheckpoint({other.name(), 20, Digest32{}, {}}, {other, test::KeyOf("otto")});
  EXPECT_EQ(witness->Add(FormatAddCheckpoint({8, {}, note}), kNow).status, 403);
  EXPECT_EQ(witness->known(), 8U);
}

TEST(WitnessTest, RemembersWhatItSignedAndIsAloneInItsFolder) {
  test::MemoryFileSystem files;
  Ledger ledger("a");
  {
    const auto witness = OpenWitness(files);
    ASSERT_EQ(witness->Add(ledger.Request(0, 8), kNow).status, 200);
    EXPECT_THAT(
        Witness::Open(files, "/witness", LedgerName(), WitnessName(), test::KeyOf("witness")),
        HasReason(Reason::kAlreadyRunning));
  }
  {
    const auto witness = OpenWitness(files);
    EXPECT_EQ(witness->known(), 8U);
    EXPECT_EQ(witness->Add(ledger.Request(0, 8), kNow).status, 409);
  }
  EXPECT_THAT(Witness::Open(files, "/witness", LedgerName("another"), WitnessName(),
                            test::KeyOf("witness")),
              HasReason(Reason::kStoreCorrupt));
}

// Invariant: no fault at any operation makes it sign two ledgers.
TEST(WitnessTest, NeverSignsTwoLedgersWhateverFails) {
  test::FaultSweep([](test::FaultPlan& plan) {
    test::MemoryFileSystem disk;
    Ledger ledger("a");
    Ledger fork("b");
    ASSERT_EQ(OpenWitness(disk)->Add(ledger.Request(0, 5), kNow).status, 200);
    bool signed_ledger = false;
    {
      test::FaultyFileSystem flaky(disk, plan);
      const auto witness =
          Witness::Open(flaky, "/witness", LedgerName(), WitnessName(), test::KeyOf("witness"));
      if (witness.ok()) {
        signed_ledger = (*witness)->Add(ledger.Request(5, 20), kNow).status == 200;
      }
    }
    disk.LoseUnsyncedWrites();
    const auto again = OpenWitness(disk);
    EXPECT_TRUE(again->known() == 5 || again->known() == 20);
    EXPECT_TRUE(signed_ledger || plan.fired());
    if (signed_ledger) {
      EXPECT_EQ(again->Add(fork.Request(5, 20), kNow).status, 409);
    }
  });
}

TEST(WitnessTest, AnswersEveryDamagedRequest) {
  Ledger ledger("a");
  const std::string request = ledger.Request(5, 20);
  test::MemoryFileSystem files;
  const auto witness = OpenWitness(files);
  ASSERT_EQ(witness->Add(ledger.Request(0, 5), kNow).status, 200);
  for (const test::Mutation& m : test::BitFlipsAndTruncations(AsBytes(request))) {
    const WitnessAnswer answer = witness->Add(AsText(m.bytes), kNow);
    EXPECT_NE(answer.status, 200) << m.description;
    EXPECT_NE(answer.status, 500) << m.description;
  }
  EXPECT_EQ(witness->known(), 5U);
}

TEST(WitnessTest, ReadsARequestInOneWay) {
  Ledger ledger("a");
  const auto parsed = ParseAddCheckpoint(ledger.Request(5, 20));
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->old_size, 5U);
  EXPECT_FALSE(parsed->proof.empty());
  EXPECT_EQ(FormatAddCheckpoint(*parsed), ledger.Request(5, 20));
  const std::string hash = Base64(Digest32{}) + "\n";
  std::string many = "old 5\n";
  for (int i = 0; i < 64; ++i) many += hash;
  for (const std::string& bad :
       {std::string(), std::string("old 5"), std::string("old 05\n\n"), std::string("old -5\n\n"),
        std::string("new 5\n\n"), std::string("old 5\nnot base64\n\n"),
        std::string("old 5\nAAAA\n\n"), "old 5\n" + hash, many + "\n"}) {
    EXPECT_THAT(ParseAddCheckpoint(bad), HasReason(Reason::kRequestMalformed)) << bad;
  }
  EXPECT_THAT(ParseAddCheckpoint("old 5\n\n" + std::string(kMaxWitnessRequestBytes, 'x')),
              HasReason(Reason::kRequestTooLarge));
}

TEST(WitnessTest, TakesOnlySignaturesFromAWitness) {
  test::MemoryFileSystem files;
  Ledger ledger("a");
  const std::string note = ledger.Note(8);
  const std::string lines = OpenWitness(files)->Add(ledger.Request(0, 8), kNow).body;
  EXPECT_THAT(AddCosignature(note, lines, WitnessName()), IsOk());
  const crypto::NoteKey other = *crypto::NoteKey::Make(
      kWitnessName, crypto::NoteAlgorithm::kCosignatureV1, test::KeyOf("otto").public_key());
  EXPECT_FALSE(AddCosignature(note, lines, other).ok());
  EXPECT_FALSE(AddCosignature(note, "", WitnessName()).ok());
  EXPECT_FALSE(AddCosignature(note, "\n" + lines, WitnessName()).ok());
  EXPECT_FALSE(AddCosignature(note, "text\n\n" + lines, WitnessName()).ok());
  EXPECT_FALSE(AddCosignature(ledger.Note(9), lines, WitnessName()).ok());
}

TEST(WitnessVectors, AnswersThePublishedRequests) {
  const auto path = test::ExternalData("merkle/witness_add_checkpoint_requests.json");
  if (!path) GTEST_SKIP() << test::kNoExternalData;
  std::ifstream file(*path);
  const auto json = nlohmann::json::parse(file);
  const auto key =
      crypto::PublicKey::FromBytes(*FromHex(json["log_public_key_hex"].get<std::string>()));
  ASSERT_THAT(key, IsOk());
  const std::string origin =
      "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562";
  test::MemoryFileSystem files;
  const auto witness = Witness::Open(
      files, "/witness", *crypto::NoteKey::Make(origin, crypto::NoteAlgorithm::kEd25519, *key),
      WitnessName(), test::KeyOf("witness"));
  ASSERT_THAT(witness, IsOk());
  for (const auto& request : json["requests"]) {
    AddCheckpoint add{request["old_size"].get<std::uint64_t>(), {}, request["checkpoint"]};
    for (const auto& hash : request["consistency_proof"]) {
      add.proof.push_back(*ArrayFromBytes<Digest32>(*FromBase64(hash.get<std::string>())));
    }
    const WitnessAnswer answer = (*witness)->Add(FormatAddCheckpoint(add), kNow);
    EXPECT_EQ(answer.status, request["expect_http"]) << request["expect"] << answer.body;
    if (answer.status == 409) {
      EXPECT_EQ("body == \"" + answer.body.substr(0, answer.body.size() - 1) + "\\n\"",
                request["expect"].get<std::string>());
    }
  }
}

}  // namespace
}  // namespace holdfast::evidence
