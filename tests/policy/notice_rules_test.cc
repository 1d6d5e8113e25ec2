// SPDX-License-Identifier: Apache-2.0
// Notice of a hold: who gets it, when, and what becomes of it. R30.
#include <chrono>
#include <set>
#include <string>

#include "gtest/gtest.h"

#include "tests/policy/policy_world.h"
#include "tests/support/seeded_random.h"

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using policy::Hold;
using policy::Notice;

class NoticeRulesTest : public ::testing::Test {
 protected:
  Refusal Submit(std::string_view person, const order::v1::Order& act) {
    return world_.TryOrder(world_.Order(person, act)).refusal;
  }
  const Notice* NoticeTo(std::string_view hold, std::string_view requester = "ice") {
    const Hold& of = *world_.state().holds().Find(hold);
    const auto found = of.notices.find(world_.agreement().FindMember(requester)->number);
    return found == of.notices.end() ? nullptr : &found->second;
  }
  void Release(std::uint32_t row) { world_.Do(World::Release(world_.OpenLease(t_), row)); }
  void Collect(std::uint32_t transfer) {
    ledger::v1::EnvelopesCollected fact;
    fact.set_transfer(transfer);
    fact.set_requester("ice");
    world_.Do(fact);
  }

  World world_;
  std::uint32_t t_ = world_.ClosedTransfer(4);
};

TEST_F(NoticeRulesTest, WhoReleasedACoveredRecordGetsNotice) {
  Release(1);
  world_.PlaceHold("hold-1", OfPerson(1));
  world_.PlaceHold("hold-2", OfPerson(2));
  const std::uint64_t index = world_.state().ledger_size();
  world_.GiveNotices();
  ASSERT_NE(NoticeTo("hold-1"), nullptr);
  EXPECT_EQ(NoticeTo("hold-1")->index, index);
  EXPECT_EQ(NoticeTo("hold-1")->due_at.value(), world_.late() + 5 * 86'400'000);
  EXPECT_EQ(NoticeTo("hold-2"), nullptr);
  EXPECT_EQ(NoticeTo("hold-1", "ice2"), nullptr);
}

TEST_F(NoticeRulesTest, WhoCollectedACoveredRecordGetsNotice) {
  Collect(t_);
  world_.PlaceHold("hold-1", OfPerson(3));
  world_.GiveNotices();
  EXPECT_NE(NoticeTo("hold-1"), nullptr);
}

TEST_F(NoticeRulesTest, WhoGetsACopyUnderAPreserveGetsNoticeThen) {
  world_.PlaceHold("hold-1", OfPerson(3), order::v1::PRESERVE);
  world_.GiveNotices();
  EXPECT_EQ(NoticeTo("hold-1"), nullptr);
  Release(2);
  world_.GiveNotices();
  EXPECT_EQ(NoticeTo("hold-1"), nullptr);
  Release(3);
  world_.GiveNotices();
  EXPECT_NE(NoticeTo("hold-1"), nullptr);
}

TEST_F(NoticeRulesTest, ANoticeIsOfARecordThatTheRequesterHasAndTheHoldCovers) {
  Release(1);
  world_.PlaceHold("hold-1", OfPerson(1));
  const auto refuses = [&](Refusal refusal, auto change) {
    ledger::v1::NoticeGiven fact = world_.NoticeOf("hold-1", t_, 1);
    change(fact);
    EXPECT_EQ(world_.Try(fact).refusal, refusal) << fact.ShortDebugString();
  };
  refuses(Refusal::kHoldUnknown, [](auto& n) { n.set_placed_index(1); });
  refuses(Refusal::kMemberUnknown, [](auto& n) { n.set_requester("nobody"); });
  refuses(Refusal::kRoleForbids, [](auto& n) { n.set_requester("carol"); });
  refuses(Refusal::kTransferUnknown, [](auto& n) { n.set_requester("ice2"); });
  refuses(Refusal::kTransferUnknown, [](auto& n) { n.set_transfer(99); });
  refuses(Refusal::kNotConcerned, [](auto& n) { n.set_row(0); });
  refuses(Refusal::kNotConcerned, [](auto& n) { n.set_row(99); });
  world_.Do(world_.NoticeOf("hold-1", t_, 1));
  refuses(Refusal::kNoticeGiven, [](auto&) {});
  world_.Lift("hold-1");
  refuses(Refusal::kHoldLifted, [](auto&) {});
}

TEST_F(NoticeRulesTest, CounselOfItsSideAcknowledgesOnce) {
  Release(1);
  world_.PlaceHold("hold-1", Everything());
  EXPECT_EQ(Submit("dan", world_.AcknowledgeAct("hold-1")), Refusal::kNoticeUnknown);
  world_.GiveNotices();
  EXPECT_EQ(Submit("carol", world_.AcknowledgeAct("hold-1")), Refusal::kRoleForbids);
  EXPECT_EQ(Submit("paula", world_.AcknowledgeAct("hold-1")), Refusal::kRoleForbids);
  EXPECT_EQ(Submit("dan", world_.AcknowledgeAct("hold-1", "ice2")), Refusal::kNoticeUnknown);
  EXPECT_EQ(Submit("dan", world_.AcknowledgeAct("hold-1", "nobody")), Refusal::kMemberUnknown);
  order::v1::Order act = world_.AcknowledgeAct("hold-1");
  act.mutable_acknowledge_notice()->set_placed_index(1);
  EXPECT_EQ(Submit("dan", act), Refusal::kNoticeUnknown);
  EXPECT_EQ(Submit("dan", world_.AcknowledgeAct("hold-1")), Refusal::kAllowed);
  EXPECT_NE(NoticeTo("hold-1")->acknowledged_index, 0U);
  EXPECT_EQ(NoticeTo("hold-1")->acknowledged_by, world_.agreement().FindMember("dan")->number);
  EXPECT_EQ(Submit("dan", world_.AcknowledgeAct("hold-1")), Refusal::kNoticeUnknown);
}

TEST_F(NoticeRulesTest, WhatNobodyAcknowledgesIsOverdue) {
  Release(1);
  world_.PlaceHold("hold-1", Everything());
  world_.PlaceHold("hold-2", OfPerson(1));
  world_.PlaceHold("hold-3", OfTransfer(world_, t_));
  world_.GiveNotices();
  world_.DoOrder(world_.Order("dan", world_.AcknowledgeAct("hold-2")));
  world_.Pass(120h - 1ms);
  EXPECT_EQ(world_.state().holds().overdue_notices(), 0U);
  world_.Pass(1ms);
  EXPECT_EQ(world_.state().holds().overdue_notices(), 2U);
  world_.DoOrder(world_.Order("dan", world_.AcknowledgeAct("hold-1")));
  EXPECT_EQ(world_.state().holds().overdue_notices(), 1U);
  world_.Lift("hold-3");
  EXPECT_EQ(world_.state().holds().overdue_notices(), 0U);
}

TEST_F(NoticeRulesTest, AHoldThatWasWidenedOrRestoredIsNoticedAgain) {
  Release(1);
  world_.PlaceHold("hold-1", OfPerson(1));
  world_.GiveNotices();
  world_.DoOrder(world_.Order("dan", world_.AcknowledgeAct("hold-1")));
  world_.DoOrder(world_.Order("carol", world_.AmendAct("hold-1", Everything())));
  world_.AdvanceEpoch();
  EXPECT_EQ(NoticeTo("hold-1"), nullptr);
  world_.GiveNotices();
  ASSERT_NE(NoticeTo("hold-1"), nullptr);
  EXPECT_EQ(NoticeTo("hold-1")->acknowledged_index, 0U);
  world_.Lift("hold-1");
  world_.DoOrder(world_.Order("carol", world_.RestoreAct("hold-1")));
  world_.AdvanceEpoch();
  EXPECT_EQ(NoticeTo("hold-1"), nullptr);
  world_.GiveNotices();
  EXPECT_NE(NoticeTo("hold-1"), nullptr);
}

TEST_F(NoticeRulesTest, ANarrowingNeedsNoNewNotice) {
  Release(1);
  world_.PlaceHold("hold-1", OfTransfer(world_, t_));
  world_.GiveNotices();
  const std::uint64_t index = NoticeTo("hold-1")->index;
  world_.DoOrder(world_.Order("carol", world_.AmendAct("hold-1", OfRows(world_, t_, 1, 1))));
  world_.AdvanceEpoch();
  world_.DoOrder(world_.Order("erin", world_.ConfirmAmendmentAct("hold-1")));
  world_.Pass(72h);
  world_.GiveNotices();
  EXPECT_EQ(NoticeTo("hold-1")->index, index);
  order::v1::Order act = world_.AcknowledgeAct("hold-1");
  act.mutable_acknowledge_notice()->set_placed_index(NoticeTo("hold-1")->placed_index);
  EXPECT_EQ(Submit("dan", act), Refusal::kAllowed);
}

// Whatever is placed, widened, lifted, released and collected, in whatever order, and however
// little it looks at in one go, the search finds what looking at everything finds.
TEST(NoticeSearchTest, FindsWhatLookingAtEverythingFinds) {
  SeededRandom random;
  for (int round = 0; round < 6; ++round) {
    World world;
    policy::NoticeSearch search;
    std::vector<std::uint32_t> transfers;
    for (int i = 0; i < 2; ++i) transfers.push_back(world.ClosedTransfer(4));
    std::uint64_t next = 0;
    for (int step = 0; step < 60; ++step) {
      const std::uint32_t t = random.Pick(transfers);
      const auto row = static_cast<std::uint32_t>(random.Below(4));
      switch (random.Below(6)) {
        case 0:
          world.PlaceHold("hold-" + std::to_string(next++),
                          random.OneIn(2) ? OfPerson(row) : OfRows(world, t, row, row),
                          order::v1::PRESERVE);
          break;
        case 1:
          if (next == 0) break;
          static_cast<void>(world.TryOrder(
              world.Order("carol", world.AmendAct("hold-" + std::to_string(random.Below(next)),
                                                  Everything(), order::v1::PRESERVE))));
          world.AdvanceEpoch();
          break;
        case 2: {
          if (next == 0 || !random.OneIn(4)) break;
          const std::string id = "hold-" + std::to_string(random.Below(next));
          if (world.state().holds().Find(id)->in_force()) {
            world.Lift(id);
          } else {
            world.DoOrder(world.Order("carol", world.RestoreAct(id)));
            world.AdvanceEpoch();
          }
          break;
        }
        case 3: {
          if (!random.OneIn(6)) break;
          ledger::v1::EnvelopesCollected fact;
          fact.set_transfer(t);
          fact.set_requester("ice");
          world.Do(fact);
          break;
        }
        default:
          if (random.OneIn(3)) world.Do(World::Release(world.OpenLease(t), row));
          break;
      }
      for (const auto& notice : search.Next(world.state(), 1)) world.Do(notice);
    }
    while (!search.Idle(world.state())) {
      for (const auto& notice : search.Next(world.state(), 1)) world.Do(notice);
    }
    const auto ice = world.agreement().FindMember("ice")->number;
    for (const Hold& hold : world.state().holds().all()) {
      if (!hold.in_force()) continue;
      EXPECT_EQ(hold.notices.count(ice) > 0,
                !policy::RequestersToNotify(world.state(), hold.scope).empty());
    }
    EXPECT_EQ(world.FoldAgain().Digest(), world.state().Digest());
  }
}

}  // namespace
}  // namespace holdfast::test
