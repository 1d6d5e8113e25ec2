// SPDX-License-Identifier: Apache-2.0
// Both gates on data that others made: nobody is taken for somebody else, and as many as can be are
// found. docs/gates.md has the whole table; script/bench prints it.

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "policy/address.h"
#include "policy/person_check.h"
#include "tests/policy/gate_data.h"
#include "tests/policy/gate_measure.h"
#include "tests/support/external_data.h"

namespace holdfast::test {
namespace {

using policy::AddressScheme;
using policy::GateRules;
using policy::ParsedAddress;
using policy::RequestReason;

// The small form: about so many requests of each set. gate_damage_slow_test.cc asks for everybody.
constexpr std::size_t kRequests = 150;

std::size_t StepFor(const LinkageSet& set) { return 1 + set.requests.size() / kRequests; }

TEST(GateSets, NobodyIsReleasedForSomebodyElse) {
  for (const std::string& name : LinkageSetNames()) {
    const auto set = LoadLinkageSet(name);
    if (!set) GTEST_SKIP() << kNoExternalData;
    const SourceIndex index(set->source);
    const Counts there =
        AskAll(*set, index, Tolerant(set->Config()), Presence::kInFile, StepFor(*set));
    EXPECT_EQ(there.wrong, 0u) << name;
    EXPECT_GT(there.right, 0u) << name;
    EXPECT_EQ(there.sure_released, there.sure_pairs) << name;
    const Counts removed =
        AskAll(*set, index, Tolerant(set->Config()), Presence::kRemoved, StepFor(*set));
    EXPECT_EQ(removed.wrong, 0u) << name;
    EXPECT_EQ(removed.right, 0u) << name;
  }
}

TEST(GateSets, SixOutOfTenGarbledRequestsAreReleasedWhereTheAgreementToleratesIt) {
  const auto set = LoadLinkageSet("febrl1");
  if (!set) GTEST_SKIP() << kNoExternalData;
  const SourceIndex index(set->source);
  const Counts counts = AskAll(*set, index, Tolerant(set->Config()), Presence::kInFile);
  EXPECT_GE(static_cast<double>(counts.right), 0.60 * static_cast<double>(counts.complete_pairs));
}

// A name or address part that is blank is refused, whatever a grader calls the pair.
TEST(GateSets, ABlankPartIsRefused) {
  const auto set = LoadLinkageSet("nbs");
  if (!set) GTEST_SKIP() << kNoExternalData;
  auto rules = GateRules::Compile(set->Config());
  ASSERT_TRUE(rules.ok());
  const SourceIndex index(set->source);
  for (std::size_t i = 0; i < set->source.size(); i += 8) {
    const FilePerson& request = set->source[i];
    for (const auto member : {&FilePerson::name, &FilePerson::line1, &FilePerson::city,
                              &FilePerson::state, &FilePerson::postal_code}) {
      FilePerson blank = request;
      (blank.*member).clear();
      EXPECT_NE(Ask(*rules, *set, index, blank, Presence::kInFile).request,
                RequestReason::kAccepted);
    }
  }
}

TEST(GateSets, DamagedRequestsReleaseNobodyElse) {
  SeededRandom random(20261124);
  for (const std::string& name : LinkageSetNames()) {
    const auto set = LoadLinkageSet(name);
    if (!set) GTEST_SKIP() << kNoExternalData;
    auto rules = GateRules::Compile(Tolerant(set->Config()));
    ASSERT_TRUE(rules.ok());
    const SourceIndex index(set->source);
    // The source's own rows too: they are complete, so more of them pass.
    const std::vector<FilePerson> people = set->Certain();
    for (int i = 0; i < 150; ++i) {
      const FilePerson damaged = Damage(random.Pick(people), people, random);
      for (const Presence presence : {Presence::kInFile, Presence::kRemoved}) {
        const Asked asked = Ask(*rules, *set, index, damaged, presence);
        EXPECT_TRUE(!asked.released || asked.right)
            << name << ": " << damaged.name << ", " << damaged.line1;
      }
    }
  }
}

RequestReason Check(const GateRules& rules, const FilePerson& form) {
  ParsedAddress address;
  policy::ParseAddress(form.View().address, AddressScheme::kUs, address);
  return policy::CheckAddress(rules, address);
}

std::optional<GateRules> RulesWithoutPlaces() {
  policy::GateConfig config;
  config.scheme = AddressScheme::kUs;
  config.zip_in_state = policy::ZipInState::kNotChecked;
  auto rules = GateRules::Compile(config);
  if (!rules.ok()) return std::nullopt;
  return *std::move(rules);
}

TEST(GateAddresses, CompleteOnesAreFoundComplete) {
  const auto addresses = LoadLabelledAddresses();
  if (!addresses) GTEST_SKIP() << kNoExternalData;
  const auto rules = RulesWithoutPlaces();
  ASSERT_TRUE(rules);
  std::size_t complete = 0;
  std::size_t found = 0;
  for (const LabelledAddress& address : *addresses) {
    if (!address.IsComplete()) continue;
    ++complete;
    if (Check(*rules, address.Form()) == RequestReason::kAccepted) ++found;
  }
  EXPECT_GT(complete, 800u);
  EXPECT_GE(static_cast<double>(found), 0.99 * static_cast<double>(complete))
      << found << " of " << complete;
}

TEST(GateAddresses, EachOneWithAPartRemovedIsRefused) {
  const auto addresses = LoadLabelledAddresses();
  if (!addresses) GTEST_SKIP() << kNoExternalData;
  const auto rules = RulesWithoutPlaces();
  ASSERT_TRUE(rules);
  using Labels = std::vector<std::string_view>;
  // What stands for a house number or a street once these are gone goes with them: "654 N 800 E"
  // without its number is "N 800 E", and "POSTAL PLAZA, 7 MAIN ST" without its street "7 POSTAL
  // PLAZA".
  const Labels number = {"AddressNumber",       "AddressNumberPrefix", "AddressNumberSuffix",
                         "BuildingName",        "LandmarkName",        "SubaddressType",
                         "SubaddressIdentifier"};
  const Labels street = {"StreetName",
                         "StreetNamePreDirectional",
                         "StreetNamePostDirectional",
                         "StreetNamePreType",
                         "StreetNamePostType",
                         "StreetNamePreModifier",
                         "StreetNamePostModifier",
                         "suffix",
                         "BuildingName",
                         "LandmarkName",
                         "SubaddressType",
                         "SubaddressIdentifier",
                         "USPSBoxType",
                         "USPSBoxID",
                         "USPSBoxGroupType",
                         "USPSBoxGroupID",
                         "CornerOf",
                         "IntersectionSeparator"};
  const Labels box = {"USPSBoxID", "USPSBoxGroupID", "SubaddressIdentifier"};
  std::size_t removals = 0;
  for (const LabelledAddress& address : *addresses) {
    if (!address.IsComplete()) continue;
    if (Check(*rules, address.Form()) != RequestReason::kAccepted) continue;
    std::vector<Labels> parts = {{"PlaceName"}, {"StateName"}, {"ZipCode", "ZipPlus4"}};
    const bool has_street = address.Has("AddressNumber");
    const bool has_box = address.Has("USPSBoxID");
    // Of two ways to deliver, each is an address without the other.
    if (has_street && !has_box) {
      parts.push_back(number);
      parts.push_back(street);
    }
    if (has_box && !has_street) parts.push_back(box);
    for (const Labels& part : parts) {
      ++removals;
      const FilePerson form = address.Form(part);
      EXPECT_NE(Check(*rules, form), RequestReason::kAccepted)
          << part[0] << " of " << address.Form().line1 << " leaves " << form.line1;
    }
  }
  EXPECT_GT(removals, 3500u);
}

// Given as one line, which is how they come, none is complete; and none stops anything.
TEST(GateAddresses, UnparseableOnesAreNeverComplete) {
  const auto text = LoadExternalText("address/unparseable.csv");
  if (!text) GTEST_SKIP() << kNoExternalData;
  const auto rules = RulesWithoutPlaces();
  ASSERT_TRUE(rules);
  std::size_t lines = 0;
  for (const auto& row : ParseCsv(*text)) {
    FilePerson form;
    form.line1 = row[0];
    EXPECT_NE(Check(*rules, form), RequestReason::kAccepted) << form.line1;
    ++lines;
  }
  EXPECT_GT(lines, 1000u);
}

TEST(GateAddresses, TheZipRuleFindsLabelledAddressesThatContradictThemselves) {
  const auto addresses = LoadLabelledAddresses();
  const auto table = LoadExternalText("address/us_zip_city_state_county.csv");
  if (!addresses || !table) GTEST_SKIP() << kNoExternalData;
  const auto places = policy::PlaceTable::Parse(*table);
  ASSERT_TRUE(places.ok());
  policy::GateConfig config;
  config.scheme = AddressScheme::kUs;
  config.place_table = &*places;
  auto rules = GateRules::Compile(config);
  ASSERT_TRUE(rules.ok());
  std::size_t accepted = 0;
  std::size_t incoherent = 0;
  for (const LabelledAddress& address : *addresses) {
    if (!address.IsComplete()) continue;
    const RequestReason reason = Check(*rules, address.Form());
    if (reason == RequestReason::kAccepted) ++accepted;
    if (reason == RequestReason::kStateIncoherent || reason == RequestReason::kPostalCodeUnknown) {
      ++incoherent;
    }
  }
  EXPECT_GT(accepted, 800u);
  EXPECT_GT(incoherent, 0u);
  EXPECT_LT(incoherent, 30u);
}

}  // namespace
}  // namespace holdfast::test
