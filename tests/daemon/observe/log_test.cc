// SPDX-License-Identifier: Apache-2.0
#include "daemon/observe/log.h"

#include <cmath>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "daemon/observe/log_limiter.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using observe::FormatEvent;
using observe::Level;
using observe::LogFormat;
using testing::HasSubstr;
using testing::Not;

TEST(Log, AnEventAsJsonHasItsFieldsWithTheirTypes) {
  const std::string line =
      FormatEvent(LogFormat::kJson, Level::kWarning, "exchange", "key_left", "a key has left",
                  {{"exchange", "tax"},
                   {"ledger_index", std::uint64_t{1} << 63},
                   {"row", -1},
                   {"anchored", false},
                   {"duration_s", 0.25}});
  EXPECT_EQ(line,
            "{\"level\":\"warning\",\"msg\":\"a key has left\",\"component\":\"exchange\","
            "\"event\":\"key_left\",\"exchange\":\"tax\",\"ledger_index\":9223372036854775808,"
            "\"row\":-1,\"anchored\":false,\"duration_s\":0.25}");
  EXPECT_EQ(nlohmann::json::parse(line)["ledger_index"], std::uint64_t{1} << 63);
}

TEST(Log, AnEventAsTextIsOneReadableLine) {
  EXPECT_EQ(FormatEvent(LogFormat::kText, Level::kInfo, "rpc", "call_refused", "a call was refused",
                        {{"peer", "spiffe://a/b"}, {"why", "two words"}, {"none", ""}, {"n", 2}}),
            "info    rpc: a call was refused event=call_refused peer=spiffe://a/b "
            "why=\"two words\" none=\"\" n=2");
}

TEST(Log, TextOfAPeerCannotForgeALineOrAField) {
  const std::string hostile =
      std::string("x\"}\n{\"level\":\"error\" a=b \\ \x1b[31m") + '\0' + '\xff';
  const std::string json =
      FormatEvent(LogFormat::kJson, Level::kInfo, "rpc", "e", "m", {{"peer", hostile}});
  const auto parsed = nlohmann::json::parse(json);
  EXPECT_EQ(parsed.size(), 5u);
  EXPECT_EQ(parsed["level"], "info");
  EXPECT_THAT(json, Not(HasSubstr("\n")));
  EXPECT_THAT(json, Not(HasSubstr("\x1b")));
  const std::string text =
      FormatEvent(LogFormat::kText, Level::kInfo, "rpc", "e", "m", {{"peer", hostile}});
  EXPECT_THAT(text, Not(HasSubstr("\n")));
  EXPECT_THAT(text, HasSubstr("peer=\"x\\x22}"));
}

TEST(Log, AValueIsCutAtItsBound) {
  const std::string line = FormatEvent(LogFormat::kJson, Level::kInfo, "rpc", "e", "m",
                                       {{"peer", std::string(10'000, 'p')}});
  EXPECT_LT(line.size(), observe::kMaxFieldBytes + 100);
  EXPECT_THAT(line, HasSubstr("ppp...\""));
}

TEST(Log, ANumberThatJsonDoesNotKnowIsNull) {
  for (const double value : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    const auto parsed = nlohmann::json::parse(
        FormatEvent(LogFormat::kJson, Level::kInfo, "rpc", "e", "m", {{"x", value}}));
    EXPECT_TRUE(parsed["x"].is_null());
  }
}

TEST(Log, LevelsAreNamed) {
  EXPECT_THAT(observe::ParseLevel(""), IsOkAndHolds(testing::Eq(Level::kInfo)));
  EXPECT_THAT(observe::ParseLevel("debug"), IsOkAndHolds(testing::Eq(Level::kDebug)));
  EXPECT_THAT(observe::ParseLevel("error"), IsOkAndHolds(testing::Eq(Level::kError)));
  for (const char* text : {"Info", "warn", "info "}) {
    EXPECT_THAT(observe::ParseLevel(text), HasReason(Reason::kConfigInvalid)) << text;
  }
}

TEST(Log, WritesOneLineToStandardErrorFromTheChosenLevelOn) {
  observe::ConfigureLog({LogFormat::kJson, Level::kWarning});
  testing::internal::CaptureStderr();
  observe::Info("rpc", "quiet", "is not written");
  observe::Error("rpc", "loud", "is written", {{"n", 1}});
  const std::string written = testing::internal::GetCapturedStderr();
  observe::ConfigureLog({});
  ASSERT_FALSE(written.empty());
  EXPECT_EQ(written.find('\n'), written.size() - 1);
  const auto parsed = nlohmann::json::parse(written);
  EXPECT_EQ(parsed["event"], "loud");
  EXPECT_EQ(parsed["ts"].get<std::string>().size(), 24u);
  EXPECT_FALSE(observe::LogEnabled(Level::kDebug));
}

TEST(LogLimiter, LetsSoManyThroughAWindowAndCountsTheRest) {
  observe::LogLimiter limiter(2, std::chrono::seconds(1));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(limiter.AdmitAt(start), 0u);
  EXPECT_EQ(limiter.AdmitAt(start), 0u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limiter.AdmitAt(start), std::nullopt);
  EXPECT_EQ(limiter.AdmitAt(start + std::chrono::milliseconds(999)), std::nullopt);
  EXPECT_EQ(limiter.AdmitAt(start + std::chrono::milliseconds(1000)), 6u);
  EXPECT_EQ(limiter.AdmitAt(start + std::chrono::milliseconds(1000)), 0u);
  EXPECT_EQ(limiter.AdmitAt(start + std::chrono::milliseconds(1000)), std::nullopt);
}

}  // namespace
}  // namespace holdfast::test
