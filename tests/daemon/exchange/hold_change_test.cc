// SPDX-License-Identifier: Apache-2.0
// What the writer makes of holds that change, of notices, of a court's order and of who was struck
// off.
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"

#include "base/clock.h"
#include "daemon/exchange/drill_command.h"
#include "daemon/exchange/notice_board.h"
#include "tests/daemon/exchange/exchange_world.h"

namespace holdfast::test {
namespace {

class HoldChangeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    world_.MustStart();
    transfer_ = world_.MustMakeTransfer(4);
  }

  v1::Scope OfTransfer() {
    v1::Scope scope;
    scope.set_transfer(world_.Read<std::string>([&](const exchange::Core& core) {
      return policy::TransferName(core.state.transfer(transfer_)->id);
    }));
    return scope;
  }
  // A preservation of the transfer. Returns its index.
  std::uint64_t Preserve(std::string_view id) {
    order::v1::Order act = ExchangeWorld::HoldAct(id);
    act.mutable_place_hold()->set_kind(order::v1::PRESERVE);
    *act.mutable_place_hold()->mutable_scope() = OfTransfer();
    const exchange::OrderOutcome placed = world_.Order("carol", act);
    EXPECT_TRUE(placed.decision.allowed());
    return placed.index;
  }
  // The hold as HoldAct() has it, which freezes and preserves everything.
  static order::v1::Order Widened(std::string_view id, std::uint64_t placed) {
    order::v1::Order act;
    *act.mutable_amend_hold()->mutable_hold() = ExchangeWorld::HoldAct(id).place_hold();
    act.mutable_amend_hold()->set_placed_index(placed);
    act.mutable_amend_hold()->set_reason("the court said more");
    return act;
  }

  SystemClock clock_;
  observe::Metrics metrics_{clock_, "test"};
  ExchangeWorld world_;
  std::uint32_t transfer_ = 0;
};

TEST_F(HoldChangeTest, AWideningFreezesAtOnceAndListsTheLeasesThatWereOpen) {
  const std::uint32_t lease = world_.MustOpenLease(transfer_);
  ASSERT_TRUE(world_.Release(transfer_, lease, {1}).decision.allowed());
  const std::uint64_t placed = Preserve("hold");
  const std::uint64_t epoch = world_.epoch();
  const exchange::OrderOutcome widened = world_.Order("carol", Widened("hold", placed));
  ASSERT_TRUE(widened.decision.allowed());
  EXPECT_FALSE(widened.needs_second_person);
  EXPECT_TRUE(widened.stops);
  EXPECT_TRUE(widened.anchored);
  EXPECT_EQ(world_.epoch(), epoch + 1);
  ASSERT_EQ(widened.open_leases.size(), 1U);
  EXPECT_EQ(widened.open_leases[0].records, 1U);
  EXPECT_EQ(world_.Release(transfer_, lease, {2}).decision.refusal, policy::Refusal::kFrozen);
}

TEST_F(HoldChangeTest, ANarrowingIsAProposalAndStopsNothing) {
  const exchange::OrderOutcome placed = world_.Order("carol", ExchangeWorld::HoldAct("hold"));
  order::v1::Order act = Widened("hold", placed.index);
  *act.mutable_amend_hold()->mutable_hold()->mutable_scope() = OfTransfer();
  const exchange::OrderOutcome proposed = world_.Order("carol", act);
  ASSERT_TRUE(proposed.decision.allowed());
  EXPECT_TRUE(proposed.needs_second_person);
  EXPECT_FALSE(proposed.stops);
  order::v1::Order confirm;
  confirm.mutable_confirm_amendment()->set_hold_id("hold");
  confirm.mutable_confirm_amendment()->set_placed_index(placed.index);
  confirm.mutable_confirm_amendment()->set_proposal_index(proposed.index);
  ASSERT_TRUE(world_.Order("erin", confirm).decision.allowed());
  world_.clock().Advance(world_.exchange().published()->agreement->terms().cooling_period);
  const auto everything = [](const exchange::Core& core) {
    return core.state.holds().Find("hold")->scope.everything;
  };
  while (world_.Read<bool>(everything)) world_.clock().Advance(std::chrono::milliseconds(50));
}

// A hold never fails for its keyslot; nor does what widens one or brings one back.
TEST_F(HoldChangeTest, AWideningAndARestoringCountWhileTheKeyslotIsDown) {
  const std::uint64_t placed = Preserve("hold");
  world_.keyslot_down = true;
  exchange::OrderOutcome outcome = world_.Order("carol", Widened("hold", placed));
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_TRUE(outcome.decision.allowed());
  EXPECT_FALSE(outcome.anchored);
  EXPECT_EQ(world_.Do(world_.LeaseFact(transfer_)).decision.refusal,
            policy::Refusal::kEpochPending);
  world_.keyslot_down = false;
  const std::uint64_t epoch = world_.epoch();
  while (world_.epoch() == epoch) world_.clock().Advance(std::chrono::milliseconds(100));
  EXPECT_EQ(world_.Do(world_.LeaseFact(transfer_)).decision.refusal, policy::Refusal::kFrozen);
}

TEST_F(HoldChangeTest, ARequesterWithACopyGetsNoticeAndIsToldUntilItIsAcknowledged) {
  const std::uint32_t lease = world_.MustOpenLease(transfer_);
  ASSERT_TRUE(world_.Release(transfer_, lease, {1}).decision.allowed());
  EXPECT_TRUE(world_.exchange().notices() == nullptr || world_.exchange().notices()->empty());
  ASSERT_TRUE(world_.Order("carol", ExchangeWorld::HoldAct("hold")).decision.allowed());
  world_.WaitForNotice("hold");
  const auto board = world_.exchange().notices();
  ASSERT_NE(board, nullptr);
  ASSERT_EQ(board->count("ice"), 1U);
  const std::string& told = board->at("ice").front();
  EXPECT_NE(told.find("; hold=hold; due="), std::string::npos) << told;
  EXPECT_NE(told.find("; matter=1:26-cv-00001"), std::string::npos) << told;

  // The search begins anew with the process, and finds nothing twice.
  world_.Stop();
  world_.MustStart();
  EXPECT_EQ(world_.Notices("hold"), 1U);
  ASSERT_NE(world_.exchange().notices(), nullptr);
  EXPECT_EQ(world_.exchange().notices()->at("ice").front(), told);

  order::v1::Order act;
  act.mutable_acknowledge_notice()->set_hold_id("hold");
  act.mutable_acknowledge_notice()->set_placed_index(
      world_.Read<std::uint64_t>([](const exchange::Core& core) {
        return core.state.holds().Find("hold")->last_placed_index;
      }));
  act.mutable_acknowledge_notice()->set_requester("ice");
  ASSERT_TRUE(world_.Order("dan", act).decision.allowed());
  EXPECT_TRUE(world_.exchange().notices()->empty());
}

TEST_F(HoldChangeTest, NoticeIsGivenThoughNobodyAsksForAnythingMore) {
  const std::uint32_t lease = world_.MustOpenLease(transfer_);
  ASSERT_TRUE(world_.Release(transfer_, lease, {1}).decision.allowed());
  ASSERT_TRUE(world_.Order("carol", ExchangeWorld::HoldAct("hold")).decision.allowed());
  const auto given = [this] {
    const auto board = world_.exchange().notices();  // No command.
    return board != nullptr && !board->empty();
  };
  while (!given()) std::this_thread::yield();
  EXPECT_EQ(world_.Notices("hold"), 1U);
}

// Nothing is decided meanwhile, so the ledger's time stands still.
TEST_F(HoldChangeTest, ANoticeBecomesOverdueInAnExchangeThatIsIdle) {
  world_.Stop();
  world_.metrics = &metrics_;
  world_.MustStart();
  const std::uint32_t lease = world_.MustOpenLease(transfer_);
  ASSERT_TRUE(world_.Release(transfer_, lease, {1}).decision.allowed());
  ASSERT_TRUE(world_.Order("carol", ExchangeWorld::HoldAct("hold")).decision.allowed());
  world_.WaitForNotice("hold");
  std::atomic<int> told{0};
  const auto handle = world_.exchange().watchers().Add([&told] { ++told; });
  const auto late = [&] {
    return world_.Read<std::int64_t>(
        [](const exchange::Core& core) { return core.present.late_ms; });
  };
  const std::uint64_t size = world_.ledger_size();
  const int before = told;
  const auto deadline = world_.exchange().published()->agreement->terms().notice_deadline;
  const auto overdue = [&] {
    return metrics_.Text().find("holdfast_notices_overdue{exchange=\"test\"} 1") !=
           std::string::npos;
  };
  EXPECT_FALSE(overdue());
  const std::int64_t then = late();
  world_.clock().Advance(deadline);
  EXPECT_GE(late(), then + deadline.count());
  // The writer looks at least once a tick.
  while (!overdue() || told == before) std::this_thread::yield();
  EXPECT_EQ(world_.ledger_size(), size);
  EXPECT_EQ(world_.Read<std::size_t>(
                [](const exchange::Core& core) { return core.state.holds().overdue_notices(); }),
            0U);
}

// Decided as an order is, and nothing of it is done.
TEST_F(HoldChangeTest, ADrillSaysWhatAnOrderWouldComeToAndChangesNothing) {
  const std::uint32_t lease = world_.MustOpenLease(transfer_);
  ASSERT_TRUE(world_.Release(transfer_, lease, {1}).decision.allowed());
  const std::uint64_t placed = Preserve("hold");
  const auto rehearse = [&](std::string_view person, const order::v1::Order& act) {
    // The command is handed what policy::OpenDrill opened; the writer looks at the order in it.
    auto [dsse, drill] = world_.Sign(person, act);
    std::promise<exchange::DrillOutcome> told;
    world_.Submit(exchange::Lane::kNormal,
                  std::make_unique<exchange::DrillCommand>(
                      dsse, drill, world_.exchange().executor(),
                      [&told](exchange::DrillOutcome outcome) { told.set_value(outcome); }));
    return told.get_future().get();
  };
  const auto digest = [&] {
    return world_.Read<Digest32>([](const exchange::Core& core) { return core.state.Digest(); });
  };
  world_.clock().Advance(std::chrono::seconds(1));
  static_cast<void>(
      rehearse("carol", ExchangeWorld::HoldAct("warm")));  // The time is noted by now.
  const std::uint64_t epoch = world_.epoch();
  const std::uint64_t size = world_.ledger_size();
  const Digest32 before = digest();

  exchange::DrillOutcome outcome = rehearse("carol", ExchangeWorld::HoldAct("other"));
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_TRUE(outcome.decision.allowed());
  EXPECT_EQ(outcome.ledger_size, size);
  ASSERT_EQ(outcome.open_leases.size(), 1U);
  EXPECT_EQ(outcome.open_leases[0].records, 1U);
  outcome = rehearse("carol", Widened("hold", placed));
  EXPECT_TRUE(outcome.decision.allowed());
  EXPECT_FALSE(outcome.needs_second_person);
  EXPECT_EQ(outcome.open_leases.size(), 1U);
  order::v1::Order narrower = Widened("hold", placed);
  narrower.mutable_amend_hold()->mutable_hold()->mutable_scope()->Clear();
  *narrower.mutable_amend_hold()->mutable_hold()->mutable_scope() = OfTransfer();
  narrower.mutable_amend_hold()->mutable_hold()->set_kind(order::v1::FREEZE);
  outcome = rehearse("carol", narrower);
  EXPECT_TRUE(outcome.decision.allowed());
  EXPECT_TRUE(outcome.needs_second_person);
  EXPECT_TRUE(outcome.open_leases.empty());
  outcome = rehearse("carol", ExchangeWorld::HoldAct("hold"));
  EXPECT_EQ(outcome.decision.refusal, policy::Refusal::kHoldIdTaken);
  outcome = rehearse("paula", ExchangeWorld::HoldAct("other"));
  EXPECT_EQ(outcome.decision.refusal, policy::Refusal::kRoleForbids);

  // No entry, not of a refusal either; no epoch; and what a freeze would have stopped goes on.
  EXPECT_EQ(world_.ledger_size(), size);
  EXPECT_EQ(world_.epoch(), epoch);
  EXPECT_EQ(digest(), before);
  EXPECT_TRUE(world_.Release(transfer_, lease, {2}).decision.allowed());
}

TEST(NoticeBoardTest, SaysWhatATrailerCanSay) {
  World world;
  const std::uint32_t t = world.ClosedTransfer(1);
  world.Do(World::Release(world.OpenLease(t), 0));
  for (int i = 0; i < 6; ++i) {
    order::v1::Order act = world.HoldAct("hold-" + std::to_string(i), Everything());
    act.mutable_place_hold()->set_matter("In re \xc3\xa9; 100%" + std::string(200, 'x'));
    world.DoOrder(world.Order("carol", act));
    world.AdvanceEpoch();
  }
  world.GiveNotices();
  const exchange::NoticeBoard board = exchange::NoticeBoardOf(world.state());
  ASSERT_EQ(board.at("ice").size(), exchange::kMostNoticesTold);
  for (const std::string& line : board.at("ice")) {
    EXPECT_LT(line.size(), 500U);
    EXPECT_NE(line.find("matter=In%20re%20%C3%A9%3B%20100%25xxx"), std::string::npos) << line;
    for (const char c : line) EXPECT_TRUE(c >= ' ' && c < 0x7f);
  }
}

TEST_F(HoldChangeTest, ACourtsOrderDestroysUnderAHoldAndNothingElseDoes) {
  Preserve("hold");
  const exchange::OrderOutcome revoked = world_.Order("paula", world_.RevokeAct(transfer_, 1, 1));
  ASSERT_TRUE(revoked.decision.allowed());
  ASSERT_TRUE(world_.Order("pete", world_.ApproveDestructionAct(revoked.index)).decision.allowed());
  const auto window = world_.exchange().published()->agreement->terms().destruction_window;
  world_.clock().Advance(window);
  const auto draft = [&](std::uint64_t first) {
    return world_.Read<order::v1::Order>([&](const exchange::Core& core) {
      const policy::Disposal& disposal = *core.state.FindDisposal(revoked.index);
      order::v1::Order order;
      auto& act = *order.mutable_authorise_destruction();
      act.set_revocation_index(revoked.index);
      act.set_count(disposal.records.count);
      act.set_list_digest(Hex(disposal.records.digest));
      act.set_matter("1:26-cv-00002");
      act.set_court("D.D.C.");
      act.set_order_reference("ECF 2");
      act.set_document_sha256(std::string(64, 'b'));
      act.set_first_index(first);
      for (const policy::Hold* hold : policy::HoldsPreserving(core.state, disposal.records)) {
        act.add_holds()->set_hold_id(hold->id());
        act.mutable_holds(act.holds_size() - 1)->set_placed_index(hold->last_placed_index);
      }
      return order;
    });
  };
  const exchange::OrderOutcome first = world_.Order("carol", draft(0));
  ASSERT_TRUE(first.decision.allowed());
  ASSERT_TRUE(world_.Order("judge", draft(first.index)).decision.allowed());
  EXPECT_TRUE(world_.Derivable(transfer_, 1));
  world_.clock().Advance(window);
  while (world_.Derivable(transfer_, 1)) world_.clock().Advance(std::chrono::milliseconds(100));
  EXPECT_TRUE(world_.Derivable(transfer_, 2));
}

TEST_F(HoldChangeTest, WhoWasStruckOffIsShownToWhoChecksCertificates) {
  const auto ice = world_.exchange().published()->agreement->FindMember("ice")->number;
  EXPECT_FALSE(world_.exchange().published()->struck_off.Has(ice));
  order::v1::Order act;
  act.mutable_strike_off()->set_member("ice");
  act.mutable_strike_off()->set_reason("its key was copied");
  const std::uint64_t epoch = world_.epoch();
  std::promise<void> told;
  world_.exchange().OnStruckOff([&told] { told.set_value(); });
  ASSERT_TRUE(world_.Order("carol", ExchangeWorld::HoldAct("hold")).decision.allowed());
  const std::uint64_t held = world_.epoch();
  EXPECT_EQ(held, epoch + 1);
  const exchange::OrderOutcome struck = world_.Order("dan", act);
  ASSERT_TRUE(struck.decision.allowed());
  // Once, and by the striking off: set_value() would throw the second time.
  told.get_future().get();
  EXPECT_TRUE(struck.stops);
  EXPECT_EQ(world_.epoch(), held + 1);
  EXPECT_TRUE(world_.exchange().published()->struck_off.Has(ice));
  world_.Crash();
  world_.MustStart();
  EXPECT_TRUE(world_.exchange().published()->struck_off.Has(ice));
}

// R17, of the whole: what waits for a day does not come because somebody set the clock.
TEST_F(HoldChangeTest, AClockThatIsSetForthWhileTheDaemonIsDownLiftsNothing) {
  const exchange::OrderOutcome placed = world_.Order("carol", ExchangeWorld::HoldAct("hold"));
  order::v1::Order propose;
  propose.mutable_propose_lift()->set_hold_id("hold");
  propose.mutable_propose_lift()->set_placed_index(placed.index);
  propose.mutable_propose_lift()->set_reason("the court lifted it");
  const exchange::OrderOutcome proposed = world_.Order("carol", propose);
  order::v1::Order confirm;
  confirm.mutable_confirm_lift()->set_hold_id("hold");
  confirm.mutable_confirm_lift()->set_placed_index(placed.index);
  confirm.mutable_confirm_lift()->set_proposal_index(proposed.index);
  ASSERT_TRUE(world_.Order("erin", confirm).decision.allowed());
  const auto in_force = [](const exchange::Core& core) {
    return core.state.holds().Find("hold")->in_force();
  };
  for (int i = 0; i < 3; ++i) {
    world_.Stop();
    if (i < 2) {
      // In steps that would each pass by themselves, and while the machine is off.
      world_.clock().SetWall(world_.clock().WallNow() + std::chrono::seconds(299));
    } else {
      world_.clock().Reboot(std::chrono::hours(24 * 365));
    }
    world_.MustStart();
    static_cast<void>(world_.Do(world_.LeaseFact(transfer_)));
    EXPECT_TRUE(world_.Read<bool>(in_force));
  }
}

}  // namespace
}  // namespace holdfast::test
