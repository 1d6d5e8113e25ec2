// SPDX-License-Identifier: Apache-2.0
// What every entry must be, and the facts that are about the exchange as a whole.
#include <string>

#include "gtest/gtest.h"

#include "tests/policy/policy_world.h"

namespace holdfast::test {
namespace {

ledger::v1::EpochAdvanced NextEpoch() {
  ledger::v1::EpochAdvanced fact;
  fact.set_epoch(2);
  return fact;
}

TEST(ExchangeRulesTest, SegmentsHaveTheirOwnIdsAndATransfer) {
  World world;
  const std::uint32_t t = world.CreateTransfer();
  ledger::v1::SegmentOpened fact;
  fact.set_segment(std::string(16, 'x'));
  fact.set_kind(ledger::v1::RECORD);
  fact.set_transfer(t);
  EXPECT_TRUE(world.Try(fact).allowed());
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kSegmentIdTaken);
  fact.set_segment("short");
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kMalformed);
  fact.set_segment(std::string(16, 'y'));
  fact.set_kind(ledger::v1::SEGMENT_KIND_UNSPECIFIED);
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kMalformed);
  fact.set_kind(ledger::v1::SUBJECT);
  fact.set_transfer(9);
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kTransferUnknown);
}

TEST(ExchangeRulesTest, EntriesOfAnotherVersionOrWithoutSaltAreRefused) {
  World world;
  auto entry = EntryOf(NextEpoch());
  entry.set_policy_version(policy::kPolicyVersion + 1);
  EXPECT_EQ(world.TryEntry(entry, nullptr).refusal, Refusal::kPolicyVersion);
  entry = EntryOf(NextEpoch());
  entry.set_salt("short");
  EXPECT_EQ(world.TryEntry(entry, nullptr).refusal, Refusal::kMalformed);
  entry = EntryOf(NextEpoch());
  entry.clear_epoch_advanced();
  EXPECT_EQ(world.TryEntry(entry, nullptr).refusal, Refusal::kMalformed);
}

TEST(ExchangeRulesTest, TheExchangeOpensFirstAndOnce) {
  policy::State state;
  EXPECT_EQ(policy::Decide(state, {EntryOf(NextEpoch())}).refusal, Refusal::kNotOpen);
  World world;
  EXPECT_EQ(world.TryEntry(world.ledger()[0].entry, nullptr).refusal, Refusal::kNotOpen);
  auto entry = world.ledger()[0].entry;
  EXPECT_EQ(policy::Decide(state, {entry}).refusal, Refusal::kMalformed);
  entry.mutable_exchange_opened()->clear_checkpoint_key();
  EXPECT_EQ(policy::Decide(state, {entry, nullptr, &world.agreement()}).refusal,
            Refusal::kMalformed);
}

// R17.
TEST(ExchangeRulesTest, AClockInDoubtIsGoodAgainOnlyByOrder) {
  World world;
  const std::int64_t start = world.late();
  world.SetTime(start + 1, start, false);
  ledger::v1::TimeAdvanced time;
  time.set_late_ms(start + 2);
  time.set_early_ms(start);
  time.set_wall_ms(start);
  time.set_trusted(true);
  EXPECT_EQ(world.Try(time).refusal, Refusal::kClockUntrusted);
  // No restart makes a difference.
  ledger::v1::ProcessStarted restart;
  restart.set_keyslot_kind("file");
  restart.set_process(std::string(16, 'p'));
  restart.set_version("1");
  world.Do(restart);
  EXPECT_EQ(world.Try(time).refusal, Refusal::kClockUntrusted);
  world.DoOrder(world.Order("paula", world.TrustClockAct()));
  EXPECT_TRUE(world.state().trust_ordered());
  world.Do(time);
  EXPECT_FALSE(world.state().trust_ordered());
  EXPECT_EQ(world.state().untrusted_since(), std::nullopt);
  // One order is good for one doubt.
  world.SetTime(start + 3, start, false);
  time.set_late_ms(start + 4);
  EXPECT_EQ(world.Try(time).refusal, Refusal::kClockUntrusted);
}

TEST(ExchangeRulesTest, ACustodianWhoHasSeenTheDoubtMayOrderTrustOnce) {
  World world;
  const auto trust = [&](std::string_view person) {
    return world.Order(person, world.TrustClockAct());
  };
  EXPECT_EQ(world.TryOrder(trust("paula")).refusal, Refusal::kClockTrusted);
  const auto early = trust("paula");
  world.SetTime(world.late(), world.late(), false);
  EXPECT_EQ(world.TryOrder(early).refusal, Refusal::kOrderHead);
  EXPECT_EQ(world.TryOrder(trust("carol")).refusal, Refusal::kRoleForbids);
  auto wordless = world.TrustClockAct();
  wordless.mutable_trust_clock()->clear_reason();
  EXPECT_EQ(world.TryOrder(world.Order("paula", wordless)).refusal, Refusal::kMalformed);
  EXPECT_TRUE(world.TryOrder(trust("paula")).allowed());
  EXPECT_EQ(world.TryOrder(trust("pete")).refusal, Refusal::kClockTrusted);
}

// The late time may have run ahead for good; it is the clock that the order is about.
TEST(ExchangeRulesTest, AnOrderOfTrustFitsTheClockAndNotTheLateTime) {
  World world;
  const std::int64_t now = world.late();
  const std::int64_t day = 86'400'000;
  auto order = world.Order("paula", world.TrustClockAct());
  world.SetTime(now + 30 * day, now, false, now + 30 * day);
  order.head_size = world.state().ledger_size();
  EXPECT_EQ(world.TryOrder(order).refusal, Refusal::kOrderVoid);
  world.SetTime(now + 30 * day, now, false, now - 10 * day);
  EXPECT_EQ(world.TryOrder(order).refusal, Refusal::kOrderFromFuture);
  world.SetTime(now + 30 * day, now, false, now + 1);
  EXPECT_TRUE(world.TryOrder(order).allowed());
  world.SetTime(now + 30 * day, now + 1, true, now + 1);
  EXPECT_EQ(world.state().time_ahead(), std::chrono::milliseconds(30 * day - 1));
  world.SetTime(now + 30 * day, now + 2, true, now + 20 * day);
  EXPECT_EQ(world.state().time_ahead(), std::chrono::milliseconds(10 * day));
  world.SetTime(now + 31 * day, now + 2, true, now + 31 * day);
  EXPECT_EQ(world.state().time_ahead(), std::chrono::milliseconds(0));
}

TEST(ExchangeRulesTest, TimeAndEpochsOnlyGoForward) {
  World world;
  ledger::v1::TimeAdvanced time;
  const auto set = [&](std::int64_t late, std::int64_t early) {
    time.set_late_ms(late);
    time.set_early_ms(early);
    time.set_trusted(true);
    time.set_wall_ms(early);
    return world.Try(time).refusal;
  };
  EXPECT_EQ(set(World::kStart + 10, World::kStart + 5), Refusal::kAllowed);
  EXPECT_EQ(set(World::kStart + 9, World::kStart + 5), Refusal::kOutOfOrder);
  EXPECT_EQ(set(World::kStart + 10, World::kStart + 4), Refusal::kOutOfOrder);
  EXPECT_EQ(set(World::kStart + 10, World::kStart + 11), Refusal::kMalformed);
  EXPECT_EQ(set(World::kStart + 10, World::kStart + 10), Refusal::kAllowed);

  ledger::v1::EpochAdvanced epoch;
  epoch.set_epoch(1);
  EXPECT_EQ(world.Try(epoch).refusal, Refusal::kOutOfOrder);
  epoch.set_epoch(3);
  EXPECT_EQ(world.Try(epoch).refusal, Refusal::kOutOfOrder);
  epoch.set_epoch(2);
  EXPECT_EQ(world.Try(epoch).refusal, Refusal::kAllowed);
  ledger::v1::EpochErased erased;
  erased.set_epoch(2);
  erased.set_keyslot_kind("file");
  erased.set_erasure_class("medium");
  EXPECT_EQ(world.Try(erased).refusal, Refusal::kOutOfOrder);
  erased.set_epoch(1);
  EXPECT_EQ(world.Try(erased).refusal, Refusal::kAllowed);
  EXPECT_EQ(world.Try(erased).refusal, Refusal::kOutOfOrder);
  erased.set_erasure_class("hope");
  EXPECT_EQ(world.Try(erased).refusal, Refusal::kMalformed);
}

TEST(ExchangeRulesTest, AProcessHasANameAndAKeyslot) {
  World world;
  ledger::v1::ProcessStarted fact;
  fact.set_process(std::string(16, 'p'));
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kMalformed);
  fact.set_keyslot_kind("file");
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kAllowed);
  // The most that a configuration can name: from one mirror of four to another.
  const std::string mirror = "mirror(pkcs11,pkcs11,pkcs11,pkcs11)";
  fact.set_keyslot_kind("moving(file," + mirror + ")");
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kAllowed);
  fact.set_keyslot_kind(mirror);
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kAllowed);
  fact.set_keyslot_kind("moving(" + mirror + "," + mirror + ")");
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kAllowed);
  fact.set_keyslot_kind(std::string(129, 'f'));
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kMalformed);
  fact.set_keyslot_kind(mirror);
  fact.set_process("short");
  EXPECT_EQ(world.Try(fact).refusal, Refusal::kMalformed);
}

TEST(ExchangeRulesTest, SegmentsEndBeforeARecordCannotNameThem) {
  World world;
  const std::uint32_t t = world.CreateTransfer();
  // New processes forget the bitmaps, so that this costs no memory.
  ledger::v1::ProcessStarted start;
  start.set_process(std::string(16, 'p'));
  start.set_keyslot_kind("file");
  policy::State state = world.state().Clone();
  ledger::v1::SegmentOpened fact;
  fact.set_kind(ledger::v1::RECORD);
  fact.set_transfer(t);
  for (std::uint32_t i = 0; i < policy::SegmentTable::kMax; ++i) {
    std::string id = std::to_string(i);
    id.resize(16, '-');
    fact.set_segment(id);
    ASSERT_TRUE(policy::Apply(state, EntryOf(fact), nullptr, state.ledger_size()).ok());
    if (i % 64 == 0) {
      ASSERT_TRUE(policy::Apply(state, EntryOf(start), nullptr, state.ledger_size()).ok());
    }
  }
  fact.set_segment(std::string(16, 'z'));
  EXPECT_EQ(policy::Decide(state, {EntryOf(fact)}).refusal, Refusal::kSegmentsExhausted);
}

TEST(ExchangeRulesTest, AFoldOutOfItsPlaceIsAnError) {
  World world;
  policy::State state = world.state().Clone();
  EXPECT_FALSE(policy::Apply(state, EntryOf(NextEpoch()), nullptr, 0).ok());
  EXPECT_FALSE(policy::Apply(state, world.ledger()[0].entry, nullptr, state.ledger_size()).ok());
}

}  // namespace
}  // namespace holdfast::test
