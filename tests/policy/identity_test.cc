// SPDX-License-Identifier: Apache-2.0
// Birth dates and tax numbers: policy/identity.h. Read in full or not at all.

#include "policy/identity.h"

#include <string>

#include "gtest/gtest.h"

#include "tests/support/mutations.h"

namespace holdfast::policy {
namespace {

TEST(CivilDate, ReadsDaysThatExist) {
  EXPECT_EQ(ParseCivilDate("1970-01-31"), (CivilDate{1970, 1, 31}));
  EXPECT_EQ(ParseCivilDate("2000-02-29"), (CivilDate{2000, 2, 29}));
  EXPECT_EQ(ParseCivilDate("1800-12-01"), (CivilDate{1800, 12, 1}));
}

TEST(CivilDate, RefusesDaysThatDoNotExistAndOtherForms) {
  for (const char* text : {"",
                           "1900-02-29",
                           "2001-02-29",
                           "2001-13-01",
                           "2001-00-10",
                           "2001-01-00",
                           "2001-04-31",
                           "1799-12-31",
                           "0000-00-00",
                           "70-01-31",
                           "1970-1-31",
                           "1970/01/31",
                           "01-31-1970",
                           "1970-01-31 ",
                           " 1970-01-31",
                           "1970-01-31T00:00",
                           "19700131",
                           "1970-01-3l",
                           "-970-01-31",
                           "+970-01-31",
                           "１９７０-01-31"}) {
    EXPECT_FALSE(ParseCivilDate(text)) << text;
  }
}

TEST(CivilDate, EveryDamageChangesOrRefusesIt) {
  const std::string text = "1970-01-21";
  for (const auto& mutation : test::BitFlipsAndTruncations(AsBytes(text))) {
    SCOPED_TRACE(mutation.description);
    const auto date = ParseCivilDate(ToString(mutation.bytes));
    EXPECT_FALSE(date == (CivilDate{1970, 1, 21}));
  }
}

TEST(CivilDate, TheDefaultIsBeforeEveryDay) {
  EXPECT_LT(CivilDate{}, *ParseCivilDate("1800-01-01"));
}

TEST(TaxNumber, ReadsTheUsFormWithAndWithoutSeparators) {
  const auto number = ParseTaxNumber("219-09-9998", TaxNumberForm::kUs);
  ASSERT_TRUE(number);
  EXPECT_EQ(number, ParseTaxNumber("219099998", TaxNumberForm::kUs));
  EXPECT_EQ(number, ParseTaxNumber("219 09 9998", TaxNumberForm::kUs));
  EXPECT_NE(number, ParseTaxNumber("219099989", TaxNumberForm::kUs));
}

TEST(TaxNumber, RefusesNumbersThatAreNobodys) {
  for (const char* text : {"", "000-12-3456", "666-12-3456", "123-00-4567", "123-45-0000",
                           "111111111", "999999999", "123456789", "987654321", "000000000"}) {
    EXPECT_FALSE(ParseTaxNumber(text, TaxNumberForm::kUs)) << text;
  }
}

TEST(TaxNumber, RefusesOtherForms) {
  for (const char* text :
       {"21909999", "2190999980", "219-099-998", "2-19-09-9998", "219--09-9998", "-219099998",
        "219099998-", "219-09-999a", "219.09.9998", "２19099998", "219-09- 9998", "219 099998"}) {
    EXPECT_FALSE(ParseTaxNumber(text, TaxNumberForm::kUs)) << text;
  }
  EXPECT_FALSE(ParseTaxNumber("219-09-9998", TaxNumberForm::kUnspecified));
}

TEST(TaxNumber, TheGenericFormTakesFiveToNineDigits) {
  EXPECT_TRUE(ParseTaxNumber("6988048", TaxNumberForm::kDigits));
  EXPECT_TRUE(ParseTaxNumber("69880", TaxNumberForm::kDigits));
  EXPECT_FALSE(ParseTaxNumber("6988", TaxNumberForm::kDigits));
  EXPECT_FALSE(ParseTaxNumber("55555", TaxNumberForm::kDigits));
  EXPECT_FALSE(ParseTaxNumber("6988048123", TaxNumberForm::kDigits));
}

TEST(TaxNumber, EveryDamageChangesOrRefusesIt) {
  const std::string text = "219-09-9998";
  const auto number = ParseTaxNumber(text, TaxNumberForm::kUs);
  for (const auto& mutation : test::BitFlipsAndTruncations(AsBytes(text))) {
    SCOPED_TRACE(mutation.description);
    const std::string damaged(ToString(mutation.bytes));
    const auto read = ParseTaxNumber(damaged, TaxNumberForm::kUs);
    // A hyphen that became a space is still a separator.
    EXPECT_TRUE(read != number || damaged.find(' ') != std::string::npos);
  }
}

}  // namespace
}  // namespace holdfast::policy
