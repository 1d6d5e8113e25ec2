// SPDX-License-Identifier: Apache-2.0
// Members and keys that are struck off: what it stops, who may do it, and whom it leaves.
#include <chrono>
#include <string>

#include "gtest/gtest.h"

#include "tests/policy/policy_world.h"

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using policy::HoldState;

class StrikeOffRulesTest : public ::testing::Test {
 protected:
  Refusal Submit(std::string_view person, const order::v1::Order& act) {
    return world_.TryOrder(world_.Order(person, act)).refusal;
  }
  Refusal Strike(std::string_view person, std::string_view member, std::string_view key = "") {
    const Refusal refusal = Submit(person, World::StrikeAct(member, key));
    if (refusal == Refusal::kAllowed) {
      EXPECT_TRUE(world_.state().epoch_pending()) << "it restricts";
      world_.AdvanceEpoch();
    }
    return refusal;
  }
  static std::string Key(std::string_view member) { return KeyOf(member).public_key().ToBase64(); }

  World world_;
  std::uint32_t t_ = world_.ClosedTransfer(4);
};

TEST_F(StrikeOffRulesTest, NothingThatAStruckOffPersonSignsCounts) {
  EXPECT_EQ(Strike("paula", "erin"), Refusal::kAllowed);
  for (const auto& act : {world_.HoldAct("hold-1", Everything()), World::StrikeAct("carol")}) {
    EXPECT_EQ(Submit("erin", act), Refusal::kStruckOff) << "not even what restricts";
  }
  EXPECT_EQ(Submit("carol", world_.HoldAct("hold-1", Everything())), Refusal::kAllowed);
}

TEST_F(StrikeOffRulesTest, OneKeyIsStruckOffAndTheOthersCount) {
  EXPECT_EQ(Strike("paula", "erin", Key("erin")), Refusal::kAllowed);
  EXPECT_EQ(Submit("erin", world_.HoldAct("hold-1", Everything())), Refusal::kStruckOff);
  OpenedOrder order = world_.Order("erin", world_.HoldAct("hold-1", Everything()));
  order.key = KeyOf("erin's second").public_key().bytes();
  EXPECT_EQ(world_.TryOrder(order).refusal, Refusal::kAllowed);
}

TEST_F(StrikeOffRulesTest, AMachineThatIsStruckOffGetsAndGivesNothing) {
  const std::uint32_t lease = world_.OpenLease(t_);
  const std::uint32_t approved = world_.ApprovedTransfer(1);
  world_.Deposit(approved, 0);
  EXPECT_EQ(Strike("dan", "ice"), Refusal::kAllowed);
  EXPECT_EQ(world_.Try(World::Release(lease, 0)).refusal, Refusal::kStruckOff);
  EXPECT_EQ(world_.Try(world_.LeaseFact(t_)).refusal, Refusal::kStruckOff);
  ledger::v1::EnvelopesCollected collect;
  collect.set_transfer(t_);
  collect.set_requester("ice");
  EXPECT_EQ(world_.Try(collect).refusal, Refusal::kStruckOff);
  // Another machine of that side goes on.
  const std::uint32_t other = world_.CreateTransfer("ice2");
  world_.Judge(other, 0);
  EXPECT_EQ(Strike("carol", "irs"), Refusal::kAllowed);
  EXPECT_EQ(world_.Try(world_.Closing(approved)).refusal, Refusal::kStruckOff);
}

// A lease is signed, and the signature is looked at before it is decided. If the key was struck off
// in between, it is looked at again.
TEST_F(StrikeOffRulesTest, OnlyCounselAndCustodiansAreToldWhoAPersonIs) {
  ledger::v1::PersonIdentified fact;
  const auto asked = [&](std::string_view member) {
    fact.set_member(std::string(member));
    return world_.Try(fact).refusal;
  };
  EXPECT_EQ(asked("carol"), Refusal::kMalformed);
  for (int i = 0; i < 3; ++i) fact.add_people(std::string(16, static_cast<char>(i)));
  EXPECT_EQ(asked("carol"), Refusal::kAllowed);
  EXPECT_EQ(asked("paula"), Refusal::kAllowed);
  EXPECT_EQ(asked("ice"), Refusal::kRoleForbids);
  EXPECT_EQ(asked("irs"), Refusal::kRoleForbids);
  EXPECT_EQ(asked("nobody"), Refusal::kMemberUnknown);
  fact.add_people(std::string(16, 'x'));
  EXPECT_EQ(asked("carol"), Refusal::kMalformed);
  fact.mutable_people()->RemoveLast();
  fact.set_people(1, std::string(15, 'x'));
  EXPECT_EQ(asked("carol"), Refusal::kMalformed);
}

TEST_F(StrikeOffRulesTest, ALeaseThatWasSignedWithAStruckOffKeyIsRefused) {
  EXPECT_EQ(Strike("dan", "ice", Key("ice")), Refusal::kAllowed);
  EXPECT_EQ(world_.Try(world_.LeaseFact(t_)).refusal, Refusal::kStruckOff);
}

TEST_F(StrikeOffRulesTest, OneStrikesOffItsOwnSideAndTheCourtAnybody) {
  EXPECT_EQ(Strike("dan", "irs"), Refusal::kStrikeOffSide);
  EXPECT_EQ(Strike("carol", "ice"), Refusal::kStrikeOffSide);
  EXPECT_EQ(Strike("carol", "judge"), Refusal::kStrikeOffSide);
  EXPECT_EQ(Strike("cora", "ice"), Refusal::kAllowed);
  EXPECT_EQ(Strike("erin", "erin"), Refusal::kAllowed) << "whoever lost the key";
  for (const char* person : {"ice2", "irs", "audra", "otto"}) {
    EXPECT_EQ(Strike(person, "irs"), Refusal::kRoleForbids);
  }
  EXPECT_EQ(Strike("carol", "nobody"), Refusal::kMemberUnknown);
  EXPECT_EQ(Strike("carol", "paula", Key("pete")), Refusal::kKeyUnknown);
  EXPECT_EQ(Strike("carol", "erin"), Refusal::kStruckOffBefore);
  EXPECT_EQ(Strike("carol", "erin", Key("erin")), Refusal::kStruckOffBefore);
  order::v1::Order act = World::StrikeAct("paula");
  act.mutable_strike_off()->clear_reason();
  EXPECT_EQ(Submit("carol", act), Refusal::kMalformed);
}

// A lift takes two people, one of them counsel, one of each side that wants the hold, and nobody of
// the requester's: as long as that could be had, it can be had.
TEST_F(StrikeOffRulesTest, EnoughPeopleAreLeftToLiftAHold) {
  EXPECT_EQ(Strike("dan", "dan"), Refusal::kTooFewToLift) << "nobody else of its side";
  EXPECT_EQ(Strike("cora", "judge"), Refusal::kAllowed);
  EXPECT_EQ(Strike("cora", "cora"), Refusal::kTooFewToLift) << "the last of the court's";
  EXPECT_EQ(Strike("cora", "carol", Key("carol")), Refusal::kAllowed);
  EXPECT_EQ(Strike("cora", "erin"), Refusal::kTooFewToLift) << "the last counsel";
  EXPECT_EQ(Strike("cora", "erin", Key("erin")), Refusal::kTooFewToLift);
  for (const char* custodian : {"paula", "pete", "pia"}) {
    EXPECT_EQ(Strike("erin", custodian), Refusal::kAllowed);
  }
}

TEST_F(StrikeOffRulesTest, WhatTheyHaveProposedCountsNoMore) {
  for (const char* hold : {"hold-1", "hold-2", "hold-3"}) world_.PlaceHold(hold, Everything());
  world_.DoOrder(world_.Order("erin", world_.ProposeAct("hold-1")));
  world_.DoOrder(world_.Order("carol", world_.ProposeAct("hold-2")));
  world_.DoOrder(world_.Order("erin", world_.ConfirmAct("hold-2")));
  world_.DoOrder(world_.Order("carol", world_.ProposeAct("hold-3")));
  EXPECT_EQ(Strike("paula", "erin", Key("erin")), Refusal::kAllowed);
  EXPECT_EQ(world_.state().holds().Find("hold-1")->state, HoldState::kInForce);
  EXPECT_EQ(world_.state().holds().Find("hold-2")->state, HoldState::kInForce);
  EXPECT_EQ(world_.state().holds().Find("hold-3")->state, HoldState::kLiftProposed);
  world_.Pass(100h);
  EXPECT_NE(world_.state().Freezing({t_, 0}), nullptr);
}

TEST_F(StrikeOffRulesTest, WhatTheyHaveApprovedCountsNoMore) {
  const std::uint64_t revocation = world_.Revoke(OfRows(world_, t_, 0, 0));
  world_.DoOrder(world_.Order("pete", world_.ApproveDestructionAct(revocation)));
  EXPECT_EQ(Strike("carol", "pete"), Refusal::kAllowed);
  world_.Pass(100h);
  EXPECT_EQ(world_.Try(world_.DestructionOf(revocation)).refusal, Refusal::kApprovalsMissing);
  world_.DoOrder(world_.Order("pia", world_.ApproveDestructionAct(revocation)));
  EXPECT_EQ(world_.Try(world_.DestructionOf(revocation)).refusal, Refusal::kAllowed);
  EXPECT_EQ(world_.FoldAgain().Digest(), world_.state().Digest());
}

TEST(StrikeOffApprovalTest, AnApprovalOfATransferThatWaitsCountsNoMore) {
  AgreementOptions options;
  options.transfer_approvals = 2;
  World world(options);
  const std::uint32_t t = world.FinishedTransfer(1);
  world.Approve(t, "paula");
  world.DoOrder(world.Order("carol", World::StrikeAct("paula")));
  world.AdvanceEpoch();
  world.Approve(t, "pete");
  EXPECT_EQ(world.state().transfer(t)->state, policy::TransferState::kAwaitingApproval);
  world.Approve(t, "pia");
  EXPECT_EQ(world.state().transfer(t)->state, policy::TransferState::kApproved);
}

}  // namespace
}  // namespace holdfast::test
