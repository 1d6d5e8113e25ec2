// SPDX-License-Identifier: Apache-2.0
// Epoch changes: the protocol and the invariants of docs/key-tree.md, "Epochs", whatever step
// fails.
#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <ostream>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "base/error.h"
#include "crypto/top_page.h"
#include "tests/daemon/exchange/exchange_world.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using exchange::EpochStep;

constexpr EpochStep kSteps[] = {EpochStep::kPlanned,  EpochStep::kStaged, EpochStep::kCommitted,
                                EpochStep::kReadBack, EpochStep::kErased, EpochStep::kAdopted,
                                EpochStep::kRecorded};

absl::Status Dies() { return MakeError(Reason::kInternal, "stopped by the test"); }

class EpochTest : public ::testing::Test {
 protected:
  void SetUp() override { world_.MustStart(); }

  // Stops the exchange at `step` of the next epoch change, once.
  void DieAt(EpochStep step) {
    world_.failpoint = [this, step](EpochStep now) {
      if (now != step || died_) return absl::OkStatus();
      died_ = true;
      return Dies();
    };
  }

  // The one epoch that database and keyslot agree on.
  void ExpectOneEpoch(std::uint64_t epoch) {
    EXPECT_EQ(world_.epoch(), epoch);
    EXPECT_EQ(world_.EpochsInKeyslot(), std::vector<std::uint64_t>{epoch});
  }

  ExchangeWorld world_;
  bool died_ = false;
};

TEST_F(EpochTest, EveryHoldAndEveryDestructionIsAnEpochOfItsOwn) {  // I10
  ExpectOneEpoch(1);
  const std::uint32_t transfer = world_.MustMakeTransfer(8);
  ExpectOneEpoch(1);
  EXPECT_TRUE(world_.Order("carol", ExchangeWorld::HoldAct("hold-one")).decision.allowed());
  ExpectOneEpoch(2);
  EXPECT_TRUE(world_.Order("paula", world_.RevokeAct(transfer, 0, 1)).decision.allowed());
  ExpectOneEpoch(3);
}

// What an act costs, whatever the number of records that it covers.
struct Cost {
  std::size_t commits = 0;
  std::size_t keyslot_operations = 0;  // On the keyslot's files.
  std::uint64_t root_keys = 0;         // Made, each in place of the one before.

  friend bool operator==(const Cost&, const Cost&) = default;
};
void PrintTo(const Cost& cost, std::ostream* out) {
  *out << cost.commits << " commits, " << cost.keyslot_operations << " keyslot operations, "
       << cost.root_keys << " root keys";
}

// Of placing a hold, proposing its lift, confirming that, and its taking effect.
std::vector<Cost> CostsAmong(std::uint32_t records) {
  FaultPlan store;
  FaultPlan keyslot;
  ExchangeWorld world;
  world.store_faults = &store;
  world.keyslot_faults = &keyslot;
  world.MustStart();
  static_cast<void>(world.MustMakeTransfer(records));
  const auto cost_of = [&](const std::function<void()>& act) {
    const std::uint64_t epoch = world.epoch();
    const std::size_t commits = store.count();
    const std::size_t operations = keyslot.count();
    act();
    // Each commit is two operations of the store: one before it is done, and one after.
    return Cost{(store.count() - commits) / 2, keyslot.count() - operations, world.epoch() - epoch};
  };
  std::uint64_t placed = 0;
  std::uint64_t proposed = 0;
  const Cost place = cost_of([&] {
    const exchange::OrderOutcome outcome = world.Order("carol", ExchangeWorld::HoldAct("hold"));
    ASSERT_TRUE(outcome.decision.allowed());
    placed = outcome.index;
  });
  const Cost propose = cost_of([&] {
    order::v1::Order act;
    act.mutable_propose_lift()->set_hold_id("hold");
    act.mutable_propose_lift()->set_placed_index(placed);
    act.mutable_propose_lift()->set_reason("the court lifted it");
    const exchange::OrderOutcome outcome = world.Order("carol", act);
    ASSERT_TRUE(outcome.decision.allowed());
    proposed = outcome.index;
  });
  const Cost confirm = cost_of([&] {
    order::v1::Order act;
    act.mutable_confirm_lift()->set_hold_id("hold");
    act.mutable_confirm_lift()->set_placed_index(placed);
    act.mutable_confirm_lift()->set_proposal_index(proposed);
    ASSERT_TRUE(world.Order("erin", act).decision.allowed());
  });
  const Cost lift = cost_of([&] {
    world.clock().Advance(world.exchange().published()->agreement->terms().cooling_period);
    while (world.Read<bool>(
        [](const exchange::Core& core) { return core.state.holds().Find("hold")->in_force(); })) {
      std::this_thread::yield();
    }
  });
  return {place, propose, confirm, lift};
}

TEST(HoldCostTest, IsTheSameWhateverTheNumberOfRecords) {
  const std::vector<Cost> few = CostsAmong(2);
  // One commit puts it in force, with the root key that anchors it; another says, before the
  // answer, that the old root key is gone.
  EXPECT_EQ(few[0].commits, 2U);
  EXPECT_EQ(few[0].root_keys, 1U);
  EXPECT_GT(few[0].keyslot_operations, 0U);
  // A lift is three commits days apart, and leaves the keyslot alone.
  for (std::size_t step = 1; step < few.size(); ++step) EXPECT_EQ(few[step], (Cost{1, 0, 0}));
  EXPECT_EQ(CostsAmong(200), few);
}

// R43: a hold is in force or was never placed, and the exchange serves again.
TEST_F(EpochTest, AHoldSurvivesOrNeverWasWhereverTheProcessStops) {
  for (const EpochStep step : kSteps) {
    SCOPED_TRACE(static_cast<int>(step));
    died_ = false;
    DieAt(step);
    const std::uint64_t before = world_.epoch();
    const std::string id = "hold-" + std::to_string(static_cast<int>(step));
    const exchange::OrderOutcome outcome = world_.Order("carol", ExchangeWorld::HoldAct(id));
    EXPECT_TRUE(died_);
    EXPECT_FALSE(outcome.status.ok());  // Nothing was acknowledged.
    world_.WaitUntilServing();
    const bool placed = world_.Read<bool>(
        [&id](const exchange::Core& core) { return core.state.holds().Find(id) != nullptr; });
    EXPECT_EQ(placed, step >= EpochStep::kCommitted);
    ExpectOneEpoch(placed ? before + 1 : before);
  }
}

// R32, R43: destroyed and gone, or alive, and never in between.
TEST_F(EpochTest, ADestructionHappensWholeOrNotAtAllWhereverTheProcessStops) {
  for (const EpochStep step : kSteps) {
    SCOPED_TRACE(static_cast<int>(step));
    world_.failpoint = nullptr;
    const std::uint32_t transfer = world_.MustMakeTransfer(8);
    const std::uint64_t revocation = world_.Order("paula", world_.RevokeAct(transfer, 2, 4)).index;
    ASSERT_TRUE(world_.Order("pete", world_.ApproveDestructionAct(revocation)).decision.allowed());
    const auto state_now = [&] {
      return world_.Read<policy::DisposalState>(
          [&](const exchange::Core& core) { return core.state.FindDisposal(revocation)->state; });
    };
    ASSERT_EQ(state_now(), policy::DisposalState::kApproved);
    const std::uint64_t before = world_.epoch();
    died_ = false;
    world_.failpoint = [&](EpochStep now) {
      if (now != step || died_) return absl::OkStatus();
      died_ = true;
      return Dies();
    };
    world_.clock().Advance(std::chrono::hours(100));
    // It is tried again after it died, so in the end it is destroyed. In between, what is derivable
    // and what the ledger says agree, because the exchange would not have opened otherwise (I9).
    while (state_now() != policy::DisposalState::kDestroyed) {
      world_.clock().Advance(std::chrono::seconds(2));
      world_.WaitUntilServing();
    }
    EXPECT_TRUE(died_);
    world_.WaitUntilServing();
    for (std::uint32_t row = 0; row < 8; ++row) {
      EXPECT_EQ(world_.Derivable(transfer, row), row < 2 || row > 4) << row;
    }
    ExpectOneEpoch(before + 1);
  }
}

// A fault at each operation of the keyslot's files, once and from then on.
// Two custodians destroy the key that makes pseudonyms: it is gone where the ledger says so, and
// there where it does not.
TEST(PseudonymKeyTest, ItGoesWithItsOrderOrNotAtAllWhereverTheProcessStops) {
  for (const EpochStep step : kSteps) {
    SCOPED_TRACE(static_cast<int>(step));
    ExchangeWorld world;
    bool died = false;
    world.MustStart();
    order::v1::Order act;
    act.mutable_destroy_pseudonym_key()->set_reason("the exchange is over");
    const exchange::OrderOutcome first = world.Order("paula", act);
    ASSERT_TRUE(first.decision.allowed());
    EXPECT_EQ(world.epoch(), 1U) << "the first of two changes nothing";
    act.mutable_destroy_pseudonym_key()->set_first_index(first.index);
    world.failpoint = [&](EpochStep now) {
      if (now != step || died) return absl::OkStatus();
      died = true;
      return Dies();
    };
    EXPECT_FALSE(world.Order("pete", act).status.ok()) << "nothing was acknowledged";
    EXPECT_TRUE(died);
    world.WaitUntilServing();
    const auto [ordered, there] = world.Read<std::pair<bool, bool>>([](const exchange::Core& core) {
      return std::pair(core.state.evidence().pseudonym_key_destroyed(),
                       core.vault.FindSecret(crypto::kPseudonymSecret) != nullptr);
    });
    EXPECT_EQ(ordered, step >= EpochStep::kCommitted);
    EXPECT_EQ(there, !ordered);
    EXPECT_EQ(world.epoch(), ordered ? 2U : 1U);
  }
}

TEST_F(EpochTest, AKeyslotThatFailsNeverLosesAHoldOrAKey) {
  for (std::size_t fails_at = 0;; ++fails_at) {
    SCOPED_TRACE(fails_at);
    ExchangeWorld world;
    world.MustStart();
    const std::uint32_t transfer = world.MustMakeTransfer(4);
    world.Stop();

    // The slot is opened again with a plan, so that the plan counts from the hold on.
    FaultPlan plan(fails_at, FaultPlan::Extent::kOnce, Reason::kKeyslotFailed);
    world.keyslot_faults = &plan;
    if (!world.Start().ok()) {
      // Failing at the start refuses to serve, and harms nothing.
      world.Stop();
      world.keyslot_faults = nullptr;
      world.MustStart();
      EXPECT_TRUE(world.Derivable(transfer, 0));
      continue;
    }
    const exchange::OrderOutcome outcome = world.Order("carol", ExchangeWorld::HoldAct("hold"));
    world.WaitUntilServing();
    const bool placed = world.Read<bool>(
        [](const exchange::Core& core) { return core.state.holds().Find("hold") != nullptr; });
    EXPECT_TRUE(placed || !outcome.status.ok());
    EXPECT_TRUE(world.Derivable(transfer, 3));
    if (!plan.fired()) break;
  }
}

// I7: between the commit and the erasure nothing leaves: no answer, no checkpoint, no new keys.
TEST_F(EpochTest, NothingLeavesBetweenTheCommitAndTheErasure) {
  world_.MustMakeTransfer(4);
  const std::uint64_t before = world_.ledger_size();
  const auto view = world_.exchange().published()->vault.get();
  std::atomic<bool> answered = false;
  int steps = 0;
  world_.failpoint = [&](EpochStep step) {
    if (step < EpochStep::kCommitted || step > EpochStep::kErased) return absl::OkStatus();
    ++steps;
    EXPECT_FALSE(answered);
    EXPECT_EQ(world_.exchange().published()->vault.get(), view);
    const auto newest = world_.exchange().checkpoints().newest();
    EXPECT_TRUE(newest == nullptr || newest->head.size <= before);
    return absl::OkStatus();
  };
  EXPECT_TRUE(world_.Order("carol", ExchangeWorld::HoldAct("hold")).decision.allowed());
  answered = true;
  EXPECT_EQ(steps, 3);
}

// I8: a key that does not open the new top page keeps the old one from being erased.
TEST_F(EpochTest, NothingIsErasedUnlessTheNewTopPageOpensWithTheKeyAsReadBack) {
  const std::uint32_t transfer = world_.MustMakeTransfer(4);
  bool erased = false;
  std::vector<std::uint64_t> held;
  world_.failpoint = [&](EpochStep step) {
    if (step == EpochStep::kCommitted) {
      held = world_.EpochsInKeyslot();
      world_.keyslot_lies = true;
    }
    erased = erased || step == EpochStep::kErased;
    return absl::OkStatus();
  };
  EXPECT_FALSE(world_.Order("carol", ExchangeWorld::HoldAct("hold")).status.ok());
  EXPECT_FALSE(erased);
  EXPECT_EQ(held, (std::vector<std::uint64_t>{1, 2}));
  world_.failpoint = nullptr;
  world_.keyslot_lies = false;
  world_.WaitUntilServing();
  ExpectOneEpoch(2);  // The commit stood, and the start ended what was begun.
  EXPECT_TRUE(world_.Derivable(transfer, 0));
}

TEST_F(EpochTest, AHoldIsPlacedWhileTheKeyslotIsDownAndNothingLeavesUntilItsEpochIsMade) {
  const std::uint32_t transfer = world_.MustMakeTransfer(4);
  const std::uint32_t lease = world_.MustOpenLease(transfer);
  world_.keyslot_down = true;
  order::v1::Order preserve = ExchangeWorld::HoldAct("preserve-only");
  preserve.mutable_place_hold()->set_kind(order::v1::PRESERVE);
  const exchange::OrderOutcome placed = world_.Order("carol", preserve);
  ASSERT_TRUE(placed.status.ok()) << placed.status;
  EXPECT_TRUE(placed.decision.allowed());
  EXPECT_FALSE(placed.anchored);

  EXPECT_EQ(world_.Release(transfer, lease, {1}).decision.refusal, policy::Refusal::kEpochPending);
  world_.keyslot_down = false;
  while (world_.epoch() != 2) world_.clock().Advance(std::chrono::milliseconds(100));
  EXPECT_TRUE(world_.Release(transfer, lease, {1}).decision.allowed());
}

}  // namespace
}  // namespace holdfast::test
