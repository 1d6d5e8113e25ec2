// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fault_sweep.h"

#include <csignal>

#include "gtest/gtest.h"

namespace holdfast::test {

absl::Status FaultPlan::Next(const std::string& operation) {
  MutexLock lock(mutex_);
  const std::size_t index = count_++;
  const bool fails = extent_ == Extent::kFromThenOn ? index >= fails_at_ : index == fails_at_;
  if (!fails) return absl::OkStatus();
  if (extent_ == Extent::kKills) static_cast<void>(std::raise(SIGKILL));
  if (index == fails_at_) failed_operation_ = operation;
  return MakeError(reason_, "injected fault: " + operation);
}

std::size_t FaultPlan::count() const {
  MutexLock lock(mutex_);
  return count_;
}

bool FaultPlan::fired() const {
  MutexLock lock(mutex_);
  return count_ > fails_at_;
}

std::string FaultPlan::failed_operation() const {
  MutexLock lock(mutex_);
  return failed_operation_;
}

void FaultSweep(const std::function<void(FaultPlan&)>& scenario, Reason reason) {
  FaultPlan without_fault;
  scenario(without_fault);
  ASSERT_GT(without_fault.count(), 0u) << "the scenario has no operation that could fail";
  for (const auto extent : {FaultPlan::Extent::kOnce, FaultPlan::Extent::kFromThenOn}) {
    for (std::size_t i = 0; i < without_fault.count(); ++i) {
      SCOPED_TRACE("operation " + std::to_string(i) + " fails" +
                   (extent == FaultPlan::Extent::kOnce ? "" : ", and all after it"));
      FaultPlan plan(i, extent, reason);
      scenario(plan);
      ASSERT_TRUE(plan.fired()) << "the scenario is not the same each time";
      if (::testing::Test::HasFatalFailure() || ::testing::Test::HasNonfatalFailure()) {
        FAIL() << "first seen when this failed: " << plan.failed_operation();
      }
    }
  }
}

}  // namespace holdfast::test
