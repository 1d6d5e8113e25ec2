// SPDX-License-Identifier: Apache-2.0
// UTF-8: base/utf8.h.

#include "base/utf8.h"

#include <initializer_list>
#include <string>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

std::string Encode(char32_t c) {
  std::string text;
  const auto put = [&text](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | (c >> 6));
    put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3f));
    put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3f));
    put(0x80 | ((c >> 6) & 0x3f));
    put(0x80 | (c & 0x3f));
  }
  return text;
}

TEST(Utf8Test, TakesEveryCharacterAndNothingElse) {
  for (char32_t c = 0; c <= 0x10ffff + 100; ++c) {
    const bool valid = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
    const std::string text = Encode(c) + "x";
    std::string_view rest = text;
    const auto taken = TakeCodePoint(rest);
    ASSERT_EQ(taken.has_value(), valid) << static_cast<unsigned>(c);
    if (valid) {
      ASSERT_TRUE(*taken == c);
    }
    ASSERT_EQ(rest, valid ? "x" : text);
  }
}

TEST(Utf8Test, RefusesWhatIsNotTheShortestForm) {
  for (const char* text : {"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf",
                           "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf5\x80\x80\x80", "\xfe",
                           "\xff", "\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(", "a\xff"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
}

// ASCII is looked at in eights.
TEST(Utf8Test, SeesOneCharacterAmongAsciiWhereverItIs) {
  for (std::size_t size = 1; size <= 40; ++size) {
    EXPECT_TRUE(IsUtf8(std::string(size, 'a')));
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, 'a');
      text[at] = '\x80';
      EXPECT_FALSE(IsUtf8(text)) << at << " of " << size;
      EXPECT_TRUE(IsUtf8(text.replace(at, 1, "\xC3\xA9"))) << at << " of " << size;
      EXPECT_FALSE(IsUtf8(text.substr(0, at + 1))) << at << " of " << size;
    }
  }
}

TEST(Utf8Test, KnowsSpaces) {
  EXPECT_FALSE(HasUnicodeSpace("abc\xc3\xa4"));
  for (const char32_t c : std::initializer_list<char32_t>{0x20, 0x09, 0x0a, 0x85, 0xa0, 0x1680,
                                                          0x2003, 0x2028, 0x3000}) {
    EXPECT_TRUE(HasUnicodeSpace("a" + Encode(c))) << static_cast<unsigned>(c);
  }
}

TEST(Utf8Test, KnowsCharactersThatDeceive) {
  EXPECT_FALSE(HasDeceptiveCharacter("Jos\xc3\xa9 \xe6\x9d\x8e \xd8\xb9"));
  for (const char32_t c :
       std::initializer_list<char32_t>{0x00, 0x0a, 0x1f, 0x7f, 0x9f, 0xad, 0x61c, 0x200b, 0x200e,
                                       0x202e, 0x2066, 0xfeff, 0xe0041}) {
    EXPECT_TRUE(HasDeceptiveCharacter("a" + Encode(c))) << static_cast<unsigned>(c);
  }
}

}  // namespace
}  // namespace holdfast
