// SPDX-License-Identifier: Apache-2.0
#include "policy/canonical_identity.h"

#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace holdfast::test {
namespace {

using policy::AllIdentities;
using policy::CanonicalAlias;
using policy::CanonicalIdentity;
using policy::IdentityBasis;
using policy::PersonView;
using policy::TaxNumberForm;

PersonView Person(std::string_view name, std::string_view number, std::string_view born) {
  PersonView person;
  person.name = name;
  person.tax_number = number;
  person.birth_date = born;
  return person;
}

constexpr auto kForm = TaxNumberForm::kUs;

TEST(CanonicalIdentityTest, TheTaxNumberComesFirst) {
  const auto identity = CanonicalIdentity(Person("Ann Lee", "212-09-9999", "1980-02-03"), kForm);
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity, CanonicalIdentity(Person("Somebody Else", "212099999", ""), kForm));
  EXPECT_NE(identity, CanonicalIdentity(Person("Ann Lee", "", "1980-02-03"), kForm));
  EXPECT_EQ(CanonicalIdentity(Person("", "", "1980-02-03"), kForm), std::nullopt);
}

TEST(CanonicalIdentityTest, TheAliasIsWhoThePersonWouldBeWithoutTheNumber) {
  const auto alias = CanonicalAlias(Person("Ann Lee", "212-09-9999", "1980-02-03"), kForm);
  ASSERT_TRUE(alias.has_value());
  EXPECT_EQ(alias, CanonicalIdentity(Person("LEE, ann", "", "1980-02-03"), kForm));
  EXPECT_NE(alias, CanonicalAlias(Person("Ann Lee", "212-09-9999", "1980-02-04"), kForm));
}

TEST(CanonicalIdentityTest, ThereIsNoAliasWithoutNumberNameAndBirthDate) {
  EXPECT_EQ(CanonicalAlias(Person("Ann Lee", "", "1980-02-03"), kForm), std::nullopt);
  EXPECT_EQ(CanonicalAlias(Person("Ann Lee", "212-09-9999", ""), kForm), std::nullopt);
  EXPECT_EQ(CanonicalAlias(Person("Ann Lee", "212-09-9999", "1980-13-03"), kForm), std::nullopt);
  EXPECT_EQ(CanonicalAlias(Person("", "212-09-9999", "1980-02-03"), kForm), std::nullopt);
}

TEST(CanonicalIdentityTest, AllOfThemAreThoseThatARequestMayHaveHad) {
  const PersonView whole = Person("Ann Lee", "212-09-9999", "1980-02-03");
  const auto all = AllIdentities(whole, kForm);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].basis, IdentityBasis::kTaxNumber);
  EXPECT_EQ(all[0].bytes, CanonicalIdentity(whole, kForm));
  EXPECT_EQ(all[1].basis, IdentityBasis::kNameAndBirthDate);
  EXPECT_EQ(all[1].bytes, CanonicalAlias(whole, kForm));
  EXPECT_EQ(all[2].basis, IdentityBasis::kNameAlone);
  EXPECT_EQ(all[2].bytes, CanonicalIdentity(Person("Ann Lee", "", ""), kForm));

  EXPECT_EQ(AllIdentities(Person("", "212-09-9999", "1980-02-03"), kForm).size(), 1U);
  EXPECT_EQ(AllIdentities(Person("Ann Lee", "000-00-0000", ""), kForm).size(), 1U);
  EXPECT_TRUE(AllIdentities(Person("", "", "1980-02-03"), kForm).empty());
}

}  // namespace
}  // namespace holdfast::test
