// SPDX-License-Identifier: Apache-2.0
// Names: policy/name.h. Equal, compatible and why, or different and why.

#include "policy/name.h"

#include <string>

#include "gtest/gtest.h"

#include "tests/policy/gate_data.h"
#include "tests/support/external_data.h"
#include "tests/support/mutations.h"

namespace holdfast::policy {
namespace {

// Given/middle/family, words joined by spaces, and the suffix as a number.
std::string Parts(std::string_view name) {
  ParsedName parsed;
  ParseName(name, parsed);
  if (!parsed.complete()) return "lack " + std::to_string(static_cast<int>(parsed.lack));
  std::string text;
  const auto add = [&](std::span<const std::string_view> words, const char* end) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (i > 0) text += ' ';
      text += words[i];
    }
    text += end;
  };
  add(parsed.Given(), "/");
  add(parsed.Middle(), "/");
  add(parsed.Family(), "");
  if (parsed.suffix != NameSuffix::kNone) {
    text += " " + std::to_string(static_cast<int>(parsed.suffix));
  }
  return text;
}

NameLack LackOf(std::string_view name) {
  ParsedName parsed;
  ParseName(name, parsed);
  return parsed.lack;
}

NameDifference Difference(std::string_view a, std::string_view b) {
  ParsedName x;
  ParsedName y;
  ParseName(a, x);
  ParseName(b, y);
  EXPECT_TRUE(x.complete()) << a;
  EXPECT_TRUE(y.complete()) << b;
  const NameDifference there = CompareNames(x, y);
  const NameDifference back = CompareNames(y, x);
  EXPECT_EQ(there.allowances, back.allowances) << a << " | " << b;
  EXPECT_EQ(there.conflict, back.conflict) << a << " | " << b;
  return there;
}

bool Equal(std::string_view a, std::string_view b) { return Difference(a, b).equal(); }
std::uint32_t Why(std::string_view a, std::string_view b) {
  const NameDifference difference = Difference(a, b);
  EXPECT_TRUE(difference.compatible()) << a << " | " << b;
  return difference.allowances;
}
NameConflict Conflict(std::string_view a, std::string_view b) { return Difference(a, b).conflict; }

TEST(NameParts, AreGivenMiddleFamilyAndSuffix) {
  EXPECT_EQ(Parts("John Smith"), "JOHN//SMITH");
  EXPECT_EQ(Parts("John Q. Public"), "JOHN/Q/PUBLIC");
  EXPECT_EQ(Parts("Anna Maria Luisa Rossi"), "ANNA/MARIA LUISA/ROSSI");
  EXPECT_EQ(Parts("John Smith Jr."), "JOHN//SMITH 1");
  EXPECT_EQ(Parts("John Smith, Sr"), "JOHN//SMITH 2");
  EXPECT_EQ(Parts("John Smith III"), "JOHN//SMITH 4");
  EXPECT_EQ(Parts("John Smith V"), "JOHN//SMITH 6");
  EXPECT_EQ(Parts("Dr. John Smith, M.D."), "lack 2");
  EXPECT_EQ(Parts("Dr. John Smith MD"), "JOHN//SMITH");
  EXPECT_EQ(Parts("Mr John Smith Jr, Esq"), "JOHN//SMITH 1");
}

TEST(NameParts, TheFamilyNameMayComeFirst) {
  EXPECT_EQ(Parts("Smith, John"), "JOHN//SMITH");
  EXPECT_EQ(Parts("SMITH, JOHN Q"), "JOHN/Q/SMITH");
  EXPECT_EQ(Parts("Smith Jr., John"), "JOHN//SMITH 1");
  EXPECT_EQ(Parts("Smith, John, III"), "JOHN//SMITH 4");
  EXPECT_EQ(Parts("Smith, John V"), "JOHN/V/SMITH");
  EXPECT_EQ(Parts("de la Cruz, Maria"), "MARIA//DE LA CRUZ");
}

TEST(NameParts, ParticlesAndHyphensBelongToTheFamilyName) {
  EXPECT_EQ(Parts("Maria de la Cruz"), "MARIA//DE LA CRUZ");
  EXPECT_EQ(Parts("Jan van der Berg"), "JAN//VAN DER BERG");
  EXPECT_EQ(Parts("Ana Garcia-Lopez"), "ANA//GARCIA LOPEZ");
  EXPECT_EQ(Parts("Mary-Ann Smith"), "MARY ANN//SMITH");
  EXPECT_EQ(Parts("Sean O'Brien"), "SEAN//OBRIEN");
  EXPECT_EQ(Parts("Omar al-Sayed"), "OMAR//AL SAYED");
}

TEST(NameParts, OneWordOrAnInitialIsIncomplete) {
  for (const char* name : {"Smith", "J Smith", "J. Smith", "John S", "J S", "Smith, J", "Jr",
                           "Mr Smith", "O Bailey"}) {
    EXPECT_EQ(LackOf(name), NameLack::kIncomplete) << name;
  }
  EXPECT_EQ(LackOf(""), NameLack::kEverything);
  EXPECT_EQ(LackOf(" \t"), NameLack::kEverything);
}

TEST(NameParts, TwoPeopleDigitsAndSignsAreMalformed) {
  for (const char* name :
       {"John and Mary Smith", "John & Mary Smith", "John Smith 2", "J0hn Smith",
        "John Smith @ work", "Smith, John, Mary", "John Smith (wanted)", "John Smith Jr Sr",
        "<b>John Smith</b>", "John/Jack Smith", "a b c d e f g h i j k l m n o p q r", ",", "---",
        "John \x01 Smith", "J\xD0\xBEhn Smith"}) {
    EXPECT_EQ(LackOf(name), NameLack::kMalformed) << name;
  }
  EXPECT_EQ(LackOf("FNU Smith"), NameLack::kPlaceholder);
  EXPECT_EQ(LackOf("John LNU"), NameLack::kPlaceholder);
  EXPECT_EQ(LackOf(std::string(300, 'a') + " Smith"), NameLack::kMalformed);
}

TEST(NameComparison, WritingDoesNotMatter) {
  EXPECT_TRUE(Equal("John Smith", "JOHN  SMITH"));
  EXPECT_TRUE(Equal("José Núñez", "Jose Nunez"));
  EXPECT_TRUE(Equal("Ｊｏｈｎ Ｓｍｉｔｈ", "John Smith"));
  EXPECT_TRUE(Equal("Smith, John", "John Smith"));
  EXPECT_TRUE(Equal("Mr. John Smith", "John Smith"));
  EXPECT_TRUE(Equal("John Smith Jr.", "John Smith, Junior"));
  EXPECT_TRUE(Equal("Sean O’Brien", "Sean O'Brien"));
  EXPECT_TRUE(Equal("J\xC3\xBCrgen M\xC3\xBCller", "Jurgen Muller"));
  EXPECT_TRUE(Equal("Иван Петров", "ИВАН ПЕТРОВ"));
}

TEST(NameComparison, SaysWhyNamesAreCompatible) {
  EXPECT_EQ(Why("John Smith", "John Q Smith"), kNameMiddleMissing);
  EXPECT_EQ(Why("John Quincy Smith", "John Q Smith"), kNameMiddleInitial);
  EXPECT_EQ(Why("John Smith", "John Smith Jr"), kNameSuffixMissing);
  EXPECT_EQ(Why("Mary-Ann Smith", "Maryann Smith"), kNameSpacing);
  EXPECT_EQ(Why("Mary Ann Smith", "Mary-Ann Smith"), kNameSpacing);
  EXPECT_EQ(Why("Amy O'Bailey", "Amy O Bailey"), kNameSpacing);
  EXPECT_EQ(Why("Maria Delacruz", "Maria de la Cruz"), kNameSpacing);
  EXPECT_EQ(Why("Thomas Smith", "Smith Thomas"), kNameOrder);
  EXPECT_EQ(Why("Gibson Amy", "Gibsom Amy"), kNameTyping);
  EXPECT_EQ(Why("Ana Garcia-Lopez", "Ana Garcia"), kNameFamilyPart);
}

TEST(NameComparison, SaysWhyNamesAreDifferent) {
  EXPECT_EQ(Conflict("John Smith Jr", "John Smith Sr"), NameConflict::kSuffix);
  EXPECT_EQ(Conflict("John Smith II", "John Smith III"), NameConflict::kSuffix);
  EXPECT_EQ(Conflict("John Smith Jr", "John Smith II"), NameConflict::kSuffix);
  EXPECT_EQ(Conflict("John A Smith", "John B Smith"), NameConflict::kMiddle);
  EXPECT_EQ(Conflict("John Allen Smith", "John Robert Smith"), NameConflict::kMiddle);
  EXPECT_EQ(Conflict("John Allen Smith", "John R Smith"), NameConflict::kMiddle);
  EXPECT_EQ(Conflict("John Smith", "Robert Smith"), NameConflict::kGiven);
  EXPECT_EQ(Conflict("John Smith", "John Miller"), NameConflict::kFamily);
  EXPECT_EQ(Conflict("Al Smith", "El Smith"), NameConflict::kGiven);
}

TEST(NameComparison, AContradictionIsNotHiddenByOrderOrSpacing) {
  EXPECT_EQ(Conflict("Thomas Smith Jr", "Smith Thomas Sr"), NameConflict::kSuffix);
  EXPECT_EQ(Conflict("Mary-Ann Smith Jr", "Maryann Smith Sr"), NameConflict::kSuffix);
  EXPECT_NE(Conflict("Thomas A Smith", "Smith B Thomas"), NameConflict::kNone);
}

TEST(NameComparison, NicknamesAreDifferentNamesUnlessOthersCountThemAsTypingErrors) {
  EXPECT_EQ(Conflict("William Smith", "Bill Smith"), NameConflict::kGiven);
  EXPECT_EQ(Conflict("Robert Smith", "Bob Smith"), NameConflict::kGiven);
  EXPECT_EQ(Conflict("Elizabeth Smith", "Liz Smith"), NameConflict::kGiven);

  const auto text = test::LoadExternalText("linkage/nicknames.csv");
  if (!text) GTEST_SKIP() << test::kNoExternalData;
  const std::uint32_t by_default = GateConfig{}.name_allowed;
  std::size_t pairs = 0;
  const auto rows = test::ParseCsv(*text);
  for (std::size_t i = 1; i < rows.size(); ++i) {
    for (std::size_t k = 1; k < rows[i].size(); ++k) {
      if (rows[i][k].empty() || rows[i][k] == rows[i][0]) continue;
      ParsedName a;
      ParsedName b;
      ParseName(rows[i][0] + " Kowalski", a);
      ParseName(rows[i][k] + " Kowalski", b);
      if (!a.complete() || !b.complete()) continue;
      ++pairs;
      // Never enough with one identifier.
      EXPECT_FALSE(CompareNames(a, b).within(by_default)) << rows[i][0] << ' ' << rows[i][k];
    }
  }
  EXPECT_GT(pairs, 1000u);
}

TEST(NameKey, IsTheSameForNamesThatMayBeOnePersons) {
  const std::string key = NormalisedNameKey("John Smith");
  EXPECT_EQ(key, "JOHN SMITH");
  for (const char* name : {"SMITH, John", "john q smith jr", "Smith John", "Ｊｏｈｎ Smith III"}) {
    EXPECT_EQ(NormalisedNameKey(name), key) << name;
  }
  EXPECT_EQ(NormalisedNameKey("Ana Garcia-Lopez"), NormalisedNameKey("Ana Garcia Lopez"));
  EXPECT_EQ(NormalisedNameKey("Smith"), "");
}

TEST(NameKey, ASourceAlsoFindsByTaxNumberAndByPlaceWithOnePartOfTheName) {
  const PersonView person{
      "John Smith", {"1 Main St", "", "Springfield", "IL", "62701-1234"}, "219-09-9998", ""};
  EXPECT_EQ(SourceIndexKeys(person),
            (std::vector<std::string>{"T219099998", "NJOHN SMITH", "P62701 JOHN", "P62701 SMITH"}));
  EXPECT_TRUE(SourceIndexKeys(PersonView{}).empty());
}

TEST(NameParts, DamagedNamesAreReadOrRefused) {
  for (const std::string name : {"José de la Cruz-Núñez, Jr.", "O’Brien, Ｓｅａｎ III"}) {
    for (const auto& mutation : test::BitFlipsAndTruncations(AsBytes(name))) {
      SCOPED_TRACE(mutation.description);
      ParsedName parsed;
      ParseName(ToString(mutation.bytes), parsed);
      if (!parsed.complete()) continue;
      EXPECT_TRUE(CompareNames(parsed, parsed).equal());
      EXPECT_GE(parsed.middle, 1u);
      EXPECT_LT(parsed.family, parsed.count);
      EXPECT_LE(parsed.middle, parsed.family);
    }
  }
}

}  // namespace
}  // namespace holdfast::policy
