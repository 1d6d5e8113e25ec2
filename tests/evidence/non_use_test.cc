// SPDX-License-Identifier: Apache-2.0
// Statements that no key left: what they say, where there is none, and that nobody can alter one.
#include "evidence/non_use.h"

#include <chrono>
#include <string>
#include <utility>

#include "evidence/verification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "crypto/dsse.h"
#include "tests/evidence/story.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/mutations.h"

namespace holdfast::evidence {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr UnixMillis kStart(test::World::kStart);

class NonUseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    test::WriteExport(files_, "/export", story_.entries, story_.Checkpoint());
  }

  absl::StatusOr<Verification> Verify(VerificationRequest request) {
    request.folder = "/export";
    request.exchange = story_.world.agreement().exchange_id();
    return VerifyExport(files_, request, [](std::uint64_t) {});
  }

  NonUse Search(const v1::Scope& scope, UnixMillis from, UnixMillis to) {
    NonUseSearch search({scope, from, to});
    VerificationRequest request;
    request.readers = {&search};
    EXPECT_THAT(Verify(request), IsOk());
    return search.found();
  }

  // What `by` signs of it with `key`.
  std::string Sign(const NonUseSigned& said, const NonUse& found, std::string_view key) const {
    const auto payload = RenderNonUse(said, found);
    EXPECT_THAT(payload, IsOk());
    return SignText(*payload, key);
  }

  static std::string SignText(const std::string& payload, std::string_view key) {
    const auto envelope = crypto::SignDsse(kNonUsePayloadType, AsBytes(payload), test::KeyOf(key));
    EXPECT_THAT(envelope, IsOk());
    return crypto::RenderDsse(*envelope);
  }

  NonUseSigned Said(const v1::Scope& scope, UnixMillis from, UnixMillis to) const {
    return {story_.world.agreement().exchange_id(),
            "audra",
            kStart + hours(80),
            {scope, from, to},
            story_.Checkpoint()};
  }

  static std::string RuleOf(const absl::StatusOr<Verification>& result) {
    if (result.ok()) return "none";
    EXPECT_THAT(result, HasReason(Reason::kLedgerInconsistent));
    return MetadataOf(result.status())["rule"];
  }

  absl::StatusOr<Verification> VerifyStatement(const std::string& statement) {
    VerificationRequest request;
    request.statements = {statement};
    return Verify(request);
  }

  const test::SignedWorld story_ = test::Disclosures();
  test::MemoryFileSystem files_;
};

TEST_F(NonUseTest, StatesWhatIsSoAndIsVerifiedFromTheExport) {
  const UnixMillis from = kStart + hours(3);
  const UnixMillis to = kStart + hours(48);
  const NonUse found = Search(test::OfTransfer(story_.world, 0), from, to);
  ASSERT_EQ(found.answer, NonUseAnswer::kShown) << WhyNoStatement(found);
  EXPECT_EQ(found.records, 6U);
  EXPECT_EQ(found.released_before, 3U);
  EXPECT_EQ(found.others, 0U);
  EXPECT_EQ(found.size, story_.entries.size());

  const NonUseSigned said = Said(test::OfTransfer(story_.world, 0), from, to);
  const auto verified = VerifyStatement(Sign(said, found, "audra"));
  ASSERT_THAT(verified, IsOk());
  ASSERT_EQ(verified->statements.size(), 1U);
  EXPECT_EQ(verified->statements[0].said.by, "audra");
  EXPECT_THAT(DescribeVerification(*verified), HasSubstr("The statement of audra of"));

  // What it rests on is signed, shown, and in the document for counsel.
  const auto payload = RenderNonUse(said, found);
  ASSERT_THAT(payload, IsOk());
  const std::string document = test::Prose(std::string(HF_SOURCE_DIR) + "/docs/evidence.md");
  for (const std::string& line : test::LinesUnder(DescribeNonUse(said, found), "Assumed:")) {
    EXPECT_THAT(*payload, HasSubstr("\"" + line + "\""));
    EXPECT_THAT(document, HasSubstr("- " + line));
  }
}

TEST_F(NonUseTest, NamesTheKeysThatLeft) {
  const NonUse found =
      Search(test::OfTransfer(story_.world, 0), kStart + minutes(30), kStart + hours(2));
  ASSERT_EQ(found.answer, NonUseAnswer::kKeysLeft);
  ASSERT_EQ(found.left_count, 4U);
  for (const LeftKey& key : found.left) {
    ledger::v1::Entry entry;
    ASSERT_TRUE(entry.ParseFromString(story_.entries[key.index]));
    EXPECT_TRUE(entry.has_key_released());
    EXPECT_EQ(entry.key_released().row(), key.row);
    EXPECT_EQ(key.at, kStart + hours(1));
  }
}

TEST_F(NonUseTest, CountsKeysOfOtherRecordsAndLeavesThemOut) {
  const NonUse found = Search(test::OfPerson(4), kStart + minutes(30), kStart + hours(2));
  ASSERT_EQ(found.answer, NonUseAnswer::kShown);
  EXPECT_EQ(found.records, 1U);
  EXPECT_EQ(found.others, 4U);
  EXPECT_EQ(found.released_before, 0U);
}

TEST_F(NonUseTest, GivesEachKeyAMinuteForItsWay) {
  const v1::Scope scope = test::OfPerson(0);
  const UnixMillis left = kStart + hours(1);
  const UnixMillis to = kStart + hours(48);
  EXPECT_EQ(Search(scope, left + minutes(1), to).answer, NonUseAnswer::kKeysLeft);
  EXPECT_EQ(Search(scope, left + minutes(1) + milliseconds(1), to).answer, NonUseAnswer::kShown);
  // A period that ends when the key left does not have it; a millisecond more does.
  EXPECT_EQ(Search(scope, kStart + minutes(2), left).answer, NonUseAnswer::kShown);
  EXPECT_EQ(Search(scope, kStart + minutes(2), left + milliseconds(1)).answer,
            NonUseAnswer::kKeysLeft);
}

TEST_F(NonUseTest, SaysNothingOfAPeriodThatTheLedgerDoesNotCover) {
  const v1::Scope scope = test::OfPerson(4);
  const NonUse before = Search(scope, kStart - hours(1), kStart + hours(1));
  EXPECT_EQ(before.answer, NonUseAnswer::kNotCovered);
  EXPECT_THAT(WhyNoStatement(before), HasSubstr("does not say what was before"));
  const UnixMillis end = kStart + hours(72);
  EXPECT_EQ(Search(scope, kStart + hours(3), end).answer, NonUseAnswer::kShown);
  const NonUse after = Search(scope, kStart + hours(3), end + milliseconds(1));
  EXPECT_EQ(after.answer, NonUseAnswer::kNotCovered);
  EXPECT_THAT(WhyNoStatement(after), HasSubstr("ends before the period does"));
}

TEST_F(NonUseTest, SaysNothingOfWhatDoesNotExist) {
  v1::Scope scope;
  scope.set_transfer("transfers/00000000000000000000000000000000");
  EXPECT_EQ(Search(scope, kStart + hours(3), kStart + hours(48)).answer,
            NonUseAnswer::kNoSuchRecords);
}

TEST_F(NonUseTest, StaysTrueInALedgerThatHasGrown) {
  const UnixMillis from = kStart + hours(3);
  const UnixMillis to = kStart + hours(48);
  const v1::Scope scope = test::OfPerson(4);
  const std::string statement = Sign(Said(scope, from, to), Search(scope, from, to), "audra");
  test::SignedWorld grown = test::Disclosures();
  // Later the same person's key leaves: after the period, and after the statement's checkpoint.
  grown.world.Pass(hours(1));
  grown.world.Do(test::World::Release(test::OpenRealLease(grown, 0), 4));
  grown.Collect();
  test::MemoryFileSystem files;
  test::WriteExport(files, "/export", grown.entries, grown.Checkpoint());
  VerificationRequest request;
  request.folder = "/export";
  request.exchange = story_.world.agreement().exchange_id();
  request.statements = {statement};
  EXPECT_THAT(VerifyExport(files, request, [](std::uint64_t) {}), IsOk());
}

TEST_F(NonUseTest, RefusesAStatementThatIsNotTrue) {
  // Everything is as it would be if no key had left: the signer lies about the period.
  const UnixMillis to = kStart + hours(48);
  const v1::Scope scope = test::OfTransfer(story_.world, 0);
  const NonUse found = Search(scope, kStart + hours(3), to);
  const auto lie = VerifyStatement(Sign(Said(scope, kStart + minutes(30), to), found, "audra"));
  EXPECT_EQ(RuleOf(lie), "STATEMENT");
  EXPECT_THAT(std::string(lie.status().message()), HasSubstr("4 keys of these records left"));
  EXPECT_NE(MetadataOf(lie.status())["index"], "");

  // Or about what was found.
  for (auto change : {+[](NonUse& f) { ++f.records; }, +[](NonUse& f) { f.released_before = 0; },
                      +[](NonUse& f) { ++f.others; }, +[](NonUse& f) { ++f.closes->index; },
                      +[](NonUse& f) { f.opens->path.pop_back(); },
                      +[](NonUse& f) { f.clock_was_untrusted = true; },
                      +[](NonUse& f) { f.records_digest = Digest32{}; }}) {
    NonUse other = found;
    change(other);
    EXPECT_EQ(RuleOf(VerifyStatement(Sign(Said(scope, kStart + hours(3), to), other, "audra"))),
              "STATEMENT");
  }
}

TEST_F(NonUseTest, RefusesAStatementOfSomebodyElse) {
  const UnixMillis from = kStart + hours(3);
  const UnixMillis to = kStart + hours(48);
  const v1::Scope scope = test::OfPerson(4);
  const NonUse found = Search(scope, from, to);
  const NonUseSigned said = Said(scope, from, to);
  EXPECT_EQ(RuleOf(VerifyStatement(Sign(said, found, "audra"))), "none");
  EXPECT_EQ(RuleOf(VerifyStatement(Sign(said, found, "otto"))), "STATEMENT");
  NonUseSigned other = said;
  other.by = "nobody";
  EXPECT_EQ(RuleOf(VerifyStatement(Sign(other, found, "audra"))), "STATEMENT");
  other = said;
  other.exchange = ExchangeId(Digest32{});
  EXPECT_EQ(RuleOf(VerifyStatement(Sign(other, found, "audra"))), "STATEMENT");
  // Of another branch: the same entries but one.
  test::SignedWorld fork = test::Disclosures();
  ledger::v1::Entry last;
  ASSERT_TRUE(last.ParseFromString(fork.entries.back()));
  last.set_salt(std::string(16, 'x'));
  fork.entries.back() = last.SerializeAsString();
  other = said;
  other.checkpoint = fork.Checkpoint();
  EXPECT_EQ(RuleOf(VerifyStatement(Sign(other, found, "audra"))), "EARLIER");
  // The same text in another order, or with more in it, is not the statement.
  const std::string payload = *RenderNonUse(said, found);
  std::string more = payload;
  more.insert(more.find("\"version\""), "\"note\": \"x\",\n  ");
  EXPECT_EQ(RuleOf(VerifyStatement(SignText(more, "audra"))), "STATEMENT");
  EXPECT_EQ(RuleOf(VerifyStatement(SignText(payload + " ", "audra"))), "STATEMENT");
}

TEST_F(NonUseTest, NoticesEveryFlippedBitOfTheSignedPayload) {
  const UnixMillis from = kStart + hours(3);
  const UnixMillis to = kStart + hours(48);
  const v1::Scope scope = test::OfPerson(4);
  const NonUse found = Search(scope, from, to);
  const auto envelope =
      crypto::SignDsse(kNonUsePayloadType, AsBytes(*RenderNonUse(Said(scope, from, to), found)),
                       test::KeyOf("audra"));
  ASSERT_THAT(envelope, IsOk());
  const crypto::PublicKey keys[] = {test::KeyOf("audra").public_key()};
  const crypto::KeyLookup lookup = crypto::LookupIn(keys);
  ASSERT_THAT(crypto::VerifyDsse(*envelope, kNonUsePayloadType, lookup), IsOk());
  // In place: a list of copies would be a hundred megabytes.
  crypto::UnverifiedDsse altered = *envelope;
  for (std::size_t i = 0; i < altered.payload.size() * 8; ++i) {
    altered.payload[i / 8] ^= std::byte{1} << (i % 8);
    EXPECT_FALSE(crypto::VerifyDsse(altered, kNonUsePayloadType, lookup).ok()) << i;
    altered.payload[i / 8] ^= std::byte{1} << (i % 8);
  }
}

TEST_F(NonUseTest, EndsWithADefectAndNotWithACrashWhateverIsSigned) {
  const UnixMillis from = kStart + hours(3);
  const UnixMillis to = kStart + hours(48);
  const v1::Scope scope = test::OfDates(v1::DEPOSITED, test::World::kStart, to.value());
  const NonUse found = Search(scope, from, to);
  ASSERT_EQ(found.answer, NonUseAnswer::kShown);
  const std::string payload = *RenderNonUse(Said(scope, from, to), found);
  // One bit of each byte that a person can choose, signed again by who may sign: refused, or what
  // it then says is true.
  for (std::size_t i = payload.find("\"scope\""); i < payload.find("\"records\""); ++i) {
    std::string altered = payload;
    altered[i] = static_cast<char>(altered[i] ^ (1 << (i % 7)));
    const auto result = VerifyStatement(SignText(altered, "audra"));
    EXPECT_TRUE(result.ok() || RuleOf(result) == "STATEMENT") << altered;
  }
}

}  // namespace
}  // namespace holdfast::evidence
