// SPDX-License-Identifier: Apache-2.0
// Signed notes: crypto/signed_note.h.

#include "crypto/signed_note.h"

#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "base/bytes.h"
#include "crypto/random.h"
#include "tests/support/external_data.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::ElementsAre;

constexpr std::string_view kText = "holdfast.example/ledger\n3\nfrozen\n";

// A key with its name.
struct Party {
  explicit Party(std::string name, NoteAlgorithm algorithm = NoteAlgorithm::kEd25519)
      : key(*SigningKey::Generate(random)),
        as(*NoteKey::Make(std::move(name), algorithm, key.public_key())) {}

  NoteSigner signer() const { return {as, key}; }

  static inline SystemRandom random;
  SigningKey key;
  NoteKey as;
};

std::vector<std::string> NamesOf(const OpenedNote& note) {
  std::vector<std::string> names;
  for (const NoteSigned& by : note.by) names.push_back(by.key.name());
  return names;
}

TEST(SignedNoteTest, OpensWhatWasSigned) {
  const Party ledger("holdfast.example/ledger");
  const auto note = SignNote(kText, ledger.signer());
  ASSERT_THAT(note, IsOk());
  const auto opened = OpenNote(*note, {{ledger.as}});
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ(opened->text, kText);
  EXPECT_THAT(NamesOf(*opened), ElementsAre("holdfast.example/ledger"));
  EXPECT_EQ(opened->by[0].at, std::nullopt);
}

TEST(SignedNoteTest, IsRefusedAfterAnyFlippedBitAndAnyTruncation) {
  const Party ledger("ledger");
  const std::string note = *SignNote("a text\n\nwith a blank line\n", ledger.signer());
  for (const test::Mutation& m : test::BitFlipsAndTruncations(AsBytes(note))) {
    EXPECT_FALSE(OpenNote(AsText(m.bytes), {{ledger.as}}).ok()) << m.description;
  }
  for (const test::Mutation& m : test::Extensions(AsBytes(note))) {
    EXPECT_FALSE(OpenNote(AsText(m.bytes), {{ledger.as}}).ok()) << m.description;
  }
}

TEST(SignedNoteTest, CollectsSignatures) {
  const Party ledger("ledger");
  const Party witness("witness.example/w1", NoteAlgorithm::kCosignatureV1);
  const Party stranger("stranger");
  std::string note = *SignNote(kText, ledger.signer());
  note = *AddNoteSignature(note, stranger.signer());
  note = *AddNoteSignature(note, witness.signer(), UnixMillis(1'700'000'000'999));
  const auto opened = OpenNote(note, {{witness.as, ledger.as}});
  ASSERT_THAT(opened, IsOk());
  EXPECT_THAT(NamesOf(*opened), ElementsAre("ledger", "witness.example/w1"));
  EXPECT_EQ(opened->by[1].at, UnixMillis(1'700'000'000'000));
  EXPECT_THAT(OpenNote(note, {}), HasReason(Reason::kSignatureInvalid));
}

TEST(SignedNoteTest, RefusesAWrongSignatureBesideAGoodOne) {
  const Party ledger("ledger");
  const Party other("other");
  std::string note = *SignNote(kText, ledger.signer());
  const std::string other_note = *SignNote("another text\n", other.signer());
  note += other_note.substr(other_note.rfind("\n\n") + 2);
  EXPECT_THAT(OpenNote(note, {{ledger.as}}), IsOk());
  EXPECT_THAT(OpenNote(note, {{ledger.as, other.as}}), HasReason(Reason::kSignatureInvalid));
}

TEST(SignedNoteTest, RefusesAWrongSecondSignatureByOneKey) {
  const Party ledger("ledger");
  std::string note = *SignNote(kText, ledger.signer());
  EXPECT_EQ(OpenNote(*AddNoteSignature(note, ledger.signer()), {{ledger.as}})->by.size(), 1u);
  const std::string other_note = *SignNote("another text\n", ledger.signer());
  note += other_note.substr(other_note.rfind("\n\n") + 2);
  EXPECT_THAT(OpenNote(note, {{ledger.as}}), HasReason(Reason::kSignatureInvalid));
}

TEST(SignedNoteTest, BindsTheTimeOfAWitness) {
  const Party witness("w", NoteAlgorithm::kCosignatureV1);
  const std::string note = *SignNote(kText, witness.signer(), UnixMillis(1'000));
  const auto parsed = ParseNote(note);
  ASSERT_THAT(parsed, IsOk());
  ASSERT_EQ(parsed->signatures[0].bytes.size(), 72u);
  for (const test::Mutation& m : test::BitFlipsAndTruncations(AsBytes(note))) {
    EXPECT_FALSE(OpenNote(AsText(m.bytes), {{witness.as}}).ok()) << m.description;
  }
}

TEST(SignedNoteTest, DoesNotTakeAnEd25519SignatureForAWitnesss) {
  const Party witness("w", NoteAlgorithm::kCosignatureV1);
  const auto as_ledger = NoteKey::Make("w", NoteAlgorithm::kEd25519, witness.key.public_key());
  ASSERT_THAT(as_ledger, IsOk());
  const std::string note = *SignNote(kText, NoteSigner{*as_ledger, witness.key});
  EXPECT_THAT(OpenNote(note, {{witness.as}}), HasReason(Reason::kSignatureInvalid));
}

TEST(SignedNoteTest, TakesSixtyFourSignaturesAndNoMore) {
  const Party ledger("ledger");
  std::string note = *SignNote(kText, ledger.signer());
  const std::string line = note.substr(note.rfind("\n\n") + 2);
  while (ParseNote(note)->signatures.size() < kMaxNoteSignatures) note += line;
  EXPECT_THAT(OpenNote(note, {{ledger.as}}), IsOk());
  EXPECT_THAT(AddNoteSignature(note, ledger.signer()), HasReason(Reason::kRequestTooLarge));
  EXPECT_THAT(ParseNote(note + line), HasReason(Reason::kRequestMalformed));
}

TEST(SignedNoteTest, TakesTheLongestNoteAndNoByteMore) {
  const Party ledger("ledger");
  const std::string note = *SignNote("x\n", ledger.signer());
  const std::string text(kMaxNoteBytes - note.size() + 1, 'x');
  EXPECT_THAT(SignNote(text + "\n", ledger.signer()), IsOk());
  EXPECT_THAT(SignNote(text + "x\n", ledger.signer()), HasReason(Reason::kRequestTooLarge));
  EXPECT_THAT(ParseNote(std::string(kMaxNoteBytes + 1, 'x')), HasReason(Reason::kRequestTooLarge));
}

TEST(SignedNoteTest, DoesNotSignWhatIsNoText) {
  const Party ledger("ledger");
  for (const char* text :
       {"", "no line feed", "tab\t\n", "\xff\n", "\xc0\x80\n", "\xed\xa0\x80\n"}) {
    EXPECT_THAT(SignNote(text, ledger.signer()), HasReason(Reason::kRequestMalformed)) << text;
  }
}

TEST(NoteKeyTest, ReadsWhatItWrote) {
  const Party party("holdfast.example/x", NoteAlgorithm::kCosignatureV1);
  const auto read = NoteKey::Parse(party.as.ToString());
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->name(), party.as.name());
  EXPECT_EQ(read->hash(), party.as.hash());
  EXPECT_EQ(read->algorithm(), NoteAlgorithm::kCosignatureV1);
  EXPECT_EQ(read->key(), party.key.public_key());
}

TEST(NoteKeyTest, IsRefusedAfterAnyDamage) {
  const Party party("x");
  for (const test::Mutation& m : test::BitFlipsAndTruncations(AsBytes(party.as.ToString()))) {
    EXPECT_FALSE(NoteKey::Parse(AsText(m.bytes)).ok()) << m.description;
  }
  for (const test::Mutation& m : test::Extensions(AsBytes(party.as.ToString()))) {
    EXPECT_FALSE(NoteKey::Parse(AsText(m.bytes)).ok()) << m.description;
  }
}

TEST(NoteKeyTest, RefusesNamesThatTheFormatCannotCarry) {
  const PublicKey key = Party("x").key.public_key();
  for (const char* name : {"", "a b", "a+b", "a\nb", "a\tb",
                           "a\xc2\xa0"
                           "b",
                           "a\xe3\x80\x80", "\xff"}) {
    EXPECT_THAT(NoteKey::Make(name, NoteAlgorithm::kEd25519, key),
                HasReason(Reason::kRequestMalformed));
  }
  EXPECT_THAT(NoteKey::Make("a", NoteAlgorithm::kUnknown, key),
              HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(NoteKey::Make("a", static_cast<NoteAlgorithm>(2), key),
              HasReason(Reason::kRequestMalformed));
}

TEST(SignedNoteVectors, JudgeEveryPublishedNote) {
  const auto path = test::ExternalData("merkle/signed_notes.json");
  if (!path) GTEST_SKIP() << test::kNoExternalData;
  std::ifstream file(*path);
  const auto json = nlohmann::json::parse(file);
  for (const auto& test : json["cases"]) {
    SCOPED_TRACE(test["name"].get<std::string>());
    const std::string note = test["note"].is_null()
                                 ? ToString(*FromBase64(test["note_b64"].get<std::string>()))
                                 : test["note"].get<std::string>();
    std::vector<NoteKey> keys;
    for (const auto& vkey : test["vkeys"]) {
      const auto key = NoteKey::Parse(vkey.get<std::string>());
      ASSERT_THAT(key, IsOk());
      EXPECT_EQ(key->ToString(), vkey);
      keys.push_back(*key);
    }
    const std::string expect = test["expect"];
    const auto opened = OpenNote(note, keys);
    if (expect == "ok") {
      ASSERT_THAT(opened, IsOk());
      EXPECT_FALSE(opened->by.empty());
      if (test.contains("verified")) {
        EXPECT_EQ(NamesOf(*opened), test["verified"].get<std::vector<std::string>>());
      }
    } else if (expect == "parse only") {
      EXPECT_THAT(ParseNote(note), IsOk());
    } else if (expect == "invalid signature" || expect == "no verifiable signatures") {
      EXPECT_THAT(opened, HasReason(Reason::kSignatureInvalid));
    } else {
      ASSERT_TRUE(expect == "malformed note" || expect == "ambiguous key") << expect;
      EXPECT_THAT(opened, HasReason(Reason::kRequestMalformed));
    }
  }
  for (const auto& refused : json["vkeys_to_refuse"]) {
    EXPECT_FALSE(NoteKey::Parse(refused["vkey"].get<std::string>()).ok()) << refused["why"];
  }
}

}  // namespace
}  // namespace holdfast::crypto
