// SPDX-License-Identifier: Apache-2.0
// What a drill reports: when it passed, and the text that others read.
#include "evidence/drill_report.h"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "crypto/dsse.h"
#include "tests/policy/test_agreement.h"
#include "tests/support/status_matchers.h"

namespace holdfast::evidence {
namespace {

using ::holdfast::test::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;
using Result = DrillCheck::Result;

DrillReport Sample() {
  DrillReport report;
  report.scenario = "revoke";
  report.gateway = "holdfastd 0.1.0";
  report.keyslot = "file on any file system";
  report.records = 200;
  report.affected = 97;
  report.began = UnixMillis(1'790'000'000'000);
  report.ended = UnixMillis(1'790'000'009'876);
  report.to_last_release = std::chrono::milliseconds(7);
  report.to_destruction = std::chrono::milliseconds(2'345);
  report.checks = {{"a new lease gets none of the keys", Result::kPassed, "97 of 97 refused"},
                   {"memory", Result::kNotTried, "the drill runs as root"}};
  report.steps = {{"start the gateway", std::chrono::milliseconds(250)},
                  {"verify the ledger", std::chrono::milliseconds(12'345)}};
  return report;
}

TEST(DrillReportTest, PassesOnlyIfSomethingPassedAndNothingFailed) {
  DrillReport report = Sample();
  EXPECT_TRUE(report.passed());
  report.checks.push_back({"the ledger verifies", Result::kFailed, ""});
  EXPECT_FALSE(report.passed());
  report.checks = {{"memory", Result::kNotTried, ""}};
  EXPECT_FALSE(report.passed());
  report.checks.clear();
  EXPECT_FALSE(report.passed());
  EXPECT_EQ(DrillCheck().result, Result::kFailed);
}

// The text of version 1, as others read it.
void ExpectFrozen(const DrillReport& sample, const std::string& name) {
  const std::string path = std::string(HF_SOURCE_DIR) + "/tests/vectors/" + name;
  const auto report = SignDrillReport(sample, test::KeyOf("audra"));
  ASSERT_THAT(report, IsOk());
  if (std::getenv("HOLDFAST_WRITE_VECTORS") != nullptr) {
    std::ofstream(path, std::ios::binary) << *report;
  }
  std::ostringstream frozen;
  frozen << std::ifstream(path, std::ios::binary).rdbuf();
  EXPECT_EQ(*report, frozen.str());
  const std::vector<crypto::PublicKey> keys = {test::KeyOf("audra").public_key()};
  const auto opened = crypto::OpenDsse(*report, kDrillReportPayloadType, crypto::LookupIn(keys));
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ(AsText(opened->payload), RenderDrillReport(sample));
}

TEST(DrillReportTest, IsTheTextThatWasFrozen) {
  ExpectFrozen(Sample(), "drill_report_v1.json");
  DrillReport certified = Sample();
  certified.to_certificate = std::chrono::milliseconds(6'789);
  ExpectFrozen(certified, "drill_report_certified_v1.json");
}

TEST(DrillReportTest, TellsPeopleAndCollectors) {
  DrillReport report = Sample();
  const std::string text = DescribeDrillReport(report);
  EXPECT_THAT(text, HasSubstr("DRILL revoke: passed, 97 of 200 made-up records"));
  EXPECT_THAT(text, HasSubstr("last key left 0.007 s after the order"));
  EXPECT_THAT(text, HasSubstr("keys gone 2.345 s after the order"));
  EXPECT_THAT(text, HasSubstr("not tried: memory: the drill runs as root"));
  EXPECT_THAT(text, HasSubstr("12.345 s verify the ledger"));
  const std::string metrics = DrillMetrics(report);
  EXPECT_THAT(metrics, HasSubstr("holdfast_drill_passed{scenario=\"revoke\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("holdfast_drill_ended_timestamp_seconds{scenario=\"revoke\"} "
                                 "1790000009\n"));
  EXPECT_THAT(metrics,
              HasSubstr("holdfast_drill_destruction_seconds{scenario=\"revoke\"} 2.345\n"));
  EXPECT_THAT(text, Not(HasSubstr("certified")));
  EXPECT_THAT(metrics, Not(HasSubstr("certificate")));
  report.to_certificate = std::chrono::milliseconds(6'789);
  EXPECT_THAT(DescribeDrillReport(report), HasSubstr("certified 6.789 s after the order"));
  EXPECT_THAT(DrillMetrics(report),
              HasSubstr("holdfast_drill_certificate_seconds{scenario=\"revoke\"} 6.789\n"));
  report.checks[0].result = Result::kFailed;
  EXPECT_THAT(DescribeDrillReport(report), HasSubstr("DRILL revoke: FAILED"));
  EXPECT_THAT(DrillMetrics(report), HasSubstr("holdfast_drill_passed{scenario=\"revoke\"} 0\n"));
}

}  // namespace
}  // namespace holdfast::evidence
