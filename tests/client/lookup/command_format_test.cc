// SPDX-License-Identifier: Apache-2.0
// client/lookup/command_format.h
#include "client/lookup/command_format.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "tests/client/lookup/people_fixtures.h"
#include "tests/support/status_matchers.h"

namespace holdfast::client {
namespace {

using ::holdfast::test::HasMetadata;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kAnswer[] =
    R"({"id":7,"candidates":[{"name":"Ada Example","line1":"1 Main St","postal_code":"05401",)"
    R"("fields":{"wages":"100","secret":"hush"}},{"name":"Bea"}]})";

TEST(CommandFormatTest, GreetsWithItsVersion) {
  EXPECT_EQ(CommandGreeting(), "{\"holdfast_lookup\":1}\n");
  EXPECT_THAT(CheckGreeting(R"({"holdfast_lookup":1})"), IsOk());
  EXPECT_THAT(CheckGreeting(R"( { "holdfast_lookup" : 1 } )"), IsOk());
  EXPECT_THAT(CheckGreeting(R"({"holdfast_lookup":2})"), HasMetadata("version", "2"));
  for (const char* line : {"", "hello", "[]", "{}", R"({"holdfast_lookup":"1"})",
                           R"({"holdfast_lookup":1,"more":1})", R"({"id":1,"candidates":[]})"}) {
    EXPECT_THAT(CheckGreeting(line), HasReason(Reason::kRequestMalformed)) << line;
  }
}

TEST(CommandFormatTest, AsksWithEverythingThatIsKnown) {
  Subject subject("Ada \"A\\\" Example\t", "05401", "531-86-4001", 17);
  subject.message().mutable_person()->set_birth_date("1990-01-01");
  EXPECT_EQ(CommandQuestion(3, subject.query()),
            R"({"id":3,"row":17,"subject":{"name":"Ada \"A\\\" Example\u0009","line1":"",)"
            R"("line2":"","city":"","state":"","postal_code":"05401","tax_number":"531-86-4001",)"
            R"("birth_date":"1990-01-01"},"keys":["T531864001"],"periods":[[2021,2023]]})"
            "\n");
  EXPECT_THAT(CommandQuestion(4, Subject("Ada Example", "05401").query()),
              HasSubstr(R"("keys":["NADA EXAMPLE","P05401 ADA","P05401 EXAMPLE"])"));
}

TEST(CommandFormatTest, ReadsAnAnswerAndDropsWhatIsNotPermitted) {
  const auto answer = ReadAnswer(kAnswer, OnlyWages);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->id, 7U);
  EXPECT_EQ(answer->error, "");
  ASSERT_EQ(answer->candidates.size(), 2U);
  const v1::Candidate& first = answer->candidates[0];
  EXPECT_EQ(first.person().name(), "Ada Example");
  EXPECT_EQ(first.person().address().line1(), "1 Main St");
  EXPECT_EQ(first.person().address().postal_code(), "05401");
  ASSERT_EQ(first.fields_size(), 1);
  EXPECT_EQ(first.fields(0).value(), "100");
  const auto nobody = ReadAnswer(R"({"candidates":[],"id":0})", OnlyWages);
  ASSERT_THAT(nobody, IsOk());
  EXPECT_TRUE(nobody->candidates.empty());
  const auto error = ReadAnswer(R"({"id":1,"error":"DATABASE_DOWN"})", OnlyWages);
  ASSERT_THAT(error, IsOk());
  EXPECT_EQ(error->error, "DATABASE_DOWN");
}

TEST(CommandFormatTest, RefusesEverythingElseAndShowsNothingOfIt) {
  for (const char* line : {"",
                           "Ada Example",
                           R"(["Ada Example"])",
                           R"({"id":7})",
                           R"({"candidates":[]})",
                           R"({"id":"7","candidates":[]})",
                           R"({"id":-7,"candidates":[]})",
                           R"({"id":7,"candidates":{}})",
                           R"({"id":7,"candidates":["Ada Example"]})",
                           R"({"id":7,"candidates":[{}]})",
                           R"({"id":7,"candidates":[{"name":""}]})",
                           R"({"id":7,"candidates":[{"name":1}]})",
                           R"({"id":7,"candidates":[{"name":null}]})",
                           R"({"id":7,"candidates":[{"name":"Ada Example","ssn":"1"}]})",
                           R"({"id":7,"candidates":[{"name":"Ada Example","fields":[]}]})",
                           R"({"id":7,"candidates":[{"name":"Ada Example","fields":{"wages":1}}]})",
                           R"({"id":7,"candidates":[{"name":"Ada Example","name":"Ada Example"}]})",
                           R"({"id":7,"candidates":[],"error":"X"})",
                           R"({"id":7,"candidates":[],"more":1})",
                           R"({"id":7,"error":""})",
                           R"({"id":7,"error":"Ada Example is gone"})",
                           R"({"id":7,"candidates":[]}{"id":8,"candidates":[]})"}) {
    const auto answer = ReadAnswer(line, OnlyWages);
    EXPECT_THAT(answer, HasReason(Reason::kRequestMalformed)) << line;
    EXPECT_THAT(answer.status().ToString(), Not(HasSubstr("Ada"))) << line;
  }
}

TEST(CommandFormatTest, KeepsItsLimits) {
  const auto named = [](std::size_t bytes) {
    return R"({"id":1,"candidates":[{"name":")" + std::string(bytes, 'a') + "\"}]}";
  };
  EXPECT_THAT(ReadAnswer(named(4096), OnlyWages), IsOk());
  EXPECT_THAT(ReadAnswer(named(4097), OnlyWages), HasReason(Reason::kRequestTooLarge));
  EXPECT_THAT(ReadAnswer(named(kMaxAnswerBytes), OnlyWages), HasReason(Reason::kRequestTooLarge));
  const auto with_fields = [](int fields) {
    std::string text = R"({"id":1,"candidates":[{"name":"a","fields":{)";
    for (int i = 0; i < fields; ++i) {
      text += (i == 0 ? "\"f" : ",\"f") + std::to_string(i) + "\":\"\"";
    }
    return text + "}}]}";
  };
  EXPECT_THAT(ReadAnswer(with_fields(256), OnlyWages), IsOk());
  EXPECT_THAT(ReadAnswer(with_fields(257), OnlyWages), HasReason(Reason::kRequestTooLarge));
}

TEST(CommandFormatTest, TakesNoTruncatedAndNoLongerAnswer) {
  const std::string answer = kAnswer;
  for (std::size_t size = 0; size < answer.size(); ++size) {
    EXPECT_FALSE(ReadAnswer(answer.substr(0, size), OnlyWages).ok()) << size;
  }
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    EXPECT_EQ(ReadAnswer(answer + c, OnlyWages).ok(), blank) << byte;
  }
}

TEST(CommandFormatTest, ReadsEachFlippedBitAsSomethingElseOrNotAtAll) {
  const std::string answer = kAnswer;
  const auto right = ReadAnswer(answer, [](std::string_view) { return true; });
  ASSERT_THAT(right, IsOk());
  const auto text_of = [](const CommandAnswer& read) {
    std::string text = std::to_string(read.id) + read.error;
    for (const v1::Candidate& each : read.candidates) text += each.SerializeAsString();
    return text;
  };
  for (std::size_t bit = 0; bit < answer.size() * 8; ++bit) {
    std::string flipped = answer;
    flipped[bit / 8] =
        static_cast<char>(static_cast<unsigned char>(flipped[bit / 8]) ^ (1U << (bit % 8)));
    const auto read = ReadAnswer(flipped, [](std::string_view) { return true; });
    if (!read.ok()) continue;
    EXPECT_NE(text_of(*read), text_of(*right)) << bit;
  }
}

}  // namespace
}  // namespace holdfast::client
