// SPDX-License-Identifier: Apache-2.0
// Holds that change: amended, restored, and given their document later.
#include <chrono>
#include <string>

#include "gtest/gtest.h"

#include "tests/policy/policy_world.h"

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using policy::Hold;
using policy::HoldEventKind;
using policy::HoldState;

class AmendmentRulesTest : public ::testing::Test {
 protected:
  Refusal Submit(std::string_view person, const order::v1::Order& act) {
    return world_.TryOrder(world_.Order(person, act)).refusal;
  }
  const Hold& HoldOf(std::string_view id) { return *world_.state().holds().Find(id); }
  bool Frozen(std::uint32_t row) { return world_.state().Freezing({t_, row}) != nullptr; }
  bool Preserved(std::uint32_t row) { return world_.state().Preserving({t_, row}) != nullptr; }

  // Proposes to narrow it, confirms, and waits.
  void Narrow(std::string_view id, const v1::Scope& scope,
              order::v1::HoldKind kind = order::v1::FREEZE_AND_PRESERVE) {
    world_.DoOrder(world_.Order("carol", world_.AmendAct(id, scope, kind)));
    world_.AdvanceEpoch();
    world_.DoOrder(world_.Order("paula", world_.ConfirmAmendmentAct(id)));
    world_.Pass(72h);
  }

  World world_;
  std::uint32_t t_ = world_.ClosedTransfer(4);
};

TEST_F(AmendmentRulesTest, OneCounselOfAnySideWidensAtOnce) {
  world_.PlaceHold("hold-1", OfRows(world_, t_, 0, 1), order::v1::FREEZE);
  const std::uint64_t index = world_.state().ledger_size();
  EXPECT_EQ(Submit("dan", world_.AmendAct("hold-1", OfTransfer(world_, t_))), Refusal::kAllowed);
  EXPECT_TRUE(world_.state().epoch_pending()) << "it restricts";
  EXPECT_TRUE(Frozen(3));
  EXPECT_TRUE(Preserved(3));
  EXPECT_EQ(HoldOf("hold-1").last_placed_index, index);
  EXPECT_EQ(HoldOf("hold-1").history.back().kind, HoldEventKind::kAmended);
  EXPECT_EQ(Submit("paula", world_.AmendAct("hold-1", Everything())), Refusal::kRoleForbids);
}

TEST_F(AmendmentRulesTest, WhatDoesNotOnlyWidenTakesTwoAndTheCoolingPeriod) {
  world_.PlaceHold("hold-1", OfRows(world_, t_, 0, 1));
  EXPECT_EQ(Submit("carol", world_.AmendAct("hold-1", OfRows(world_, t_, 1, 2))),
            Refusal::kAllowed);
  world_.AdvanceEpoch();
  EXPECT_EQ(HoldOf("hold-1").state, HoldState::kAmendmentProposed);
  EXPECT_EQ(Submit("carol", world_.ConfirmAmendmentAct("hold-1")), Refusal::kLiftSamePerson);
  EXPECT_EQ(Submit("dan", world_.ConfirmAmendmentAct("hold-1")), Refusal::kLiftByRequester);
  EXPECT_EQ(Submit("erin", world_.ConfirmAmendmentAct("hold-1")), Refusal::kAllowed);
  world_.Pass(72h - 1ms);
  EXPECT_TRUE(Frozen(0));
  EXPECT_FALSE(Frozen(2));
  world_.Pass(1ms);
  EXPECT_EQ(HoldOf("hold-1").state, HoldState::kInForce);
  EXPECT_FALSE(Frozen(0));
  EXPECT_TRUE(Frozen(1));
  EXPECT_TRUE(Frozen(2));
}

// A kind is narrowed like a scope.
TEST_F(AmendmentRulesTest, AKindThatStopsLessIsNarrower) {
  world_.PlaceHold("hold-1", OfTransfer(world_, t_));
  Narrow("hold-1", OfTransfer(world_, t_), order::v1::PRESERVE);
  EXPECT_FALSE(Frozen(0));
  EXPECT_TRUE(Preserved(0));
}

// R26: what leaves a PRESERVE by an amendment is pending, as if the hold had been lifted.
TEST_F(AmendmentRulesTest, WhatAnAmendmentLeavesIsProtectedForAWindow) {
  world_.PlaceHold("hold-1", OfTransfer(world_, t_));
  const std::uint64_t revocation = world_.Revoke(OfRows(world_, t_, 0, 0));
  world_.DoOrder(world_.Order("pete", world_.ApproveDestructionAct(revocation)));
  world_.Pass(100h);
  EXPECT_EQ(world_.Try(world_.DestructionOf(revocation)).refusal, Refusal::kPreserved);
  Narrow("hold-1", OfRows(world_, t_, 1, 3));
  EXPECT_EQ(world_.Try(world_.DestructionOf(revocation)).refusal, Refusal::kNotDue);
  world_.Pass(72h);
  EXPECT_EQ(world_.Try(world_.DestructionOf(revocation)).refusal, Refusal::kAllowed);
}

// An amendment is no way to lift: not by the one who may not, nor by what covers nothing.
TEST_F(AmendmentRulesTest, NobodyNarrowsWhoMayNotLift) {
  world_.PlaceHold("hold-1", OfTransfer(world_, t_));
  EXPECT_EQ(Submit("dan", world_.AmendAct("hold-1", OfPerson(900))), Refusal::kLiftByRequester);
  EXPECT_EQ(Submit("carol", world_.AmendAct("hold-1", {})), Refusal::kScopeEmpty);
  world_.DoOrder(world_.Order("judge", world_.AmendAct("hold-1", OfPerson(900))));
  EXPECT_EQ(HoldOf("hold-1").state, HoldState::kAmendmentProposed);
  EXPECT_TRUE(Frozen(0));
  // The confirmation of a lift is not one of an amendment, nor the other way round.
  order::v1::Order confirm = world_.ConfirmAct("hold-1");
  EXPECT_EQ(Submit("carol", confirm), Refusal::kProposalUnknown);
  world_.DoOrder(world_.Order("judge", world_.ProposeAct("hold-1")));
  EXPECT_EQ(Submit("carol", world_.ConfirmAmendmentAct("hold-1")), Refusal::kProposalUnknown);
}

TEST_F(AmendmentRulesTest, AnyCounselCancelsANarrowing) {
  world_.PlaceHold("hold-1", OfTransfer(world_, t_));
  world_.DoOrder(world_.Order("carol", world_.AmendAct("hold-1", OfRows(world_, t_, 0, 0))));
  world_.DoOrder(world_.Order("erin", world_.ConfirmAmendmentAct("hold-1")));
  EXPECT_EQ(Submit("erin", world_.AmendAct("hold-1", OfRows(world_, t_, 0, 1))),
            Refusal::kLiftConfirmed);
  EXPECT_EQ(Submit("carol", world_.ProposeAct("hold-1")), Refusal::kLiftConfirmed);
  EXPECT_EQ(Submit("dan", world_.CancelLiftAct("hold-1")), Refusal::kAllowed);
  world_.Pass(100h);
  EXPECT_TRUE(Frozen(3));
  EXPECT_EQ(HoldOf("hold-1").history.back().kind, HoldEventKind::kCancelled);
}

// What two people agreed to lift was another hold.
TEST_F(AmendmentRulesTest, WideningEndsALiftThatWaits) {
  world_.PlaceHold("hold-1", OfRows(world_, t_, 0, 0));
  world_.DoOrder(world_.Order("carol", world_.ProposeAct("hold-1")));
  world_.DoOrder(world_.Order("erin", world_.ConfirmAct("hold-1")));
  const order::v1::Order stale = world_.ProposeAct("hold-1");
  world_.DoOrder(world_.Order("judge", world_.AmendAct("hold-1", OfTransfer(world_, t_))));
  world_.Pass(100h);
  EXPECT_TRUE(Frozen(0));
  EXPECT_EQ(Submit("carol", stale), Refusal::kHoldIndexDiffers);
}

TEST_F(AmendmentRulesTest, AnAmendmentIsOfThisHoldAsItIs) {
  world_.PlaceHold("hold-1", OfTransfer(world_, t_));
  const order::v1::Order good = world_.AmendAct("hold-1", Everything());
  const auto refuses = [&](Refusal refusal, auto change) {
    order::v1::Order act = good;
    change(*act.mutable_amend_hold());
    EXPECT_EQ(Submit("carol", act), refusal) << act.ShortDebugString();
  };
  refuses(Refusal::kHoldUnknown, [](auto& a) { a.mutable_hold()->set_hold_id("hold-2"); });
  refuses(Refusal::kHoldIndexDiffers, [](auto& a) { a.set_placed_index(1); });
  refuses(Refusal::kMatterDiffers, [](auto& a) { a.mutable_hold()->set_matter("another"); });
  refuses(Refusal::kMalformed, [](auto& a) { a.clear_reason(); });
  refuses(Refusal::kMalformed, [](auto& a) { a.mutable_hold()->clear_court(); });
  refuses(Refusal::kMalformed, [](auto& a) { a.mutable_hold()->clear_document_sha256(); });
  refuses(Refusal::kDocumentRemoved, [](auto& a) {
    a.mutable_hold()->clear_document_sha256();
    a.mutable_hold()->set_basis(order::v1::ORAL_ORDER);
  });
  refuses(Refusal::kScopeInvalid,
          [](auto& a) { *a.mutable_hold()->mutable_scope() = OfAuthority("none"); });
  refuses(Refusal::kAmendmentEmpty, [&](auto& a) { *a.mutable_hold() = *HoldOf("hold-1").order; });
  EXPECT_EQ(Submit("carol", good), Refusal::kAllowed);
  // What was placed is still the same order, for whoever sends it again.
  EXPECT_TRUE(policy::SameHold(HoldOf("hold-1"),
                               world_.HoldAct("hold-1", OfTransfer(world_, t_)).place_hold()));
  world_.AdvanceEpoch();
  world_.Lift("hold-1");
  EXPECT_EQ(Submit("carol", world_.AmendAct("hold-1", Everything())), Refusal::kHoldLifted);
}

TEST_F(AmendmentRulesTest, AReviewDateAndAnotherDocumentNeedOneCounsel) {
  world_.PlaceHold("hold-1", OfTransfer(world_, t_));
  order::v1::Order act = world_.AmendAct("hold-1", OfTransfer(world_, t_));
  act.mutable_amend_hold()->mutable_hold()->mutable_review_at()->set_seconds(1'900'000'000);
  act.mutable_amend_hold()->mutable_hold()->set_document_sha256(std::string(64, 'f'));
  EXPECT_EQ(Submit("judge", act), Refusal::kAllowed);
  EXPECT_EQ(HoldOf("hold-1").state, HoldState::kInForce);
  EXPECT_EQ(HoldOf("hold-1").order->review_at().seconds(), 1'900'000'000);
}

// Whoever widened or restored a hold has a say in its lift; and nobody gets rid of the first one's.
TEST_F(AmendmentRulesTest, EverySideThatWantsAHoldIsNeededToLiftIt) {
  world_.PlaceHold("hold-1", OfRows(world_, t_, 0, 0), order::v1::FREEZE, "judge");
  world_.DoOrder(world_.Order("carol", world_.AmendAct("hold-1", OfTransfer(world_, t_))));
  world_.AdvanceEpoch();
  world_.DoOrder(world_.Order("carol", world_.ProposeAct("hold-1")));
  EXPECT_EQ(Submit("erin", world_.ConfirmAct("hold-1")), Refusal::kLiftNeedsPlacingSide);
  EXPECT_EQ(Submit("cora", world_.ConfirmAct("hold-1")), Refusal::kAllowed);

  world_.PlaceHold("hold-2", OfRows(world_, t_, 0, 0), order::v1::FREEZE, "dan");
  EXPECT_EQ(Submit("dan", world_.ProposeAct("hold-2")), Refusal::kAllowed);
  world_.DoOrder(world_.Order("judge", world_.AmendAct("hold-2", OfTransfer(world_, t_))));
  world_.AdvanceEpoch();
  EXPECT_EQ(Submit("dan", world_.ProposeAct("hold-2")), Refusal::kLiftByRequester);
  EXPECT_EQ(Submit("judge", world_.ProposeAct("hold-2")), Refusal::kAllowed);
  EXPECT_EQ(Submit("carol", world_.ConfirmAct("hold-2")), Refusal::kAllowed);
}

TEST_F(AmendmentRulesTest, OneCounselRestoresWhatWasLifted) {
  world_.PlaceHold("hold-1", OfTransfer(world_, t_));
  const order::v1::Order early = world_.RestoreAct("hold-1");
  EXPECT_EQ(Submit("carol", early), Refusal::kHoldInForce);
  world_.Lift("hold-1");
  EXPECT_FALSE(Frozen(0));
  EXPECT_EQ(Submit("paula", world_.RestoreAct("hold-1")), Refusal::kRoleForbids);
  order::v1::Order act = world_.RestoreAct("hold-1");
  act.mutable_restore_hold()->set_placed_index(1);
  EXPECT_EQ(Submit("judge", act), Refusal::kHoldIndexDiffers);
  act = world_.RestoreAct("hold-1");
  act.mutable_restore_hold()->clear_reason();
  EXPECT_EQ(Submit("judge", act), Refusal::kMalformed);
  const order::v1::Order stale = world_.ProposeAct("hold-1");
  world_.SetTime(world_.late(), world_.late(), false);
  EXPECT_EQ(Submit("judge", world_.RestoreAct("hold-1")), Refusal::kAllowed)
      << "a clock never stops a hold";
  EXPECT_TRUE(world_.state().epoch_pending());
  EXPECT_TRUE(Frozen(0));
  EXPECT_TRUE(Preserved(0));
  EXPECT_EQ(Submit("carol", stale), Refusal::kHoldIndexDiffers);
  world_.TrustClock();
  world_.AdvanceEpoch();
  world_.Pass(200h);
  EXPECT_TRUE(Frozen(0)) << "the lift was of the hold before";
  EXPECT_NE(world_.state().holds().FindByPlacing(HoldOf("hold-1").last_placed_index), nullptr);
  // It can be lifted again: by the side that placed it and the court, which restored it.
  world_.DoOrder(world_.Order("carol", world_.ProposeAct("hold-1")));
  EXPECT_EQ(Submit("erin", world_.ConfirmAct("hold-1")), Refusal::kLiftNeedsPlacingSide);
  EXPECT_EQ(Submit("judge", world_.ConfirmAct("hold-1")), Refusal::kAllowed);
}

// A hold that is restored and lifted again protects twice, each time for its window.
TEST_F(AmendmentRulesTest, EachLiftOfARestoredHoldLingersByItself) {
  world_.PlaceHold("hold-1", OfTransfer(world_, t_));
  const std::uint64_t revocation = world_.Revoke(OfRows(world_, t_, 0, 0));
  world_.DoOrder(world_.Order("pete", world_.ApproveDestructionAct(revocation)));
  world_.Lift("hold-1");
  world_.Pass(71h);
  world_.DoOrder(world_.Order("carol", world_.RestoreAct("hold-1")));
  world_.AdvanceEpoch();
  world_.Pass(2h);
  EXPECT_EQ(world_.Try(world_.DestructionOf(revocation)).refusal, Refusal::kPreserved);
  world_.Lift("hold-1");
  EXPECT_EQ(world_.Try(world_.DestructionOf(revocation)).refusal, Refusal::kNotDue);
  world_.Pass(72h - 1ms);
  EXPECT_EQ(world_.Try(world_.DestructionOf(revocation)).refusal, Refusal::kNotDue);
  world_.Pass(1ms);
  EXPECT_EQ(world_.Try(world_.DestructionOf(revocation)).refusal, Refusal::kAllowed);
}

class DocumentRulesTest : public AmendmentRulesTest {
 protected:
  order::v1::Order Oral(std::string_view id, order::v1::HoldBasis basis) {
    order::v1::Order act = world_.HoldAct(id, Everything());
    act.mutable_place_hold()->set_basis(basis);
    act.mutable_place_hold()->clear_document_sha256();
    act.mutable_place_hold()->clear_order_reference();
    return act;
  }
};

TEST_F(DocumentRulesTest, AnOralOrderAndAnticipatedLitigationNeedNoDocumentYet) {
  EXPECT_EQ(Submit("carol", Oral("hold-1", order::v1::ORAL_ORDER)), Refusal::kAllowed);
  order::v1::Order act = Oral("hold-2", order::v1::ANTICIPATED_LITIGATION);
  act.mutable_place_hold()->clear_court();
  EXPECT_EQ(Submit("carol", act), Refusal::kAllowed);
  act = Oral("hold-3", order::v1::ORAL_ORDER);
  act.mutable_place_hold()->clear_court();
  EXPECT_EQ(Submit("carol", act), Refusal::kMalformed) << "somebody said it";
  EXPECT_EQ(Submit("carol", Oral("hold-3", order::v1::WRITTEN_ORDER)), Refusal::kMalformed);
  EXPECT_EQ(Submit("carol", Oral("hold-3", static_cast<order::v1::HoldBasis>(9))),
            Refusal::kMalformed);
  act = Oral("hold-3", order::v1::ORAL_ORDER);
  act.mutable_place_hold()->set_document_sha256("abc");
  EXPECT_EQ(Submit("carol", act), Refusal::kMalformed);
}

TEST_F(DocumentRulesTest, TheDocumentIsNamedLater) {
  world_.DoOrder(world_.Order("carol", Oral("hold-1", order::v1::ORAL_ORDER)));
  world_.AdvanceEpoch();
  EXPECT_TRUE(HoldOf("hold-1").lacks_document());
  EXPECT_EQ(Submit("paula", world_.AttachAct("hold-1")), Refusal::kRoleForbids);
  order::v1::Order act = world_.AttachAct("hold-1");
  act.mutable_attach_document()->clear_document_sha256();
  EXPECT_EQ(Submit("carol", act), Refusal::kMalformed);
  act = world_.AttachAct("hold-9");
  EXPECT_EQ(Submit("carol", act), Refusal::kHoldUnknown);
  const std::uint64_t placed = HoldOf("hold-1").last_placed_index;
  EXPECT_EQ(Submit("dan", world_.AttachAct("hold-1")), Refusal::kAllowed);
  EXPECT_FALSE(world_.state().epoch_pending());
  EXPECT_FALSE(HoldOf("hold-1").lacks_document());
  EXPECT_EQ(HoldOf("hold-1").order->order_reference(), "ECF 43");
  EXPECT_EQ(HoldOf("hold-1").order->basis(), order::v1::ORAL_ORDER);
  EXPECT_EQ(HoldOf("hold-1").last_placed_index, placed) << "it covers what it covered";
  EXPECT_EQ(Submit("carol", world_.AttachAct("hold-1")), Refusal::kDocumentAttached);
}

TEST_F(DocumentRulesTest, ANarrowingThatWaitsKeepsTheDocument) {
  world_.DoOrder(world_.Order("carol", Oral("hold-1", order::v1::ORAL_ORDER)));
  world_.AdvanceEpoch();
  world_.DoOrder(world_.Order("carol", world_.AmendAct("hold-1", OfRows(world_, t_, 0, 0))));
  world_.DoOrder(world_.Order("erin", world_.ConfirmAmendmentAct("hold-1")));
  world_.DoOrder(world_.Order("dan", world_.AttachAct("hold-1")));
  world_.AdvanceEpoch();
  world_.Pass(72h);
  EXPECT_FALSE(Frozen(1));
  EXPECT_FALSE(HoldOf("hold-1").lacks_document());
}

TEST_F(DocumentRulesTest, AHoldThatWasLiftedGetsItsDocumentToo) {
  world_.DoOrder(world_.Order("carol", Oral("hold-1", order::v1::ANTICIPATED_LITIGATION)));
  world_.AdvanceEpoch();
  world_.Lift("hold-1");
  EXPECT_EQ(Submit("carol", world_.AttachAct("hold-1")), Refusal::kAllowed);
  EXPECT_FALSE(HoldOf("hold-1").in_force());
}

}  // namespace
}  // namespace holdfast::test
