// SPDX-License-Identifier: Apache-2.0
// Random exchanges, each step decided by the policy and by the reference, which must agree.
//
// After each step: what is frozen and preserved is the union of the holds (R21), a closed transfer
// has an envelope for each accepted row (R10), what expired under a PRESERVE is neither released
// nor destroyed (R26), no key left under a freeze and none was destroyed under a preserve. From
// time to time: the state is the fold of its ledger, and of what a snapshot leaves of it.
//
// HOLDFAST_MODEL_STEPS sets the number of steps.
#include <cstdlib>

#include "gtest/gtest.h"

#include "tests/policy/random_exchange.h"
#include "tests/support/seeded_random.h"

namespace holdfast::test {
namespace {

constexpr int kSteps = 50'000;
constexpr int kStepsOfOneExchange = 500;

TEST(DecisionModelTest, ThePolicyDecidesAsTheReferenceDoes) {
  int steps = kSteps;
  if (const char* text = std::getenv("HOLDFAST_MODEL_STEPS")) steps = std::atoi(text);
  SeededRandom random;
  Tally tally;
  const bool whole = steps >= kSteps;
  const bool longest = steps >= 6 * kSteps;
  while (steps > 0) {
    RandomExchange exchange(random, tally);
    for (int i = 0; i < kStepsOfOneExchange && steps > 0; ++i, --steps) {
      exchange.Step();
      exchange.CheckInvariants();
      if (::testing::Test::HasFailure()) return;
    }
    exchange.CheckFold();
    exchange.CheckSnapshot();
    if (::testing::Test::HasFailure()) return;
  }
  if (!whole) return;
  // Agreement about exchanges in which nothing happens would prove nothing.
  for (const char* kind : {"SubjectJudged",      "SubmissionFinished", "EnvelopeDeposited",
                           "TransferClosed",     "EnvelopesCollected", "LeaseOpened",
                           "KeyReleased",        "RecordsDestroyed",   "approve_transfer",
                           "deny_transfer",      "place_hold",         "propose_lift",
                           "confirm_lift",       "cancel_lift",        "suspend_transfer",
                           "resume_transfer",    "cap_transfer",       "end_transfer",
                           "let_transfer_go_on", "revoke_records",     "approve_destruction",
                           "cancel_destruction", "trust_clock",        "OFFICER_LOAD",
                           "REFUSED_SHARE",      "PLACEHOLDER_SHARE",  "DAILY_VOLUME",
                           "TOTAL_VOLUME",       "SECOND_ADDRESS",     "ReviewOpened",
                           "release_case",       "refuse_cases",       "review_expired",
                           "amend_hold",         "confirm_amendment",  "wider",
                           "narrower",           "strike_off",         "authorise_destruction"}) {
    RecordProperty(kind, tally[kind]);
    EXPECT_GE(tally[kind], 3) << kind;
  }
  // What needs a long story happens in a long run.
  for (const char* kind : {"restore_hold", "NoticeGiven", "acknowledge_notice", "by_court"}) {
    RecordProperty(kind, tally[kind]);
    EXPECT_TRUE(!longest || tally[kind] >= 3) << kind << " " << tally[kind];
  }
}

}  // namespace
}  // namespace holdfast::test
