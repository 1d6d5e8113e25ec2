// SPDX-License-Identifier: Apache-2.0
// Everybody in every set, and a hundred thousand damaged requests: none may release somebody else.
// The small form of this is in gate_sets_test.cc.

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/policy/gate_data.h"
#include "tests/policy/gate_measure.h"
#include "tests/support/external_data.h"

namespace holdfast::test {
namespace {

// With the agreement's defaults and with more tolerance, with everybody in the file and with the
// person who was asked for taken out of it.
TEST(GateSetsInFull, NobodyIsReleasedForSomebodyElseAndAsManyAsCanBeAreReleased) {
  for (const std::string& name : LinkageSetNames()) {
    const auto set = LoadLinkageSet(name);
    if (!set) GTEST_SKIP() << kNoExternalData;
    const SourceIndex index(set->source);
    for (const auto& config : {set->Config(), Tolerant(set->Config())}) {
      const Counts there = AskAll(*set, index, config, Presence::kInFile);
      EXPECT_EQ(there.wrong, 0u) << name;
      // Complete, unique and equal after normalisation, with a second identifier that agrees.
      EXPECT_GE(static_cast<double>(there.sure_released),
                0.99 * static_cast<double>(there.sure_pairs))
          << name;
      const Counts removed = AskAll(*set, index, config, Presence::kRemoved);
      EXPECT_EQ(removed.wrong, 0u) << name;
      EXPECT_EQ(removed.right, 0u) << name;
    }
    if (name.substr(0, 5) != "febrl") continue;
    const Counts tolerant = AskAll(*set, index, Tolerant(set->Config()), Presence::kInFile);
    EXPECT_GE(static_cast<double>(tolerant.right),
              0.60 * static_cast<double>(tolerant.complete_pairs))
        << name;
  }
}

TEST(GateDamage, AHundredThousandDamagedRequestsReleaseNobodyElse) {
  constexpr int kCases = 100'000;
  SeededRandom random;
  const auto names = LinkageSetNames();
  for (const std::string& name : names) {
    const auto set = LoadLinkageSet(name);
    if (!set) GTEST_SKIP() << kNoExternalData;
    const SourceIndex index(set->source);
    const std::vector<FilePerson> people = set->Certain();
    auto strict = policy::GateRules::Compile(set->Config());
    auto tolerant = policy::GateRules::Compile(Tolerant(set->Config()));
    ASSERT_TRUE(strict.ok());
    ASSERT_TRUE(tolerant.ok());
    std::size_t released = 0;
    for (int i = 0; i < kCases / static_cast<int>(names.size()) + 1; ++i) {
      const FilePerson damaged = Damage(random.Pick(people), people, random);
      const auto& rules = random.OneIn(2) ? *strict : *tolerant;
      const auto presence = random.OneIn(2) ? Presence::kInFile : Presence::kRemoved;
      const Asked asked = Ask(rules, *set, index, damaged, presence);
      if (asked.released) ++released;
      ASSERT_TRUE(!asked.released || asked.right)
          << name << ": " << damaged.name << ", " << damaged.line1;
    }
    EXPECT_GT(released, 0u) << name;
  }
}

}  // namespace
}  // namespace holdfast::test
