// SPDX-License-Identifier: Apache-2.0
// The start of an exchange: what it refuses, and that it erases nothing when it refuses (R29, R33).
#include <chrono>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "tests/daemon/exchange/exchange_world.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

class RecoveryTest : public ::testing::Test {
 protected:
  void SetUp() override { world_.MustStart(); }

  ExchangeWorld world_;
};

TEST_F(RecoveryTest, StateIsTheFoldOfTheLedger) {
  const std::uint32_t transfer = world_.MustMakeTransfer(16);
  const std::uint32_t lease = world_.MustOpenLease(transfer);
  EXPECT_TRUE(world_.Release(transfer, lease, {1, 2, 3}).decision.allowed());
  EXPECT_TRUE(world_.Order("carol", ExchangeWorld::HoldAct("hold")).decision.allowed());
  const auto digest = [this] {
    return world_.Read<Digest32>([](const exchange::Core& core) {
      return core.state.FindTransfer({}) == nullptr ? core.state.transfers()[0].dossier_digest
                                                    : Digest32{};
    });
  };
  // The requester has copies, so notice is given. What comes behind it notes the time.
  world_.WaitForNotice("hold");
  static_cast<void>(world_.Do(world_.LeaseFact(transfer)));
  const Digest32 before = digest();
  const std::uint64_t size = world_.ledger_size();
  world_.Crash();
  world_.MustStart();
  EXPECT_EQ(digest(), before);
  EXPECT_EQ(world_.ledger_size(), size + 1);                              // ProcessStarted.
  EXPECT_FALSE(world_.Release(transfer, lease, {4}).decision.allowed());  // Still held.
  EXPECT_EQ(world_.Read<std::uint16_t>([&](const exchange::Core& core) {
    return core.state.FindRecord({transfer, 2})->releases;
  }),
            1U);
}

TEST_F(RecoveryTest, NoSegmentServesTwoProcesses) {
  world_.MustMakeTransfer(4);
  world_.Crash();
  world_.MustStart();
  const auto run =
      *world_.exchange().published()->allocator->Take(0, crypto::SegmentKind::kRecord, 1);
  EXPECT_EQ(run.segment, 2U);  // 0 and 1 were the first process's.
}

TEST_F(RecoveryTest, ADatabaseFromBeforeAHoldIsRefusedBesideTodaysKeyslot) {
  world_.MustMakeTransfer(4);
  const MemoryStoreDisk::Contents before = world_.disk().Backup();
  ASSERT_TRUE(world_.Order("carol", ExchangeWorld::HoldAct("hold")).decision.allowed());
  world_.Stop();
  const MemoryStoreDisk::Contents today = world_.disk().Backup();
  const auto epochs = world_.EpochsInKeyslot();

  world_.disk().Restore(before);
  EXPECT_THAT(world_.Start(), HasReason(Reason::kEpochUnknown));
  world_.Stop();
  EXPECT_EQ(world_.EpochsInKeyslot(), epochs);  // Nothing was erased.

  world_.disk().Restore(today);
  world_.MustStart();
}

TEST_F(RecoveryTest, TodaysTopPageDoesNotOpenYesterdaysDatabase) {
  world_.MustMakeTransfer(4);
  MemoryStoreDisk::Contents mixed = world_.disk().Backup();
  ASSERT_TRUE(world_.Order("carol", ExchangeWorld::HoldAct("hold")).decision.allowed());
  world_.Stop();
  const MemoryStoreDisk::Contents today = world_.disk().Backup();
  mixed.top_page = today.top_page;
  mixed.pages = today.pages;
  world_.disk().Restore(mixed);
  EXPECT_FALSE(world_.Start().ok());
  world_.Stop();
  // Nor if the database also claims today's epoch: its ledger does not reach the anchor.
  mixed.head.epoch = today.head.epoch;
  world_.disk().Restore(mixed);
  EXPECT_THAT(world_.Start(), HasReason(Reason::kLedgerInconsistent));
  world_.Stop();
  world_.disk().Restore(today);
  world_.MustStart();
}

TEST_F(RecoveryTest, ABackupOfTheSameEpochIsNoticedByTheHeadNote) {
  const std::uint32_t transfer = world_.MustMakeTransfer(4);
  const MemoryStoreDisk::Contents before = world_.disk().Backup();
  const std::uint32_t lease = world_.MustOpenLease(transfer);
  ASSERT_TRUE(world_.Release(transfer, lease, {1}).decision.allowed());
  world_.Stop();
  world_.disk().Restore(before);
  EXPECT_THAT(world_.Start(), HasReason(Reason::kLedgerInconsistent));
}

TEST_F(RecoveryTest, ALostKeyslotIsRefusedAndNotMadeAnew) {
  world_.Stop();
  MemoryFileSystem& files = world_.keyslot_files();
  const auto names = files.List("/keyslot");
  ASSERT_TRUE(names.ok());
  for (const std::string& name : *names) {
    ASSERT_TRUE(files.Remove("/keyslot/" + name).ok());
  }
  EXPECT_THAT(world_.Start(), HasReason(Reason::kEpochUnknown));
}

TEST_F(RecoveryTest, ALostDatabaseIsRefusedBesideAKeyslotThatHasAnEpoch) {
  world_.Stop();
  const auto epochs = world_.EpochsInKeyslot();
  world_.disk().Restore({});
  EXPECT_THAT(world_.Start(), HasReason(Reason::kEpochUnknown));
  EXPECT_EQ(world_.EpochsInKeyslot(), epochs);
}

TEST_F(RecoveryTest, AnEntryThatWasChangedIsNoticed) {
  world_.MustMakeTransfer(4);
  world_.Stop();
  MemoryStoreDisk::Contents changed = world_.disk().Backup();
  changed.entries[5].back() ^= std::byte{1};
  world_.disk().Restore(changed);
  EXPECT_FALSE(world_.Start().ok());
}

TEST_F(RecoveryTest, AKeyPageThatWasChangedIsNoticed) {
  world_.MustMakeTransfer(4);
  world_.Stop();
  MemoryStoreDisk::Contents changed = world_.disk().Backup();
  changed.pages[0].back() ^= std::byte{1};
  world_.disk().Restore(changed);
  EXPECT_THAT(world_.Start(), HasReason(Reason::kStoreCorrupt));
}

TEST_F(RecoveryTest, AnInterruptedFirstStartIsBegunAgain) {
  for (const exchange::EpochStep step :
       {exchange::EpochStep::kPlanned, exchange::EpochStep::kStaged,
        exchange::EpochStep::kCommitted}) {
    SCOPED_TRACE(static_cast<int>(step));
    ExchangeWorld world;
    world.failpoint = [step](exchange::EpochStep now) {
      return now == step ? MakeError(Reason::kInternal, "stopped by the test") : absl::OkStatus();
    };
    EXPECT_FALSE(world.Start().ok());
    world.failpoint = nullptr;
    world.MustStart();
    EXPECT_EQ(world.epoch(), 1U);
    EXPECT_EQ(world.EpochsInKeyslot(), std::vector<std::uint64_t>{1});
  }
}

}  // namespace
}  // namespace holdfast::test
