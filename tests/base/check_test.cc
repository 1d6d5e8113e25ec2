// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include "gtest/gtest.h"

namespace holdfast {
namespace {

TEST(CheckTest, PassesWhenTrue) {
  HF_CHECK(1 + 1 == 2);
  HF_DCHECK(1 + 1 == 2);
}

TEST(CheckTest, EvaluatesOnceAndOnlyWhereItIsChecked) {
  int count = 0;
  HF_CHECK(++count > 0);
  EXPECT_EQ(count, 1);
  HF_DCHECK(++count > 0);
#ifdef NDEBUG
  EXPECT_EQ(count, 1);
#else
  EXPECT_EQ(count, 2);
#endif
}

TEST(CheckTest, StandsAloneInAnIf) {
  if (false)
    HF_CHECK(false);
  else
    HF_CHECK(true);
}

TEST(CheckDeathTest, NamesThePlaceAndTheConditionButNoValue) {
  const int secret = 424242;
  EXPECT_DEATH(HF_CHECK(secret == 7), "check_test.cc:[0-9]+: check failed: secret == 7");
  EXPECT_DEATH(HF_CHECK(secret == 7), "failed: [^4]*$");
}

}  // namespace
}  // namespace holdfast
