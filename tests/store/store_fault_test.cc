// SPDX-License-Identifier: Apache-2.0
// Every operation on a file fails once, or from then on; then the process ends, or the power does.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "base/file_system.h"
#include "store/sqlite_store.h"
#include "tests/store/group_sequence.h"
#include "tests/store/memory_temp_dir.h"
#include "tests/support/fault_sweep.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::store {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::AnyOf;
using ::testing::Eq;

constexpr std::uint64_t kGroups = 6;

// The groups of every run, and what a store holds after each of them.
class Script final {
 public:
  Script() {
    constexpr std::uint64_t kSeed = 11;
    GroupSequence sequence(kSeed);
    for (std::uint64_t i = 0; i < kGroups; ++i) groups_.push_back(sequence.Next());
    for (std::uint64_t i = 0; i <= kGroups; ++i) dumps_.push_back(DumpAfter(kSeed, i));
  }

  const Group& GroupAfter(std::uint64_t epoch) const {
    return groups_[static_cast<std::size_t>(epoch)].group;
  }
  const std::string& DumpAt(std::uint64_t epoch) const {
    return dumps_[static_cast<std::size_t>(epoch)];
  }

 private:
  std::vector<MadeGroup> groups_;
  std::vector<std::string> dumps_;
};

const Script& TheScript() {
  static const Script script;
  return script;
}

class StoreFaultTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { PutTempDirsIntoMemory(); }
};

enum class End { kProcess, kPower };

class Scenario final {
 public:
  explicit Scenario(test::FaultPlan& plan) : plan_(plan), flaky_(disk_, plan), vfs_(plan, 1) {}

  void RunUntilItFails(std::uint64_t groups) {
    if (store_ == nullptr) Open();
    while (store_ != nullptr && acknowledged_ < groups) {
      const absl::Status outcome = store_->Commit(TheScript().GroupAfter(acknowledged_));
      if (!outcome.ok()) {
        unsure_ = true;
        EXPECT_TRUE(plan_.fired());
        EXPECT_THAT(store_->Commit(TheScript().GroupAfter(acknowledged_)),
                    HasReason(*ReasonOf(outcome)));
        return;
      }
      ++acknowledged_;
    }
  }

  // As an exchange does after an error: forgets everything, opens the store again, believes it.
  void Recover() {
    // A reader of some worker, which keeps the index of the log alive meanwhile.
    auto reader = store_ == nullptr ? nullptr : store_->NewReader().value_or(nullptr);
    store_.reset();
    Open();
    if (store_ == nullptr) return;
    const absl::StatusOr<Head> head = store_->ReadHead();
    if (head.ok()) {
      ExpectOutcome(head->epoch);
      acknowledged_ = head->epoch;
      unsure_ = false;
    }
  }

  void EndAndCheck(End end) {
    store_.reset();
    if (end == End::kPower) vfs_.LosePower();
    SqliteStoreOptions options;
    options.files = &disk_;
    options.reserve_bytes = kReserveBytes;
    auto store = OpenSqliteStore(dir_.File("store"), options);
    ASSERT_THAT(store, IsOk());
    const absl::StatusOr<Head> head = (*store)->ReadHead();
    ASSERT_THAT(head, IsOk());
    ExpectOutcome(head->epoch);
    ASSERT_TRUE(Dump(**store) == TheScript().DumpAt(head->epoch));
    const std::optional<LedgerHead> noted = (*store)->NotedHead();
    if (noted.has_value()) {
      EXPECT_LE(noted->size, head->ledger_size);
    }
    if (head->epoch == kGroups) return;
    ASSERT_THAT((*store)->Commit(TheScript().GroupAfter(head->epoch)), IsOk());
    ASSERT_TRUE(Dump(**store) == TheScript().DumpAt(head->epoch + 1));
  }

 private:
  static constexpr std::uint64_t kReserveBytes = 4096;

  void Open() {
    SqliteStoreOptions options;
    options.files = &flaky_;
    options.vfs = vfs_.name();
    options.reserve_bytes = kReserveBytes;
    options.checkpoint_pages = 12;
    auto store = OpenSqliteStore(dir_.File("store"), options);
    if (store.ok()) {
      store_ = *std::move(store);
    } else {
      EXPECT_TRUE(plan_.fired());
    }
  }

  // Every group that was acknowledged is there, and no other but the one that failed.
  void ExpectOutcome(std::uint64_t epoch) const {
    EXPECT_THAT(epoch, AnyOf(Eq(acknowledged_), Eq(acknowledged_ + (unsure_ ? 1 : 0))));
  }

  test::FaultPlan& plan_;
  test::TempDir dir_;
  PosixFileSystem disk_;
  test::FaultyFileSystem flaky_;
  test::FaultyVfs vfs_;
  std::unique_ptr<Store> store_;
  std::uint64_t acknowledged_ = 0;
  bool unsure_ = false;  // A commit failed, and the store was not opened since.
};

TEST_F(StoreFaultTest, KeepsWholeGroupsWhenTheProcessEnds) {
  test::FaultSweep([](test::FaultPlan& plan) {
    Scenario scenario(plan);
    scenario.RunUntilItFails(kGroups);
    scenario.EndAndCheck(End::kProcess);
  });
}

TEST_F(StoreFaultTest, KeepsWholeGroupsWhenThePowerEnds) {
  test::FaultSweep([](test::FaultPlan& plan) {
    Scenario scenario(plan);
    scenario.RunUntilItFails(kGroups);
    scenario.EndAndCheck(End::kPower);
  });
}

// After a sync that failed the group may seem to be there and not be on the disk. Whatever the
// store says after it was opened again is what it must say after the power was lost.
TEST_F(StoreFaultTest, StandsByWhatItSaidWhenItWasOpenedAgain) {
  test::FaultSweep([](test::FaultPlan& plan) {
    Scenario scenario(plan);
    scenario.RunUntilItFails(kGroups - 1);
    scenario.Recover();
    scenario.EndAndCheck(End::kPower);
  });
}

TEST_F(StoreFaultTest, GoesOnAfterItWasOpenedAgain) {
  test::FaultSweep([](test::FaultPlan& plan) {
    Scenario scenario(plan);
    scenario.RunUntilItFails(kGroups - 2);
    scenario.Recover();
    scenario.RunUntilItFails(kGroups);
    scenario.EndAndCheck(End::kPower);
  });
}

TEST_F(StoreFaultTest, KeepsWholeGroupsOnADiskThatIsFull) {
  test::FaultSweep(
      [](test::FaultPlan& plan) {
        Scenario scenario(plan);
        scenario.RunUntilItFails(kGroups);
        scenario.EndAndCheck(End::kProcess);
      },
      Reason::kStoreFull);
}

}  // namespace
}  // namespace holdfast::store
