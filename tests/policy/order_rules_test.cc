// SPDX-License-Identifier: Apache-2.0
// What all orders share: whose, when, after which, and once.
#include <chrono>
#include <string>

#include "gtest/gtest.h"

#include "tests/policy/policy_world.h"

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

class OrderRulesTest : public ::testing::Test {
 protected:
  // An act that needs everything to be right, and one that only restricts.
  OpenedOrder Loosening(std::string_view person = "carol") {
    return world_.Order(person, world_.ProposeAct("hold-1"));
  }
  OpenedOrder Restricting(std::string_view person = "carol") {
    return world_.Order(person, world_.HoldAct("hold-2", Everything()));
  }

  World world_;
  std::uint64_t hold_ = world_.PlaceHold("hold-1", Everything(), order::v1::FREEZE, "erin");
};

TEST_F(OrderRulesTest, AnOrderIsForThisExchangeAndItsAgreement) {
  OpenedOrder order = Loosening();
  order.exchange_id[0] ^= std::byte{1};
  EXPECT_EQ(world_.TryOrder(order).refusal, Refusal::kOrderExchange);
  order = Loosening();
  order.order.set_agreement_version(2);
  EXPECT_EQ(world_.TryOrder(order).refusal, Refusal::kOrderAgreement);
  order = Loosening();
  order.person = policy::MemberNumber(999);
  EXPECT_EQ(world_.TryOrder(order).refusal, Refusal::kMemberUnknown);
  EXPECT_TRUE(world_.TryOrder(Loosening()).allowed());
}

TEST_F(OrderRulesTest, AnOrderIsAcceptedOnce) {
  const OpenedOrder order = Loosening();
  EXPECT_EQ(world_.state().FindOrder(order.payload_digest), std::nullopt);
  const std::uint64_t index = world_.state().ledger_size();
  EXPECT_TRUE(world_.TryOrder(order).allowed());
  EXPECT_EQ(world_.state().FindOrder(order.payload_digest), index);
  EXPECT_EQ(world_.state().FindOrderById(order.id), index);
  EXPECT_EQ(world_.TryOrder(order).refusal, Refusal::kOrderAccepted);
  OpenedOrder same_id = Loosening();
  same_id.id = order.id;
  EXPECT_EQ(world_.TryOrder(same_id).refusal, Refusal::kOrderIdTaken);
}

TEST_F(OrderRulesTest, AnOrderHasItsTime) {
  OpenedOrder order = Loosening();
  order.void_after = UnixMillis(world_.late());
  EXPECT_EQ(world_.TryOrder(order).refusal, Refusal::kOrderVoid);
  order.void_after = order.void_after + 1ms;
  order.issued_at = UnixMillis(world_.late()) + 5min + 1ms;
  EXPECT_EQ(world_.TryOrder(order).refusal, Refusal::kOrderFromFuture);
  order.issued_at = order.issued_at - 1ms;
  EXPECT_TRUE(world_.TryOrder(order).allowed());
  order = Restricting("dan");
  order.void_after = UnixMillis(world_.late());
  EXPECT_EQ(world_.TryOrder(order).refusal, Refusal::kOrderVoid);
}

TEST_F(OrderRulesTest, AKeyThatHasEndedLoosensNothing) {
  OpenedOrder order = Loosening();
  order.key_valid_until = UnixMillis(world_.late());
  EXPECT_EQ(world_.TryOrder(order).refusal, Refusal::kOrderKeyEnded);
  // A hold that was signed in time counts from its arrival.
  order = Restricting();
  order.key_valid_until = UnixMillis(world_.late());
  EXPECT_TRUE(world_.TryOrder(order).allowed());
}

TEST_F(OrderRulesTest, AnOrderFollowsItsSignersLastOne) {
  const OpenedOrder first = Loosening();
  OpenedOrder second = Loosening();
  EXPECT_TRUE(world_.TryOrder(first).allowed());
  EXPECT_EQ(world_.TryOrder(second).refusal, Refusal::kOrderPrev);
  second = Loosening();
  EXPECT_TRUE(second.prev.any);
  EXPECT_EQ(second.prev.digest, first.payload_digest);
  second.prev.digest[0] ^= std::byte{1};
  EXPECT_EQ(world_.TryOrder(second).refusal, Refusal::kOrderPrev);
  second.prev = {};
  EXPECT_EQ(world_.TryOrder(second).refusal, Refusal::kOrderPrev);
  EXPECT_TRUE(world_.TryOrder(Loosening()).allowed());
  // Each person has a chain of their own.
  EXPECT_FALSE(Loosening("judge").prev.any);
  EXPECT_TRUE(world_.TryOrder(Loosening("judge")).allowed());
}

TEST_F(OrderRulesTest, TheSignersLedgerIsAPrefixOfThisOne) {
  OpenedOrder order = Loosening();
  order.head_check = policy::HeadCheck::kNotAPrefix;
  EXPECT_EQ(world_.TryOrder(order).refusal, Refusal::kOrderHead);
  order = Loosening();
  order.head_size = world_.state().ledger_size() + 1;
  EXPECT_EQ(world_.TryOrder(order).refusal, Refusal::kOrderHead);
  order.head_size = 0;
  EXPECT_TRUE(world_.TryOrder(order).allowed());
}

TEST_F(OrderRulesTest, AnOrderThatSaysNothingIsNobodysToGive) {
  OpenedOrder order = Loosening();
  order.order.clear_act();
  EXPECT_EQ(world_.TryOrder(order).refusal, Refusal::kRoleForbids);
}

TEST_F(OrderRulesTest, ARefusedOrderLeavesNoTraceInTheChain) {
  OpenedOrder order = Loosening();
  order.head_check = policy::HeadCheck::kNotAPrefix;
  EXPECT_FALSE(world_.TryOrder(order).allowed());
  EXPECT_FALSE(world_.state().LastOrderOf(order.person).any);
  EXPECT_EQ(world_.state().FindOrderById(order.id), std::nullopt);
}

TEST_F(OrderRulesTest, AnEntryWithoutItsOrderIsRefusedAndCannotBeFolded) {
  ledger::v1::OrderAccepted fact;
  fact.set_order_dsse("x");
  EXPECT_EQ(world_.Try(fact).refusal, Refusal::kMalformed);
  policy::State copy = world_.state().Clone();
  EXPECT_FALSE(policy::Apply(copy, EntryOf(fact), nullptr, copy.ledger_size()).ok());
}

TEST_F(OrderRulesTest, OnlyActsThatRestrictGetAnEpoch) {
  const auto entry = EntryOf(ledger::v1::OrderAccepted());
  const auto advances = [&](const order::v1::Order& act) {
    OpenedOrder order;
    order.order = act;
    return policy::AdvancesEpoch(entry, &order);
  };
  order::v1::Order act;
  act.mutable_place_hold();
  EXPECT_TRUE(advances(act));
  act.mutable_cancel_lift();
  EXPECT_TRUE(advances(act));
  act.mutable_revoke_records();
  EXPECT_TRUE(advances(act));
  act.mutable_cancel_destruction();
  EXPECT_TRUE(advances(act));
  act.mutable_approve_transfer();
  EXPECT_FALSE(advances(act));
  act.mutable_deny_transfer();
  EXPECT_FALSE(advances(act));
  act.mutable_propose_lift();
  EXPECT_FALSE(advances(act));
  act.mutable_confirm_lift();
  EXPECT_FALSE(advances(act));
  act.mutable_approve_destruction();
  EXPECT_FALSE(advances(act));
  act.mutable_trust_clock();
  EXPECT_FALSE(advances(act));
  EXPECT_FALSE(policy::AdvancesEpoch(EntryOf(ledger::v1::KeyReleased()), nullptr));
}

}  // namespace
}  // namespace holdfast::test
