// SPDX-License-Identifier: Apache-2.0
//
// Which rows wait for a custodian, and what a custodian may do with them.
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "policy/release_gate.h"
#include "policy/review.h"
#include "tests/policy/policy_world.h"

namespace holdfast::test {
namespace {

using policy::ReleaseReason;

constexpr std::uint32_t kByReview = 2;
constexpr std::uint32_t kRefused = 50;
constexpr std::uint32_t kExpired = 51;

Refusal Why(const Decision& decision) { return decision.refusal; }

class ReviewRulesTest : public ::testing::Test {
 protected:
  // Row 0 waits; rows 1 and 2 have an envelope.
  std::uint32_t Waiting() {
    const std::uint32_t t = world_.ApprovedTransfer(3);
    world_.Do(world_.Doubt(t, 0));
    world_.Deposit(t, 1);
    world_.Deposit(t, 2, 10);
    return t;
  }
  bool Release(std::uint32_t t, std::uint32_t candidate = 0, std::string_view person = "paula") {
    return world_.TrySettle(world_.Order(person, world_.ReleaseCaseAct(t, 0, candidate)),
                            {world_.Envelope(t, 0, kByReview)});
  }

  World world_;
};

TEST_F(ReviewRulesTest, ADoubtfulRowGetsNoEnvelope) {
  const std::uint32_t t = world_.ApprovedTransfer(1);
  for (std::uint32_t verdict = 0; verdict < 256; ++verdict) {
    if (verdict == 1 || verdict == 10) continue;
    auto fact = world_.Envelope(t, 0, verdict);
    for (const std::uint32_t address : {0U, 1U, 2U, 3U}) {
      fact.set_address(address);
      EXPECT_FALSE(world_.Try(fact).allowed()) << verdict;
    }
  }
  EXPECT_EQ(Why(world_.Try(world_.Envelope(t, 0, 43))), Refusal::kVerdictNeedsReview);
  EXPECT_EQ(Why(world_.Try(world_.Envelope(t, 0, kByReview))), Refusal::kCaseUnknown);
}

TEST_F(ReviewRulesTest, NothingIsReleasedWhoseAddressDidNotMatch) {
  const std::uint32_t t = world_.ApprovedTransfer(1);
  auto fact = world_.Envelope(t, 0, 1);
  for (const std::uint32_t address : {0U, 2U, 3U, 4U}) {
    fact.set_address(address);
    EXPECT_FALSE(world_.Try(fact).allowed()) << address;
  }
  fact.set_address(1);
  EXPECT_TRUE(world_.Try(fact).allowed());
}

TEST_F(ReviewRulesTest, ATransferDoesNotCloseWhileACaseWaits) {
  const std::uint32_t t = Waiting();
  EXPECT_EQ(Why(world_.Try(world_.Closing(t))), Refusal::kCasesWaiting);
  ASSERT_TRUE(Release(t));
  EXPECT_TRUE(world_.Try(world_.Closing(t)).allowed());
}

TEST_F(ReviewRulesTest, AMissingEnvelopeIsNotTakenForAWaitingCase) {
  const std::uint32_t t = world_.ApprovedTransfer(2);
  world_.Do(world_.Doubt(t, 0));
  EXPECT_EQ(Why(world_.Try(world_.Closing(t))), Refusal::kEnvelopesMissing);
}

TEST_F(ReviewRulesTest, AWaitingRowIsNeitherDepositedNorDoubtedAgain) {
  const std::uint32_t t = Waiting();
  EXPECT_EQ(Why(world_.Try(world_.Doubt(t, 0))), Refusal::kCaseWaits);
  EXPECT_EQ(Why(world_.Try(world_.Envelope(t, 0, 1))), Refusal::kCaseWaits);
  EXPECT_EQ(Why(world_.Try(world_.Envelope(t, 0, kByReview))), Refusal::kCaseWaits);
  EXPECT_EQ(Why(world_.Try(world_.Envelope(t, 0, kExpired))), Refusal::kCaseWaits);
}

TEST_F(ReviewRulesTest, OnlyVerdictsThatNeedAReviewOpenACase) {
  const std::uint32_t t = world_.ApprovedTransfer(1);
  for (std::uint32_t verdict = 0; verdict < 300; ++verdict) {
    const auto reason = static_cast<ReleaseReason>(verdict);
    const bool opens = verdict < 256 && policy::NeedsReview(reason);
    const bool compared =
        reason != ReleaseReason::kTooManyCandidates && reason != ReleaseReason::kSubjectIncomplete;
    const auto fact = world_.Doubt(t, 0, verdict, compared ? 3 : 0);
    EXPECT_EQ(policy::Decide(world_.state(), {EntryOf(fact)}).allowed(), opens) << verdict;
    if (!opens || compared) continue;
    EXPECT_FALSE(
        policy::Decide(world_.state(), {EntryOf(world_.Doubt(t, 0, verdict, 1))}).allowed());
  }
}

TEST_F(ReviewRulesTest, NobodyIsReleasableWhoIsNoCandidate) {
  const std::uint32_t t = world_.ApprovedTransfer(1);
  EXPECT_EQ(Why(world_.Try(world_.Doubt(t, 0, 43, 4))), Refusal::kMalformed);
  auto fact = world_.Doubt(t, 0, 43, ~std::uint64_t{0});
  fact.set_candidates(64);
  EXPECT_TRUE(policy::Decide(world_.state(), {EntryOf(fact)}).allowed());
  fact.set_candidates(65);
  EXPECT_EQ(Why(world_.Try(fact)), Refusal::kMalformed);
}

TEST_F(ReviewRulesTest, ACustodianReleasesTheCandidateThatWasShown) {
  const std::uint32_t t = Waiting();
  EXPECT_TRUE(Release(t, 1));
  EXPECT_EQ(world_.state().FindRecord({t, 0})->release_verdict, 43U) << "the gate's stays";
  EXPECT_EQ(world_.state().FindRecord({t, 0})->outcome(), kByReview);
  EXPECT_TRUE(world_.state().reviews().empty());
  EXPECT_TRUE(world_.state().review_verdicts().empty());
  EXPECT_EQ(world_.FoldAgain().Digest(), world_.state().Digest());
}

TEST_F(ReviewRulesTest, NobodyButACustodianReleases) {
  const std::uint32_t t = Waiting();
  for (const char* person : {"carol", "dan", "judge"}) {
    EXPECT_FALSE(Release(t, 0, person));
    EXPECT_EQ(Why(world_.settlement()), Refusal::kRoleForbids);
  }
}

TEST_F(ReviewRulesTest, ACandidateWhomSomethingContradictsIsNotReleasable) {
  const std::uint32_t t = world_.ApprovedTransfer(1);
  world_.Do(world_.Doubt(t, 0, 43, 2));
  EXPECT_FALSE(Release(t, 0));
  EXPECT_EQ(Why(world_.settlement()), Refusal::kCandidateNotReleasable);
  EXPECT_FALSE(Release(t, 64));
  EXPECT_TRUE(Release(t, 1));
}

TEST_F(ReviewRulesTest, AnOrderOverAnotherCaseThanTheOneThatWaitsIsRefused) {
  const std::uint32_t t = Waiting();
  auto act = world_.ReleaseCaseAct(t, 0);
  act.mutable_release_case()->set_case_digest(std::string(64, 'a'));
  EXPECT_EQ(Why(world_.TryOrder(world_.Order("paula", act))), Refusal::kCaseDiffers);
  act = world_.ReleaseCaseAct(t, 1);
  EXPECT_EQ(Why(world_.TryOrder(world_.Order("paula", act))), Refusal::kCaseUnknown);
  act = world_.ReleaseCaseAct(t, 0);
  act.mutable_release_case()->clear_reason();
  EXPECT_EQ(Why(world_.TryOrder(world_.Order("paula", act))), Refusal::kMalformed);
}

TEST_F(ReviewRulesTest, EachPartOfACaseIsInItsDigest) {
  const auto fact = world_.Doubt(world_.ApprovedTransfer(1), 0);
  const TransferId id{};
  const Digest32 digest = policy::CaseDigest(id, 7, fact);
  const auto differs = [&](auto change) {
    auto other = fact;
    change(other);
    return policy::CaseDigest(id, 7, other) != digest;
  };
  EXPECT_NE(policy::CaseDigest(id, 8, fact), digest);
  EXPECT_TRUE(differs([](auto& f) { f.set_row(1); }));
  EXPECT_TRUE(differs([](auto& f) { f.set_verdict(42); }));
  EXPECT_TRUE(differs([](auto& f) { f.set_address(3); }));
  EXPECT_TRUE(differs([](auto& f) { f.set_gate_version(2); }));
  EXPECT_TRUE(differs([](auto& f) { f.set_candidates(3); }));
  EXPECT_TRUE(differs([](auto& f) { f.set_releasable(1); }));
  EXPECT_TRUE(differs([](auto& f) { f.set_commitment(std::string(32, 'x')); }));
}

TEST_F(ReviewRulesTest, CasesAreRefusedTogetherAsManyAsTheOrderCounts) {
  const std::uint32_t t = world_.ApprovedTransfer(4);
  for (const std::uint32_t row : {0U, 1U, 3U}) world_.Do(world_.Doubt(t, row));
  world_.Deposit(t, 2);
  auto act = world_.RefuseCasesAct(t, 0, 100);
  act.mutable_refuse_cases()->set_count(2);
  EXPECT_EQ(Why(world_.TryOrder(world_.Order("paula", act))), Refusal::kCasesDiffer);
  act = world_.RefuseCasesAct(t, 0, 100);
  const auto overlapping = [&] {
    auto twice = act;
    *twice.mutable_refuse_cases()->add_rows() = twice.refuse_cases().rows(0);
    return twice;
  };
  EXPECT_EQ(Why(world_.TryOrder(world_.Order("paula", overlapping()))), Refusal::kCaseUnknown);
  // Not its envelopes: too few, another row, another verdict, another order of rows.
  const auto order = world_.Order("paula", act);
  const auto envelope = [&](std::uint32_t row, std::uint32_t verdict = kRefused) {
    return world_.Envelope(t, row, verdict);
  };
  for (const auto& wrong : std::vector<std::vector<ledger::v1::EnvelopeDeposited>>{
           {},
           {envelope(0), envelope(1)},
           {envelope(0), envelope(1), envelope(2)},
           {envelope(0), envelope(3), envelope(1)},
           {envelope(0), envelope(1), envelope(3, kByReview)}}) {
    EXPECT_FALSE(world_.TrySettle(order, wrong));
    EXPECT_EQ(Why(world_.settlement()), Refusal::kCasesUnsettled);
  }
  EXPECT_TRUE(world_.TrySettle(order, {envelope(0), envelope(1), envelope(3)}));
  EXPECT_EQ(world_.state().transfer(t)->release_verdicts.at(kRefused), 3U);
  EXPECT_TRUE(world_.Try(world_.Closing(t)).allowed());
}

TEST_F(ReviewRulesTest, NothingComesBetweenAnOrderAndItsEnvelopes) {
  const std::uint32_t t = world_.ApprovedTransfer(3);
  world_.Do(world_.Doubt(t, 0));
  world_.Do(world_.Doubt(t, 1));
  const auto settled = world_.Envelope(t, 0, kRefused);
  const auto other = world_.Envelope(t, 2, 10);
  world_.DoOrder(world_.Order("paula", world_.RefuseCasesAct(t, 0, 0)));
  EXPECT_EQ(world_.state().unsettled(), 1U);
  EXPECT_EQ(Why(world_.Try(world_.Envelope(t, 1, kExpired))), Refusal::kCasesUnsettled);
  EXPECT_EQ(Why(world_.Try(other)), Refusal::kCasesUnsettled);
  EXPECT_EQ(Why(world_.TryOrder(world_.Order("pete", world_.RefuseCasesAct(t, 1, 1)))),
            Refusal::kCasesUnsettled);
  ledger::v1::Refused refused;
  refused.set_act(ledger::v1::Refused::CLOSE_TRANSFER);
  refused.set_refusal(static_cast<std::uint32_t>(Refusal::kCasesWaiting));
  EXPECT_EQ(Why(world_.Try(refused)), Refusal::kCasesUnsettled);
  EXPECT_EQ(Why(world_.Try(world_.Envelope(t, 0, kByReview))), Refusal::kCasesUnsettled);
  world_.Do(settled);
  EXPECT_EQ(world_.state().unsettled(), 0U);
}

TEST_F(ReviewRulesTest, ACaseThatNobodySettlesEndsWithNothing) {
  const std::uint32_t t = Waiting();
  const auto window = world_.agreement().terms().review_window;
  EXPECT_EQ(policy::NextReviewTime(world_.state()), world_.state().now().late + window);
  world_.Pass(window - std::chrono::milliseconds(1));
  EXPECT_TRUE(policy::DueReviews(world_.state(), world_.state().now().early, 10).empty());
  EXPECT_EQ(Why(world_.Try(world_.Envelope(t, 0, kExpired))), Refusal::kCaseWaits);
  world_.Pass(std::chrono::milliseconds(1));
  const auto due = policy::DueReviews(world_.state(), world_.state().now().early, 10);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].rows, std::vector<std::uint32_t>{0});
  EXPECT_FALSE(Release(t));
  EXPECT_EQ(Why(world_.settlement()), Refusal::kCaseExpired);
  EXPECT_TRUE(world_.Try(world_.Envelope(t, 0, kExpired)).allowed());
  EXPECT_EQ(policy::NextReviewTime(world_.state()), kMaxTime);
}

TEST_F(ReviewRulesTest, ALateClockEndsAReviewAndOnlyAnEarlyOneSettlesIt) {
  const std::uint32_t t = Waiting();
  const auto window = world_.agreement().terms().review_window;
  world_.SetTime(world_.late() + window.count(), world_.late());
  EXPECT_FALSE(Release(t));
  EXPECT_EQ(Why(world_.Try(world_.Envelope(t, 0, kExpired))), Refusal::kCaseWaits);
  world_.SetTime(world_.late(), world_.late(), false);
  EXPECT_TRUE(policy::DueReviews(world_.state(), world_.state().now().early, 10).empty());
  EXPECT_EQ(Why(world_.Try(world_.Envelope(t, 0, kExpired))), Refusal::kCaseWaits);
  EXPECT_TRUE(world_.TrySettle(world_.Order("paula", world_.RefuseCasesAct(t, 0, 0)),
                               {world_.Envelope(t, 0, kRefused)}))
      << "what only stops something needs no clock";
}

TEST_F(ReviewRulesTest, AFreezeKeepsACaseFromBeingSettled) {
  const std::uint32_t t = Waiting();
  world_.PlaceHold("freeze", OfRows(world_, t, 0, 0), order::v1::FREEZE);
  EXPECT_FALSE(Release(t));
  EXPECT_EQ(Why(world_.settlement()), Refusal::kFrozen);
  EXPECT_NE(world_.settlement().hold_index, 0U);
  EXPECT_EQ(Why(world_.TryOrder(world_.Order("paula", world_.RefuseCasesAct(t, 0, 9)))),
            Refusal::kFrozen);
  world_.Pass(world_.agreement().terms().review_window);
  EXPECT_TRUE(policy::DueReviews(world_.state(), world_.state().now().early, 10).empty());
  EXPECT_EQ(Why(world_.Try(world_.Envelope(t, 0, kExpired))), Refusal::kFrozen);
  world_.Lift("freeze");
  EXPECT_EQ(policy::DueReviews(world_.state(), world_.state().now().early, 10).size(), 1U);
  EXPECT_TRUE(world_.Try(world_.Envelope(t, 0, kExpired)).allowed());
}

TEST_F(ReviewRulesTest, NoCaseOfASuspendedOrEndedTransferIsSettled) {
  const std::uint32_t t = Waiting();
  const auto stopped = [&](Refusal why) {
    EXPECT_FALSE(Release(t));
    EXPECT_EQ(Why(world_.settlement()), why);
    EXPECT_EQ(Why(world_.TryOrder(world_.Order("paula", world_.RefuseCasesAct(t, 0, 9)))), why);
    EXPECT_EQ(Why(world_.Try(world_.Envelope(t, 0, kExpired))), why);
    EXPECT_TRUE(policy::DueReviews(world_.state(), world_.state().now().early, 10).empty());
  };
  world_.Pass(world_.agreement().terms().review_window);
  world_.DoOrder(world_.Order("paula", world_.SuspendAct(t)));
  world_.AdvanceEpoch();
  stopped(Refusal::kTransferSuspended);
  world_.DoOrder(world_.Order("paula", world_.ResumeAct(t)));
  EXPECT_EQ(policy::DueReviews(world_.state(), world_.state().now().early, 10).size(), 1U);
  world_.DoOrder(
      world_.Order("paula", world_.EndAct(t, world_.state().now().late.value() + 1'000)));
  world_.AdvanceEpoch();
  world_.Pass(std::chrono::seconds(2));
  stopped(Refusal::kTransferEnded);
}

TEST_F(ReviewRulesTest, ARevokedRowIsNotReleasedByReview) {
  const std::uint32_t t = Waiting();
  world_.Revoke(OfRows(world_, t, 0, 0));
  EXPECT_FALSE(Release(t));
  EXPECT_EQ(Why(world_.settlement()), Refusal::kRecordRevoked);
  EXPECT_TRUE(world_.TrySettle(world_.Order("paula", world_.RefuseCasesAct(t, 0, 0)),
                               {world_.Envelope(t, 0, kRefused)}));
}

TEST_F(ReviewRulesTest, AnEnvelopeKeepsWhatTheCaseWasAbout) {
  const std::uint32_t t = Waiting();
  world_.Pass(world_.agreement().terms().review_window);
  auto fact = world_.Envelope(t, 0, kExpired);
  const auto refused = [&](auto change) {
    auto other = fact;
    change(other);
    return Why(world_.Try(other)) == Refusal::kCaseDiffers;
  };
  EXPECT_TRUE(refused([](auto& f) { f.set_commitment(std::string(32, 'x')); }));
  EXPECT_TRUE(refused([](auto& f) { f.set_address(1); }));
  // A version of the gates that nobody has is refused before, of a case as well.
  auto later = fact;
  later.set_gate_version(2);
  EXPECT_EQ(Why(world_.Try(later)), Refusal::kGateVersionUnknown);
  auto doubt = world_.Doubt(t, 1);
  doubt.set_gate_version(2);
  EXPECT_EQ(Why(world_.Try(doubt)), Refusal::kGateVersionUnknown);
  EXPECT_TRUE(world_.Try(fact).allowed());
}

// So that an envelope that came later looks like the others, its leaf is kept for it, over a start.
TEST_F(ReviewRulesTest, AnEnvelopeIsSealedUnderTheLeafThatWasKeptForIt) {
  const std::uint32_t t = world_.ApprovedTransfer(2);
  const auto doubt = world_.Doubt(t, 0);
  world_.Do(doubt);
  auto taken = world_.Envelope(t, 1);
  taken.set_segment(doubt.segment());
  taken.set_leaf(doubt.leaf());
  EXPECT_EQ(Why(world_.Try(taken)), Refusal::kLeafUsed);
  EXPECT_EQ(Why(world_.Try([&] {
              auto again = world_.Doubt(t, 1);
              again.set_leaf(doubt.leaf());
              return again;
            }())),
            Refusal::kLeafUsed);
  ledger::v1::ProcessStarted started;
  started.set_process(std::string(16, 'p'));
  started.set_keyslot_kind("file");
  world_.Do(started);
  world_.Pass(world_.agreement().terms().review_window);
  auto envelope = world_.Envelope(t, 0, kExpired);
  envelope.set_leaf(doubt.leaf() + 1);
  EXPECT_EQ(Why(world_.Try(envelope)), Refusal::kSegmentMismatch);
  envelope.set_leaf(doubt.leaf());
  EXPECT_TRUE(world_.Try(envelope).allowed());
}

TEST_F(ReviewRulesTest, DestructionEndsACase) {
  const std::uint32_t t = Waiting();
  world_.Pass(world_.agreement().terms().record_lifetime +
              world_.agreement().terms().destruction_window);
  EXPECT_TRUE(policy::DueReviews(world_.state(), world_.state().now().early, 10).empty())
      << "the records' time is over";
  EXPECT_FALSE(world_.state().reviews().empty());
  EXPECT_EQ(policy::CountVerdicts(world_.state()).replayable, 3U);
  world_.Do(World::ExpiryOf(t, {0, 1, 2}));
  EXPECT_EQ(policy::CountVerdicts(world_.state()).replayable, 0U);
  EXPECT_EQ(policy::CountVerdicts(world_.state()).not_replayable, 3U);
  EXPECT_TRUE(world_.state().reviews().empty());
  EXPECT_EQ(world_.state().transfer(t)->FindCase(0), nullptr);
  EXPECT_EQ(world_.FoldAgain().Digest(), world_.state().Digest());
}

TEST_F(ReviewRulesTest, EachShowingOfAWaitingCaseIsCounted) {
  const std::uint32_t t = Waiting();
  ledger::v1::CaseShown fact;
  fact.set_transfer(t);
  fact.set_custodian("paula");
  EXPECT_TRUE(world_.Try(fact).allowed());
  EXPECT_TRUE(world_.Try(fact).allowed());
  EXPECT_EQ(world_.state().transfer(t)->FindCase(0)->shown, 2U);
  fact.set_row(1);
  EXPECT_EQ(Why(world_.Try(fact)), Refusal::kCaseUnknown);
  fact.set_row(0);
  fact.set_custodian("carol");
  EXPECT_EQ(Why(world_.Try(fact)), Refusal::kRoleForbids);
  fact.set_transfer(9);
  fact.set_custodian("paula");
  EXPECT_EQ(Why(world_.Try(fact)), Refusal::kTransferUnknown);
}

TEST_F(ReviewRulesTest, AVerdictIsRunAgainWhileItsOpeningIsAlive) {
  const std::uint32_t t = Waiting();
  ledger::v1::VerdictRerun fact;
  fact.set_transfer(t);
  fact.set_custodian("paula");
  fact.set_gate_version(1);
  fact.set_result(ledger::v1::VerdictRerun::SAME);
  for (const std::uint32_t row : {0U, 1U, 2U}) {
    fact.set_row(row);
    EXPECT_TRUE(world_.Try(fact).allowed());
  }
  fact.set_verdict_index(world_.state().ledger_size());
  EXPECT_EQ(Why(world_.Try(fact)), Refusal::kMalformed);
  fact.set_verdict_index(0);
  fact.set_result(ledger::v1::VerdictRerun::RESULT_UNSPECIFIED);
  EXPECT_EQ(Why(world_.Try(fact)), Refusal::kMalformed);
  fact.set_result(ledger::v1::VerdictRerun::DIFFERS);
  fact.set_row(3);
  EXPECT_EQ(Why(world_.Try(fact)), Refusal::kRecordNotDeposited);
  fact.set_row(1);
  world_.Pass(world_.agreement().terms().record_lifetime +
              world_.agreement().terms().destruction_window);
  world_.Do(World::ExpiryOf(t, {1}));
  EXPECT_EQ(Why(world_.Try(fact)), Refusal::kRecordDestroyed);
}

TEST_F(ReviewRulesTest, TheQueueIsOrderedByAgeThenByOfficer) {
  const std::uint32_t t = world_.ApprovedTransfer(4);  // Rows 0 and 2 are smith's.
  world_.Do(world_.Doubt(t, 1));
  world_.Do(world_.Doubt(t, 0));
  world_.Pass(std::chrono::seconds(1));
  world_.Do(world_.Doubt(t, 3));
  world_.Do(world_.Doubt(t, 2));
  std::vector<std::uint32_t> rows;
  for (const policy::ReviewKey& key : world_.state().reviews()) rows.push_back(key.row);
  EXPECT_EQ(rows, (std::vector<std::uint32_t>{0, 1, 2, 3}));
  EXPECT_EQ(world_.state().review_verdicts().at(43), 4U);
}

TEST_F(ReviewRulesTest, OutcomesOfOneChunkAreDecidedTogether) {
  const std::uint32_t t = world_.ApprovedTransfer(2);
  policy::DecisionBatch batch(world_.state());
  EXPECT_TRUE(batch.Decide({EntryOf(world_.Doubt(t, 0))}).allowed());
  EXPECT_EQ(Why(batch.Decide({EntryOf(world_.Envelope(t, 0))})), Refusal::kRowDeposited);
  EXPECT_TRUE(batch.Decide({EntryOf(world_.Envelope(t, 1))}).allowed());
  EXPECT_EQ(Why(batch.Decide({EntryOf(world_.Doubt(t, 1))})), Refusal::kRowDeposited);
}

}  // namespace
}  // namespace holdfast::test
