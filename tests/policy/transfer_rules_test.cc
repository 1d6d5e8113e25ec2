// SPDX-License-Identifier: Apache-2.0
// The rules of a transfer, from its creation to the collection of its envelopes.
#include <chrono>
#include <string>

#include "gtest/gtest.h"

#include "policy/request_gate.h"
#include "tests/policy/policy_world.h"

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using ledger::v1::TransferCreated;
using policy::TransferState;

TransferCreated Creation() {
  TransferCreated fact;
  fact.set_transfer(std::string(16, 't'));
  fact.set_requester("ice");
  fact.set_authority("statute");
  fact.set_purpose("A reason that is specific.");
  fact.set_requesting_official("director");
  fact.add_officers("smith");
  fact.add_periods()->set_first_year(2023);
  fact.mutable_periods(0)->set_last_year(2024);
  fact.set_attestation_digest(std::string(32, 'a'));
  fact.set_binding_nonce(std::string(32, 'n'));
  fact.set_request_id(std::string(16, 'r'));
  return fact;
}

ledger::v1::SubmissionFinished Finish(std::uint32_t transfer, std::uint32_t rows) {
  ledger::v1::SubmissionFinished fact;
  fact.set_transfer(transfer);
  fact.set_rows(rows);
  return fact;
}

ledger::v1::SubjectsFetched Fetch(std::uint32_t transfer, std::uint32_t chunk,
                                  const char* source = "irs") {
  ledger::v1::SubjectsFetched fact;
  fact.set_transfer(transfer);
  fact.set_chunk(chunk);
  fact.set_source(source);
  return fact;
}

ledger::v1::EnvelopesCollected Collect(std::uint32_t transfer, std::uint32_t chunk,
                                       const char* requester = "ice") {
  ledger::v1::EnvelopesCollected fact;
  fact.set_transfer(transfer);
  fact.set_chunk(chunk);
  fact.set_requester(requester);
  return fact;
}

TEST(TransferRulesTest, ACompleteCreationIsAllowedOnce) {
  World world;
  EXPECT_TRUE(world.Try(Creation()).allowed());
  EXPECT_EQ(world.Try(Creation()).refusal, Refusal::kTransferIdTaken);
  TransferCreated again = Creation();
  again.set_transfer(std::string(16, 'u'));
  EXPECT_EQ(world.Try(again).refusal, Refusal::kRequestIdTaken);
  // Another requester's ids are its own.
  again.set_requester("ice2");
  EXPECT_TRUE(world.Try(again).allowed());
  const auto ice = world.agreement().FindMember("ice")->number;
  ASSERT_NE(world.state().FindTransferByRequestId(ice, std::string(16, 'r')), nullptr);
  EXPECT_EQ(world.state().FindTransferByRequestId(ice, std::string(16, 'r'))->number, 0U);
}

TEST(TransferRulesTest, NothingThatACreationNeedsMayBeLeftOut) {
  World world;
  const auto refuses = [&](auto change, Refusal refusal) {
    TransferCreated fact = Creation();
    change(fact);
    EXPECT_EQ(world.Try(fact).refusal, refusal) << fact.ShortDebugString();
  };
  refuses([](auto& f) { f.clear_transfer(); }, Refusal::kMalformed);
  refuses([](auto& f) { f.set_transfer("short"); }, Refusal::kMalformed);
  refuses([](auto& f) { f.clear_purpose(); }, Refusal::kMalformed);
  refuses([](auto& f) { f.set_purpose(std::string(4'001, 'p')); }, Refusal::kMalformed);
  refuses([](auto& f) { f.clear_requesting_official(); }, Refusal::kMalformed);
  refuses([](auto& f) { f.clear_officers(); }, Refusal::kMalformed);
  refuses([](auto& f) { f.add_officers("smith"); }, Refusal::kMalformed);
  refuses([](auto& f) { f.add_officers(""); }, Refusal::kMalformed);
  refuses([](auto& f) { f.clear_periods(); }, Refusal::kMalformed);
  refuses([](auto& f) { f.mutable_periods(0)->set_last_year(2022); }, Refusal::kMalformed);
  refuses([](auto& f) { f.clear_attestation_digest(); }, Refusal::kMalformed);
  refuses([](auto& f) { f.clear_binding_nonce(); }, Refusal::kMalformed);
  refuses([](auto& f) { f.clear_request_id(); }, Refusal::kMalformed);
  refuses([](auto& f) { f.set_requester("nobody"); }, Refusal::kMemberUnknown);
  refuses([](auto& f) { f.set_requester("carol"); }, Refusal::kRoleForbids);
  refuses([](auto& f) { f.set_authority("none"); }, Refusal::kAuthorityUnknown);
  refuses([](auto& f) { f.set_authority("sunset"); }, Refusal::kAuthorityNotInForce);
  EXPECT_TRUE(world.state().transfers().empty());
}

// R5: the authority's own days, at the instant at which they begin and end.
TEST(TransferRulesTest, AnAuthorityCountsOnItsDays) {
  AgreementOptions options;
  const std::int64_t from = World::kStart / 1000 + 60;
  options.more = "authorities { id: \"dated\" citation: \"Statute 3\" fields: \"address\"\n" +
                 ("  valid_from { seconds: " + std::to_string(from)) +
                 " } valid_until { seconds: " + std::to_string(from + 60) + " } }\n";
  World world(options);
  TransferCreated fact = Creation();
  fact.set_authority("dated");
  const auto at = [&](std::int64_t seconds) {
    world.SetTime(seconds * 1000, seconds * 1000);
    return policy::Decide(world.state(), {EntryOf(fact)}).refusal;
  };
  world.SetTime(from * 1000 - 1, from * 1000 - 1);
  EXPECT_EQ(policy::Decide(world.state(), {EntryOf(fact)}).refusal, Refusal::kAuthorityNotInForce);
  EXPECT_EQ(at(from), Refusal::kAllowed);
  EXPECT_EQ(at(from + 59), Refusal::kAllowed);
  EXPECT_EQ(at(from + 60), Refusal::kAuthorityNotInForce);
}

// R7: at each step at which something moves on, by date.
TEST(TransferRulesTest, AStaleDelegationStopsTheRequest) {
  AgreementOptions options;
  options.delegation_until = World::kStart / 1000 + 3600;
  World world(options);
  TransferCreated other = Creation();
  other.set_requesting_official("somebody else");
  EXPECT_EQ(world.Try(other).refusal, Refusal::kDelegationNotInForce);
  const std::uint32_t awaiting = world.FinishedTransfer(2);
  const std::uint32_t submitting = world.CreateTransfer();
  world.Judge(submitting, 0);
  world.SetTime(World::kStart + 3'600'000 - 1, World::kStart + 3'600'000 - 1);
  EXPECT_TRUE(policy::Decide(world.state(), {EntryOf(Creation())}).allowed());
  EXPECT_TRUE(policy::Decide(world.state(), {EntryOf(Finish(submitting, 1))}).allowed());
  world.SetTime(World::kStart + 3'600'000, World::kStart + 3'600'000);
  EXPECT_EQ(world.Try(Creation()).refusal, Refusal::kDelegationNotInForce);
  EXPECT_EQ(world.Try(Finish(submitting, 1)).refusal, Refusal::kDelegationNotInForce);
  EXPECT_EQ(world.TryOrder(world.Order("paula", world.ApproveAct(awaiting))).refusal,
            Refusal::kDelegationNotInForce);
}

TEST(TransferRulesTest, AStaleSafeguardStatusStopsRequestsApprovalsAndLeases) {
  AgreementOptions options;
  options.safeguard_until = World::kStart / 1000 + 3600;
  World world(options);
  const std::uint32_t closed = world.ClosedTransfer(1);
  const std::uint32_t awaiting = world.FinishedTransfer(2);
  world.SetTime(World::kStart + 3'600'000 - 1, World::kStart + 3'600'000 - 1);
  EXPECT_TRUE(policy::Decide(world.state(), {EntryOf(world.LeaseFact(closed))}).allowed());
  EXPECT_TRUE(policy::Decide(world.state(), {EntryOf(Creation())}).allowed());
  world.SetTime(World::kStart + 3'600'000, World::kStart + 3'600'000);
  EXPECT_EQ(world.Try(Creation()).refusal, Refusal::kSafeguardNotInForce);
  EXPECT_EQ(world.TryOrder(world.Order("paula", world.ApproveAct(awaiting))).refusal,
            Refusal::kSafeguardNotInForce);
  EXPECT_EQ(world.Try(world.LeaseFact(closed)).refusal, Refusal::kSafeguardNotInForce);
}

TEST(TransferRulesTest, ARowIsJudgedOnceAndInRange) {
  AgreementOptions options;
  options.brakes = "transfer_subjects: 300";
  World world(options);
  const std::uint32_t t = world.CreateTransfer();
  EXPECT_TRUE(world.Try(world.Subject(t, 299)).allowed());
  EXPECT_EQ(world.Try(world.Subject(t, 299)).refusal, Refusal::kRowJudged);
  EXPECT_EQ(world.Try(world.Subject(t, 300)).refusal, Refusal::kTooManySubjects);
  EXPECT_EQ(world.Try(world.Subject(t, 0, 1, 2)).refusal, Refusal::kOfficerUnknown);
  EXPECT_EQ(world.Try(world.Subject(t, 0, 0)).refusal, Refusal::kMalformed);
  EXPECT_EQ(world.Try(world.Subject(t, 0, 256)).refusal, Refusal::kMalformed);
  auto subject = world.Subject(t, 0);
  subject.set_transfer(1);
  EXPECT_EQ(world.Try(subject).refusal, Refusal::kTransferUnknown);
  subject = world.Subject(t, 0);
  subject.clear_pseudonym();
  EXPECT_EQ(world.Try(subject).refusal, Refusal::kMalformed);
  subject = world.Subject(t, 0);
  subject.clear_commitment();
  EXPECT_EQ(world.Try(subject).refusal, Refusal::kMalformed);
  // A refused subject may have no identity, and has no leaf.
  subject = world.Subject(t, 0, 40);
  subject.clear_pseudonym();
  subject.clear_commitment();
  EXPECT_TRUE(world.Try(subject).allowed());
  subject = world.Subject(t, 1, 40);
  subject.set_leaf(1);
  EXPECT_EQ(world.Try(subject).refusal, Refusal::kMalformed);
}

TEST(TransferRulesTest, ALeafServesOneRowOfItsOwnTransferKindAndProcess) {
  World world;
  const std::uint32_t t = world.CreateTransfer();
  const std::uint32_t other = world.CreateTransfer();
  const std::uint32_t segment = world.OpenSegment(t, ledger::v1::SUBJECT);
  const std::uint32_t records = world.OpenSegment(t, ledger::v1::RECORD);
  const std::uint32_t others = world.OpenSegment(other, ledger::v1::SUBJECT);
  const auto subject = [&](std::uint32_t row, std::uint32_t in, std::uint32_t leaf) {
    auto fact = world.Subject(t, row);
    fact.set_segment(in);
    fact.set_leaf(leaf);
    return world.Try(fact).refusal;
  };
  EXPECT_EQ(subject(0, segment, 7), Refusal::kAllowed);
  EXPECT_EQ(subject(1, segment, 7), Refusal::kLeafUsed);
  EXPECT_EQ(subject(1, segment, kLeavesPerSegment), Refusal::kMalformed);
  EXPECT_EQ(subject(1, segment, kLeavesPerSegment - 1), Refusal::kAllowed);
  EXPECT_EQ(subject(2, records, 0), Refusal::kSegmentMismatch);
  EXPECT_EQ(subject(2, others, 0), Refusal::kSegmentMismatch);
  EXPECT_EQ(subject(2, 99, 0), Refusal::kSegmentUnknown);
  // After a start no leaf of an earlier process is used again, not even a fresh one.
  ledger::v1::ProcessStarted start;
  start.set_process(std::string(16, 'q'));
  start.set_keyslot_kind("file");
  world.Do(start);
  EXPECT_EQ(subject(2, segment, 8), Refusal::kSegmentMismatch);
}

TEST(TransferRulesTest, AnOfficerHoldsNoMoreOpenCasesThanAgreed) {
  AgreementOptions options;
  options.brakes = "officer_open_cases: 3";
  World world(options);
  const std::uint32_t first = world.CreateTransfer();
  world.Judge(first, 0, 1, 0);
  world.Judge(first, 1, 1, 0);
  const std::uint32_t second = world.CreateTransfer("ice2", {"jones", "smith"});
  // Counted over transfers and requesters, by the officer's id.
  EXPECT_FALSE(policy::OfficerIsFull(world.state(), *world.state().transfer(second), 1, 0));
  EXPECT_TRUE(policy::OfficerIsFull(world.state(), *world.state().transfer(second), 1, 1));
  world.Judge(second, 0, 1, 1);
  EXPECT_EQ(world.Try(world.Subject(second, 1, 1, 1)).refusal, Refusal::kOfficerLoad);
  EXPECT_EQ(world.Try(world.Subject(second, 1, 34, 1)).refusal, Refusal::kAllowed);
  EXPECT_EQ(world.Try(world.Subject(second, 2, 1, 0)).refusal, Refusal::kAllowed);
  // A transfer that is denied closes its cases.
  world.Finish(first);
  order::v1::Order deny;
  deny.mutable_deny_transfer()->set_transfer(world.Name(first));
  deny.mutable_deny_transfer()->set_reason("No ground.");
  world.DoOrder(world.Order("paula", deny));
  EXPECT_EQ(world.Try(world.Subject(second, 3, 1, 1)).refusal, Refusal::kAllowed);
}

TEST(TransferRulesTest, CasesAreOpenUntilTheRecordsTimeIsOver) {
  AgreementOptions options;
  options.brakes = "officer_open_cases: 1";
  World world(options);
  const std::uint32_t first = world.CreateTransfer();
  world.Judge(first, 0);
  world.Finish(first);
  world.Approve(first);
  const std::uint32_t second = world.CreateTransfer();
  EXPECT_EQ(world.Try(world.Subject(second, 0)).refusal, Refusal::kOfficerLoad);
  world.Pass(world.agreement().terms().record_lifetime);
  EXPECT_TRUE(world.Try(world.Subject(second, 0)).allowed());
}

TEST(TransferRulesTest, ABatchCountsWhatItHasAllowedItself) {
  AgreementOptions options;
  options.brakes = "officer_open_cases: 2";
  World world(options);
  const std::uint32_t t = world.CreateTransfer();
  const auto first = EntryOf(world.Subject(t, 0));
  const auto second = EntryOf(world.Subject(t, 1));
  const auto third = EntryOf(world.Subject(t, 2));
  const auto other_officer = EntryOf(world.Subject(t, 3, 1, 1));
  auto same_leaf = world.Subject(t, 4, 1, 1);
  same_leaf.set_leaf(first.subject_judged().leaf());
  policy::DecisionBatch batch(world.state());
  EXPECT_TRUE(batch.Decide({first}).allowed());
  EXPECT_EQ(batch.Decide({first}).refusal, Refusal::kRowJudged);
  EXPECT_TRUE(batch.Decide({second}).allowed());
  EXPECT_EQ(batch.Decide({third}).refusal, Refusal::kOfficerLoad);
  EXPECT_EQ(batch.Decide({EntryOf(same_leaf)}).refusal, Refusal::kLeafUsed);
  EXPECT_TRUE(batch.Decide({other_officer}).allowed());
}

TEST(TransferRulesTest, SubmissionEndsWhenEveryRowBelowTheEndWasJudged) {
  World world;
  const std::uint32_t t = world.CreateTransfer();
  EXPECT_EQ(world.Try(Finish(t, 0)).refusal, Refusal::kMalformed);
  EXPECT_EQ(world.Try(Finish(9, 1)).refusal, Refusal::kTransferUnknown);
  world.Judge(t, 0);
  world.Judge(t, 2);
  EXPECT_EQ(world.Try(Finish(t, 3)).refusal, Refusal::kRowsMissing);
  EXPECT_EQ(world.Try(Finish(t, 2)).refusal, Refusal::kRowsMissing);
  world.Judge(t, 1);
  EXPECT_EQ(world.Try(Finish(t, 2)).refusal, Refusal::kRowsMissing);
  EXPECT_TRUE(world.Try(Finish(t, 3)).allowed());
  EXPECT_EQ(world.state().transfer(t)->state, TransferState::kAwaitingApproval);
  EXPECT_EQ(world.Try(Finish(t, 3)).refusal, Refusal::kTransferState);
  EXPECT_EQ(world.Try(world.Subject(t, 3)).refusal, Refusal::kTransferState);
}

TEST(TransferRulesTest, ChunksMayComeInAnyOrderButNoneMayBeMissing) {
  AgreementOptions options;
  options.brakes = "officer_open_cases: 1000";
  World world(options);
  const std::uint32_t t = world.CreateTransfer();
  for (std::uint32_t row = 300; row-- > 256;) world.Judge(t, row);
  EXPECT_EQ(world.Try(Finish(t, 44)).refusal, Refusal::kRowsMissing);
  for (std::uint32_t row = 0; row < 256; ++row) world.Judge(t, row);
  EXPECT_TRUE(world.Try(Finish(t, 300)).allowed());
  EXPECT_EQ(policy::ChunkCount(*world.state().transfer(t)), 2U);
}

TEST(TransferRulesTest, ALargePartOfALargeTransferForOneOfficerStopsIt) {
  AgreementOptions options;
  options.brakes = "officer_open_cases: 2000 officer_share_basis_points: 5000";
  World world(options);
  const std::uint32_t t = world.CreateTransfer();
  for (std::uint32_t row = 0; row < 1001; ++row) world.Judge(t, row, 1, row < 502 ? 0 : 1);
  // It can be submitted, and then waits for a custodian.
  EXPECT_TRUE(world.Try(Finish(t, 1001)).allowed());
  EXPECT_EQ(world.state().transfer(t)->stopping(), policy::BrakeBit(order::v1::OFFICER_SHARE));
  EXPECT_EQ(world.TryOrder(world.Order("paula", world.ApproveAct(t))).refusal,
            Refusal::kTransferBraked);
  // 500 of 1,000 are as many as agreed, and 1,000 are no large transfer.
  const std::uint32_t even = world.CreateTransfer("ice", {"miller", "baker"});
  for (std::uint32_t row = 0; row < 1002; ++row) world.Judge(even, row, 1, row % 2);
  world.Finish(even);
  EXPECT_EQ(world.state().transfer(even)->brakes, 0U);
  const std::uint32_t small = world.CreateTransfer("ice", {"walker"});
  for (std::uint32_t row = 0; row < 1000; ++row) world.Judge(small, row);
  world.Finish(small);
  EXPECT_EQ(world.state().transfer(small)->brakes, 0U);
}

TEST(TransferRulesTest, TheDossierChangesWithEachSubject) {
  const auto digest = [](std::uint32_t person, std::uint32_t officer) {
    World world;
    const std::uint32_t t = world.CreateTransfer();
    world.Judge(t, 0, 1, officer, person);
    world.Judge(t, 1, 1, 1, 5);
    world.Finish(t);
    return world.state().transfer(t)->dossier_digest;
  };
  EXPECT_EQ(digest(1, 0), digest(1, 0));
  EXPECT_NE(digest(1, 0), digest(2, 0));
  EXPECT_NE(digest(1, 0), digest(1, 1));
}

TEST(TransferRulesTest, NoDataBeforeEnoughCustodiansHaveApproved) {
  AgreementOptions options;
  options.transfer_approvals = 2;
  World world(options);
  const std::uint32_t t = world.FinishedTransfer(3);
  EXPECT_EQ(world.Try(Fetch(t, 0)).refusal, Refusal::kTransferState);
  EXPECT_EQ(world.Try(world.Envelope(t, 0)).refusal, Refusal::kTransferState);
  world.Approve(t, "paula");
  EXPECT_EQ(world.Try(Fetch(t, 0)).refusal, Refusal::kTransferState);
  EXPECT_EQ(world.TryOrder(world.Order("paula", world.ApproveAct(t))).refusal,
            Refusal::kApprovedBefore);
  world.Pass(1h);
  world.Approve(t, "pete");
  const policy::Transfer& transfer = *world.state().transfer(t);
  EXPECT_EQ(transfer.state, TransferState::kApproved);
  // From the last approval on.
  EXPECT_EQ(transfer.not_before.value(), world.late());
  EXPECT_EQ(transfer.not_after - transfer.not_before, world.agreement().terms().record_lifetime);
  EXPECT_EQ(transfer.agreement_digest, world.agreement().digest());
  EXPECT_TRUE(world.Try(Fetch(t, 0)).allowed());
  EXPECT_EQ(world.TryOrder(world.Order("pia", world.ApproveAct(t))).refusal,
            Refusal::kTransferState);
}

TEST(TransferRulesTest, AnApprovalIsOfOneDossierAndNeedsATrustedClock) {
  World world;
  const std::uint32_t t = world.FinishedTransfer(3);
  order::v1::Order act = world.ApproveAct(t);
  act.mutable_approve_transfer()->set_dossier_digest(std::string(64, '0'));
  EXPECT_EQ(world.TryOrder(world.Order("paula", act)).refusal, Refusal::kDossierDiffers);
  act = world.ApproveAct(t);
  act.mutable_approve_transfer()->set_transfer("transfers/none");
  EXPECT_EQ(world.TryOrder(world.Order("paula", act)).refusal, Refusal::kTransferUnknown);
  EXPECT_EQ(world.TryOrder(world.Order("carol", world.ApproveAct(t))).refusal,
            Refusal::kRoleForbids);
  world.SetTime(world.late(), world.late(), false);
  EXPECT_EQ(world.TryOrder(world.Order("paula", world.ApproveAct(t))).refusal,
            Refusal::kClockUntrusted);
}

TEST(TransferRulesTest, ADeniedTransferIsOver) {
  World world;
  const std::uint32_t t = world.FinishedTransfer(1);
  order::v1::Order deny;
  deny.mutable_deny_transfer()->set_transfer(world.Name(t));
  EXPECT_EQ(world.TryOrder(world.Order("paula", deny)).refusal, Refusal::kMalformed);
  deny.mutable_deny_transfer()->set_reason("No ground.");
  EXPECT_TRUE(world.TryOrder(world.Order("paula", deny)).allowed());
  EXPECT_EQ(world.TryOrder(world.Order("pete", world.ApproveAct(t))).refusal,
            Refusal::kTransferState);
  EXPECT_EQ(world.TryOrder(world.Order("paula", deny)).refusal, Refusal::kTransferState);
  deny.mutable_deny_transfer()->set_transfer("transfers/00");
  EXPECT_EQ(world.TryOrder(world.Order("paula", deny)).refusal, Refusal::kTransferUnknown);
}

TEST(TransferRulesTest, TheSourceFetchesChunksThatExist) {
  World world;
  const std::uint32_t t = world.ApprovedTransfer(3);
  EXPECT_TRUE(world.Try(Fetch(t, 0)).allowed());
  EXPECT_TRUE(world.state().transfer(t)->records.chunk(0)->fetched);
  EXPECT_EQ(world.Try(Fetch(t, 1)).refusal, Refusal::kChunkEmpty);
  EXPECT_EQ(world.Try(Fetch(7, 0)).refusal, Refusal::kTransferUnknown);
  EXPECT_EQ(world.Try(Fetch(t, 0, "ice")).refusal, Refusal::kRoleForbids);
  EXPECT_EQ(world.Try(Fetch(t, 0, "nobody")).refusal, Refusal::kMemberUnknown);
  world.Pass(world.agreement().terms().record_lifetime);
  EXPECT_EQ(world.Try(Fetch(t, 0)).refusal, Refusal::kRecordExpired);
}

TEST(TransferRulesTest, TheFirstOutcomeOfAnAcceptedRowIsFinal) {
  World world;
  const std::uint32_t t = world.CreateTransfer();
  world.Judge(t, 0);
  world.Judge(t, 1, 66);
  world.Finish(t);
  world.DoOrder(world.Order("paula", world.GoOnAct(t)));
  world.Approve(t);
  EXPECT_EQ(world.Try(world.Envelope(t, 1)).refusal, Refusal::kRowNotAccepted);
  EXPECT_EQ(world.Try(world.Envelope(t, 2)).refusal, Refusal::kRowNotAccepted);
  EXPECT_EQ(world.Try(world.Envelope(t, 0, 0)).refusal, Refusal::kMalformed);
  auto envelope = world.Envelope(t, 0);
  envelope.clear_commitment();
  EXPECT_EQ(world.Try(envelope).refusal, Refusal::kMalformed);
  envelope = world.Envelope(t, 0);
  envelope.set_transfer(9);
  EXPECT_EQ(world.Try(envelope).refusal, Refusal::kTransferUnknown);
  world.Deposit(t, 0);
  EXPECT_EQ(world.Try(world.Envelope(t, 0)).refusal, Refusal::kRowDeposited);
  EXPECT_EQ(policy::AcceptedRows(*world.state().transfer(t), 0), std::vector<std::uint32_t>{0});
  EXPECT_TRUE(policy::ChunkDeposited(*world.state().transfer(t), 0));
}

TEST(TransferRulesTest, AVerdictNamesAGateThatThisProgramHas) {
  World world;
  const std::uint32_t t = world.CreateTransfer();
  auto subject = world.Subject(t, 0);
  EXPECT_EQ(subject.gate_version(), policy::kGateVersion);
  for (const std::uint32_t version : {std::uint32_t{0}, policy::kGateVersion + 1}) {
    subject.set_gate_version(version);
    EXPECT_EQ(world.Try(subject).refusal, Refusal::kGateVersionUnknown) << version;
  }
  world.Judge(t, 0);
  world.Finish(t);
  world.Approve(t);
  auto envelope = world.Envelope(t, 0);
  EXPECT_EQ(envelope.gate_version(), policy::kGateVersion);
  for (const std::uint32_t version : {std::uint32_t{0}, policy::kGateVersion + 1}) {
    envelope.set_gate_version(version);
    EXPECT_EQ(world.Try(envelope).refusal, Refusal::kGateVersionUnknown) << version;
  }
  EXPECT_TRUE(world.Try(world.Envelope(t, 0)).allowed());
}

TEST(TransferRulesTest, ADepositComesBeforeTheRecordsTimeIsOver) {
  World world;
  const std::uint32_t t = world.ApprovedTransfer(1);
  world.Pass(world.agreement().terms().record_lifetime);
  EXPECT_EQ(world.Try(world.Envelope(t, 0)).refusal, Refusal::kRecordExpired);
}

TEST(TransferRulesTest, ATransferClosesOverExactlyWhatWasDeposited) {
  World world;
  const std::uint32_t t = world.ApprovedTransfer(300);
  for (std::uint32_t row = 299; row > 0; --row) world.Deposit(t, row);
  EXPECT_EQ(world.Try(world.Closing(t)).refusal, Refusal::kEnvelopesMissing);
  world.Deposit(t, 0);
  auto closing = world.Closing(t);
  closing.set_envelopes(299);
  EXPECT_EQ(world.Try(closing).refusal, Refusal::kEnvelopesDiffer);
  closing = world.Closing(t);
  closing.mutable_envelopes_root()->back() ^= 1;
  EXPECT_EQ(world.Try(closing).refusal, Refusal::kEnvelopesDiffer);
  closing = world.Closing(t);
  closing.clear_signature();
  EXPECT_EQ(world.Try(closing).refusal, Refusal::kMalformed);
  closing = world.Closing(t);
  closing.set_source("ice");
  EXPECT_EQ(world.Try(closing).refusal, Refusal::kRoleForbids);
  EXPECT_EQ(world.Try(Collect(t, 0)).refusal, Refusal::kTransferState);
  EXPECT_TRUE(world.Try(world.Closing(t)).allowed());
  EXPECT_EQ(world.Try(world.Closing(t)).refusal, Refusal::kTransferState);
}

TEST(TransferRulesTest, ATransferOfWhichNobodyWasAcceptedClosesEmpty) {
  World world;
  const std::uint32_t t = world.CreateTransfer();
  world.Judge(t, 0, 66);
  world.Finish(t);
  world.DoOrder(world.Order("paula", world.GoOnAct(t)));
  world.Approve(t);
  EXPECT_TRUE(world.Try(world.Closing(t)).allowed());
}

TEST(TransferRulesTest, OnlyTheRequesterOfAClosedTransferCollects) {
  World world;
  const std::uint32_t t = world.ClosedTransfer(2);
  EXPECT_EQ(world.Try(Collect(t, 0, "ice2")).refusal, Refusal::kNotYourTransfer);
  EXPECT_EQ(world.Try(Collect(t, 0, "irs")).refusal, Refusal::kRoleForbids);
  EXPECT_EQ(world.Try(Collect(t, 1)).refusal, Refusal::kChunkEmpty);
  EXPECT_EQ(world.Try(Collect(5, 0)).refusal, Refusal::kTransferUnknown);
  EXPECT_TRUE(world.Try(Collect(t, 0)).allowed());
  EXPECT_TRUE(world.state().transfer(t)->records.chunk(0)->collected);
}

// R10: for every accepted subject one envelope, whatever was found.
TEST(TransferRulesTest, FoundAndNotFoundLookAlikeInTheState) {
  World world;
  const std::uint32_t t = world.ApprovedTransfer(3);
  for (std::uint32_t row = 0; row < 3; ++row) {
    EXPECT_TRUE(world.Try(world.Envelope(t, row, row == 0 ? 1 : 10)).allowed());
  }
  EXPECT_EQ(policy::DepositedRows(*world.state().transfer(t), 0),
            policy::AcceptedRows(*world.state().transfer(t), 0));
}

}  // namespace
}  // namespace holdfast::test
