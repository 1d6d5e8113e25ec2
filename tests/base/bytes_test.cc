// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "tests/support/mutations.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast {
namespace {

using ::holdfast::test::BytesAre;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOkAndHolds;
using ::testing::Eq;

TEST(BytesTest, TextAndBytesAreTheSameCharacters) {
  const std::string text("a\0b\xff", 4);
  EXPECT_EQ(AsBytes(text).size(), 4u);
  EXPECT_EQ(ToString(AsBytes(text)), text);
  EXPECT_EQ(AsText(ToBytes(text)), text);
  EXPECT_EQ(ToString({}), "");
}

TEST(HexTest, WritesTwoLowerCaseDigitsForEachByte) {
  EXPECT_EQ(Hex({}), "");
  EXPECT_EQ(Hex(ToBytes(std::string("\x00\x0f\xf0\xff", 4))), "000ff0ff");
}

TEST(HexTest, ReadsWhatItWrites) {
  test::SeededRandom random;
  for (std::size_t size = 0; size < 70; ++size) {
    const Bytes bytes = random.MakeBytes(size);
    EXPECT_THAT(FromHex(Hex(bytes)), IsOkAndHolds(Eq(bytes)));
  }
}

TEST(HexTest, RefusesEverySecondSpelling) {
  for (const char* text : {"0", "0g", "0A", " 00", "00 ", "0x00", "00\n", "-1", "zz"}) {
    EXPECT_THAT(FromHex(text), HasReason(Reason::kRequestMalformed)) << text;
  }
}

TEST(Base64Test, WritesTheVectorsOfRfc4648) {
  EXPECT_EQ(Base64(AsBytes("")), "");
  EXPECT_EQ(Base64(AsBytes("f")), "Zg==");
  EXPECT_EQ(Base64(AsBytes("fo")), "Zm8=");
  EXPECT_EQ(Base64(AsBytes("foo")), "Zm9v");
  EXPECT_EQ(Base64(AsBytes("foob")), "Zm9vYg==");
  EXPECT_EQ(Base64(AsBytes("fooba")), "Zm9vYmE=");
  EXPECT_EQ(Base64(AsBytes("foobar")), "Zm9vYmFy");
  EXPECT_EQ(Base64(AsBytes("\xfb\xff\xbf")), "+/+/");
}

TEST(Base64Test, ReadsWhatItWrites) {
  test::SeededRandom random;
  for (std::size_t size = 0; size < 70; ++size) {
    const Bytes bytes = random.MakeBytes(size);
    EXPECT_THAT(FromBase64(Base64(bytes)), IsOkAndHolds(Eq(bytes)));
  }
}

TEST(Base64Test, RefusesEverySecondSpelling) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zh==", "Zm9=", "Zm-_",
                           "Zg==\n", "Zm 9v", "Zg==Zg==", "Z=g=", "=Zg=", "Zm8=Zm9v"}) {
    EXPECT_THAT(FromBase64(text), HasReason(Reason::kRequestMalformed)) << text;
  }
}

TEST(Base64Test, GivesTwoTextsTheSameBytesOnlyIfTheyAreEqual) {
  const std::string good = Base64(AsBytes("holdfast"));
  for (const auto& mutation : test::BitFlipsAndTruncations(AsBytes(good))) {
    SCOPED_TRACE(mutation.description);
    const auto bytes = FromBase64(AsText(mutation.bytes));
    if (bytes.ok()) {
      EXPECT_EQ(Base64(*bytes), AsText(mutation.bytes));
    }
  }
}

TEST(HexTest, GivesTwoTextsTheSameBytesOnlyIfTheyAreEqual) {
  const std::string good = Hex(AsBytes("holdfast"));
  for (const auto& mutation : test::BitFlipsAndTruncations(AsBytes(good))) {
    SCOPED_TRACE(mutation.description);
    const auto bytes = FromHex(AsText(mutation.bytes));
    if (bytes.ok()) {
      EXPECT_EQ(Hex(*bytes), AsText(mutation.bytes));
    }
  }
}

TEST(BytesMatcherTest, ComparesCharacters) {
  EXPECT_THAT(ToBytes("abc"), BytesAre("abc"));
  EXPECT_THAT(ToBytes("abc"), ::testing::Not(BytesAre("abd")));
}

}  // namespace
}  // namespace holdfast
