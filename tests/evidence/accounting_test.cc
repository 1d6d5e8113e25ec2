// SPDX-License-Identifier: Apache-2.0
// Counting disclosures: evidence/accounting.h, and the draft of a certification beside it.
#include "evidence/accounting.h"

#include <string>

#include "evidence/certification.h"
#include "evidence/verification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "crypto/sha256.h"
#include "tests/evidence/story.h"
#include "tests/support/memory_file_system.h"

namespace holdfast::evidence {
namespace {

using ::holdfast::test::IsOk;
using ::testing::HasSubstr;

class AccountingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    test::WriteExport(files_, "/export", story_.entries, story_.Checkpoint());
  }

  absl::StatusOr<Verification> Read(LedgerReader& reader) {
    VerificationRequest request;
    request.folder = "/export";
    request.exchange = story_.world.agreement().exchange_id();
    request.readers = {&reader};
    return VerifyExport(files_, request, [](std::uint64_t) {});
  }

  Affected FindIn(const v1::Scope& scope) {
    AffectedSearch search(scope);
    EXPECT_THAT(Read(search), IsOk());
    return search.found();
  }

  const test::SignedWorld story_ = test::Disclosures();
  test::MemoryFileSystem files_;
};

TEST_F(AccountingTest, CountsAYearByAgencyAndAuthority) {
  YearAccount account(2026);
  ASSERT_THAT(Read(account), IsOk());
  ASSERT_EQ(account.lines().size(), 1U);
  const auto& [of, line] = *account.lines().begin();
  EXPECT_EQ(of, std::make_pair(std::string("ice"), std::string("statute")));
  EXPECT_EQ(line.transfers, 1U);
  EXPECT_EQ(line.asked, 6U);
  EXPECT_EQ(line.accepted, 6U);
  EXPECT_EQ(line.deposited, 6U);
  EXPECT_EQ(line.disclosures, 5U);
  EXPECT_EQ(line.records, 4U);
  EXPECT_EQ(line.with_data, 3U);
  EXPECT_EQ(line.without_data, 1U);
  EXPECT_EQ(line.persons, 4U);
  EXPECT_FALSE(account.covers_begin());
  EXPECT_FALSE(account.covers_end());
}

TEST_F(AccountingTest, CountsNothingInAnotherYearAndSaysWhatTheLedgerHasOfIt) {
  YearAccount before(2025);
  ASSERT_THAT(Read(before), IsOk());
  EXPECT_TRUE(before.lines().empty());
  EXPECT_TRUE(before.covers_end());
  YearAccount after(2027);
  ASSERT_THAT(Read(after), IsOk());
  EXPECT_TRUE(after.lines().empty());
  EXPECT_TRUE(after.covers_begin());
}

TEST_F(AccountingTest, ListsTheRecordsWhoseKeyLeft) {
  const Affected all = FindIn(test::Everything());
  ASSERT_TRUE(all.scope_valid);
  EXPECT_EQ(all.covered, 6U);
  EXPECT_EQ(all.persons, 4U);
  std::vector<std::uint32_t> rows;
  for (const AffectedRecord& record : all.records) {
    rows.push_back(record.row);
    EXPECT_EQ(record.transfer, story_.world.Name(0));
    EXPECT_EQ(record.requester, "ice");
    EXPECT_EQ(record.with_data, record.row != 5);
    EXPECT_EQ(record.releases, record.row == 0 ? 2U : 1U);
  }
  EXPECT_EQ(rows, (std::vector<std::uint32_t>{0, 1, 2, 5}));

  EXPECT_EQ(FindIn(test::OfPerson(2)).records.size(), 1U);
  EXPECT_TRUE(FindIn(test::OfPerson(3)).records.empty());
  EXPECT_FALSE(FindIn(test::OfAuthority("nothing")).scope_valid);
}

TEST_F(AccountingTest, DraftsACertificationWithWhatWasVerifiedAndWithoutAName) {
  YearAccount none(2025);
  const auto verified = Read(none);
  ASSERT_THAT(verified, IsOk());
  const auto digest = CheckpointDigest(files_, "/export");
  ASSERT_THAT(digest, IsOk());
  const std::string text = CertificationTemplate(
      *verified, {"/export", story_.world.agreement().exchange_id(), *digest, UnixMillis(0)});
  EXPECT_THAT(text, HasSubstr(Hex(verified->checkpoint.root)));
  EXPECT_THAT(text, HasSubstr(Hex(*digest)));
  EXPECT_THAT(text, HasSubstr(Hex(BytesOf(story_.world.agreement().exchange_id()))));
  EXPECT_THAT(text, HasSubstr("I, [name], declare"));
  for (const std::string& line : VerificationAssumptions()) EXPECT_THAT(text, HasSubstr(line));
}

}  // namespace
}  // namespace holdfast::evidence
