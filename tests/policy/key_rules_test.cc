// SPDX-License-Identifier: Apache-2.0
// The rules of leases and of the release of keys.
#include <chrono>
#include <vector>

#include "gtest/gtest.h"

#include "tests/policy/policy_world.h"

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

TEST(KeyRulesTest, AKeyLeavesUnderAnOpenLease) {
  World world;
  const std::uint32_t t = world.ClosedTransfer(3);
  EXPECT_EQ(world.Try(World::Release(0, 0)).refusal, Refusal::kLeaseUnknown);
  const std::uint32_t lease = world.OpenLease(t);
  EXPECT_TRUE(world.Try(World::Release(lease, 0)).allowed());
  EXPECT_EQ(world.Try(World::Release(lease, 3)).refusal, Refusal::kRowNotAccepted);
  EXPECT_EQ(world.state().FindRecord({t, 0})->releases, 1);
  // Asking again is a new decision, and counts again.
  EXPECT_TRUE(world.Try(World::Release(lease, 0)).allowed());
  EXPECT_EQ(world.state().FindRecord({t, 0})->releases, 2);
  EXPECT_EQ(world.state().transfer(t)->released, 1U);
  world.Pass(world.agreement().terms().lease_duration);
  EXPECT_EQ(world.Try(World::Release(lease, 0)).refusal, Refusal::kLeaseEnded);
  EXPECT_TRUE(world.state().open_leases().empty());
  // What left stays counted after the lease has gone.
  EXPECT_EQ(world.state().FindRecord({t, 0})->releases, 2);
  EXPECT_EQ(world.state().FindRecord({t, 0})->open_leases, 0);
}

TEST(KeyRulesTest, ALeaseIsForTheRequesterOfAClosedTransfer) {
  World world;
  const std::uint32_t approved = world.ApprovedTransfer(1);
  EXPECT_EQ(world.Try(world.LeaseFact(approved)).refusal, Refusal::kTransferState);
  const std::uint32_t t = world.ClosedTransfer(1);
  EXPECT_EQ(world.Try(world.LeaseFact(t, "ice2")).refusal, Refusal::kNotYourTransfer);
  EXPECT_EQ(world.Try(world.LeaseFact(t, "irs")).refusal, Refusal::kRoleForbids);
  auto fact = world.LeaseFact(t);
  fact.set_transfer(9);
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kTransferUnknown);
  fact = world.LeaseFact(t);
  fact.set_recipient_key("short");
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kMalformed);
  fact = world.LeaseFact(t);
  fact.clear_opening();
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kMalformed);
  EXPECT_TRUE(world.Try(world.LeaseFact(t)).allowed());
}

TEST(KeyRulesTest, ALeaseIsNoLongerThanAgreed) {
  World world;
  const std::uint32_t t = world.ClosedTransfer(1);
  auto fact = world.LeaseFact(t);
  EXPECT_EQ(fact.not_after_ms() - world.late(), 15 * 60 * 1000);
  fact.set_not_after_ms(fact.not_after_ms() + 1);
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kLeasePeriod);
  fact.set_not_after_ms(world.late());
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kLeasePeriod);
}

TEST(KeyRulesTest, NothingLeavesWhileTheClockIsNotTrusted) {
  World world;
  const std::uint32_t t = world.ClosedTransfer(1);
  const std::uint32_t lease = world.OpenLease(t);
  world.SetTime(world.late(), world.late(), false);
  EXPECT_EQ(world.Try(World::Release(lease, 0)).refusal, Refusal::kClockUntrusted);
  EXPECT_EQ(world.Try(world.LeaseFact(t)).refusal, Refusal::kClockUntrusted);
  world.TrustClock();
  EXPECT_TRUE(world.Try(World::Release(lease, 0)).allowed());
}

TEST(KeyRulesTest, ARecordIsReleasableUntilItsTimeIsOver) {
  World world;
  const std::uint32_t t = world.ClosedTransfer(1);
  const auto life = world.agreement().terms().record_lifetime;
  world.Pass(life - 1min);
  const std::uint32_t lease = world.OpenLease(t);
  world.Pass(1min - 1ms);
  EXPECT_TRUE(world.Try(World::Release(lease, 0)).allowed());
  world.Pass(1ms);
  EXPECT_EQ(world.Try(World::Release(lease, 0)).refusal, Refusal::kRecordExpired);
  EXPECT_EQ(world.Try(world.LeaseFact(t)).refusal, Refusal::kRecordExpired);
}

TEST(KeyRulesTest, ARestrictingActStopsEverythingUntilItHasItsEpoch) {
  World world;
  const std::uint32_t held = world.ClosedTransfer(1);
  const std::uint32_t t = world.ClosedTransfer(1);
  const std::uint32_t lease = world.OpenLease(t);
  const auto order = world.Order("carol", world.HoldAct("hold-1", OfTransfer(world, held)));
  EXPECT_TRUE(policy::AdvancesEpoch(EntryOf(ledger::v1::OrderAccepted()), &order));
  world.DoOrder(order);
  EXPECT_EQ(world.Try(World::Release(lease, 0)).refusal, Refusal::kEpochPending);
  EXPECT_EQ(world.Try(world.LeaseFact(t)).refusal, Refusal::kEpochPending);
  ledger::v1::EnvelopesCollected collect;
  collect.set_transfer(t);
  collect.set_requester("ice");
  EXPECT_EQ(world.Try(collect).refusal, Refusal::kEpochPending);
  world.AdvanceEpoch();
  EXPECT_TRUE(world.Try(World::Release(lease, 0)).allowed());
  EXPECT_TRUE(world.Try(collect).allowed());
}

// R51.
TEST(KeyRulesTest, NoMoreRecordsAreLeasedOpenThanAgreed) {
  AgreementOptions options;
  options.brakes = "open_records: 3";
  World world(options);
  const std::uint32_t t = world.ClosedTransfer(6);
  const auto ice = world.agreement().FindMember("ice")->number;
  const std::uint32_t lease = world.OpenLease(t);
  world.Do(World::Release(lease, 0));
  world.Do(World::Release(lease, 1));
  world.Do(World::Release(lease, 1));
  EXPECT_EQ(world.state().OpenRecords(ice), 2U);
  // A second lease over the same record counts the record once.
  world.Pass(10min);
  const std::uint32_t later = world.OpenLease(t);
  world.Do(World::Release(later, 1));
  EXPECT_EQ(world.state().OpenRecords(ice), 2U);
  world.Do(World::Release(later, 2));
  EXPECT_EQ(world.Try(World::Release(later, 3)).refusal, Refusal::kOpenRecords);
  EXPECT_TRUE(world.Try(World::Release(later, 0)).allowed());
  // When the first lease ends, what the second holds open stays open.
  world.Pass(5min);
  EXPECT_EQ(world.state().OpenRecords(ice), 3U);
  world.Pass(10min);
  EXPECT_EQ(world.state().OpenRecords(ice), 0U);
}

TEST(KeyRulesTest, ABatchOfReleasesCountsAgainstTheBrakeAsOneByOne) {
  AgreementOptions options;
  options.brakes = "open_records: 2";
  World world(options);
  const std::uint32_t t = world.ClosedTransfer(4);
  const std::uint32_t lease = world.OpenLease(t);
  policy::DecisionBatch batch(world.state());
  EXPECT_TRUE(batch.Decide({EntryOf(World::Release(lease, 0))}).allowed());
  EXPECT_TRUE(batch.Decide({EntryOf(World::Release(lease, 0))}).allowed());
  EXPECT_TRUE(batch.Decide({EntryOf(World::Release(lease, 1))}).allowed());
  EXPECT_EQ(batch.Decide({EntryOf(World::Release(lease, 2))}).refusal, Refusal::kOpenRecords);
}

TEST(KeyRulesTest, OneRecordIsOpenUnderAtMost255Leases) {
  World world;
  const std::uint32_t t = world.ClosedTransfer(1);
  std::uint32_t lease = 0;
  for (int i = 0; i < 255; ++i) {
    lease = world.OpenLease(t);
    world.Do(World::Release(lease, 0));
  }
  EXPECT_TRUE(world.Try(World::Release(lease, 0)).allowed());
  EXPECT_EQ(world.Try(World::Release(world.OpenLease(t), 0)).refusal, Refusal::kOpenRecords);
}

TEST(KeyRulesTest, ARequesterThatOpensAllLeasesItMayTakesNoneFromAnother) {
  World world;
  const auto closed = [&](std::string_view requester) {
    const std::uint32_t t = world.CreateTransfer(requester);
    world.Judge(t, 0);
    world.Finish(t);
    world.Approve(t);
    world.Deposit(t, 0);
    world.Close(t);
    return t;
  };
  const auto greedy = EntryOf(world.LeaseFact(closed("ice"), "ice"));
  const auto other = EntryOf(world.LeaseFact(closed("ice2"), "ice2"));
  const auto ice = world.agreement().FindMember("ice")->number;
  policy::State state = world.state().Clone();
  for (std::uint32_t i = 0; i < policy::kDefaultOpenLeases; ++i) {
    ASSERT_TRUE(policy::Decide(state, {greedy}).allowed()) << i;
    ASSERT_TRUE(policy::Apply(state, greedy, nullptr, state.ledger_size()).ok());
  }
  EXPECT_EQ(state.OpenLeasesOf(ice), policy::kDefaultOpenLeases);
  EXPECT_EQ(policy::Decide(state, {greedy}).refusal, Refusal::kTooManyLeases);
  EXPECT_TRUE(policy::Decide(state, {other}).allowed());
}

TEST(KeyRulesTest, ALeaseThatEndedMakesRoomForAnother) {
  AgreementOptions options;
  options.brakes = "open_leases: 2";
  World world(options);
  const std::uint32_t t = world.ClosedTransfer(1);
  const auto ice = world.agreement().FindMember("ice")->number;
  world.OpenLease(t);
  world.Pass(10min);
  world.OpenLease(t);
  EXPECT_EQ(world.Try(world.LeaseFact(t)).refusal, Refusal::kTooManyLeases);
  world.Pass(5min);
  EXPECT_EQ(world.state().OpenLeasesOf(ice), 1U);
  world.OpenLease(t);
  world.Pass(15min);
  EXPECT_EQ(world.state().OpenLeasesOf(ice), 0U);
}

TEST(KeyRulesTest, AClockThatJumpsAheadEndsLeasesAndNothingRevivesThem) {
  World world;
  const std::uint32_t t = world.ClosedTransfer(1);
  const std::uint32_t lease = world.OpenLease(t);
  // Late runs ahead of early: the closed choice for a release.
  world.SetTime(world.late() + 16 * 60 * 1000, world.late());
  EXPECT_EQ(world.Try(World::Release(lease, 0)).refusal, Refusal::kLeaseEnded);
}

}  // namespace
}  // namespace holdfast::test
