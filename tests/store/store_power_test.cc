// SPDX-License-Identifier: Apache-2.0
// Every operation on a file fails, once or from then on, and then the power is lost.

#include "gtest/gtest.h"

#include "tests/store/fault_scenario.h"
#include "tests/store/memory_temp_dir.h"
#include "tests/support/fault_sweep.h"

namespace holdfast::store {
namespace {

class StorePowerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { PutTempDirsIntoMemory(); }
};

TEST_F(StorePowerTest, KeepsWholeGroupsWhenThePowerEnds) {
  test::FaultSweep([](test::FaultPlan& plan) {
    FaultScenario scenario(plan);
    scenario.RunUntilItFails(FaultScenario::kGroups);
    scenario.EndAndCheck(End::kPower);
  });
}

// After a sync that failed the group may seem to be there and not be on the disk. Whatever the
// store says after it was opened again is what it must say after the power was lost.
void StandsByWhatItSaid(Workers workers) {
  test::FaultSweep([workers](test::FaultPlan& plan) {
    FaultScenario scenario(plan);
    scenario.RunUntilItFails(FaultScenario::kGroups - 1);
    scenario.Recover(workers);
    scenario.EndAndCheck(End::kPower);
  });
}

TEST_F(StorePowerTest, StandsByWhatItSaidWhenItWasOpenedAgain) {
  StandsByWhatItSaid(Workers::kGone);
}

TEST_F(StorePowerTest, StandsByWhatItSaidWhenItWasOpenedAgainBesideAReader) {
  StandsByWhatItSaid(Workers::kReading);
}

TEST_F(StorePowerTest, GoesOnAfterItWasOpenedAgain) {
  test::FaultSweep([](test::FaultPlan& plan) {
    FaultScenario scenario(plan);
    scenario.RunUntilItFails(FaultScenario::kGroups - 2);
    scenario.Recover(Workers::kReading);
    scenario.RunUntilItFails(FaultScenario::kGroups);
    scenario.EndAndCheck(End::kPower);
  });
}

}  // namespace
}  // namespace holdfast::store
