// SPDX-License-Identifier: Apache-2.0
// holdfast agreement.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "cli/agreement_sample.h"
#include "tests/cli/cli_harness.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/status_matchers.h"

namespace holdfast::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class AgreementCommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& [name, who] : SampleSigners()) {
      const CommandResult made = cli_.Run(
          {"identity", "create", "--out", "/a/keys/" + name, "--no-passphrase", "--quiet"});
      ASSERT_EQ(made.exit, 0) << made.err;
    }
    ASSERT_EQ(cli_.Run({"sample", "--records", "10", "--out", "/a"}).exit, 0);
  }

  CommandResult Init(const std::string& out = "/a/agreement.txt") {
    return cli_.Run({"agreement", "init", "--out", out, "--keys", "/a/keys", "--places",
                     "/a/places.csv", "--delegation", "/a/delegation.txt", "--safeguard",
                     "/a/safeguard.txt", "--cooling-period", "5s", "--destruction-window", "2s"});
  }

  CommandResult Sign(const std::string& key, const std::string& text = "/a/agreement.txt") {
    return cli_.Run({"agreement", "sign", text, "--key", "/a/keys/" + key, "--out", "/a/signed"});
  }

  std::string Read(const std::string& path) { return ToString(*files_.ReadWhole(path, 1 << 20)); }

  test::MemoryFileSystem files_;
  CliHarness cli_{files_};
};

TEST_F(AgreementCommandTest, MakesOneThatIsValidAndSignedByBoth) {
  ASSERT_EQ(Init().exit, 0);
  const CommandResult check = cli_.Run({"agreement", "check", "/a/agreement.txt"});
  EXPECT_EQ(check.exit, 0) << check.out << check.err;
  ASSERT_EQ(Sign("principal-source").exit, 0);
  EXPECT_EQ(cli_.Run({"agreement", "verify", "/a/signed"}).exit, 1);
  ASSERT_EQ(Sign("principal-requester").exit, 0);
  const CommandResult verify = cli_.Run({"agreement", "verify", "/a/signed"});
  EXPECT_EQ(verify.exit, 0) << verify.err;
  EXPECT_THAT(verify.out, HasSubstr("signed by both principals"));
  EXPECT_THAT(verify.out, HasSubstr("counsel-1"));
  const std::size_t at = verify.out.find("exchange ");
  const std::string id = verify.out.substr(at + 9, 64);
  EXPECT_EQ(cli_.Run({"agreement", "verify", "/a/signed", "--exchange-id", id}).exit, 0);
  EXPECT_EQ(
      cli_.Run({"agreement", "verify", "/a/signed", "--exchange-id", std::string(64, '0')}).exit,
      1);
}

TEST_F(AgreementCommandTest, SaysWhatIsWrongWithLineNumbers) {
  ASSERT_EQ(Init().exit, 0);
  std::string text = Read("/a/agreement.txt");
  text.replace(text.find("suite: 1"), 8, "suite: 2");
  files_.Preload("/a/bad.txt", AsBytes(text));
  const CommandResult check = cli_.Run({"agreement", "check", "/a/bad.txt"});
  EXPECT_EQ(check.exit, 1);
  EXPECT_THAT(check.out, StartsWith("/a/bad.txt:7:"));
  EXPECT_EQ(Sign("principal-source", "/a/bad.txt").exit, 1);
}

TEST_F(AgreementCommandTest, NamesTheKeysThatAreMissing) {
  const CommandResult init = cli_.Run({"agreement", "init", "--out", "/a/fresh.txt"});
  EXPECT_EQ(init.exit, 0);
  EXPECT_THAT(init.out, HasSubstr("keys to be put in"));
  EXPECT_EQ(cli_.Run({"agreement", "check", "/a/fresh.txt"}).exit, 1);
}

TEST_F(AgreementCommandTest, RefusesAnotherPlaceTable) {
  ASSERT_EQ(Init().exit, 0);
  files_.Preload("/a/places.csv", AsBytes("99999,Elsewhere,AK\n"));
  EXPECT_EQ(cli_.Run({"agreement", "check", "/a/agreement.txt"}).exit, 1);
  EXPECT_EQ(Sign("principal-source").exit, 1);
}

TEST_F(AgreementCommandTest, LetsNobodyElseSignAndNobodyTwice) {
  ASSERT_EQ(Init().exit, 0);
  EXPECT_EQ(Sign("custodian-1").exit, 1);
  ASSERT_EQ(Sign("principal-source").exit, 0);
  EXPECT_EQ(Sign("principal-source").exit, 65);
}

TEST_F(AgreementCommandTest, RefusesASignedFileThatWasEdited) {
  ASSERT_EQ(Init().exit, 0);
  ASSERT_EQ(Sign("principal-source").exit, 0);
  ASSERT_EQ(Sign("principal-requester").exit, 0);
  std::string text = Read("/a/signed");
  const std::size_t at = text.find("\"payload\": \"") + 40;
  text[at] = text[at] == 'A' ? 'B' : 'A';
  files_.Preload("/a/signed", AsBytes(text));
  EXPECT_EQ(cli_.Run({"agreement", "verify", "/a/signed"}).exit, 1);
}

TEST_F(AgreementCommandTest, SaysWhatChanges) {
  ASSERT_EQ(Init().exit, 0);
  std::string text = Read("/a/agreement.txt");
  text.replace(text.find("transfer_approvals: 1"), 21, "transfer_approvals: 2");
  files_.Preload("/a/next.txt", AsBytes(text));
  const CommandResult diff = cli_.Run({"agreement", "diff", "/a/agreement.txt", "/a/next.txt"});
  EXPECT_EQ(diff.exit, 0);
  EXPECT_THAT(diff.out, HasSubstr("approvals"));
  EXPECT_THAT(cli_.Run({"agreement", "diff", "/a/agreement.txt", "/a/agreement.txt"}).out,
              HasSubstr("nothing that matters changes"));
}

}  // namespace
}  // namespace holdfast::cli
