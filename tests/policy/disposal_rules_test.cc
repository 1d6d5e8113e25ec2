// SPDX-License-Identifier: Apache-2.0
// Revocation, expiry and destruction. R26, R31, R35.
#include <chrono>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "crypto/sha256.h"
#include "tests/policy/policy_world.h"

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using policy::DisposalState;

class DisposalRulesTest : public ::testing::Test {
 protected:
  Refusal Submit(std::string_view person, const order::v1::Order& act) {
    return world_.TryOrder(world_.Order(person, act)).refusal;
  }
  Refusal Destroy(std::uint64_t revocation) {
    return world_.Try(world_.DestructionOf(revocation)).refusal;
  }
  Refusal Expire(const std::vector<std::uint32_t>& rows) {
    return world_.Try(World::ExpiryOf(t_, rows)).refusal;
  }
  std::uint64_t RevokeAndApprove(const v1::Scope& scope) {
    const std::uint64_t revocation = world_.Revoke(scope);
    world_.DoOrder(world_.Order("pete", world_.ApproveDestructionAct(revocation)));
    return revocation;
  }
  void PassLife() { world_.Pass(world_.agreement().terms().record_lifetime); }

  World world_;
  std::uint32_t t_ = world_.ClosedTransfer(4);
};

TEST_F(DisposalRulesTest, ARevocationStopsReleasesAtOnceAndForEver) {
  const std::uint32_t lease = world_.OpenLease(t_);
  const std::uint64_t revocation = world_.Revoke(OfRows(world_, t_, 1, 2));
  EXPECT_EQ(world_.Try(World::Release(lease, 1)).refusal, Refusal::kRecordRevoked);
  EXPECT_EQ(world_.Try(World::Release(lease, 0)).refusal, Refusal::kAllowed);
  // A cancelled destruction stays revoked.
  EXPECT_EQ(Submit("pia", world_.CancelDestructionAct(revocation)), Refusal::kAllowed);
  world_.AdvanceEpoch();
  EXPECT_EQ(world_.Try(World::Release(lease, 1)).refusal, Refusal::kRecordRevoked);
  EXPECT_EQ(Destroy(revocation), Refusal::kDisposalCancelled);
}

TEST_F(DisposalRulesTest, DestructionWaitsForAnotherCustodianAndForTheWindow) {
  const std::uint64_t revocation = world_.Revoke(OfRows(world_, t_, 0, 1));
  world_.Pass(72h);
  EXPECT_EQ(Destroy(revocation), Refusal::kApprovalsMissing);
  EXPECT_EQ(Submit("paula", world_.ApproveDestructionAct(revocation)),
            Refusal::kDisposalSamePerson);
  EXPECT_EQ(Submit("carol", world_.ApproveDestructionAct(revocation)), Refusal::kRoleForbids);
  EXPECT_EQ(Submit("pete", world_.ApproveDestructionAct(revocation)), Refusal::kAllowed);
  EXPECT_EQ(Submit("pete", world_.ApproveDestructionAct(revocation)), Refusal::kDisposalApproved);
  EXPECT_EQ(Destroy(revocation), Refusal::kAllowed);
  EXPECT_TRUE(world_.state().epoch_pending());
  EXPECT_TRUE(policy::AdvancesEpoch(EntryOf(world_.DestructionOf(revocation)), nullptr));
  world_.AdvanceEpoch();
  EXPECT_EQ(Destroy(revocation), Refusal::kDisposalDone);
  EXPECT_EQ(Submit("pia", world_.ApproveDestructionAct(revocation)), Refusal::kDisposalDone);
  EXPECT_EQ(Submit("pia", world_.CancelDestructionAct(revocation)), Refusal::kDisposalDone);
  const std::uint32_t lease = world_.OpenLease(t_);
  EXPECT_EQ(world_.Try(World::Release(lease, 0)).refusal, Refusal::kRecordDestroyed);
  EXPECT_EQ(world_.Try(World::Release(lease, 2)).refusal, Refusal::kAllowed);
  EXPECT_EQ(world_.state().FindDisposal(revocation)->destroyed_index + 3,
            world_.state().ledger_size() - 1);
}

TEST_F(DisposalRulesTest, TheWindowIsMeasuredByTheEarlyTime) {
  const std::uint64_t revocation = RevokeAndApprove(OfRows(world_, t_, 0, 1));
  const std::int64_t due = world_.late() + 72 * 3'600'000;
  world_.SetTime(due + 10'000, due - 1);
  EXPECT_EQ(Destroy(revocation), Refusal::kNotDue);
  EXPECT_TRUE(policy::DueForDestruction(world_.state(), 1000).due.empty());
  EXPECT_EQ(policy::NextDestructionTime(world_.state()).value(), due);
  world_.SetTime(due + 10'000, due);
  EXPECT_EQ(Destroy(revocation), Refusal::kAllowed);
}

TEST_F(DisposalRulesTest, NothingIsDestroyedWhileTheClockIsNotTrusted) {
  const std::uint64_t revocation = RevokeAndApprove(Everything());
  world_.SetTime(world_.late() + 80 * 3'600'000, world_.late() + 80 * 3'600'000, false);
  EXPECT_EQ(Destroy(revocation), Refusal::kClockUntrusted);
  EXPECT_TRUE(policy::DueForDestruction(world_.state(), 1000).due.empty());
}

TEST_F(DisposalRulesTest, NothingIsDestroyedWhileAHoldWaitsForItsEpoch) {
  const std::uint64_t revocation = RevokeAndApprove(OfRows(world_, t_, 0, 0));
  world_.Pass(72h);
  world_.DoOrder(world_.Order("carol", world_.HoldAct("hold-1", OfRows(world_, t_, 3, 3))));
  EXPECT_EQ(Destroy(revocation), Refusal::kEpochPending);
  EXPECT_TRUE(policy::DueForDestruction(world_.state(), 1000).due.empty());
  world_.AdvanceEpoch();
  EXPECT_EQ(Destroy(revocation), Refusal::kAllowed);
}

// R35: the order carries what the signer saw.
TEST_F(DisposalRulesTest, CountAndDigestMustBeOfTheRecordsThatTheScopeListsNow) {
  order::v1::Order act = world_.RevokeAct(OfTransfer(world_, t_));
  act.mutable_revoke_records()->set_count(3);
  EXPECT_EQ(Submit("paula", act), Refusal::kListDiffers);
  act = world_.RevokeAct(OfTransfer(world_, t_));
  act.mutable_revoke_records()->set_list_digest(std::string(64, '0'));
  EXPECT_EQ(Submit("paula", act), Refusal::kListDiffers);
  act = world_.RevokeAct(OfTransfer(world_, t_));
  act.mutable_revoke_records()->clear_reason();
  EXPECT_EQ(Submit("paula", act), Refusal::kMalformed);
  EXPECT_EQ(Submit("paula", world_.RevokeAct(OfPerson(99))), Refusal::kListEmpty);
  EXPECT_EQ(Submit("paula", world_.RevokeAct({})), Refusal::kScopeEmpty);
  // A preview that has aged is refused.
  act = world_.RevokeAct(OfTransfer(world_, t_));
  world_.Revoke(OfRows(world_, t_, 0, 0));
  EXPECT_EQ(Submit("paula", act), Refusal::kListDiffers);
  EXPECT_EQ(Submit("paula", world_.RevokeAct(OfTransfer(world_, t_))), Refusal::kAllowed);
}

TEST_F(DisposalRulesTest, TheListDigestIsOverTransferAndRow) {
  // SHA-256 of 00000000 00000001 00000000 00000002.
  const auto scope = policy::CompileScope(world_.state(), OfRows(world_, t_, 1, 2));
  const auto list = policy::ListForScope(world_.state(), scope.scope);
  EXPECT_EQ(list.count, 2U);
  ASSERT_EQ(list.transfers.size(), 1U);
  EXPECT_EQ(list.transfers[0].runs, (std::vector<policy::RowRun>{{1, 2}}));
  const std::string bytes("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2", 16);
  EXPECT_EQ(list.digest, crypto::Sha256Of(AsBytes(bytes)));
}

TEST_F(DisposalRulesTest, OnlyTheExactRowsOfTheRevocationAreDestroyed) {
  const std::uint64_t revocation = RevokeAndApprove(OfRows(world_, t_, 1, 2));
  world_.Pass(72h);
  const auto good = world_.DestructionOf(revocation);
  const auto refuses = [&](auto change, Refusal refusal) {
    auto fact = good;
    change(fact);
    EXPECT_EQ(world_.Try(fact).refusal, refusal) << fact.ShortDebugString();
  };
  refuses(
      [](auto& f) {
        f.mutable_rows(0)->set_runs(1, 1);
        f.set_count(1);
      },
      Refusal::kRowsDiffer);
  refuses(
      [](auto& f) {
        f.mutable_rows(0)->set_runs(0, 0);
        f.mutable_rows(0)->set_runs(1, 3);
        f.set_count(3);
      },
      Refusal::kRowsDiffer);
  refuses([](auto& f) { f.set_count(3); }, Refusal::kMalformed);
  refuses(
      [](auto& f) {
        f.clear_rows();
        f.set_count(0);
      },
      Refusal::kMalformed);
  refuses(
      [](auto& f) {
        *f.add_rows() = f.rows(0);
        f.set_count(4);
      },
      Refusal::kMalformed);
  refuses([](auto& f) { f.mutable_rows(0)->add_runs(1); }, Refusal::kMalformed);
  refuses([](auto& f) { f.set_basis(ledger::v1::RecordsDestroyed::BASIS_UNSPECIFIED); },
          Refusal::kMalformed);
  refuses([](auto& f) { f.set_revocation_index(1); }, Refusal::kRevocationUnknown);
  EXPECT_TRUE(world_.Try(good).allowed());
}

TEST_F(DisposalRulesTest, AnApprovalIsOfOneList) {
  const std::uint64_t revocation = world_.Revoke(OfRows(world_, t_, 1, 2));
  order::v1::Order act = world_.ApproveDestructionAct(revocation);
  act.mutable_approve_destruction()->set_count(1);
  EXPECT_EQ(Submit("pete", act), Refusal::kListDiffers);
  act = world_.ApproveDestructionAct(revocation);
  act.mutable_approve_destruction()->set_revocation_index(1);
  EXPECT_EQ(Submit("pete", act), Refusal::kRevocationUnknown);
  act = world_.CancelDestructionAct(revocation);
  act.mutable_cancel_destruction()->set_revocation_index(1);
  EXPECT_EQ(Submit("pete", act), Refusal::kRevocationUnknown);
  act = world_.CancelDestructionAct(revocation);
  act.mutable_cancel_destruction()->clear_reason();
  EXPECT_EQ(Submit("pete", act), Refusal::kMalformed);
  EXPECT_EQ(Submit("pete", world_.CancelDestructionAct(revocation)), Refusal::kAllowed);
  EXPECT_EQ(Submit("pete", world_.CancelDestructionAct(revocation)), Refusal::kDisposalCancelled);
  EXPECT_EQ(Submit("pete", world_.ApproveDestructionAct(revocation)), Refusal::kDisposalCancelled);
}

TEST_F(DisposalRulesTest, WhatWasCancelledCanBeRevokedAnew) {
  const std::uint64_t first = world_.Revoke(OfRows(world_, t_, 1, 2));
  world_.DoOrder(world_.Order("pete", world_.CancelDestructionAct(first)));
  world_.AdvanceEpoch();
  const std::uint64_t second = RevokeAndApprove(OfRows(world_, t_, 0, 2));
  EXPECT_EQ(world_.state().FindDisposal(second)->records.count, 3U);
  EXPECT_EQ(world_.state().transfer(t_)->revoked, 3U);
  world_.Pass(72h);
  EXPECT_EQ(Destroy(second), Refusal::kAllowed);
  EXPECT_EQ(world_.state().transfer(t_)->revoked, 0U);
}

TEST_F(DisposalRulesTest, OnePreservedRecordStopsTheWholeDestruction) {
  const std::uint64_t revocation = RevokeAndApprove(OfTransfer(world_, t_));
  const std::uint64_t hold = world_.PlaceHold("hold-1", OfPerson(2), order::v1::PRESERVE);
  world_.Pass(72h);
  const Decision decision = world_.Try(world_.DestructionOf(revocation));
  EXPECT_EQ(decision.refusal, Refusal::kPreserved);
  EXPECT_EQ(decision.hold_index, hold);
  const auto due = policy::DueForDestruction(world_.state(), 1000);
  EXPECT_TRUE(due.due.empty());
  EXPECT_EQ(due.preserved, std::vector<std::uint64_t>{revocation});
  EXPECT_EQ(policy::PreservingDisposal(world_.state(), *world_.state().FindDisposal(revocation)),
            world_.state().holds().Find("hold-1"));
}

TEST_F(DisposalRulesTest, AFreezeDoesNotStopADestruction) {
  const std::uint64_t revocation = RevokeAndApprove(OfTransfer(world_, t_));
  world_.PlaceHold("hold-1", Everything(), order::v1::FREEZE);
  world_.Pass(72h);
  EXPECT_EQ(Destroy(revocation), Refusal::kAllowed);
}

// R26: when the last PRESERVE goes, destruction becomes pending, not instant.
TEST_F(DisposalRulesTest, AfterTheLastPreserveTheWindowBeginsAgain) {
  const std::uint64_t revocation = RevokeAndApprove(OfTransfer(world_, t_));
  world_.PlaceHold("hold-1", OfPerson(2), order::v1::PRESERVE);
  world_.PlaceHold("hold-2", OfPerson(3), order::v1::PRESERVE);
  world_.Pass(100h);
  world_.Lift("hold-1");
  EXPECT_EQ(Destroy(revocation), Refusal::kPreserved);
  world_.Lift("hold-2");
  const auto& disposal = *world_.state().FindDisposal(revocation);
  EXPECT_EQ(policy::DisposalDueAt(world_.state(), disposal).value(),
            world_.late() + 72 * 3'600'000);
  world_.Pass(72h - 1ms);
  EXPECT_EQ(Destroy(revocation), Refusal::kNotDue);
  EXPECT_EQ(policy::NextDestructionTime(world_.state()).value(), world_.late() + 1);
  world_.Pass(1ms);
  EXPECT_EQ(policy::DueForDestruction(world_.state(), 1000).due.size(), 1U);
  EXPECT_EQ(Destroy(revocation), Refusal::kAllowed);
}

TEST_F(DisposalRulesTest, ExpiryDestroysAfterTheWindow) {
  EXPECT_EQ(Expire({0, 1}), Refusal::kNotDue);
  PassLife();
  EXPECT_EQ(Expire({0, 1}), Refusal::kNotDue);
  EXPECT_EQ(policy::NextDestructionTime(world_.state()).value(), world_.late() + 72 * 3'600'000);
  world_.Pass(72h);
  const auto due = policy::DueForDestruction(world_.state(), 3);
  ASSERT_EQ(due.due.size(), 1U);
  EXPECT_EQ(due.due[0].count(), 3U);
  EXPECT_TRUE(world_.Try(due.due[0]).allowed());
  EXPECT_EQ(Expire({0}), Refusal::kRecordDestroyed);
  EXPECT_EQ(Expire({3}), Refusal::kAllowed);
  EXPECT_EQ(Expire({4}), Refusal::kRowNotAccepted);
  EXPECT_TRUE(world_.state().expired().empty());
  EXPECT_TRUE(policy::DueForDestruction(world_.state(), 3).due.empty());
}

TEST_F(DisposalRulesTest, ExpiryTakesOnlyWhatNothingPreserves) {
  world_.PlaceHold("hold-1", OfPerson(2), order::v1::PRESERVE);
  PassLife();
  world_.Pass(72h);
  // Never releasable, not destroyed (R26).
  EXPECT_EQ(world_.Try(world_.LeaseFact(t_)).refusal, Refusal::kRecordExpired);
  EXPECT_EQ(Expire({1, 2}), Refusal::kPreserved);
  const auto due = policy::DueForDestruction(world_.state(), 1000);
  ASSERT_EQ(due.due.size(), 1U);
  EXPECT_EQ(due.due[0].count(), 3U);
  EXPECT_TRUE(world_.Try(due.due[0]).allowed());
  world_.AdvanceEpoch();
  EXPECT_TRUE(policy::DueForDestruction(world_.state(), 1000).due.empty());
  world_.Lift("hold-1");
  EXPECT_EQ(Expire({2}), Refusal::kNotDue);
  EXPECT_TRUE(policy::DueForDestruction(world_.state(), 1000).due.empty());
  world_.Pass(72h);
  EXPECT_EQ(policy::DueForDestruction(world_.state(), 1000).due.size(), 1U);
  EXPECT_EQ(Expire({2}), Refusal::kAllowed);
}

TEST_F(DisposalRulesTest, ExpiryLeavesRevokedRecordsToTheirRevocation) {
  world_.Revoke(OfRows(world_, t_, 0, 0));
  PassLife();
  world_.Pass(72h);
  EXPECT_EQ(Expire({0}), Refusal::kRecordPending);
  const auto due = policy::DueForDestruction(world_.state(), 1000);
  ASSERT_EQ(due.due.size(), 1U);
  EXPECT_EQ(due.due[0].count(), 3U);
}

TEST(ExpiryTest, DestroysNothingWhereTheAgreementDoesNotSaySo) {
  AgreementOptions options;
  std::string text = AgreementText(options);
  text.replace(text.find("destroy_on_expiry: true"), 23, "destroy_on_expiry: false");
  auto opened = policy::OpenedAgreement::CompileUnsigned(text);
  ASSERT_TRUE(opened.ok()) << opened.status();
  World world;
  // The same ledger under the other agreement.
  const std::uint32_t t = world.ClosedTransfer(1);
  world.Pass(world.agreement().terms().record_lifetime);
  world.Pass(72h);
  policy::State state;
  const auto agreement = std::make_shared<const policy::OpenedAgreement>(*std::move(opened));
  for (const auto& applied : world.ledger()) {
    ASSERT_TRUE(policy::Apply(state, applied.entry, applied.order.get(), state.ledger_size(),
                              applied.entry.has_exchange_opened() ? agreement : nullptr)
                    .ok());
  }
  EXPECT_EQ(policy::Decide(state, {EntryOf(World::ExpiryOf(t, {0}))}).refusal,
            Refusal::kNotOnExpiry);
  EXPECT_TRUE(policy::DueForDestruction(state, 10).due.empty());
}

// R10: between approval and closing there is no gap in the envelopes.
TEST_F(DisposalRulesTest, ARowOfAnApprovedTransferIsDestroyedOnlyOnceItIsDeposited) {
  const std::uint32_t t = world_.ApprovedTransfer(3);
  const std::uint64_t revocation = RevokeAndApprove(OfRows(world_, t, 0, 0));
  world_.Pass(72h);
  EXPECT_EQ(Destroy(revocation), Refusal::kRecordNotDeposited);
  EXPECT_TRUE(policy::DueForDestruction(world_.state(), 10).due.empty());
  world_.Deposit(t, 0);
  EXPECT_EQ(Destroy(revocation), Refusal::kAllowed);
  world_.AdvanceEpoch();
  EXPECT_EQ(policy::RowsToDeposit(*world_.state().transfer(t), 0).size(), 3U);
  EXPECT_EQ(policy::RowsToFetch(*world_.state().transfer(t), 0).size(), 2U);
  world_.Deposit(t, 1);
  world_.Deposit(t, 2);
  world_.Close(t);
  EXPECT_EQ(policy::DepositedRows(*world_.state().transfer(t), 0).size(), 2U);
}

TEST_F(DisposalRulesTest, ARowThatWasDestroyedBeforeTheApprovalGetsNoEnvelope) {
  const std::uint32_t t = world_.FinishedTransfer(3);
  const std::uint64_t revocation = RevokeAndApprove(OfRows(world_, t, 1, 1));
  world_.Pass(72h);
  EXPECT_EQ(Destroy(revocation), Refusal::kAllowed);
  world_.AdvanceEpoch();
  world_.Approve(t);
  EXPECT_EQ(world_.Try(world_.Envelope(t, 1)).refusal, Refusal::kRecordDestroyed);
  EXPECT_EQ(policy::RowsToDeposit(*world_.state().transfer(t), 0),
            (std::vector<std::uint32_t>{0, 2}));
  world_.Deposit(t, 2);
  world_.Deposit(t, 0);
  EXPECT_TRUE(policy::ChunkDeposited(*world_.state().transfer(t), 0));
  world_.Close(t);
}

TEST_F(DisposalRulesTest, RecordsAreCountedByWhatCanBecomeOfThem) {
  const std::uint64_t revocation = RevokeAndApprove(OfRows(world_, t_, 0, 0));
  auto totals = policy::CountRecords(world_.state());
  EXPECT_EQ(totals.active, 3U);
  EXPECT_EQ(totals.revoked, 1U);
  world_.Pass(72h);
  EXPECT_EQ(Destroy(revocation), Refusal::kAllowed);
  world_.AdvanceEpoch();
  PassLife();
  totals = policy::CountRecords(world_.state());
  EXPECT_EQ(totals.active, 0U);
  EXPECT_EQ(totals.expired, 3U);
  EXPECT_EQ(totals.revoked, 0U);
  EXPECT_EQ(totals.destroyed, 1U);
}

}  // namespace
}  // namespace holdfast::test
