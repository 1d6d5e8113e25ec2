// SPDX-License-Identifier: Apache-2.0
// Settling cases in review: order and envelopes are one command, whatever fails in between.
#include <future>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "daemon/exchange/settle_command.h"
#include "policy/review.h"
#include "tests/daemon/exchange/exchange_world.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using exchange::SettleOutcome;

constexpr std::uint32_t kByReview = 2;
constexpr std::uint32_t kRefused = 50;
constexpr std::uint32_t kExpired = 51;

class SettleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    world_.MustStart();
    transfer_ = world_.MustApproveTransfer(3);
    OpenCases();
  }

  store::ChunkKey Key() const { return {store::ChunkKind::kEnvelopes, transfer_, 0}; }

  // All three rows wait.
  void OpenCases() {
    const auto run =
        *world_.exchange().published()->allocator->Take(transfer_, crypto::SegmentKind::kRecord, 3);
    std::vector<ledger::v1::Entry> facts(3);
    for (std::uint32_t row = 0; row < 3; ++row) {
      auto& fact = *facts[row].mutable_review_opened();
      fact.set_transfer(transfer_);
      fact.set_row(row);
      fact.set_verdict(43);
      fact.set_address(2);
      fact.set_commitment(std::string(32, static_cast<char>('a' + row)));
      fact.set_gate_version(1);
      fact.set_candidates(1);
      fact.set_releasable(1);
      fact.set_segment(run.segment);
      fact.set_leaf(run.first + row);
    }
    const auto outcome = world_.Do(facts, std::pair(Key(), ToBytes("places")));
    ASSERT_TRUE(outcome.status.ok() && outcome.decision.allowed());
  }

  order::v1::Order ReleaseAct(std::uint32_t row) {
    return world_.Read<order::v1::Order>([&](const exchange::Core& core) {
      order::v1::Order order;
      auto& act = *order.mutable_release_case();
      const policy::Transfer& transfer = *core.state.transfer(transfer_);
      act.set_transfer(policy::TransferName(transfer.id));
      act.set_row(row);
      act.set_case_digest(Hex(transfer.FindCase(row)->digest));
      act.set_reason("the same person");
      return order;
    });
  }

  // The envelopes of rows, as a worker makes them.
  exchange::Settlement Envelopes(const std::vector<std::uint32_t>& rows, std::uint32_t verdict,
                                 const std::string& chunk) {
    exchange::Settlement settlement;
    settlement.envelopes = std::make_unique<exchange::EntryBatch>(rows.size(), random_);
    for (const std::uint32_t row : rows) {
      const ledger::v1::EnvelopeDeposited fact =
          world_.Read<ledger::v1::EnvelopeDeposited>([&](const exchange::Core& core) {
            const policy::Record& record = *core.state.FindRecord({transfer_, row});
            ledger::v1::EnvelopeDeposited made;
            made.set_transfer(transfer_);
            made.set_row(row);
            made.set_segment(record.record_segment);
            made.set_leaf(record.record_leaf);
            made.set_verdict(verdict);
            made.set_envelope_digest(std::string(32, 'e'));
            made.set_commitment(std::string(32, static_cast<char>('a' + row)));
            made.set_address(2);
            made.set_gate_version(1);
            return made;
          });
      *settlement.envelopes->Add()->mutable_envelope_deposited() = fact;
    }
    settlement.envelopes->Seal();
    settlement.chunks.push_back({Key(), ToBytes(chunk), Deposited()});
    return settlement;
  }

  std::uint16_t Deposited() {
    return world_.Read<std::uint16_t>([&](const exchange::Core& core) {
      return core.state.transfer(transfer_)->records.chunk(0)->deposited;
    });
  }
  std::uint64_t Waiting() {
    return world_.Read<std::uint64_t>([&](const exchange::Core& core) {
      EXPECT_EQ(core.state.unsettled(), 0U);
      return core.state.transfer(transfer_)->cases.size();
    });
  }

  SettleOutcome Settle(exchange::Settlement settlement) {
    std::promise<SettleOutcome> promise;
    world_.Submit(exchange::Lane::kNormal, std::make_unique<exchange::SettleCommand>(
                                               std::move(settlement), world_.exchange().executor(),
                                               [&promise](SettleOutcome outcome) {
                                                 promise.set_value(std::move(outcome));
                                               }));
    return promise.get_future().get();
  }
  SettleOutcome Release(std::uint32_t row, const std::string& chunk) {
    auto [dsse, order] = world_.Sign("paula", ReleaseAct(row));
    exchange::Settlement settlement = Envelopes({row}, kByReview, chunk);
    settlement.dsse = std::move(dsse);
    settlement.order = std::move(order);
    return Settle(std::move(settlement));
  }

  std::string Stored() { return ToString(world_.disk().Backup().chunks.at(Key())); }

  crypto::SystemRandom random_;
  ExchangeWorld world_;
  std::uint32_t transfer_ = 0;
};

TEST_F(SettleTest, OrderEnvelopeAndChunkAreCommittedTogether) {
  const SettleOutcome outcome = Release(1, "one envelope");
  ASSERT_TRUE(outcome.order.status.ok());
  ASSERT_TRUE(outcome.order.decision.allowed());
  EXPECT_FALSE(outcome.stale);
  EXPECT_EQ(Waiting(), 2U);
  EXPECT_EQ(Stored(), "one envelope");
  const std::vector<Bytes> entries = world_.disk().Backup().entries;
  ledger::v1::Entry entry;
  ASSERT_TRUE(entry.ParseFromString(ToString(entries[outcome.order.index])));
  EXPECT_TRUE(entry.has_order_accepted());
  ASSERT_TRUE(entry.ParseFromString(ToString(entries[outcome.order.index + 1])));
  EXPECT_EQ(entry.envelope_deposited().row(), 1U);
}

TEST_F(SettleTest, ARefusedOrderIsOnTheRecordAndChangesNothing) {
  auto act = ReleaseAct(1);
  act.mutable_release_case()->set_candidate(7);
  auto [dsse, order] = world_.Sign("paula", act);
  exchange::Settlement settlement = Envelopes({1}, kByReview, "not this");
  settlement.dsse = std::move(dsse);
  settlement.order = std::move(order);
  const std::uint64_t before = world_.ledger_size();
  const SettleOutcome outcome = Settle(std::move(settlement));
  EXPECT_EQ(outcome.order.decision.refusal, policy::Refusal::kCandidateNotReleasable);
  EXPECT_EQ(outcome.order.index, before);
  EXPECT_EQ(Waiting(), 3U);
  EXPECT_EQ(Stored(), "places");
}

TEST_F(SettleTest, WhatWasMadeBeforeSomebodyElseSettledIsMadeAnew) {
  auto [dsse, order] = world_.Sign("pete", ReleaseAct(0));
  exchange::Settlement early = Envelopes({0}, kByReview, "row 0 alone");
  early.dsse = dsse;
  early.order = order;
  ASSERT_TRUE(Release(1, "row 1").order.decision.allowed());
  const std::uint64_t before = world_.ledger_size();
  EXPECT_TRUE(Settle(std::move(early)).stale);
  EXPECT_EQ(world_.ledger_size(), before);
  EXPECT_EQ(Stored(), "row 1");
  exchange::Settlement again = Envelopes({0}, kByReview, "rows 0 and 1");
  again.dsse = dsse;
  again.order = order;
  EXPECT_TRUE(Settle(std::move(again)).order.decision.allowed());
  EXPECT_EQ(Stored(), "rows 0 and 1");
  exchange::Settlement twice;
  twice.dsse = dsse;
  twice.order = order;
  EXPECT_TRUE(Settle(std::move(twice)).order.already);
}

TEST_F(SettleTest, AnOrderWithoutItsEnvelopesIsNotTaken) {
  auto [dsse, order] = world_.Sign("paula", ReleaseAct(0));
  exchange::Settlement settlement;
  settlement.dsse = std::move(dsse);
  settlement.order = std::move(order);
  EXPECT_TRUE(Settle(std::move(settlement)).stale);
  EXPECT_EQ(Waiting(), 3U);
}

TEST_F(SettleTest, ExpiryIsSettledOnceItsTimeHasComeAndNotBefore) {
  const std::uint64_t before = world_.ledger_size();
  EXPECT_TRUE(Settle(Envelopes({0, 2}, kExpired, "too early")).stale);
  EXPECT_EQ(world_.ledger_size(), before);
  world_.clock().Advance(std::chrono::hours(72));
  EXPECT_FALSE(Settle(Envelopes({0, 2}, kExpired, "two envelopes")).stale);
  EXPECT_EQ(Waiting(), 1U);
  EXPECT_EQ(Stored(), "two envelopes");
}

// The i-th operation of the store fails, for each i, between the sealing and the answer: before the
// commit is done and after it. Either all of it is there or nothing, and the same order again does
// it.
TEST_F(SettleTest, AFaultAtTheCommitLeavesAllOfItOrNothing) {
  auto [dsse, order] = world_.Sign("paula", ReleaseAct(1));
  const auto attempt = [&, signed_bytes = dsse, opened = order] {
    exchange::Settlement settlement = Envelopes({1}, kByReview, "settled");
    settlement.dsse = signed_bytes;
    settlement.order = opened;
    return Settle(std::move(settlement));
  };
  int failed = 0;
  for (std::size_t fails_at = 0; fails_at < 8 && Waiting() == 3; ++fails_at) {
    SCOPED_TRACE(fails_at);
    world_.Stop();
    FaultPlan plan(fails_at, FaultPlan::Extent::kOnce);
    world_.store_faults = &plan;
    if (world_.Start().ok()) {
      const SettleOutcome outcome = attempt();
      world_.WaitUntilServing();
      if (!outcome.order.status.ok()) ++failed;
      EXPECT_EQ(Stored(), Waiting() == 2 ? "settled" : "places");
      if (outcome.order.status.ok()) {
        EXPECT_EQ(Waiting(), 2U);
      }
    }
    world_.Stop();
    world_.store_faults = nullptr;
    world_.MustStart();
  }
  EXPECT_GT(failed, 0);
  const SettleOutcome again = attempt();
  EXPECT_TRUE(again.order.already || again.order.decision.allowed());
  EXPECT_EQ(Waiting(), 2U);
  EXPECT_EQ(Stored(), "settled");
}

TEST_F(SettleTest, WhatWaitsIsThereAfterACrashAndCanBeSettled) {
  world_.Crash();
  world_.MustStart();
  EXPECT_EQ(Waiting(), 3U);
  EXPECT_TRUE(Release(2, "after the crash").order.decision.allowed());
  world_.Crash();
  world_.MustStart();
  EXPECT_EQ(Waiting(), 2U);
  EXPECT_EQ(Stored(), "after the crash");
}

}  // namespace
}  // namespace holdfast::test
