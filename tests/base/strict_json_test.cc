// SPDX-License-Identifier: Apache-2.0
// Strict JSON: base/strict_json.h.

#include "base/strict_json.h"

#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "tests/support/mutations.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;

TEST(StrictJsonTest, ReadsEveryKindOfValue) {
  const auto json = ParseStrictJson(
      R"( {"text": "a \"b\" \u00e4 \ud83d\ude00", "number": -12, "yes": true, "no": false,
           "list": [1, [], {}], "object": {"inner": "x"}} )");
  ASSERT_THAT(json, IsOk());
  EXPECT_EQ(json->Find("text")->text(), "a \"b\" \xc3\xa4 \xf0\x9f\x98\x80");
  EXPECT_EQ(json->Find("number")->integer(), -12);
  EXPECT_TRUE(json->Find("yes")->boolean());
  EXPECT_FALSE(json->Find("no")->boolean());
  EXPECT_EQ(json->Find("list")->array().size(), 3u);
  EXPECT_EQ(json->Find("object")->Find("inner")->text(), "x");
  EXPECT_EQ(json->Find("none"), nullptr);
  EXPECT_EQ(json->Find("text")->Find("none"), nullptr);
  EXPECT_EQ(json->object()[1].name, "number");
}

TEST(StrictJsonTest, ReadsIntegersOfSixtyFourBitsAndNoOtherNumbers) {
  EXPECT_EQ(ParseStrictJson("9223372036854775807")->integer(),
            std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(ParseStrictJson("-9223372036854775808")->integer(),
            std::numeric_limits<std::int64_t>::min());
  for (const char* text : {"9223372036854775808", "-9223372036854775809", "18446744073709551616",
                           "1.0", "1e3", "1E400", "0.1", "01", "+1", "-", "1.", ".1", "0x1", "NaN",
                           "Infinity", "-Infinity", "1_000"}) {
    EXPECT_THAT(ParseStrictJson(text), HasReason(Reason::kRequestMalformed)) << text;
  }
}

TEST(StrictJsonTest, RefusesAMemberTwice) {
  for (const char* text : {R"({"a":1,"a":1})", R"({"a":1,"b":2,"a":3})", R"({"a":1,"\u0061":2})",
                           R"({"x":{"a":1,"a":2}})", R"([{"a":1,"a":2}])"}) {
    EXPECT_THAT(ParseStrictJson(text), HasReason(Reason::kRequestMalformed)) << text;
  }
  EXPECT_THAT(ParseStrictJson(R"({"a":{"a":1},"b":{"a":1}})"), IsOk());
}

TEST(StrictJsonTest, RefusesNamesThatProtobufWouldTakeForOthers) {
  JsonLimits any;
  any.names = JsonNames::kAny;
  for (const char* text : {R"({"hold_id":1})", R"({"HoldId":1})", R"({"":1})", R"({"1a":1})",
                           R"({"a-b":1})", R"({"a.b":1})", R"({"@type":1})", R"({"ä":1})"}) {
    EXPECT_THAT(ParseStrictJson(text), HasReason(Reason::kRequestMalformed)) << text;
    EXPECT_THAT(ParseStrictJson(text, any), IsOk()) << text;
  }
  EXPECT_THAT(ParseStrictJson("{\"a\\u0000\":1}", any), HasReason(Reason::kRequestMalformed));
}

TEST(StrictJsonTest, RefusesWhatIsNotTheGrammar) {
  for (const char* text : {"",
                           " ",
                           "nul",
                           "null",
                           "[null]",
                           "True",
                           "'a'",
                           "{'a':1}",
                           "{a:1}",
                           "[1,]",
                           "{\"a\":1,}",
                           "[1 2]",
                           "{\"a\" 1}",
                           "{\"a\"}",
                           "[",
                           "{",
                           "]",
                           "}",
                           "[}",
                           "{]",
                           "\"",
                           "\"\\x41\"",
                           "// c\n1",
                           "/* c */1",
                           "1 2",
                           "{}{}",
                           "{},",
                           "[]x",
                           "\xef\xbb\xbf{}",
                           "\"\t\"",
                           "\"\n\"",
                           "\"\\ud800\"",
                           "\"\\udc00\"",
                           "\"\\ud800\\ud800\"",
                           "\"\xff\"",
                           "\"\xc0\x80\"",
                           "\"\xed\xa0\x80\"",
                           "\"\xf4\x90\x80\x80\"",
                           "\"\xe2\x82\"",
                           "\"\\u12\"",
                           "\x0c{}"}) {
    EXPECT_THAT(ParseStrictJson(text), HasReason(Reason::kRequestMalformed)) << text;
  }
}

TEST(StrictJsonTest, DoesNotStopAtAZeroByte) {
  EXPECT_THAT(ParseStrictJson(std::string_view("{}\0", 3)), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(ParseStrictJson(std::string_view("{}\0{}", 5)), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(ParseStrictJson(std::string_view("\"a\0b\"", 5)),
              HasReason(Reason::kRequestMalformed));
}

TEST(StrictJsonTest, RefusesCharactersThatDeceiveTheReader) {
  for (const char* text : {"\"\\u0000\"", "\"\\n\"", "\"\\t\"", "\"\\u007f\"", "\"\\u0085\"",
                           "\"\\u200b\"", "\"\\u202e\"", "\"\\u2066\"", "\"\\ufeff\"",
                           "\"a\xe2\x80\xae"
                           "b\"",
                           "\"\\udb40\\udc41\""}) {
    EXPECT_THAT(ParseStrictJson(text), HasReason(Reason::kRequestMalformed)) << text;
  }
}

TEST(StrictJsonTest, StopsAtEachLimitAndNotBefore) {
  JsonLimits limits;
  limits.max_bytes = 100;
  limits.max_depth = 3;
  limits.max_values = 5;
  EXPECT_THAT(ParseStrictJson("[[[]]]", limits), IsOk());
  EXPECT_THAT(ParseStrictJson("[[[[]]]]", limits), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(ParseStrictJson("[1,2,3,4]", limits), IsOk());
  EXPECT_THAT(ParseStrictJson("[1,2,3,4,5]", limits), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(ParseStrictJson("\"" + std::string(98, 'x') + "\"", limits), IsOk());
  EXPECT_THAT(ParseStrictJson("\"" + std::string(99, 'x') + "\"", limits),
              HasReason(Reason::kRequestTooLarge));
}

TEST(StrictJsonTest, WithstandsDeepAndWideText) {
  EXPECT_THAT(ParseStrictJson(std::string(60'000, '[')), HasReason(Reason::kRequestMalformed));
  std::string wide = "[0";
  for (int i = 0; i < 30'000; ++i) wide += ",0";
  EXPECT_THAT(ParseStrictJson(wide + "]"), HasReason(Reason::kRequestMalformed));
}

TEST(StrictJsonTest, ComparesWhatIsSaid) {
  const auto a = ParseStrictJson(R"({"x": 1, "y": [1, 2]})");
  EXPECT_EQ(*a, *ParseStrictJson(R"({"y":[1,2],"x":1})"));
  for (const char* other : {R"({"x":1,"y":[2,1]})", R"({"x":1})", R"({"x":1,"y":[1,2],"z":0})",
                            R"({"x":"1","y":[1,2]})", R"({"x":true,"y":[1,2]})", "[]", "1"}) {
    EXPECT_FALSE(*a == *ParseStrictJson(other)) << other;
  }
}

TEST(StrictJsonTest, ReadsWhatItWrites) {
  const JsonValue value = JsonValue::OfObject({
      {"text", JsonValue::OfText("quote \" backslash \\ slash / \xc3\xa4")},
      {"empty", JsonValue::OfObject({})},
      {"list", JsonValue::OfArray(
                   {JsonValue::OfInteger(-1), JsonValue::OfBoolean(true), JsonValue::OfArray({})})},
  });
  const std::string text = WriteJson(value);
  EXPECT_EQ(text,
            "{\n"
            "  \"text\": \"quote \\\" backslash \\\\ slash / \xc3\xa4\",\n"
            "  \"empty\": {},\n"
            "  \"list\": [\n"
            "    -1,\n"
            "    true,\n"
            "    []\n"
            "  ]\n"
            "}\n");
  EXPECT_THAT(ParseStrictJson(text), IsOkAndHolds(value));
}

TEST(StrictJsonTest, SaysSomethingElseOrNothingAfterAnyFlippedBit) {
  const std::string text = R"({"kind": "FREEZE", "rows": [{"first": 1, "last": 20}]})";
  const auto good = ParseStrictJson(text);
  ASSERT_THAT(good, IsOk());
  for (const test::Mutation& m : test::BitFlips(AsBytes(text))) {
    const auto read = ParseStrictJson(AsText(m.bytes));
    if (read.ok()) {
      EXPECT_FALSE(*read == *good) << m.description;
    }
  }
  for (const test::Mutation& m : test::Truncations(AsBytes(text))) {
    EXPECT_THAT(ParseStrictJson(AsText(m.bytes)), HasReason(Reason::kRequestMalformed));
  }
}

TEST(StrictJsonTest, WithstandsRandomText) {
  test::SeededRandom random;
  const std::string alphabet = "{}[]\",:\\u0123456789abcdeftrue -+.nl\x01\xc3\xa4\xff";
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (std::uint64_t i = random.Below(40); i > 0; --i) {
      text += alphabet[static_cast<std::size_t>(random.Below(alphabet.size()))];
    }
    const auto read = ParseStrictJson(text);
    if (read.ok()) {
      EXPECT_THAT(ParseStrictJson(WriteJson(*read)), IsOkAndHolds(*read)) << text;
    }
  }
}

}  // namespace
}  // namespace holdfast
