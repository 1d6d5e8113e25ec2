// SPDX-License-Identifier: Apache-2.0
// Destruction under a PRESERVE, on a court's order and by nothing less. R27.
#include <chrono>
#include <string>

#include "gtest/gtest.h"

#include "tests/policy/policy_world.h"

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

class CourtOrderRulesTest : public ::testing::Test {
 protected:
  CourtOrderRulesTest() {
    world_.PlaceHold("hold-1", OfTransfer(world_, t_), order::v1::PRESERVE);
    revocation_ = world_.Revoke(OfRows(world_, t_, 0, 1));
    world_.DoOrder(world_.Order("pete", world_.ApproveDestructionAct(revocation_)));
    world_.Pass(100h);
  }

  Refusal Submit(std::string_view person, const order::v1::Order& act) {
    return world_.TryOrder(world_.Order(person, act)).refusal;
  }
  std::uint64_t First(std::string_view person = "carol") {
    const std::uint64_t index = world_.state().ledger_size();
    EXPECT_EQ(Submit(person, world_.AuthoriseAct(revocation_)), Refusal::kAllowed);
    return index;
  }
  Refusal Destroy() { return world_.Try(world_.DestructionByCourt(revocation_)).refusal; }

  World world_;
  std::uint32_t t_ = world_.ClosedTransfer(4);
  std::uint64_t revocation_ = 0;
};

TEST_F(CourtOrderRulesTest, TwoPeopleAndTheWindowOverrideTheHoldForExactlyTheseRecords) {
  EXPECT_EQ(world_.Try(world_.DestructionOf(revocation_)).refusal, Refusal::kPreserved);
  EXPECT_EQ(Destroy(), Refusal::kNotAuthorised);
  const std::uint64_t second = world_.Authorise(revocation_);
  EXPECT_EQ(Destroy(), Refusal::kNotDue) << "pending, not instant";
  EXPECT_TRUE(policy::DueForDestruction(world_.state(), 100).due.empty());
  EXPECT_EQ(policy::NextDestructionTime(world_.state()).value(), world_.late() + 72 * 3'600'000);
  world_.Pass(72h);
  const auto due = policy::DueForDestruction(world_.state(), 100).due;
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].basis(), ledger::v1::RecordsDestroyed::COURT_ORDER);
  EXPECT_EQ(due[0].authorisation_index(), second);
  // It says that it is by a court's order, or it is refused.
  EXPECT_EQ(world_.Try(world_.DestructionOf(revocation_)).refusal, Refusal::kPreserved);
  ledger::v1::RecordsDestroyed wrong = due[0];
  wrong.set_authorisation_index(second - 1);
  EXPECT_EQ(world_.Try(wrong).refusal, Refusal::kMalformed);
  wrong = world_.DestructionOf(revocation_);
  wrong.set_authorisation_index(second);
  EXPECT_EQ(world_.Try(wrong).refusal, Refusal::kMalformed);
  world_.Do(due[0]);
  EXPECT_TRUE(world_.state().FindRecord({t_, 0})->destroyed());
  EXPECT_FALSE(world_.state().FindRecord({t_, 2})->destroyed());
  EXPECT_NE(world_.state().Preserving({t_, 2}), nullptr) << "the hold stands for the others";
  EXPECT_EQ(world_.FoldAgain().Digest(), world_.state().Digest());
}

TEST_F(CourtOrderRulesTest, OneOfTheTwoIsCounselAndTheyAreTwo) {
  std::uint64_t first = First("paula");
  EXPECT_EQ(Submit("paula", world_.AuthoriseAct(revocation_, first)),
            Refusal::kAuthorisationSamePerson);
  EXPECT_EQ(Submit("pete", world_.AuthoriseAct(revocation_, first)),
            Refusal::kAuthorisationNeedsCounsel);
  EXPECT_EQ(Submit("erin", world_.AuthoriseAct(revocation_, first)), Refusal::kAllowed);
  EXPECT_EQ(Submit("judge", world_.AuthoriseAct(revocation_, first)), Refusal::kProposalUnknown)
      << "it is complete";
  for (const char* person : {"ice", "irs", "audra", "otto"}) {
    EXPECT_EQ(Submit(person, world_.AuthoriseAct(revocation_)), Refusal::kRoleForbids);
  }
}

TEST_F(CourtOrderRulesTest, TheRequestersSideGivesUpOnlyWhatItAlonePreserves) {
  EXPECT_EQ(Submit("dan", world_.AuthoriseAct(revocation_)), Refusal::kAuthorisationByRequester);
  const std::uint64_t first = First();
  EXPECT_EQ(Submit("dan", world_.AuthoriseAct(revocation_, first)),
            Refusal::kAuthorisationByRequester);
  world_.Lift("hold-1");
  world_.PlaceHold("hold-2", Everything(), order::v1::PRESERVE, "dan");
  EXPECT_EQ(Submit("dan", world_.AuthoriseAct(revocation_)), Refusal::kAllowed);
}

TEST_F(CourtOrderRulesTest, TheTwoSayTheSame) {
  const std::uint64_t first = First();
  const auto refuses = [&](Refusal refusal, auto change) {
    order::v1::Order act = world_.AuthoriseAct(revocation_, first);
    change(*act.mutable_authorise_destruction());
    EXPECT_EQ(Submit("judge", act), refusal) << act.ShortDebugString();
  };
  refuses(Refusal::kAuthorisationDiffers, [](auto& a) { a.set_matter("another"); });
  refuses(Refusal::kAuthorisationDiffers, [](auto& a) { a.set_court("another"); });
  refuses(Refusal::kAuthorisationDiffers, [](auto& a) { a.set_order_reference("another"); });
  refuses(Refusal::kAuthorisationDiffers,
          [](auto& a) { a.set_document_sha256(std::string(64, 'd')); });
  refuses(Refusal::kListDiffers, [](auto& a) { a.set_count(3); });
  refuses(Refusal::kListDiffers, [](auto& a) { a.set_list_digest(std::string(64, '0')); });
  refuses(Refusal::kMalformed, [](auto& a) { a.clear_matter(); });
  refuses(Refusal::kMalformed, [](auto& a) { a.clear_court(); });
  refuses(Refusal::kMalformed, [](auto& a) { a.clear_order_reference(); });
  refuses(Refusal::kMalformed, [](auto& a) { a.set_document_sha256("12"); });
  refuses(Refusal::kRevocationUnknown, [](auto& a) { a.set_revocation_index(1); });
  refuses(Refusal::kProposalUnknown, [](auto& a) { a.set_first_index(1); });
  refuses(Refusal::kHoldsDiffer, [](auto& a) { a.clear_holds(); });
  refuses(Refusal::kHoldsDiffer, [](auto& a) { a.mutable_holds(0)->set_placed_index(1); });
  refuses(Refusal::kHoldsDiffer, [](auto& a) { a.add_holds()->set_hold_id("hold-2"); });
  refuses(Refusal::kAllowed, [](auto&) {});
}

TEST_F(CourtOrderRulesTest, AHoldThatItDoesNotNameStillPreserves) {
  world_.Authorise(revocation_);
  world_.PlaceHold("hold-2", OfPerson(1), order::v1::PRESERVE, "dan");
  world_.Pass(72h);
  EXPECT_EQ(Destroy(), Refusal::kPreserved);
  const auto against =
      policy::HoldsPreserving(world_.state(), world_.state().FindDisposal(revocation_)->records);
  ASSERT_EQ(against.size(), 2U);
  EXPECT_EQ(against[1]->id(), "hold-2");
  // Another order of the court, over both.
  world_.Authorise(revocation_);
  EXPECT_EQ(Destroy(), Refusal::kNotDue);
  world_.Pass(72h);
  EXPECT_EQ(Destroy(), Refusal::kAllowed);
}

TEST_F(CourtOrderRulesTest, AHoldThatWasChangedSinceStillPreserves) {
  world_.Authorise(revocation_);
  world_.DoOrder(
      world_.Order("erin", world_.AmendAct("hold-1", Everything(), order::v1::PRESERVE)));
  world_.AdvanceEpoch();
  world_.Pass(72h);
  EXPECT_EQ(Destroy(), Refusal::kPreserved);
}

// Lifted, the hold that was overridden lingers; the court's word counts over that too.
TEST_F(CourtOrderRulesTest, AnOverriddenHoldThatIsLiftedDoesNotLingerForTheseRecords) {
  world_.Authorise(revocation_);
  world_.Lift("hold-1");
  EXPECT_EQ(world_.Try(world_.DestructionOf(revocation_)).refusal, Refusal::kNotDue);
  EXPECT_EQ(Destroy(), Refusal::kAllowed);
}

TEST_F(CourtOrderRulesTest, ItReplacesNeitherApprovalsNorWindow) {
  const std::uint64_t other = world_.Revoke(OfRows(world_, t_, 2, 2));
  world_.Authorise(other);
  world_.Pass(72h);
  EXPECT_EQ(world_.Try(world_.DestructionByCourt(other)).refusal, Refusal::kApprovalsMissing);
  EXPECT_TRUE(policy::DueForDestruction(world_.state(), 100).due.empty());
  world_.DoOrder(world_.Order("pete", world_.ApproveDestructionAct(other)));
  EXPECT_EQ(world_.Try(world_.DestructionByCourt(other)).refusal, Refusal::kAllowed);
}

TEST_F(CourtOrderRulesTest, ACustodianCanStillCancel) {
  world_.Authorise(revocation_);
  world_.DoOrder(world_.Order("paula", world_.CancelDestructionAct(revocation_)));
  world_.AdvanceEpoch();
  world_.Pass(72h);
  EXPECT_EQ(Destroy(), Refusal::kDisposalCancelled);
  EXPECT_EQ(Submit("carol", world_.AuthoriseAct(revocation_)), Refusal::kDisposalCancelled);
}

TEST_F(CourtOrderRulesTest, NothingIsAuthorisedWithoutAHoldOrByADoubtfulClock) {
  const order::v1::Order act = world_.AuthoriseAct(revocation_);
  world_.SetTime(world_.late(), world_.late(), false);
  EXPECT_EQ(Submit("carol", act), Refusal::kClockUntrusted);
  world_.TrustClock();
  world_.Lift("hold-1");
  EXPECT_EQ(Submit("carol", act), Refusal::kNotPreserved);
}

TEST_F(CourtOrderRulesTest, AWithdrawnPersonsWordCountsNoMore) {
  const std::uint64_t first = First("erin");
  world_.DoOrder(world_.Order("paula", World::StrikeAct("erin")));
  world_.AdvanceEpoch();
  EXPECT_EQ(Submit("judge", world_.AuthoriseAct(revocation_, first)), Refusal::kProposalUnknown);
  world_.Authorise(revocation_);
  world_.DoOrder(world_.Order("cora", World::StrikeAct("carol")));
  world_.AdvanceEpoch();
  world_.Pass(72h);
  EXPECT_EQ(Destroy(), Refusal::kNotAuthorised);
}

}  // namespace
}  // namespace holdfast::test
