// SPDX-License-Identifier: Apache-2.0
// Every operation on a file fails, once or from then on, and then the process ends.

#include "gtest/gtest.h"

#include "base/error.h"
#include "tests/store/fault_scenario.h"
#include "tests/store/memory_temp_dir.h"
#include "tests/support/fault_sweep.h"

namespace holdfast::store {
namespace {

class StoreFaultTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { PutTempDirsIntoMemory(); }
};

TEST_F(StoreFaultTest, KeepsWholeGroupsWhenTheProcessEnds) {
  test::FaultSweep([](test::FaultPlan& plan) {
    FaultScenario scenario(plan);
    scenario.RunUntilItFails(FaultScenario::kGroups);
    scenario.EndAndCheck(End::kProcess);
  });
}

TEST_F(StoreFaultTest, KeepsWholeGroupsOnADiskThatIsFull) {
  test::FaultSweep(
      [](test::FaultPlan& plan) {
        FaultScenario scenario(plan);
        scenario.RunUntilItFails(FaultScenario::kGroups);
        scenario.EndAndCheck(End::kProcess);
      },
      Reason::kStoreFull);
}

}  // namespace
}  // namespace holdfast::store
