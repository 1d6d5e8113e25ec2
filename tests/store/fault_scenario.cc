// SPDX-License-Identifier: Apache-2.0
#include "tests/store/fault_scenario.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "tests/store/group_sequence.h"
#include "tests/support/status_matchers.h"

namespace holdfast::store {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::AnyOf;
using ::testing::Eq;

constexpr std::uint64_t kReserveBytes = 4096;

// The groups of every run, and what a store holds after each of them.
class Script final {
 public:
  Script() {
    // Small groups, in which a bundle fills up, a page is deleted, and a chunk is replaced.
    constexpr std::uint64_t kSeed = 268;
    GroupSequence sequence(kSeed);
    for (std::uint64_t i = 0; i < FaultScenario::kGroups; ++i) groups_.push_back(sequence.Next());
    for (std::uint64_t i = 0; i <= FaultScenario::kGroups; ++i)
      dumps_.push_back(DumpAfter(kSeed, i));
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

// Counts the runs of this process. Each has a chance of its own, the same whenever it is run.
std::uint64_t NextRun() {
  static std::uint64_t run = 0;
  return run++;
}

}  // namespace

FaultScenario::FaultScenario(test::FaultPlan& plan)
    : plan_(plan), flaky_(disk_, plan), vfs_(plan, /*seed=*/NextRun()) {}

void FaultScenario::RunUntilItFails(std::uint64_t groups) {
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

void FaultScenario::Recover(Workers workers) {
  std::unique_ptr<Reader> reader;
  if (store_ != nullptr && workers == Workers::kReading) {
    reader = store_->NewReader().value_or(nullptr);
  }
  // It begins with its first read.
  if (reader != nullptr) static_cast<void>(reader->ReadHead());
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

void FaultScenario::EndAndCheck(End end) {
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

void FaultScenario::Open() {
  SqliteStoreOptions options;
  options.files = &flaky_;
  options.vfs = vfs_.name();
  options.reserve_bytes = kReserveBytes;
  options.checkpoint_pages = 8;  // So that the log is moved several times.
  auto store = OpenSqliteStore(dir_.File("store"), options);
  if (store.ok()) {
    store_ = *std::move(store);
  } else {
    EXPECT_TRUE(plan_.fired());
  }
}

void FaultScenario::ExpectOutcome(std::uint64_t epoch) const {
  EXPECT_THAT(epoch, AnyOf(Eq(acknowledged_), Eq(acknowledged_ + (unsure_ ? 1 : 0))));
}

}  // namespace holdfast::store
