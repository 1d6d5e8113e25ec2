// SPDX-License-Identifier: Apache-2.0
// The source's own lookup finds on published sets exactly whom the simple rule finds.
#include "gtest/gtest.h"

#include "tests/client/lookup/set_lookup.h"
#include "tests/support/external_data.h"

namespace holdfast::test {
namespace {

TEST(LookupSetsTest, FindsWhomTheSimpleRuleFinds) {
  for (const std::string& name : {std::string("febrl1"), std::string("nbs")}) {
    const auto set = LoadLinkageSet(name);
    if (!set) GTEST_SKIP() << kNoExternalData;
    const SourceIndex simple(set->source);
    const SetLookup own(set->source);
    std::size_t found = 0;
    for (const FilePerson& request : set->requests) {
      const auto expected = simple.Candidates(request);
      found += expected.size();
      ASSERT_EQ(own.Candidates(request), expected) << name;
    }
    EXPECT_GT(found, set->requests.size() / 2);
  }
}

}  // namespace
}  // namespace holdfast::test
