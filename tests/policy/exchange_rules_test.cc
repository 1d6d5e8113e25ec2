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

TEST(ExchangeRulesTest, TimeAndEpochsOnlyGoForward) {
  World world;
  ledger::v1::TimeAdvanced time;
  const auto set = [&](std::int64_t late, std::int64_t early) {
    time.set_late_ms(late);
    time.set_early_ms(early);
    time.set_trusted(true);
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
