// SPDX-License-Identifier: Apache-2.0
#include "base/escape.h"

#include <string>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

TEST(EscapeForLogTest, LeavesPlainTextAlone) {
  EXPECT_EQ(EscapeForLog("a file/b-1.txt"), "a file/b-1.txt");
}

TEST(EscapeForLogTest, WritesEveryOtherByteInHexadecimal) {
  EXPECT_EQ(EscapeForLog("a\nb"), "a\\x0ab");
  EXPECT_EQ(EscapeForLog("\x1b[31m"), "\\x1b[31m");
  EXPECT_EQ(EscapeForLog("\"'\\"), "\\x22\\x27\\x5c");
  EXPECT_EQ(EscapeForLog("\xe2\x80\xae"), "\\xe2\\x80\\xae");
  EXPECT_EQ(EscapeForLog(std::string(1, '\0')), "\\x00");
}

TEST(EscapeForLogTest, NeverPrintsAControlCharacterWhateverComesIn) {
  std::string every_byte;
  for (int value = 0; value < 256; ++value) every_byte.push_back(static_cast<char>(value));
  for (const char c : EscapeForLog(every_byte, 1000)) {
    EXPECT_TRUE(c >= 0x20 && c < 0x7f);
    EXPECT_TRUE(c != '"' && c != '\'');
  }
}

TEST(EscapeForLogTest, CutsWhatIsTooLongAndShowsIt) {
  EXPECT_EQ(EscapeForLog("abcdef", 3), "abc...");
  EXPECT_EQ(EscapeForLog("abc", 3), "abc");
  EXPECT_EQ(EscapeForLog("abc", 0), "...");
  EXPECT_EQ(EscapeForLog(std::string(1000, 'x')).size(), 83u);
}

}  // namespace
}  // namespace holdfast
