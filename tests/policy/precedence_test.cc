// SPDX-License-Identifier: Apache-2.0
// What wins over what: docs/holds.md, "What wins over what" names a test for each row.
// Rows about the disk, the keyslot, an old database and replies under way are the daemon's:
// tests/daemon/exchange.
#include <chrono>
#include <string>

#include "gtest/gtest.h"

#include "tests/policy/policy_world.h"

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

class PrecedenceTest : public ::testing::Test {
 protected:
  Refusal Release(std::uint32_t row) {
    return world_.Try(World::Release(world_.OpenLease(t_), row)).refusal;
  }
  Refusal Destroy(std::uint64_t revocation) {
    return world_.Try(world_.DestructionOf(revocation)).refusal;
  }
  // Of the first two records: revoked and approved.
  std::uint64_t Revoked() {
    const std::uint64_t revocation = world_.Revoke(OfRows(world_, t_, 0, 1));
    world_.DoOrder(world_.Order("pete", world_.ApproveDestructionAct(revocation)));
    return revocation;
  }
  void PassExpiry() { world_.Pass(world_.agreement().terms().record_lifetime); }

  World world_;
  std::uint32_t t_ = world_.ClosedTransfer(4);
};

TEST_F(PrecedenceTest, OfTwoHoldsTheOneThatIsLeftHolds) {
  world_.PlaceHold("hold-1", OfRows(world_, t_, 0, 1));
  world_.PlaceHold("hold-2", OfRows(world_, t_, 1, 2));
  world_.Lift("hold-1");
  EXPECT_EQ(Release(0), Refusal::kAllowed);
  EXPECT_EQ(Release(1), Refusal::kFrozen);
}

TEST_F(PrecedenceTest, APreserveWinsOverExpiry) {
  world_.PlaceHold("hold-1", OfRows(world_, t_, 0, 0), order::v1::PRESERVE);
  const std::uint32_t lease = world_.OpenLease(t_);
  PassExpiry();
  world_.Pass(72h);
  EXPECT_FALSE(world_.Try(World::Release(lease, 0)).allowed()) << "never released again";
  EXPECT_EQ(world_.Try(world_.LeaseFact(t_)).refusal, Refusal::kRecordExpired);
  EXPECT_EQ(world_.Try(World::ExpiryOf(t_, {0})).refusal, Refusal::kPreserved);
  EXPECT_EQ(world_.Try(World::ExpiryOf(t_, {1})).refusal, Refusal::kAllowed);
}

TEST_F(PrecedenceTest, AFreezeAloneKeepsNothingFromExpiring) {
  world_.PlaceHold("hold-1", Everything(), order::v1::FREEZE);
  PassExpiry();
  world_.Pass(72h);
  EXPECT_EQ(world_.Try(World::ExpiryOf(t_, {0})).refusal, Refusal::kAllowed);
}

TEST_F(PrecedenceTest, APreserveWinsOverTheDestructionOfARevocation) {
  const std::uint64_t revocation = Revoked();
  const std::uint64_t hold =
      world_.PlaceHold("hold-1", OfRows(world_, t_, 1, 1), order::v1::PRESERVE);
  world_.Pass(72h);
  const Decision decision = world_.Try(world_.DestructionOf(revocation));
  EXPECT_EQ(decision.refusal, Refusal::kPreserved) << "nothing of the list";
  EXPECT_EQ(decision.hold_index, hold);
  EXPECT_EQ(policy::DueForDestruction(world_.state(), 100).preserved,
            std::vector<std::uint64_t>{revocation});
}

TEST_F(PrecedenceTest, ACourtsOrderOfTwoPeopleWinsOverThePreserveThatItNames) {
  const std::uint64_t revocation = Revoked();
  world_.PlaceHold("hold-1", Everything(), order::v1::PRESERVE);
  world_.Authorise(revocation);
  world_.Pass(72h);
  EXPECT_EQ(world_.Try(world_.DestructionByCourt(revocation)).refusal, Refusal::kAllowed);
}

TEST_F(PrecedenceTest, APreserveThatTheCourtsOrderDoesNotNameWinsOverIt) {
  const std::uint64_t revocation = Revoked();
  world_.PlaceHold("hold-1", Everything(), order::v1::PRESERVE);
  world_.Authorise(revocation);
  world_.PlaceHold("hold-2", Everything(), order::v1::PRESERVE);
  world_.Pass(72h);
  EXPECT_EQ(world_.Try(world_.DestructionByCourt(revocation)).refusal, Refusal::kPreserved);
}

TEST_F(PrecedenceTest, AFreezeStopsNoDestructionOnACourtsOrder) {
  const std::uint64_t revocation = Revoked();
  world_.PlaceHold("hold-1", Everything(), order::v1::PRESERVE);
  world_.PlaceHold("hold-2", Everything(), order::v1::FREEZE);
  world_.Authorise(revocation);
  world_.Pass(72h);
  EXPECT_EQ(world_.Try(world_.DestructionByCourt(revocation)).refusal, Refusal::kAllowed);
}

// The deadline passed long ago, under the hold.
TEST_F(PrecedenceTest, WhatFellDueUnderAPreserveIsPendingWhenTheLastOneGoes) {
  const std::uint64_t revocation = Revoked();
  world_.PlaceHold("hold-1", OfRows(world_, t_, 0, 1), order::v1::PRESERVE);
  world_.PlaceHold("hold-2", Everything(), order::v1::PRESERVE);
  world_.Pass(1'000h);
  world_.Lift("hold-1");
  world_.Pass(100h);
  EXPECT_EQ(Destroy(revocation), Refusal::kPreserved);
  world_.Lift("hold-2");
  EXPECT_EQ(Destroy(revocation), Refusal::kNotDue);
  world_.Pass(72h - 1ms);
  EXPECT_EQ(Destroy(revocation), Refusal::kNotDue);
  world_.Pass(1ms);
  EXPECT_EQ(Destroy(revocation), Refusal::kAllowed);
}

TEST_F(PrecedenceTest, WhatExpiredUnderAPreserveIsPendingWhenTheLastOneGoes) {
  world_.PlaceHold("hold-1", Everything(), order::v1::PRESERVE);
  PassExpiry();
  world_.Pass(1'000h);
  world_.Lift("hold-1");
  EXPECT_EQ(world_.Try(World::ExpiryOf(t_, {0})).refusal, Refusal::kNotDue);
  world_.Pass(72h);
  EXPECT_EQ(world_.Try(World::ExpiryOf(t_, {0})).refusal, Refusal::kAllowed);
}

TEST_F(PrecedenceTest, WhatARevocationTookNoLiftGivesBack) {
  world_.PlaceHold("hold-1", Everything(), order::v1::FREEZE);
  world_.Revoke(OfRows(world_, t_, 0, 0));
  world_.Lift("hold-1");
  EXPECT_EQ(Release(0), Refusal::kRecordRevoked);
  EXPECT_EQ(Release(1), Refusal::kAllowed);
}

TEST_F(PrecedenceTest, ACancelledDestructionLeavesTheRecordsRevoked) {
  const std::uint64_t revocation = Revoked();
  world_.DoOrder(world_.Order("paula", world_.CancelDestructionAct(revocation)));
  world_.AdvanceEpoch();
  EXPECT_EQ(Release(0), Refusal::kRecordRevoked);
}

TEST_F(PrecedenceTest, ARevocationIsNotStoppedByAnyHold) {
  world_.PlaceHold("hold-1", Everything());
  EXPECT_TRUE(world_.TryOrder(world_.Order("paula", world_.RevokeAct(Everything()))).allowed());
}

TEST_F(PrecedenceTest, ALeaseInFlightReleasesNothingMoreAndIsListed) {
  const std::uint32_t lease = world_.OpenLease(t_);
  world_.Do(World::Release(lease, 0));
  world_.PlaceHold("hold-1", OfRows(world_, t_, 0, 1), order::v1::FREEZE);
  EXPECT_EQ(world_.Try(World::Release(lease, 0)).refusal, Refusal::kFrozen) << "a resend too";
  EXPECT_EQ(world_.Try(World::Release(lease, 1)).refusal, Refusal::kFrozen);
  EXPECT_EQ(world_.Try(World::Release(lease, 2)).refusal, Refusal::kAllowed);
  const auto listed =
      policy::OpenLeasesInScope(world_.state(), world_.state().holds().Find("hold-1")->scope);
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].records, 1U) << "what had left before";
  world_.GiveNotices();
  EXPECT_EQ(world_.state().holds().Find("hold-1")->notices.size(), 1U);
}

TEST_F(PrecedenceTest, ADoubtfulClockStopsNoHoldAndNothingElsePasses) {
  const std::uint64_t revocation = Revoked();
  const std::uint32_t lease = world_.OpenLease(t_);
  world_.PlaceHold("hold-1", OfRows(world_, t_, 2, 2));
  world_.PlaceHold("hold-2", OfRows(world_, t_, 2, 2));
  world_.DoOrder(world_.Order("carol", world_.ProposeAct("hold-1")));
  world_.DoOrder(world_.Order("erin", world_.ConfirmAct("hold-1")));
  world_.DoOrder(world_.Order("carol", world_.ProposeAct("hold-2")));
  world_.SetTime(world_.late(), world_.late(), false);
  world_.PlaceHold("hold-3", OfRows(world_, t_, 2, 2));
  EXPECT_EQ(world_.Try(World::Release(lease, 3)).refusal, Refusal::kClockUntrusted);
  const std::int64_t later = world_.late() + 100 * 3'600'000;
  world_.SetTime(later, later, false);
  EXPECT_EQ(Destroy(revocation), Refusal::kClockUntrusted);
  EXPECT_EQ(world_.state().holds().Find("hold-1")->state, policy::HoldState::kLiftConfirmed);
  EXPECT_NE(world_.state().Freezing({t_, 2}), nullptr);
  EXPECT_EQ(world_.TryOrder(world_.Order("erin", world_.ConfirmAct("hold-2"))).refusal,
            Refusal::kClockUntrusted);
  // By a clock that somebody vouches for, the lift and the destruction were due.
  world_.TrustClock();
  EXPECT_EQ(world_.state().holds().Find("hold-1")->state, policy::HoldState::kLifted);
  EXPECT_EQ(Destroy(revocation), Refusal::kAllowed);
}

TEST_F(PrecedenceTest, AKeyThatHasEndedRestrictsAndLoosensNothing) {
  OpenedOrder place = world_.Order("carol", world_.HoldAct("hold-1", Everything()));
  place.key_valid_until = world_.state().now().late;
  world_.DoOrder(place);
  world_.AdvanceEpoch();
  OpenedOrder lift = world_.Order("carol", world_.ProposeAct("hold-1"));
  lift.key_valid_until = world_.state().now().late;
  EXPECT_EQ(world_.TryOrder(lift).refusal, Refusal::kOrderKeyEnded);
}

TEST_F(PrecedenceTest, AKeyThatWasStruckOffDoesNothing) {
  world_.DoOrder(
      world_.Order("paula", World::StrikeAct("erin", KeyOf("erin").public_key().ToBase64())));
  world_.AdvanceEpoch();
  EXPECT_EQ(world_.TryOrder(world_.Order("erin", world_.HoldAct("hold-1", Everything()))).refusal,
            Refusal::kStruckOff);
}

TEST_F(PrecedenceTest, AReviewDateEndsNothing) {
  order::v1::Order act = world_.HoldAct("hold-1", Everything());
  act.mutable_place_hold()->mutable_review_at()->set_seconds(1);
  world_.DoOrder(world_.Order("carol", act));
  world_.AdvanceEpoch();
  world_.Pass(1'000h);
  EXPECT_NE(world_.state().Freezing({t_, 0}), nullptr);
}

}  // namespace
}  // namespace holdfast::test
