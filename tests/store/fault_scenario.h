// SPDX-License-Identifier: Apache-2.0
// A store that is driven into a planned fault, and what has to be true of it afterwards.
//
//   test::FaultSweep([](test::FaultPlan& plan) {
//     FaultScenario scenario(plan);
//     scenario.RunUntilItFails(FaultScenario::kGroups);
//     scenario.EndAndCheck(End::kPower);
//   });
//
// When to use  In the tests that sweep over the operations of SqliteStore.
// Threads      Used by one thread.
// Ownership    Borrows the plan; has a folder of its own.
// Errors       Failed expectations.
#pragma once

#include <cstdint>
#include <memory>

#include "base/file_system.h"
#include "store/sqlite_store.h"
#include "store/store.h"
#include "tests/support/fault_sweep.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/temp_dir.h"

namespace holdfast::store {

enum class End { kProcess, kPower };

// Whether a worker has a Reader open while the store is opened again. It keeps the index of the log
// alive, and then SQLite does not read the log anew.
enum class Workers { kGone, kReading };

class FaultScenario final {
 public:
  // How many groups there are to commit.
  static constexpr std::uint64_t kGroups = 5;

  explicit FaultScenario(test::FaultPlan& plan);

  // Opens the store unless it is open, and commits until there are so many groups in it.
  void RunUntilItFails(std::uint64_t groups);

  // As an exchange does after an error: forgets everything, opens the store again, believes it.
  void Recover(Workers workers);

  // Ends the process or the power. Every group that was acknowledged has to be there, and no other
  // but one whose commit failed; and the store has to take the next one.
  void EndAndCheck(End end);

 private:
  void Open();
  void ExpectOutcome(std::uint64_t epoch) const;

  test::FaultPlan& plan_;
  test::TempDir dir_;
  PosixFileSystem disk_;
  test::FaultyFileSystem flaky_;
  test::FaultyVfs vfs_;
  std::unique_ptr<Store> store_;
  std::uint64_t acknowledged_ = 0;
  bool unsure_ = false;  // A commit failed, and the store was not opened since.
};

}  // namespace holdfast::store
