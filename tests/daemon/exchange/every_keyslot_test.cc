// SPDX-License-Identifier: Apache-2.0
// The epoch protocol over every kind of keyslot: wherever the process is killed and whatever
// operation of the slot fails, what was acknowledged is there, what was destroyed is gone, and the
// exchange opens again. And a move from one kind to another, which is an epoch like any other.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "tests/crypto/keyslot/keyslot_bench.h"
#include "tests/daemon/exchange/exchange_world.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using exchange::EpochStep;

constexpr EpochStep kSteps[] = {EpochStep::kPlanned,  EpochStep::kStaged, EpochStep::kCommitted,
                                EpochStep::kReadBack, EpochStep::kErased, EpochStep::kAdopted,
                                EpochStep::kRecorded};

// Far longer than a killed process lives: it shall not open its files again by itself.
constexpr std::chrono::hours kNoRecovery{1000};

// Kills the process at `step` of the next epoch change, and starts it again.
void KillAt(ExchangeWorld& world, EpochStep step, const std::function<void()>& act) {
  bool died = false;
  world.failpoint = [&died, step](EpochStep now) {
    if (now != step || died) return absl::OkStatus();
    died = true;
    return MakeError(Reason::kInternal, "killed by the test");
  };
  act();
  EXPECT_TRUE(died);
  world.failpoint = nullptr;
  world.Crash();
  world.MustStart();
}

class EveryKeyslot : public ::testing::TestWithParam<KeyslotKind> {
 protected:
  EveryKeyslot() : bench_(GetParam().make()) {
    world_.keyslot_bench = bench_.get();
    world_.recovery_delay = kNoRecovery;
  }

  void ExpectOneEpoch(std::uint64_t epoch) {
    EXPECT_EQ(world_.epoch(), epoch);
    EXPECT_EQ(world_.EpochsInKeyslot(), std::vector<std::uint64_t>{epoch});
  }

  const std::unique_ptr<KeyslotBench> bench_;
  ExchangeWorld world_;
};

TEST_P(EveryKeyslot, AHoldSurvivesOrNeverWasWhereverTheProcessIsKilled) {
  world_.MustStart();
  for (const EpochStep step : kSteps) {
    SCOPED_TRACE(static_cast<int>(step));
    const std::uint64_t before = world_.epoch();
    const std::string id = "hold-" + std::to_string(static_cast<int>(step));
    KillAt(world_, step,
           [&] { EXPECT_FALSE(world_.Order("carol", ExchangeWorld::HoldAct(id)).status.ok()); });
    const bool placed = world_.Read<bool>(
        [&id](const exchange::Core& core) { return core.state.holds().Find(id) != nullptr; });
    EXPECT_EQ(placed, step >= EpochStep::kCommitted);
    ExpectOneEpoch(placed ? before + 1 : before);
  }
}

class EveryKilledKeyslot : public EveryKeyslot {
 protected:
  // Whether the next start finds something else to do with the slot than after the step before.
  // With real devices all steps take a minute, and are for the form with the label `slow`.
  static bool ChangesTheSlot(EpochStep step) {
    return step == EpochStep::kStaged || step == EpochStep::kCommitted ||
           step == EpochStep::kErased;
  }
};

// R32, R43.
TEST_P(EveryKilledKeyslot, ADestructionHappensWholeOrNotAtAllWhereverTheProcessIsKilled) {
  world_.MustStart();
  for (const EpochStep step : kSteps) {
    if (GetParam().pace == KeyslotKind::Pace::kSlow && !HF_SLOW_KEYSLOTS && !ChangesTheSlot(step)) {
      continue;
    }
    SCOPED_TRACE(static_cast<int>(step));
    const std::uint32_t transfer = world_.MustMakeTransfer(4);
    const std::uint64_t revocation = world_.Order("paula", world_.RevokeAct(transfer, 1, 2)).index;
    ASSERT_TRUE(world_.Order("pete", world_.ApproveDestructionAct(revocation)).decision.allowed());
    const auto destroyed = [&] {
      return world_.Read<bool>([&](const exchange::Core& core) {
        return core.state.FindDisposal(revocation)->state == policy::DisposalState::kDestroyed;
      });
    };
    const std::uint64_t before = world_.epoch();
    KillAt(world_, step, [&] {
      world_.clock().Advance(std::chrono::hours(100));
      // Whoever asks a stopped exchange hears so. The clock stands still: while a device takes its
      // time, months would pass, and all records expire.
      while (world_.exchange().serving()) std::this_thread::yield();
    });
    while (!destroyed()) std::this_thread::yield();
    for (std::uint32_t row = 0; row < 4; ++row) {
      EXPECT_EQ(world_.Derivable(transfer, row), row != 1 && row != 2) << row;
    }
    // Rows of earlier rounds expire meanwhile, which makes epochs too.
    EXPECT_GT(world_.epoch(), before);
    EXPECT_TRUE(world_.Read<bool>([](const exchange::Core& core) {
      return core.keyslot->List().value() == std::vector<Epoch>{core.vault.epoch()};
    }));
  }
}

// EpochTest does it for the file keyslot; what is made of slots adds no operation of its own.
class EveryFastKeyslot : public EveryKeyslot {};

std::vector<KeyslotKind> FastDevices() {
  std::vector<KeyslotKind> kinds = FastKeyslotKinds();
  std::erase_if(kinds,
                [](const auto& kind) { return kind.kind != "pkcs11" && kind.kind != "tpm2"; });
  return kinds;
}

TEST_P(EveryFastKeyslot, ASlotThatFailsAtAnyOperationLosesNoHoldAndNoKey) {
  for (std::size_t fails_at = 0;; ++fails_at) {
    SCOPED_TRACE(fails_at);
    const auto bench = GetParam().make();
    ExchangeWorld world;
    world.keyslot_bench = bench.get();
    world.MustStart();
    const std::uint32_t transfer = world.MustMakeTransfer(2);
    world.Stop();
    FaultPlan plan(fails_at, FaultPlan::Extent::kOnce, Reason::kKeyslotFailed);
    world.keyslot_faults = &plan;
    if (world.Start().ok()) {
      const exchange::OrderOutcome outcome = world.Order("carol", ExchangeWorld::HoldAct("hold"));
      world.WaitUntilServing();
      const bool placed = world.Read<bool>(
          [](const exchange::Core& core) { return core.state.holds().Find("hold") != nullptr; });
      EXPECT_TRUE(placed || !outcome.status.ok());
    } else {
      // It refuses to serve, and harms nothing.
      world.Stop();
      world.keyslot_faults = nullptr;
      world.MustStart();
    }
    EXPECT_TRUE(world.Derivable(transfer, 1));
    world.Stop();
    world.keyslot_faults = nullptr;
    if (!plan.fired()) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryFastKeyslot, ::testing::ValuesIn(FastDevices()),
                         [](const auto& kind) { return kind.param.name; });
INSTANTIATE_TEST_SUITE_P(Kinds, EveryKeyslot, ::testing::ValuesIn(AllKeyslotKinds()),
                         [](const auto& kind) { return kind.param.name; });
INSTANTIATE_TEST_SUITE_P(Kinds, EveryKilledKeyslot, ::testing::ValuesIn(AllKeyslotKinds()),
                         [](const auto& kind) { return kind.param.name; });

class KeyslotMove : public ::testing::Test {
 protected:
  // An exchange in the one slot, and then a daemon whose configuration says that it moves.
  void PrepareMove() {
    world_.keyslot_bench = from_.get();
    world_.MustStart();
    transfer_ = world_.MustMakeTransfer(2);
    world_.Stop();
    from_->Stop(KeyslotBench::End::kKilled);
    world_.keyslot_bench = moving_.get();
  }

  std::vector<Epoch> HeldBy(KeyslotBench& bench) {
    FaultPlan none;
    return bench.Open(none).value()->List().value();
  }

  // What is true after a move, with the old slot out of the configuration.
  void ExpectMoved() {
    EXPECT_EQ(world_.epoch(), 2u);
    EXPECT_TRUE(world_.Derivable(transfer_, 0));
    world_.Stop();
    EXPECT_THAT(HeldBy(*from_), ::testing::IsEmpty());
    EXPECT_THAT(HeldBy(*to_), ::testing::ElementsAre(Epoch(2)));
    world_.keyslot_bench = to_.get();
    world_.MustStart();
    EXPECT_TRUE(world_.Derivable(transfer_, 0));
    EXPECT_TRUE(world_.Order("carol", ExchangeWorld::HoldAct("hold")).decision.allowed());
    EXPECT_EQ(world_.epoch(), 3u);
  }

  const std::unique_ptr<KeyslotBench> from_ = MakeFileBench();
  const std::unique_ptr<KeyslotBench> to_ = MakeFileBench();
  const std::unique_ptr<KeyslotBench> moving_ = MakeMovingBench(*from_, *to_);
  ExchangeWorld world_;
  std::uint32_t transfer_ = 0;
};

TEST_F(KeyslotMove, HappensByItselfWithAnEpochOfItsOwn) {
  PrepareMove();
  world_.MustStart();
  while (world_.epoch() != 2) world_.clock().Advance(std::chrono::milliseconds(100));
  ExpectMoved();
}

TEST_F(KeyslotMove, HappensWithTheNextHoldAsWell) {
  PrepareMove();
  world_.MustStart();
  EXPECT_TRUE(world_.Order("carol", ExchangeWorld::HoldAct("another")).decision.allowed());
  while (world_.EpochsInKeyslot().size() != 1) {
    world_.clock().Advance(std::chrono::milliseconds(100));
  }
  world_.Stop();
  EXPECT_THAT(HeldBy(*from_), ::testing::IsEmpty());
}

TEST_F(KeyslotMove, EndsWhereverTheProcessIsKilled) {
  for (const EpochStep step : kSteps) {
    SCOPED_TRACE(static_cast<int>(step));
    const auto from = MakeFileBench();
    const auto to = MakeFileBench();
    const auto moving = MakeMovingBench(*from, *to);
    ExchangeWorld world;
    world.recovery_delay = kNoRecovery;
    world.keyslot_bench = from.get();
    world.MustStart();
    const std::uint32_t transfer = world.MustMakeTransfer(2);
    world.Crash();
    world.keyslot_bench = moving.get();
    // The move begins by itself, but not before the start is over.
    std::atomic<bool> started = false;
    std::atomic<bool> died = false;
    world.failpoint = [&, step](EpochStep now) {
      started.wait(false);
      if (now != step || died) return absl::OkStatus();
      died = true;
      return MakeError(Reason::kInternal, "killed by the test");
    };
    world.MustStart();
    started = true;
    started.notify_all();
    while (world.exchange().serving()) world.clock().Advance(std::chrono::milliseconds(100));
    EXPECT_TRUE(died);
    world.failpoint = nullptr;
    world.Crash();
    world.MustStart();
    while (world.epoch() != 2) world.clock().Advance(std::chrono::milliseconds(100));
    EXPECT_TRUE(world.Derivable(transfer, 0));
    world.Stop();
    EXPECT_THAT(HeldBy(*from), ::testing::IsEmpty());
    EXPECT_THAT(HeldBy(*to), ::testing::ElementsAre(Epoch(2)));
  }
}

}  // namespace
}  // namespace holdfast::test
