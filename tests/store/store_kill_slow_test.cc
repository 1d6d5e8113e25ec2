// SPDX-License-Identifier: Apache-2.0
#include "gtest/gtest.h"

#include "tests/store/kill_rounds.h"

namespace holdfast::store {
namespace {

TEST(StoreKillTest, KeepsWhatWasAcknowledgedThreeHundredTimes) { KillAndCheck(300); }

}  // namespace
}  // namespace holdfast::store
