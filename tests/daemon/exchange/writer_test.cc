// SPDX-License-Identifier: Apache-2.0
// The writer: what is acknowledged is committed, what restricts goes first, what fails stops.
#include "daemon/exchange/writer.h"

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "tests/daemon/exchange/exchange_world.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

class WriterTest : public ::testing::Test {
 protected:
  void SetUp() override { world_.MustStart(); }

  ExchangeWorld world_;
};

TEST_F(WriterTest, AReleaseIsInTheLedgerBeforeItIsAnswered) {
  const std::uint32_t transfer = world_.MustMakeTransfer(8);
  const std::uint32_t lease = world_.MustOpenLease(transfer);
  const exchange::ReleaseOutcome outcome = world_.Release(transfer, lease, {3, 1});
  ASSERT_TRUE(outcome.decision.allowed());
  ASSERT_EQ(outcome.released.size(), 2U);
  EXPECT_EQ(outcome.released[0].row, 3U);
  EXPECT_NE(outcome.egress, nullptr);
  const std::vector<Bytes> entries = world_.disk().Backup().entries;
  ledger::v1::Entry entry;
  ASSERT_TRUE(entry.ParseFromString(ToString(entries[outcome.first_index])));
  EXPECT_EQ(entry.key_released().row(), 3U);
  ASSERT_TRUE(entry.ParseFromString(ToString(entries[outcome.first_index + 1])));
  EXPECT_EQ(entry.key_released().row(), 1U);
}

TEST_F(WriterTest, AHoldRefusesTheWholeBatchAndNamesTheMatter) {
  const std::uint32_t transfer = world_.MustMakeTransfer(8);
  const std::uint32_t lease = world_.MustOpenLease(transfer);
  order::v1::Order hold = ExchangeWorld::HoldAct("one-row");
  auto& scope = *hold.mutable_place_hold()->mutable_scope();
  scope.Clear();
  scope.set_transfer(world_.Read<std::string>([&](const exchange::Core& core) {
    return policy::TransferName(core.state.transfer(transfer)->id);
  }));
  scope.add_rows()->set_first(5);
  scope.mutable_rows(0)->set_last(5);
  const exchange::OrderOutcome placed = world_.Order("carol", hold);
  ASSERT_TRUE(placed.decision.allowed());
  EXPECT_TRUE(placed.anchored);

  const exchange::ReleaseOutcome refused = world_.Release(transfer, lease, {4, 5});
  EXPECT_EQ(refused.decision.refusal, policy::Refusal::kFrozen);
  EXPECT_EQ(refused.matter, "1:26-cv-00001");
  EXPECT_TRUE(refused.released.empty());
  EXPECT_GT(refused.refusal_index, placed.index);
  EXPECT_TRUE(world_.Release(transfer, lease, {4}).decision.allowed());
}

TEST_F(WriterTest, RowsThatAreGoneAreRefusedOneByOne) {
  const std::uint32_t transfer = world_.MustMakeTransfer(8);
  ASSERT_TRUE(world_.Order("paula", world_.RevokeAct(transfer, 2, 3)).decision.allowed());
  const std::uint32_t lease = world_.MustOpenLease(transfer);
  const exchange::ReleaseOutcome outcome = world_.Release(transfer, lease, {1, 2, 3, 4});
  ASSERT_TRUE(outcome.decision.allowed());
  EXPECT_THAT(outcome.refused_rows, testing::ElementsAre(2, 3));
  EXPECT_EQ(outcome.released.size(), 2U);
  EXPECT_NE(outcome.refusal_index, 0U);
}

TEST_F(WriterTest, OfSeveralChunksThoseBeforeTheFirstThatIsRefusedGoOut) {
  using exchange::IfRefused;
  const std::uint32_t transfer = world_.MustMakeTransfer(8);
  const auto collected = [&](std::uint32_t chunk) {
    ledger::v1::Entry fact;
    fact.mutable_envelopes_collected()->set_transfer(transfer);
    fact.mutable_envelopes_collected()->set_chunk(chunk);
    fact.mutable_envelopes_collected()->set_requester("ice");
    return fact;
  };
  const std::uint32_t none = 1;  // The transfer has one chunk.
  std::uint64_t size = world_.ledger_size();
  exchange::ActOutcome outcome =
      world_.Do({collected(0), collected(0), collected(none), collected(0)}, {}, IfRefused::kRest);
  ASSERT_TRUE(outcome.decision.allowed());
  EXPECT_EQ(outcome.appended, 2U);
  EXPECT_EQ(outcome.index, size);
  EXPECT_EQ(world_.ledger_size(), size + 2);

  outcome = world_.Do({collected(none), collected(0)}, {}, IfRefused::kRest);
  EXPECT_EQ(outcome.decision.refusal, policy::Refusal::kChunkEmpty);
  outcome = world_.Do({collected(0), collected(none)}, {}, IfRefused::kNothing);
  EXPECT_EQ(outcome.decision.refusal, policy::Refusal::kChunkEmpty);
  EXPECT_EQ(world_.ledger_size(), size + 4);  // Two refusals.
}

TEST_F(WriterTest, TheSameOrderTwiceIsOneOrder) {
  world_.MustMakeTransfer(4);
  const order::v1::Order hold = ExchangeWorld::HoldAct("hold");
  const exchange::OrderOutcome first = world_.Order("carol", hold);
  const exchange::OrderOutcome again = world_.Order("carol", hold);  // Another order, same hold.
  EXPECT_TRUE(again.already);
  EXPECT_EQ(again.index, first.index);
}

TEST_F(WriterTest, AHoldWaitsForWhatIsUnderWayAndCutsItOff) {
  const std::uint32_t transfer = world_.MustMakeTransfer(4);
  const std::uint32_t lease = world_.MustOpenLease(transfer);
  exchange::ReleaseOutcome release = world_.Release(transfer, lease, {1});
  ASSERT_NE(release.egress, nullptr);

  std::future<exchange::OrderOutcome> hold =
      world_.OrderLater("carol", ExchangeWorld::HoldAct("hold"));
  // Until the hold's epoch is made it cannot be waiting yet.
  while (world_.epoch() != 2 || !world_.exchange().egress()->waiting()) {
  }
  EXPECT_EQ(hold.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  world_.clock().Advance(std::chrono::milliseconds(2000));
  const exchange::OrderOutcome outcome = hold.get();
  EXPECT_EQ(outcome.cut, 1U);
  ASSERT_EQ(outcome.open_leases.size(), 1U);
  EXPECT_EQ(outcome.open_leases[0].records, 1U);
}

// R24: the first answer may have been lost, and the second must promise no less.
TEST_F(WriterTest, AHoldThatIsOrderedAgainIsAnsweredNoSoonerAndNoShorter) {
  const std::uint32_t transfer = world_.MustMakeTransfer(4);
  const std::uint32_t lease = world_.MustOpenLease(transfer);
  exchange::ReleaseOutcome release = world_.Release(transfer, lease, {1});
  const order::v1::Order act = ExchangeWorld::HoldAct("hold");
  std::future<exchange::OrderOutcome> first = world_.OrderLater("carol", act);
  while (world_.epoch() != 2 || !world_.exchange().egress()->waiting()) {
  }
  std::future<exchange::OrderOutcome> again = world_.OrderLater("carol", act);
  world_.ledger_size();  // Whatever was submitted before has been run.
  EXPECT_EQ(first.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  EXPECT_EQ(again.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  release.egress.reset();  // It has left.
  const exchange::OrderOutcome outcome = again.get();
  EXPECT_TRUE(outcome.already);
  EXPECT_EQ(outcome.index, first.get().index);
  EXPECT_TRUE(outcome.anchored);
  EXPECT_EQ(outcome.cut, 0U);
  ASSERT_EQ(outcome.open_leases.size(), 1U);
  EXPECT_EQ(outcome.open_leases[0].records, 1U);
}

TEST_F(WriterTest, AHoldThatIsOrderedAgainSaysThatItsEpochIsStillToBeMade) {
  world_.MustMakeTransfer(4);
  world_.keyslot_down = true;
  const order::v1::Order act = ExchangeWorld::HoldAct("hold");
  EXPECT_FALSE(world_.Order("carol", act).anchored);
  const exchange::OrderOutcome again = world_.Order("carol", act);
  EXPECT_TRUE(again.already);
  EXPECT_FALSE(again.anchored);
  world_.keyslot_down = false;
  while (world_.epoch() != 2) world_.clock().Advance(std::chrono::milliseconds(100));
  EXPECT_TRUE(world_.Order("carol", act).anchored);
}

TEST_F(WriterTest, ACommitThatFailsIsNotAcknowledgedAndTheExchangeComesBack) {
  const std::uint32_t transfer = world_.MustMakeTransfer(4);
  world_.Stop();
  for (std::size_t fails_at = 0; fails_at < 6; ++fails_at) {
    SCOPED_TRACE(fails_at);
    FaultPlan plan(fails_at, FaultPlan::Extent::kOnce);
    world_.store_faults = &plan;
    if (!world_.Start().ok()) {
      world_.Stop();
      world_.store_faults = nullptr;
      world_.MustStart();
      world_.Stop();
      continue;
    }
    const auto leases = [this] {
      return world_.Read<std::uint32_t>(
          [](const exchange::Core& core) { return core.state.lease_count(); });
    };
    const std::uint32_t before = leases();
    const exchange::ActOutcome outcome = world_.Do(world_.LeaseFact(transfer));
    world_.WaitUntilServing();
    if (outcome.status.ok()) {
      EXPECT_EQ(leases(), before + 1);
    } else {
      EXPECT_THAT(outcome.status, HasReason(Reason::kStoreFailed));
    }
    world_.store_faults = nullptr;
    world_.Stop();
  }
}

TEST_F(WriterTest, AFullDiskStopsReleasesAndStillTakesAHold) {
  const std::uint32_t transfer = world_.MustMakeTransfer(4);
  const std::uint32_t lease = world_.MustOpenLease(transfer);
  world_.disk().SetFull(true);
  std::future<exchange::OrderOutcome> hold =
      world_.OrderLater("carol", ExchangeWorld::HoldAct("hold"));
  const exchange::OrderOutcome outcome = hold.get();
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_TRUE(outcome.decision.allowed());
  world_.disk().SetFull(false);
  world_.WaitUntilServing();
  EXPECT_FALSE(world_.Release(transfer, lease, {1}).decision.allowed());
}

TEST_F(WriterTest, AHoldIsTakenEvenIfSomethingElseMetTheFullDiskFirst) {
  const std::uint32_t transfer = world_.MustMakeTransfer(4);
  world_.disk().SetFull(true);
  EXPECT_THAT(world_.Do(world_.LeaseFact(transfer)).status, HasReason(Reason::kStoreFailed));
  world_.WaitUntilServing();
  // The reserve has given way: only what restricts is done.
  EXPECT_THAT(world_.Do(world_.LeaseFact(transfer)).status, HasReason(Reason::kStoreFull));
  EXPECT_TRUE(world_.Order("carol", ExchangeWorld::HoldAct("hold")).decision.allowed());
  EXPECT_FALSE(world_.disk().HasReserve());

  world_.disk().SetFull(false);
  while (!world_.disk().HasReserve()) world_.clock().Advance(std::chrono::milliseconds(200));
  EXPECT_EQ(world_.Do(world_.LeaseFact(transfer)).decision.refusal, policy::Refusal::kFrozen);
}

// So that the first answers do not wait for all that was asked for.
TEST_F(WriterTest, AGroupHasABoundInEntries) {
  constexpr std::uint32_t kRows = 150;
  constexpr std::size_t kBatches = 60;
  constexpr std::uint64_t kMost = exchange::Writer::kMostGroupEntries;
  static_assert(kRows * kBatches > kMost + kRows && kBatches < exchange::Writer::kMostCommands);
  const std::uint32_t transfer = world_.MustMakeTransfer(kRows);
  const std::uint32_t lease = world_.MustOpenLease(transfer);
  std::vector<std::uint32_t> rows(kRows);
  std::iota(rows.begin(), rows.end(), 0);
  const std::uint64_t before = world_.ledger_size();

  std::promise<void> stands;
  std::promise<void> go_on;
  world_.exchange().Query(
      [&](const exchange::Core&) -> exchange::Exchange::QueryReply {
        stands.set_value();
        go_on.get_future().wait();
        return [](const exchange::LedgerHead&) {};
      },
      [](const absl::Status&) {});
  stands.get_future().wait();
  // The writer stands still, and everybody asks for keys. Where the first group ends is told to who
  // reads in it.
  std::vector<std::future<exchange::ReleaseOutcome>> outcomes;
  outcomes.push_back(world_.BeginRelease(transfer, lease, rows));
  std::promise<std::uint64_t> end;
  world_.exchange().Query(
      [&end](const exchange::Core&) -> exchange::Exchange::QueryReply {
        return [&end](const exchange::LedgerHead& head) { end.set_value(head.size); };
      },
      [&end](const absl::Status&) { end.set_value(0); });
  while (outcomes.size() < kBatches) outcomes.push_back(world_.BeginRelease(transfer, lease, rows));
  go_on.set_value();
  for (auto& outcome : outcomes) EXPECT_THAT(outcome.get().status, IsOk());
  const std::uint64_t first_group = end.get_future().get() - before;
  EXPECT_GE(first_group, kMost);
  EXPECT_LT(first_group, kMost + 2 * kRows);
  EXPECT_GE(world_.ledger_size() - before, kBatches * kRows);
}

TEST_F(WriterTest, AFullQueueStillTakesAHold) {
  const auto [first_dsse, first] = world_.Sign("carol", ExchangeWorld::HoldAct("hold-1"));
  const auto [second_dsse, second] = world_.Sign("dan", ExchangeWorld::HoldAct("hold-2"));
  order::v1::Order act;
  act.mutable_trust_clock()->set_reason("to fill the queue");
  const auto [dsse, order] = world_.Sign("paula", act);
  std::promise<void> stands;
  std::promise<void> go_on;
  const std::shared_future<void> may_go_on = go_on.get_future().share();
  world_.failpoint = [&, here = false](exchange::EpochStep) mutable {
    if (!std::exchange(here, true)) {
      stands.set_value();
      may_go_on.wait();
    }
    return absl::OkStatus();
  };
  const auto submit = [&](exchange::Lane lane, const Bytes& bytes,
                          std::shared_ptr<const policy::OpenedOrder> opened) {
    auto promise = std::make_shared<std::promise<exchange::OrderOutcome>>();
    world_.Submit(lane, std::make_unique<exchange::OrderCommand>(
                            bytes, std::move(opened), world_.exchange().executor(),
                            world_.exchange().egress(), [promise](exchange::OrderOutcome outcome) {
                              promise->set_value(std::move(outcome));
                            }));
    return promise->get_future();
  };
  auto placed = submit(exchange::Lane::kRestricting, first_dsse, first);
  stands.get_future().wait();
  // The writer stands still, and everybody asks for something.
  std::vector<std::future<exchange::OrderOutcome>> others;
  const std::size_t room = world_.exchange().options().queue_commands;
  for (std::size_t i = 0; i <= room; ++i) {
    others.push_back(submit(exchange::Lane::kNormal, dsse, order));
  }
  EXPECT_THAT(others.back().get().status, HasReason(Reason::kOverloaded));
  others.pop_back();
  auto hold = submit(exchange::Lane::kRestricting, second_dsse, second);
  go_on.set_value();
  EXPECT_TRUE(placed.get().decision.allowed());
  const exchange::OrderOutcome outcome = hold.get();
  EXPECT_TRUE(outcome.decision.allowed());
  for (auto& other : others) {
    EXPECT_GT(other.get().index, outcome.index) << "holds go first";
  }
}

TEST_F(WriterTest, ALiftTakesEffectWhenTheCoolingPeriodEndsAndNotBefore) {
  const std::uint32_t transfer = world_.MustMakeTransfer(4);
  const exchange::OrderOutcome placed = world_.Order("carol", ExchangeWorld::HoldAct("hold"));
  order::v1::Order propose;
  propose.mutable_propose_lift()->set_hold_id("hold");
  propose.mutable_propose_lift()->set_placed_index(placed.index);
  propose.mutable_propose_lift()->set_reason("the court lifted it");
  const exchange::OrderOutcome proposed = world_.Order("carol", propose);
  ASSERT_TRUE(proposed.decision.allowed());
  order::v1::Order confirm;
  confirm.mutable_confirm_lift()->set_hold_id("hold");
  confirm.mutable_confirm_lift()->set_placed_index(placed.index);
  confirm.mutable_confirm_lift()->set_proposal_index(proposed.index);
  EXPECT_EQ(world_.Order("carol", confirm).decision.refusal, policy::Refusal::kLiftSamePerson);
  ASSERT_TRUE(world_.Order("erin", confirm).decision.allowed());

  const auto cooling = world_.exchange().published()->agreement->terms().cooling_period;
  world_.clock().Advance(cooling - std::chrono::seconds(1));
  EXPECT_EQ(world_.Do(world_.LeaseFact(transfer)).decision.refusal, policy::Refusal::kFrozen);
  world_.clock().Advance(std::chrono::seconds(1));
  const std::uint32_t lease = world_.MustOpenLease(transfer);
  EXPECT_TRUE(world_.Release(transfer, lease, {1}).decision.allowed());
}

// R17.
TEST_F(WriterTest, AClockInDoubtGoesOnByACustodiansOrderAndNotByARestart) {
  const std::uint32_t transfer = world_.MustMakeTransfer(2);
  const UnixMillis right = world_.clock().WallNow();
  world_.clock().SetWall(right + std::chrono::hours(48));
  EXPECT_EQ(world_.Do(world_.LeaseFact(transfer)).decision.refusal,
            policy::Refusal::kClockUntrusted);
  world_.clock().SetWall(right);
  world_.Stop();
  world_.MustStart();
  EXPECT_EQ(world_.Do(world_.LeaseFact(transfer)).decision.refusal,
            policy::Refusal::kClockUntrusted);
  // A hold needs no clock.
  ASSERT_TRUE(world_.Order("carol", ExchangeWorld::HoldAct("hold")).decision.allowed());

  order::v1::Order trust;
  trust.mutable_trust_clock()->set_reason("synchronised again");
  EXPECT_EQ(world_.Order("carol", trust).decision.refusal, policy::Refusal::kRoleForbids);
  ASSERT_TRUE(world_.Order("paula", trust).decision.allowed());
  const auto trusted = [](const exchange::Core& core) { return core.state.now().trusted; };
  EXPECT_TRUE(world_.Read<bool>(trusted));
  // The late time stays two days ahead, and neither that nor a restart is a new doubt.
  world_.Stop();
  world_.MustStart();
  EXPECT_TRUE(world_.Read<bool>(trusted));
  EXPECT_EQ(world_.Order("pete", trust).decision.refusal, policy::Refusal::kClockTrusted);
  const auto late =
      world_.Read<UnixMillis>([](const exchange::Core& core) { return core.state.now().late; });
  EXPECT_EQ(late, right + std::chrono::hours(48));
}

}  // namespace
}  // namespace holdfast::test
