// SPDX-License-Identifier: Apache-2.0
// The one normal form of text: policy/text.h. A disguise is folded or noticed, never overlooked.

#include "policy/text.h"

#include <cstdlib>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/mutations.h"

namespace holdfast::policy {
namespace {

std::string Normal(std::string_view text) {
  TextBuffer buffer;
  const NormalText normal = NormaliseText(text, buffer);
  return normal.status == TextStatus::kOk ? std::string(normal.text) : "(not read)";
}

std::uint8_t Flags(std::string_view text) {
  TextBuffer buffer;
  return NormaliseText(text, buffer).flags;
}

TEST(Text, AsciiIsUpperCaseWithSingleSpacesAndNoneAtTheEnds) {
  EXPECT_EQ(Normal("  main \t st.\r\n apt  5 "), "MAIN ST. APT 5");
  EXPECT_EQ(Normal(""), "");
  EXPECT_EQ(Normal(" \t "), "");
}

TEST(Text, DiacriticsGoAndLettersWithoutMarksAreTranscribed) {
  EXPECT_EQ(Normal("José Núñez"), "JOSE NUNEZ");
  EXPECT_EQ(Normal("Jose\xCC\x81"), "JOSE");  // The mark as a character of its own.
  EXPECT_EQ(Normal("Łukasz Øster Straße Ægir Đorđe"), "LUKASZ OSTER STRASSE AEGIR DORDE");
  EXPECT_EQ(Normal("O’Brien–Smith"), "O'BRIEN-SMITH");
}

TEST(Text, FullWidthLettersAndLigaturesAreOrdinaryOnes) {
  EXPECT_EQ(Normal("Ｆａｉｌｄ　ｔｏ ｐｒｏｖｉｄｅ"), "FAILD TO PROVIDE");
  EXPECT_EQ(Normal("ﬁeld"), "FIELD");
}

TEST(Text, InvisibleCharactersGoAndAreNoticed) {
  for (const char* text :
       {"HO\xE2\x80\x8BME", "HO\xE2\x80\x8DME", "HO\xC2\xADME", "\xEF\xBB\xBFHOME",
        "HO\xE2\x81\xA0ME", "HOME\xF3\xA0\x81\x81", "HO\xE2\x80\xAEME"}) {
    EXPECT_EQ(Normal(text), "HOME") << text;
    EXPECT_TRUE(Flags(text) & kTextHidden) << text;
  }
  EXPECT_FALSE(Flags("HOME") & kTextHidden);
}

TEST(Text, DigitsOfOtherScriptsAreNoticed) {
  for (const char* text : {"９０２１０", "٩٠٢١٠", "①", "½", "²", "Ⅷ", "१२३"}) {
    EXPECT_TRUE(Flags(text) & kTextForeignDigit) << text;
  }
  EXPECT_EQ(Flags("90210"), 0);
}

TEST(Text, AWordInTwoScriptsIsNoticed) {
  EXPECT_TRUE(Flags("M\xD0\xB0in") & kTextMixedScript);  // A Cyrillic a.
  EXPECT_TRUE(Flags("Οliver") & kTextMixedScript);       // A Greek O.
  EXPECT_FALSE(Flags("Иван Smith") & kTextMixedScript);
  EXPECT_FALSE(Flags("東京タワー") & kTextMixedScript);
  EXPECT_TRUE(Flags("Иван") & kTextNotLatin);
}

TEST(Text, ControlCharactersBrokenUtf8AndUnassignedCharactersAreNotRead) {
  using std::string_literals::operator""s;
  for (const std::string& text :
       {"a\0b"s, "a\x01"s, "a\x7F"s, "\xC3"s, "\xC0\x80"s, "\xED\xA0\x80"s, "\xF5\x80\x80\x80"s,
        "a\xC2\x85"s, "\xEE\x80\x80"s, "\xFF"s}) {
    TextBuffer buffer;
    EXPECT_EQ(NormaliseText(text, buffer).status, TextStatus::kUnreadable) << text;
    EXPECT_EQ(buffer.size(), 0u);
  }
}

TEST(Text, ReadsUpToTheLimitAndNoFurther) {
  TextBuffer buffer;
  EXPECT_EQ(NormaliseText(std::string(kMaxTextBytes, 'a'), buffer).status, TextStatus::kOk);
  buffer.Clear();
  EXPECT_EQ(NormaliseText(std::string(kMaxTextBytes + 1, 'a'), buffer).status,
            TextStatus::kTooLong);
  EXPECT_EQ(buffer.size(), 0u);
  // One character of three bytes that becomes eighteen.
  std::string grows;
  for (int i = 0; i < 80; ++i) grows += "\xEF\xB7\xBA";
  EXPECT_EQ(NormaliseText(grows, buffer).status, TextStatus::kTooLong);
  EXPECT_EQ(buffer.size(), 0u);
}

TEST(Text, AFullBufferIsTooLongAndKeepsWhatItHad) {
  TextBuffer buffer;
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(NormaliseText(std::string(kMaxTextBytes, 'a'), buffer).status, TextStatus::kOk);
  }
  EXPECT_EQ(NormaliseText("B", buffer).status, TextStatus::kTooLong);
  EXPECT_EQ(buffer.All(), std::string(4 * kMaxTextBytes, 'A'));
}

TEST(Text, TheNormalFormOfANormalFormIsItself) {
  for (const char* text : {"José Núñez", "  x  y ", "ＡＢＣ", "Straße", "Иван", "שלום", "O’Neil"}) {
    const std::string once = Normal(text);
    // The normal form has letters of no case in other scripts: folding is stable there as well.
    EXPECT_EQ(Normal(once), once) << text;
  }
}

TEST(Text, DamagedTextIsReadOrRefusedButNeverReadTwoWays) {
  const std::string text = "Ｎúñez 5 \xE2\x80\x8B Ł";
  for (const auto& mutation : test::BitFlipsAndTruncations(AsBytes(text))) {
    SCOPED_TRACE(mutation.description);
    const std::string damaged(ToString(mutation.bytes));
    EXPECT_EQ(Normal(damaged), Normal(damaged));
  }
}

TEST(Text, NearMeansOneTypingErrorAndTwoInLongWords) {
  EXPECT_TRUE(IsNear("SMITH", "SMITH"));
  EXPECT_TRUE(IsNear("SMITH", "SMYTH"));
  EXPECT_TRUE(IsNear("SMITH", "SMIHT"));
  EXPECT_TRUE(IsNear("SMITH", "SMTH"));
  EXPECT_TRUE(IsNear("SMITH", "SMITTH"));
  EXPECT_FALSE(IsNear("SMITH", "SCHMIDT"));
  EXPECT_FALSE(IsNear("SMITH", "SMYHT"));
  EXPECT_TRUE(IsNear("WASHINGTON", "WASHNIGTTON"));
  EXPECT_FALSE(IsNear("AL", "EL"));
  EXPECT_FALSE(IsNear("", "A"));
  EXPECT_FALSE(IsNear(std::string(65, 'A'), std::string(64, 'A') + "B"));
}

TEST(Text, NearnessIsMutual) {
  const std::string words[] = {"ABC",   "ACB",       "ABCD",      "BACD",     "ABDC",
                               "XABCD", "ABCDEFGHI", "ABDCEFGIH", "BADCFEHGI"};
  for (const auto& a : words) {
    for (const auto& b : words) EXPECT_EQ(IsNear(a, b), IsNear(b, a)) << a << ' ' << b;
  }
}

}  // namespace
}  // namespace holdfast::policy
