// SPDX-License-Identifier: Apache-2.0
// Runs a scenario once for each operation in it, and lets that operation fail.
//
//   FaultSweep([](FaultPlan& plan) {
//     MemoryFileSystem disk;
//     FaultyFileSystem flaky(disk, plan);
//     (void)Save(flaky, "state");   // May fail, wherever the plan says.
//     disk.LoseUnsyncedWrites();    // And then the power fails.
//     EXPECT_THAT(Load(disk, "state"), IsOneOf(before, after));
//   });
//
// When to use  For every writer, and for everything that has to stop cleanly. What is not a file
//              system can take part: call plan.Next("what it is") before each operation that may
//              fail (a failpoint).
// Threads      The operations of a scenario may come from several threads, but a sweep is worth
//              little if their number differs from run to run.
// Ownership    The scenario borrows the plan.
// Errors       A sweep in which a planned fault did not happen, or in which the number of
//              operations changes from run to run without a fault, is a failed expectation.
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <string>

#include "absl/status/status.h"

#include "base/error.h"
#include "base/mutex.h"

namespace holdfast::test {

class FaultPlan final {
 public:
  enum class Extent {
    kOnce,        // One operation fails, and the next one works again.
    kFromThenOn,  // Every later one fails too, as on a disk that is full or gone.
    kKills,       // The process is gone before it, as by kill -9. For a child that a test made.
  };

  // A plan without a fault.
  FaultPlan() = default;
  FaultPlan(std::size_t fails_at, Extent extent, Reason reason = Reason::kStoreFailed)
      : fails_at_(fails_at), extent_(extent), reason_(reason) {}

  // Counts one operation. Returns OK, or the error with which it has to fail.
  absl::Status Next(const std::string& operation);

  // How many operations there were.
  std::size_t count() const;

  // Whether the planned fault happened, and to which operation.
  bool fired() const;
  std::string failed_operation() const;

 private:
  static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

  const std::size_t fails_at_ = kNever;
  const Extent extent_ = Extent::kOnce;
  const Reason reason_ = Reason::kStoreFailed;
  mutable Mutex mutex_;
  std::size_t count_ HF_GUARDED_BY(mutex_) = 0;
  std::string failed_operation_ HF_GUARDED_BY(mutex_);
};

// Runs `scenario` without a fault, and then with each operation failing, once and from then on.
void FaultSweep(const std::function<void(FaultPlan&)>& scenario,
                Reason reason = Reason::kStoreFailed);

}  // namespace holdfast::test
