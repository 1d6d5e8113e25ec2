// SPDX-License-Identifier: Apache-2.0
// Legal holds: what they stop, and how they end. R20 to R27.
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "policy/request_gate.h"
#include "tests/policy/policy_world.h"
#include "tests/support/seeded_random.h"

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using policy::HoldState;

class HoldRulesTest : public ::testing::Test {
 protected:
  Refusal Submit(std::string_view person, const order::v1::Order& act) {
    return world_.TryOrder(world_.Order(person, act)).refusal;
  }
  Refusal Release(std::uint32_t row) {
    return world_.Try(World::Release(world_.OpenLease(t_), row)).refusal;
  }
  HoldState StateOf(std::string_view id) { return world_.state().holds().Find(id)->state; }

  World world_;
  std::uint32_t t_ = world_.ClosedTransfer(4);
};

TEST_F(HoldRulesTest, AFreezeStopsReleaseDepositCollectionAndRenewal) {
  const std::uint32_t open = world_.ApprovedTransfer(2);
  const std::uint32_t lease = world_.OpenLease(t_);
  const std::uint64_t index = world_.PlaceHold("hold-1", Everything(), order::v1::FREEZE);
  const Decision release = world_.Try(World::Release(lease, 0));
  EXPECT_EQ(release.refusal, Refusal::kFrozen);
  EXPECT_EQ(release.hold_index, index);
  EXPECT_EQ(world_.Try(world_.Envelope(open, 0)).refusal, Refusal::kFrozen);
  EXPECT_EQ(world_.Try(world_.LeaseFact(t_)).refusal, Refusal::kFrozen);
  ledger::v1::EnvelopesCollected collect;
  collect.set_transfer(t_);
  collect.set_requester("ice");
  EXPECT_EQ(world_.Try(collect).refusal, Refusal::kFrozen);
  EXPECT_EQ(world_.Try(collect).hold_index, index);
}

TEST_F(HoldRulesTest, APreserveStopsNoRelease) {
  world_.PlaceHold("hold-1", Everything(), order::v1::PRESERVE);
  EXPECT_EQ(Release(0), Refusal::kAllowed);
  EXPECT_NE(world_.state().Preserving({t_, 0}), nullptr);
  EXPECT_EQ(world_.state().Freezing({t_, 0}), nullptr);
}

TEST_F(HoldRulesTest, TheDefaultKindIsBoth) {
  world_.PlaceHold("hold-1", Everything(), order::v1::HOLD_KIND_UNSPECIFIED);
  EXPECT_NE(world_.state().Preserving({t_, 0}), nullptr);
  EXPECT_NE(world_.state().Freezing({t_, 0}), nullptr);
}

TEST_F(HoldRulesTest, EachKindOfScopeCoversWhatItSays) {
  const std::uint32_t other = world_.CreateTransfer("ice2", {"jones"});
  world_.Judge(other, 0, 1, 0, 1);
  struct Case {
    v1::Scope scope;
    std::vector<bool> covers;  // Rows 0 to 3 of t_, then row 0 of the other.
  };
  v1::Scope both = OfTransfer(world_, t_);
  both.set_officer("jones");
  v1::Scope rows = OfRows(world_, t_, 3, 3);
  rows.add_rows()->set_first(0);
  rows.mutable_rows(1)->set_last(1);
  const std::vector<Case> cases = {
      {Everything(), {true, true, true, true, true}},
      {OfTransfer(world_, t_), {true, true, true, true, false}},
      {OfRows(world_, t_, 1, 2), {false, true, true, false, false}},
      {rows, {true, true, false, true, false}},
      {OfOfficer("jones"), {false, true, false, true, true}},
      {OfAuthority("statute"), {true, true, true, true, true}},
      {OfAuthority("sunset"), {false, false, false, false, false}},
      {OfPerson(1), {false, true, false, false, true}},
      {both, {false, true, false, true, false}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.scope.ShortDebugString());
    policy::State state = world_.state().Clone();
    const auto order = world_.Order("carol", world_.HoldAct("hold-1", c.scope));
    const auto entry = EntryOf(ledger::v1::OrderAccepted());
    ASSERT_TRUE(policy::Apply(state, entry, &order, state.ledger_size()).ok());
    for (std::uint32_t row = 0; row < 4; ++row) {
      EXPECT_EQ(state.Freezing({t_, row}) != nullptr, c.covers[row]) << row;
    }
    EXPECT_EQ(state.Freezing({other, 0}) != nullptr, c.covers[4]);
  }
}

// Which date, and between which two instants.
TEST_F(HoldRulesTest, ADateRangeCoversByTheDateThatItNames) {
  const std::int64_t second = 1'000;
  const std::int64_t first = world_.late();
  world_.Pass(10s);
  const std::uint32_t later = world_.ClosedTransfer(1);
  world_.Pass(10s);
  world_.Do(World::Release(world_.OpenLease(later), 0));
  world_.Pass(10s);
  world_.Do(World::Release(world_.OpenLease(later), 0));
  const auto covers = [&](const v1::Scope& scope, std::uint32_t transfer) {
    const auto compiled = policy::CompileScope(world_.state(), scope);
    EXPECT_TRUE(compiled.ok());
    return compiled.scope.Covers(
        world_.state().transfer(transfer)->FactsOf(0, *world_.state().FindRecord({transfer, 0})));
  };
  for (const auto date : {v1::REQUESTED, v1::APPROVED, v1::DEPOSITED}) {
    SCOPED_TRACE(v1::RecordDate_Name(date));
    EXPECT_TRUE(covers(OfDates(date, first, first + second), t_));
    EXPECT_FALSE(covers(OfDates(date, first, first + second), later));
    EXPECT_FALSE(covers(OfDates(date, first + second, first + 10 * second), later));
    EXPECT_TRUE(covers(OfDates(date, first + 10 * second, first + 11 * second), later));
  }
  EXPECT_FALSE(covers(OfDates(v1::RELEASED, first, first + 100 * second), t_));
  EXPECT_FALSE(covers(OfDates(v1::RELEASED, first, first + 20 * second), later));
  // It left at 20 and at 30 seconds; what lies between is not told apart.
  EXPECT_TRUE(covers(OfDates(v1::RELEASED, first + 20 * second, first + 21 * second), later));
  EXPECT_TRUE(covers(OfDates(v1::RELEASED, first + 25 * second, first + 26 * second), later));
  EXPECT_TRUE(covers(OfDates(v1::RELEASED, first + 30 * second, first + 31 * second), later));
  EXPECT_FALSE(covers(OfDates(v1::RELEASED, first + 31 * second, first + 99 * second), later));
}

TEST_F(HoldRulesTest, AReleaseThatWouldFallIntoAFrozenRangeIsNotMade) {
  world_.PlaceHold("hold-1",
                   OfDates(v1::RELEASED, world_.late() + 60'000, world_.late() + 120'000));
  EXPECT_EQ(Release(0), Refusal::kAllowed);
  world_.Pass(60s);
  EXPECT_EQ(Release(1), Refusal::kFrozen);
  world_.Pass(60s);
  EXPECT_EQ(Release(1), Refusal::kAllowed);
}

TEST_F(HoldRulesTest, AVerdictIsHeldIfTheNamedVersionOfTheGateFoundIt) {
  v1::Scope of_another = OfVerdict("NOT_FOUND");
  of_another.mutable_verdicts()->set_gate_version(policy::kGateVersion + 1);
  v1::Scope of_this = OfVerdict("NOT_FOUND");
  of_this.mutable_verdicts()->set_gate_version(policy::kGateVersion);
  const std::uint32_t t = world_.ApprovedTransfer(2);
  world_.Deposit(t, 0, 10);
  world_.PlaceHold("hold-1", of_another);
  EXPECT_EQ(world_.state().Freezing({t, 0}), nullptr);
  world_.PlaceHold("hold-2", of_this);
  world_.Deposit(t, 1, 10);
  EXPECT_EQ(world_.state().Freezing({t, 0})->id(), "hold-2");
  EXPECT_EQ(world_.state().Freezing({t, 1})->id(), "hold-2");
}

// Empty envelopes included: what is held is what the gate found, not what was sealed.
TEST_F(HoldRulesTest, AVerdictIsHeldFromTheDepositOn) {
  world_.PlaceHold("hold-1", OfVerdict("NOT_FOUND"));
  world_.PlaceHold("hold-2", OfVerdict("ADDRESS_NOT_COMPARABLE"));
  const std::uint32_t t = world_.ApprovedTransfer(3);
  world_.Deposit(t, 0, 1);
  world_.Deposit(t, 1, 10);
  world_.Do(world_.Doubt(t, 2, 40));
  ASSERT_EQ(world_.state().Freezing({t, 2})->id(), "hold-2") << "also while it waits for a review";
  world_.Lift("hold-2");
  ASSERT_TRUE(world_.TrySettle(world_.Order("paula", world_.RefuseCasesAct(t, 2, 2)),
                               {world_.Envelope(t, 2, 50)}));
  world_.PlaceHold("hold-3", OfVerdict("ADDRESS_NOT_COMPARABLE"));
  world_.PlaceHold("hold-4", OfVerdict("REFUSED_BY_REVIEW"));
  world_.Close(t);
  const std::uint32_t lease = world_.OpenLease(t);
  EXPECT_EQ(world_.Try(World::Release(lease, 0)).refusal, Refusal::kAllowed);
  EXPECT_EQ(world_.Try(World::Release(lease, 1)).refusal, Refusal::kFrozen);
  EXPECT_EQ(world_.Try(World::Release(lease, 2)).refusal, Refusal::kFrozen);
  EXPECT_NE(world_.state().Preserving({t, 2}), nullptr);
  world_.Lift("hold-3");
  EXPECT_EQ(world_.state().Freezing({t, 2})->id(), "hold-4")
      << "what came of the review counts too";
  world_.Lift("hold-4");
  EXPECT_EQ(world_.state().Freezing({t, 2}), nullptr);
}

TEST_F(HoldRulesTest, AChunkIsStoppedAsAWholeIfOneRecordIsFrozen) {
  world_.PlaceHold("hold-1", OfPerson(2));
  ledger::v1::EnvelopesCollected collect;
  collect.set_transfer(t_);
  collect.set_requester("ice");
  EXPECT_EQ(world_.Try(collect).refusal, Refusal::kFrozen);
  EXPECT_EQ(Release(0), Refusal::kAllowed);
  EXPECT_EQ(Release(2), Refusal::kFrozen);
}

// R22.
TEST_F(HoldRulesTest, NewRecordsInAStandingScopeAreBornHeld) {
  world_.PlaceHold("hold-1", OfOfficer("newcomer"));
  world_.PlaceHold("hold-2", OfPerson(77));
  const std::uint32_t t = world_.CreateTransfer("ice", {"newcomer", "other"});
  world_.Judge(t, 0, 1, 0, 1);
  world_.Judge(t, 1, 1, 1, 77);
  world_.Judge(t, 2, 1, 1, 2);
  EXPECT_NE(world_.state().Freezing({t, 0}), nullptr);
  EXPECT_NE(world_.state().Freezing({t, 1}), nullptr);
  EXPECT_EQ(world_.state().Freezing({t, 2}), nullptr);
}

// One who was asked for by tax number and name is found by either, and so is who is asked for
// later.
TEST_F(HoldRulesTest, APersonIsFoundByAnyPseudonym) {
  const std::uint32_t t = world_.CreateTransfer();
  const auto ask = [&](std::uint32_t row, std::uint32_t person,
                       std::optional<std::uint32_t> alias = {}) {
    auto fact = world_.Subject(t, row, 1, 0, person);
    if (alias) SetAlias(fact, *alias, 0);
    world_.Do(fact);
  };
  ask(0, 100, 200);
  EXPECT_EQ(Submit("carol", world_.HoldAct("hold-x", OfPeople({200, 300}))), Refusal::kAllowed);
  ask(1, 200);
  ask(2, 100);
  ask(3, 101, 201);
  ask(4, 102, 300);
  ask(5, 300);
  std::string held;
  for (std::uint32_t row = 0; row < 6; ++row) {
    held += world_.state().Freezing({t, row}) != nullptr ? 'h' : '-';
  }
  EXPECT_EQ(held, "hh--hh");
  // The same by one pseudonym.
  EXPECT_EQ(Submit("carol", world_.HoldAct("hold-y", OfPerson(100))), Refusal::kAllowed);
  EXPECT_NE(world_.state().Freezing({t, 2}), nullptr);
}

TEST_F(HoldRulesTest, AScopeMustMeanSomething) {
  const auto place = [&](const v1::Scope& scope) {
    return Submit("carol", world_.HoldAct("hold-x", scope));
  };
  EXPECT_EQ(place({}), Refusal::kScopeEmpty);
  v1::Scope scope = OfTransfer(world_, t_);
  scope.set_everything(true);
  EXPECT_EQ(place(scope), Refusal::kScopeInvalid);
  scope = OfRows(world_, t_, 2, 1);
  EXPECT_EQ(place(scope), Refusal::kScopeInvalid);
  scope.clear_transfer();
  EXPECT_EQ(place(scope), Refusal::kScopeInvalid);
  scope.Clear();
  scope.set_transfer("transfers/" + std::string(32, '0'));
  EXPECT_EQ(place(scope), Refusal::kScopeInvalid);
  EXPECT_EQ(place(OfAuthority("none")), Refusal::kScopeInvalid);
  scope.Clear();
  scope.set_person("xyz");
  EXPECT_EQ(place(scope), Refusal::kScopeInvalid);
  scope = OfPerson(1);
  scope.MergeFrom(OfPeople({2}));
  EXPECT_EQ(place(scope), Refusal::kScopeInvalid);
  scope = OfPeople({2});
  scope.add_people("xyz");
  EXPECT_EQ(place(scope), Refusal::kScopeInvalid);
  EXPECT_EQ(place(OfPeople({1, 2, 3, 4, 5, 6, 7, 8, 9})), Refusal::kScopeInvalid);

  const v1::Scope dates = OfDates(v1::DEPOSITED, 1'000, 2'000);
  const auto refuses = [&](auto change) {
    v1::Scope changed = dates;
    change(*changed.mutable_dates());
    EXPECT_EQ(place(changed), Refusal::kScopeInvalid) << changed.ShortDebugString();
  };
  refuses([](auto& d) { d.clear_of(); });
  refuses([](auto& d) { d.set_of(static_cast<v1::RecordDate>(9)); });
  refuses([](auto& d) { d.clear_from(); });
  refuses([](auto& d) { d.clear_until(); });
  refuses([](auto& d) { d.mutable_from()->set_nanos(1); });
  refuses([](auto& d) { d.mutable_from()->set_seconds(2); });
  refuses([](auto& d) { d.mutable_from()->set_seconds(0); });
  refuses([](auto& d) { d.mutable_until()->set_seconds(std::int64_t{1} << 32); });
  EXPECT_EQ(place(OfVerdict("UNSPECIFIED")), Refusal::kScopeInvalid);
  EXPECT_EQ(place(OfVerdict("")), Refusal::kScopeInvalid);
  scope.Clear();
  scope.mutable_verdicts();
  EXPECT_EQ(place(scope), Refusal::kScopeInvalid);
  scope.mutable_verdicts()->set_gate_version(1);
  EXPECT_EQ(place(scope), Refusal::kScopeInvalid);
  scope = OfVerdict("RELEASED");
  scope.mutable_verdicts()->set_gate_version(256);
  EXPECT_EQ(place(scope), Refusal::kScopeInvalid);
}

// R20.
TEST_F(HoldRulesTest, AHoldNamesMatterCourtOrderAndDocument) {
  const auto refuses = [&](const std::function<void(order::v1::PlaceHold&)>& change) {
    order::v1::Order act = world_.HoldAct("hold-x", Everything());
    change(*act.mutable_place_hold());
    EXPECT_EQ(Submit("carol", act), Refusal::kMalformed);
  };
  refuses([](auto& h) { h.clear_matter(); });
  refuses([](auto& h) { h.clear_court(); });
  refuses([](auto& h) { h.clear_order_reference(); });
  refuses([](auto& h) { h.clear_document_sha256(); });
  refuses([](auto& h) { h.set_document_sha256("abc"); });
  refuses([](auto& h) { h.set_hold_id("UPPER"); });
  refuses([](auto& h) { h.set_hold_id("abc"); });
  refuses([](auto& h) { h.set_kind(static_cast<order::v1::HoldKind>(9)); });
}

TEST_F(HoldRulesTest, OneCounselOfAnySidePlacesAndNobodyElse) {
  int n = 0;
  for (const char* person : {"carol", "dan", "judge"}) {
    EXPECT_EQ(Submit(person, world_.HoldAct("hold-" + std::to_string(n++), Everything())),
              Refusal::kAllowed);
  }
  for (const char* person : {"paula", "ice", "irs", "audra", "otto"}) {
    EXPECT_EQ(Submit(person, world_.HoldAct("hold-x", Everything())), Refusal::kRoleForbids);
  }
}

// R28.
TEST_F(HoldRulesTest, AnIdNamesOneHoldForEver) {
  world_.PlaceHold("hold-1", Everything());
  EXPECT_EQ(Submit("carol", world_.HoldAct("hold-1", Everything())), Refusal::kHoldIdTaken);
  const policy::Hold& hold = *world_.state().holds().Find("hold-1");
  EXPECT_TRUE(policy::SameHold(hold, world_.HoldAct("hold-1", Everything()).place_hold()));
  EXPECT_FALSE(policy::SameHold(
      hold, world_.HoldAct("hold-1", Everything(), order::v1::FREEZE).place_hold()));
  world_.Lift("hold-1");
  EXPECT_EQ(StateOf("hold-1"), HoldState::kLifted);
  EXPECT_EQ(Submit("carol", world_.HoldAct("hold-1", Everything())), Refusal::kHoldIdTaken);
}

// R17: an untrusted clock never stops a hold, and an order that has aged does not either.
TEST_F(HoldRulesTest, AHoldIsPlacedWhileTheClockIsNotTrusted) {
  const auto order = world_.Order("carol", world_.HoldAct("hold-1", Everything()));
  world_.SetTime(world_.late() + 1'000'000'000'000, world_.late(), false);
  EXPECT_TRUE(world_.TryOrder(order).allowed());
}

// R25.
TEST_F(HoldRulesTest, ALiftTakesTwoPeopleAndTheCoolingPeriod) {
  world_.PlaceHold("hold-1", Everything());
  EXPECT_EQ(Submit("carol", world_.ProposeAct("hold-1")), Refusal::kAllowed);
  EXPECT_EQ(StateOf("hold-1"), HoldState::kLiftProposed);
  EXPECT_EQ(Submit("carol", world_.ConfirmAct("hold-1")), Refusal::kLiftSamePerson);
  EXPECT_EQ(Submit("erin", world_.ConfirmAct("hold-1")), Refusal::kAllowed);
  EXPECT_EQ(StateOf("hold-1"), HoldState::kLiftConfirmed);
  world_.Pass(72h - 1ms);
  EXPECT_EQ(world_.Try(world_.LeaseFact(t_)).refusal, Refusal::kFrozen);
  world_.Pass(1ms);
  EXPECT_EQ(StateOf("hold-1"), HoldState::kLifted);
  EXPECT_EQ(Release(0), Refusal::kAllowed);
  EXPECT_EQ(Submit("carol", world_.ProposeAct("hold-1")), Refusal::kHoldLifted);
}

TEST_F(HoldRulesTest, ALiftWaitsForTheEarlyTimeAndForTrust) {
  world_.PlaceHold("hold-1", Everything());
  world_.DoOrder(world_.Order("carol", world_.ProposeAct("hold-1")));
  world_.DoOrder(world_.Order("erin", world_.ConfirmAct("hold-1")));
  const std::int64_t at = world_.late() + 72 * 3'600'000;
  world_.SetTime(at + 5'000, at - 1);
  EXPECT_TRUE(world_.state().holds().Find("hold-1")->in_force());
  world_.SetTime(at + 5'000, at, false);
  EXPECT_TRUE(world_.state().holds().Find("hold-1")->in_force());
  world_.TrustClock();
  EXPECT_FALSE(world_.state().holds().Find("hold-1")->in_force());
}

TEST_F(HoldRulesTest, NobodyConfirmsALiftWhileTheClockIsNotTrusted) {
  world_.PlaceHold("hold-1", Everything());
  world_.SetTime(world_.late(), world_.late(), false);
  EXPECT_EQ(Submit("carol", world_.ProposeAct("hold-1")), Refusal::kAllowed);
  EXPECT_EQ(Submit("erin", world_.ConfirmAct("hold-1")), Refusal::kClockUntrusted);
}

TEST_F(HoldRulesTest, TheRequestersSideLiftsOnlyWhatItPlaced) {
  world_.PlaceHold("hold-1", Everything());
  EXPECT_EQ(Submit("dan", world_.ProposeAct("hold-1")), Refusal::kLiftByRequester);
  EXPECT_EQ(Submit("carol", world_.ProposeAct("hold-1")), Refusal::kAllowed);
  EXPECT_EQ(Submit("dan", world_.ConfirmAct("hold-1")), Refusal::kLiftByRequester);

  world_.PlaceHold("hold-2", Everything(), order::v1::FREEZE, "dan");
  EXPECT_EQ(Submit("dan", world_.ProposeAct("hold-2")), Refusal::kAllowed);
  EXPECT_EQ(Submit("carol", world_.ConfirmAct("hold-2")), Refusal::kAllowed);
}

TEST_F(HoldRulesTest, OneOfTheTwoIsCounselAndOneIsOfThePlacingSide) {
  world_.PlaceHold("hold-1", Everything());
  EXPECT_EQ(Submit("paula", world_.ProposeAct("hold-1")), Refusal::kAllowed);
  EXPECT_EQ(Submit("pete", world_.ConfirmAct("hold-1")), Refusal::kLiftNeedsCounsel);
  EXPECT_EQ(Submit("judge", world_.ConfirmAct("hold-1")), Refusal::kAllowed);

  world_.PlaceHold("hold-2", Everything(), order::v1::FREEZE, "judge");
  EXPECT_EQ(Submit("carol", world_.ProposeAct("hold-2")), Refusal::kAllowed);
  EXPECT_EQ(Submit("erin", world_.ConfirmAct("hold-2")), Refusal::kLiftNeedsPlacingSide);
  EXPECT_EQ(Submit("cora", world_.ConfirmAct("hold-2")), Refusal::kAllowed);

  for (const char* person : {"ice", "irs", "audra", "otto"}) {
    EXPECT_EQ(Submit(person, world_.ProposeAct("hold-2")), Refusal::kRoleForbids);
  }
}

TEST_F(HoldRulesTest, AnyOneCounselCancelsALiftUntilItTakesEffect) {
  world_.PlaceHold("hold-1", Everything());
  world_.DoOrder(world_.Order("carol", world_.ProposeAct("hold-1")));
  world_.DoOrder(world_.Order("erin", world_.ConfirmAct("hold-1")));
  EXPECT_EQ(Submit("paula", world_.CancelLiftAct("hold-1")), Refusal::kRoleForbids);
  EXPECT_EQ(Submit("dan", world_.CancelLiftAct("hold-1")), Refusal::kAllowed);
  EXPECT_TRUE(world_.state().epoch_pending());
  world_.AdvanceEpoch();
  world_.Pass(100h);
  EXPECT_EQ(StateOf("hold-1"), HoldState::kInForce);
  order::v1::Order again = world_.CancelLiftAct("hold-1");
  EXPECT_EQ(Submit("dan", again), Refusal::kProposalUnknown);
  // It can be lifted after all, from the beginning.
  world_.Lift("hold-1");
  EXPECT_EQ(StateOf("hold-1"), HoldState::kLifted);
  again.mutable_cancel_lift()->set_proposal_index(
      world_.state().holds().Find("hold-1")->proposal_index);
  EXPECT_EQ(Submit("dan", again), Refusal::kHoldLifted);
}

TEST_F(HoldRulesTest, AConfirmationIsOfOneHoldAndOneProposal) {
  world_.PlaceHold("hold-1", Everything());
  order::v1::Order propose = world_.ProposeAct("hold-1");
  propose.mutable_propose_lift()->set_placed_index(1);
  EXPECT_EQ(Submit("carol", propose), Refusal::kHoldIndexDiffers);
  propose.mutable_propose_lift()->set_hold_id("hold-9");
  EXPECT_EQ(Submit("carol", propose), Refusal::kHoldUnknown);
  EXPECT_EQ(Submit("erin", world_.ConfirmAct("hold-1")), Refusal::kProposalUnknown);
  propose = world_.ProposeAct("hold-1");
  propose.mutable_propose_lift()->clear_reason();
  EXPECT_EQ(Submit("carol", propose), Refusal::kMalformed);
  world_.DoOrder(world_.Order("carol", world_.ProposeAct("hold-1")));
  const order::v1::Order stale = world_.ConfirmAct("hold-1");
  world_.DoOrder(world_.Order("judge", world_.ProposeAct("hold-1")));
  EXPECT_EQ(Submit("erin", stale), Refusal::kProposalUnknown);
  order::v1::Order other = world_.ConfirmAct("hold-1");
  other.mutable_confirm_lift()->set_placed_index(1);
  EXPECT_EQ(Submit("erin", other), Refusal::kHoldIndexDiffers);
  EXPECT_EQ(Submit("erin", world_.ConfirmAct("hold-1")), Refusal::kAllowed);
  EXPECT_EQ(Submit("carol", world_.ProposeAct("hold-1")), Refusal::kLiftConfirmed);
  EXPECT_EQ(Submit("judge", world_.ConfirmAct("hold-1")), Refusal::kLiftConfirmed);
}

TEST_F(HoldRulesTest, AReviewDateLiftsNothing) {
  order::v1::Order act = world_.HoldAct("hold-1", Everything());
  act.mutable_place_hold()->mutable_review_at()->set_seconds(1);
  EXPECT_EQ(Submit("carol", act), Refusal::kAllowed);
  world_.AdvanceEpoch();
  world_.Pass(1h);
  EXPECT_EQ(world_.Try(world_.LeaseFact(t_)).refusal, Refusal::kFrozen);
}

// R21: whatever the order of placing and lifting, what is in force is the union.
TEST(HoldUnionTest, LiftingOneNeverLiftsAnother) {
  SeededRandom random;
  for (int round = 0; round < 12; ++round) {
    World world;
    const std::uint32_t t = world.ClosedTransfer(6);
    std::vector<std::string> in_force;
    std::vector<std::pair<std::string, std::uint32_t>> rows;
    for (int i = 0; i < 8; ++i) {
      const std::string id = "hold-" + std::to_string(i);
      const auto row = static_cast<std::uint32_t>(random.Below(6));
      world.PlaceHold(id, random.OneIn(2) ? OfPerson(row) : OfRows(world, t, row, row));
      rows.emplace_back(id, row);
    }
    random.Shuffle(rows);
    while (!rows.empty()) {
      world.Lift(rows.back().first);
      rows.pop_back();
      for (std::uint32_t row = 0; row < 6; ++row) {
        bool expected = false;
        for (const auto& [id, of] : rows) expected = expected || of == row;
        EXPECT_EQ(world.state().Freezing({t, row}) != nullptr, expected);
        EXPECT_EQ(world.state().Preserving({t, row}) != nullptr, expected);
      }
    }
  }
}

TEST_F(HoldRulesTest, CountsSayWhatAHoldWouldCover) {
  const std::uint32_t lease = world_.OpenLease(t_);
  world_.Do(World::Release(lease, 0));
  world_.Do(World::Release(lease, 1));
  world_.PlaceHold("hold-1", OfPerson(1), order::v1::PRESERVE);
  const auto scope = policy::CompileScope(world_.state(), OfOfficer("jones"));
  ASSERT_TRUE(scope.ok());
  const policy::Coverage coverage = policy::CountCoverage(world_.state(), scope.scope);
  EXPECT_EQ(coverage.records, 2U);
  EXPECT_EQ(coverage.released, 1U);
  EXPECT_EQ(coverage.preserved, 1U);
  EXPECT_EQ(coverage.open_leases, 1U);
  EXPECT_EQ(coverage.transfers, 1U);
  const auto leases = policy::OpenLeasesInScope(world_.state(), scope.scope);
  ASSERT_EQ(leases.size(), 1U);
  EXPECT_EQ(leases[0].records, 1U);
  EXPECT_EQ(policy::RequestersToNotify(world_.state(), scope.scope),
            std::vector{world_.agreement().FindMember("ice")->number});
  EXPECT_EQ(policy::TransfersTouched(world_.state(), scope.scope), std::vector<std::uint32_t>{t_});
}

TEST_F(HoldRulesTest, WhatCoversAWholeTransferCountsAllThatALeaseReleased) {
  const std::uint32_t lease = world_.OpenLease(t_);
  world_.Do(World::Release(lease, 0));
  world_.Do(World::Release(lease, 1));
  const std::uint32_t other = world_.ClosedTransfer(1);
  for (const v1::Scope& whole : {Everything(), OfTransfer(world_, t_)}) {
    const auto scope = policy::CompileScope(world_.state(), whole);
    ASSERT_TRUE(scope.ok());
    const auto leases = policy::OpenLeasesInScope(world_.state(), scope.scope);
    ASSERT_EQ(leases.size(), 1U);
    EXPECT_EQ(leases[0].lease, lease);
    EXPECT_EQ(leases[0].records, 2U);
  }
  const auto elsewhere = policy::CompileScope(world_.state(), OfTransfer(world_, other));
  ASSERT_TRUE(elsewhere.ok());
  EXPECT_TRUE(policy::OpenLeasesInScope(world_.state(), elsewhere.scope).empty());
}

}  // namespace
}  // namespace holdfast::test
