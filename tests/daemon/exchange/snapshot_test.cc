// SPDX-License-Identifier: Apache-2.0
// Snapshots of an exchange: a start from one, and the ledger after it, is a start from the whole
// ledger; where one is in doubt, the whole ledger is folded.
#include "daemon/exchange/snapshot.h"

#include <cstddef>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "policy/replay.h"
#include "policy/state_snapshot.h"
#include "tests/daemon/exchange/exchange_world.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

class SnapshotTest : public ::testing::Test {
 protected:
  void SetUp() override {
    world_.snapshot = &kept_;
    world_.MustStart();
    transfer_ = world_.MustMakeTransfer(8);
    lease_ = world_.MustOpenLease(transfer_);
  }

  // Starts, and demands the state that the whole ledger has. Returns the ledger's size at the
  // snapshot that was used, 0 for none.
  std::uint64_t Start() {
    EXPECT_THAT(world_.Start(), IsOk());
    const std::uint64_t used =
        world_.Read<std::uint64_t>([](const exchange::Core& core) { return core.folded_from; });
    const Bytes state = world_.Read<Bytes>(
        [](const exchange::Core& core) { return policy::SnapshotOf(core.state); });
    policy::Replayer replayer(policy::Replayer::Mode::kApplyOnly);
    for (const Bytes& entry : world_.disk().Backup().entries) {
      EXPECT_THAT(replayer.Step(entry), IsOk());
    }
    EXPECT_TRUE(policy::SnapshotOf(replayer.state()) == state);
    return used;
  }
  std::uint64_t Size() { return world_.disk().Backup().entries.size(); }

  Bytes kept_;
  ExchangeWorld world_;  // Its end keeps a snapshot.
  std::uint32_t transfer_ = 0;
  std::uint32_t lease_ = 0;
};

TEST_F(SnapshotTest, IsKeptAtTheEndAndTheNextStartBeginsThere) {
  ASSERT_TRUE(world_.Release(transfer_, lease_, {1, 2}).decision.allowed());
  world_.Stop();
  const std::uint64_t size = Size();
  EXPECT_EQ(Start(), size);
  EXPECT_TRUE(world_.Release(transfer_, world_.MustOpenLease(transfer_), {3}).decision.allowed());
  EXPECT_TRUE(world_.Derivable(transfer_, 3));
}

TEST_F(SnapshotTest, IsFollowedByTheEntriesAndEpochsAfterIt) {
  world_.Stop();
  const Bytes old = kept_;
  const std::uint64_t size = Size();
  world_.MustStart();
  ASSERT_TRUE(world_.Order("carol", ExchangeWorld::HoldAct("hold")).decision.allowed());
  world_.Stop();
  kept_ = old;
  EXPECT_EQ(Start(), size);
  EXPECT_EQ(world_.epoch(), 2U);
  EXPECT_EQ(world_.Release(transfer_, lease_, {1}).decision.refusal, policy::Refusal::kFrozen);
  world_.Crash();
  EXPECT_GT(Start(), size);
}

TEST_F(SnapshotTest, IsNotUsedWhereAnyBitOfItIsAnother) {
  world_.Stop();
  const Bytes good = kept_;
  // The header in full; the state's bytes are under a digest of their own.
  for (std::size_t at = 0; at < good.size(); at += at < 400 ? 37 : 3001) {
    SCOPED_TRACE(at);
    kept_ = good;
    kept_[at] ^= std::byte{1};
    EXPECT_EQ(Start(), 0U);
    world_.Stop();
  }
  kept_ = ToBytes(ByteSpan(good).first(good.size() / 2));
  EXPECT_EQ(Start(), 0U);
}

TEST_F(SnapshotTest, OfAnotherExchangeIsNotUsed) {
  Bytes others;
  {
    ExchangeWorld other;
    other.snapshot = &others;
    other.MustStart();
    other.MustMakeTransfer(8);
    other.Stop();
  }
  world_.Stop();
  ASSERT_FALSE(others.empty());
  kept_ = others;
  EXPECT_EQ(Start(), 0U);
}

TEST_F(SnapshotTest, OfAnotherVersionOfTheProgramIsNotUsed) {
  world_.version = "1";
  world_.Stop();
  EXPECT_EQ(Start(), 0U);
  world_.Stop();
  EXPECT_GT(Start(), 0U);  // Its own one.
}

TEST_F(SnapshotTest, OfALongerLedgerDoesNotBringBackAnOlderOne) {
  const MemoryStoreDisk::Contents before = world_.disk().Backup();
  ASSERT_TRUE(world_.Release(transfer_, lease_, {1}).decision.allowed());
  world_.Stop();
  world_.disk().Restore(before);
  EXPECT_THAT(world_.Start(), HasReason(Reason::kLedgerInconsistent));
}

TEST_F(SnapshotTest, HidesNoChangeOfAnEntryAfterIt) {
  world_.Stop();
  const Bytes old = kept_;
  const std::size_t size = Size();
  world_.MustStart();
  world_.MustOpenLease(transfer_);
  world_.Stop();
  kept_ = old;
  MemoryStoreDisk::Contents changed = world_.disk().Backup();
  changed.entries[size].back() ^= std::byte{1};
  world_.disk().Restore(changed);
  EXPECT_FALSE(world_.Start().ok());
}

TEST_F(SnapshotTest, ThatCannotBeKeptStopsNothing) {
  world_.Stop();
  kept_.clear();
  world_.snapshots_fail = true;
  EXPECT_EQ(Start(), 0U);
  for (int i = 0; i < 3; ++i) world_.MustMakeTransfer(4);
  world_.Stop();
  EXPECT_TRUE(kept_.empty());
  world_.snapshots_fail = false;
  EXPECT_EQ(Start(), 0U);
  world_.Stop();
  EXPECT_FALSE(kept_.empty());
}

// Every order of epoch steps is swept with snapshots too: a stop at any of them, and the next start
// is from a snapshot before it.
TEST_F(SnapshotTest, SurvivesAStopAtEachStepOfAnEpochChange) {
  using exchange::EpochStep;
  int number = 0;
  for (const EpochStep stop :
       {EpochStep::kPlanned, EpochStep::kStaged, EpochStep::kCommitted, EpochStep::kReadBack,
        EpochStep::kErased, EpochStep::kAdopted, EpochStep::kRecorded}) {
    SCOPED_TRACE(static_cast<int>(stop));
    bool stopped = false;
    world_.failpoint = [&stopped, stop](EpochStep step) {
      if (stopped || step != stop) return absl::OkStatus();
      stopped = true;
      return MakeError(Reason::kInternal, "stopped here");
    };
    static_cast<void>(
        world_.Order("carol", ExchangeWorld::HoldAct("hold-" + std::to_string(++number))));
    world_.WaitUntilServing();
    world_.failpoint = nullptr;
    world_.Stop();
    EXPECT_GT(Start(), 0U);
  }
}

}  // namespace
}  // namespace holdfast::test
