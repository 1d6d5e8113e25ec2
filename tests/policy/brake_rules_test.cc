// SPDX-License-Identifier: Apache-2.0
// What stops a transfer by itself, and what a custodian can order about one: R6, R11, R46, volumes.
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "policy/brakes.h"
#include "policy/dossier.h"
#include "policy/order_json.h"
#include "tests/policy/policy_world.h"

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using order::v1::Brake;
using policy::BrakeBit;

constexpr std::uint32_t kAccepted = 1;
constexpr std::uint32_t kLoad = 34;         // OFFICER_LOAD_EXCEEDED
constexpr std::uint32_t kPlaceholder = 61;  // ADDRESS_PLACEHOLDER
constexpr std::uint32_t kMalformed = 67;    // DELIVERY_LINE_MALFORMED

// Pseudonyms: of two tax numbers, and of a name and birth date.
constexpr std::uint32_t kNumber = 1;
constexpr std::uint32_t kName = 2;
constexpr std::uint32_t kOtherNumber = 3;

constexpr policy::BrakeBits kSecondAddress = BrakeBit(order::v1::SECOND_ADDRESS);

ledger::v1::SubjectsFetched Fetch(std::uint32_t transfer) {
  ledger::v1::SubjectsFetched fact;
  fact.set_transfer(transfer);
  fact.set_source("irs");
  return fact;
}

ledger::v1::EnvelopesCollected Collect(std::uint32_t transfer) {
  ledger::v1::EnvelopesCollected fact;
  fact.set_transfer(transfer);
  fact.set_requester("ice");
  return fact;
}

class BrakeRulesTest : public ::testing::Test {
 protected:
  Refusal Order(const order::v1::Order& act, std::string_view person = "paula") {
    return world_.TryOrder(world_.Order(person, act)).refusal;
  }
  Refusal Approve(std::uint32_t transfer) { return Order(world_.ApproveAct(transfer)); }
  void DoOrder(const order::v1::Order& act) { world_.DoOrder(world_.Order("paula", act)); }
  // The same, with its epoch.
  void Restrict(const order::v1::Order& act) {
    DoOrder(act);
    EXPECT_TRUE(world_.state().order_unanchored());
    world_.AdvanceEpoch();
  }
  policy::BrakeBits Stopping(std::uint32_t transfer) {
    return world_.state().transfer(transfer)->stopping();
  }
  // A finished transfer with these verdicts, of different people.
  std::uint32_t Finished(const std::vector<std::uint32_t>& verdicts) {
    const std::uint32_t t = world_.CreateTransfer();
    for (std::uint32_t row = 0; row < verdicts.size(); ++row) {
      world_.Judge(t, row, verdicts[row], row % 2, person_++);
    }
    world_.Finish(t);
    return t;
  }
  // A finished transfer whose first subject is this one.
  std::uint32_t Asked(std::uint32_t person, std::optional<std::uint32_t> alias,
                      std::uint32_t address) {
    const std::uint32_t t = world_.CreateTransfer("ice", {"smith"});
    auto fact = world_.Subject(t, 0, kAccepted, 0, person, address);
    if (alias) SetAlias(fact, *alias, address);
    world_.Do(fact);
    for (std::uint32_t row = 1; row < 5; ++row) {
      world_.Judge(t, row, kAccepted, 0, ++person_ + 1'000);
    }
    world_.Finish(t);
    return t;
  }
  std::vector<std::uint32_t> Rows(std::size_t accepted, std::size_t others, std::uint32_t verdict) {
    std::vector<std::uint32_t> verdicts(accepted, kAccepted);
    verdicts.insert(verdicts.end(), others, verdict);
    return verdicts;
  }

  static AgreementOptions Options() {
    AgreementOptions options;
    options.brakes =
        "officer_open_cases: 2000 daily_subjects: 1000 total_subjects: 1500\n"
        "address_memory { seconds: 2592000 }\n";
    return options;
  }

  World world_{Options()};
  std::uint32_t person_ = 0;
};

// R11.
TEST_F(BrakeRulesTest, ATransferWithTooManyRefusalsWaitsForACustodian) {
  const std::uint32_t at_the_limit = Finished(Rows(8, 2, kMalformed));
  EXPECT_EQ(Stopping(at_the_limit), 0U);
  EXPECT_EQ(Approve(at_the_limit), Refusal::kAllowed);
  const std::uint32_t beyond = Finished(Rows(79, 21, kMalformed));
  EXPECT_EQ(Stopping(beyond), BrakeBit(order::v1::REFUSED_SHARE));
  EXPECT_EQ(Approve(beyond), Refusal::kTransferBraked);
  EXPECT_EQ(world_.Try(Fetch(beyond)).refusal, Refusal::kTransferState);
  DoOrder(world_.GoOnAct(beyond));
  EXPECT_EQ(Stopping(beyond), 0U);
  EXPECT_EQ(Approve(beyond), Refusal::kAllowed);
  EXPECT_TRUE(world_.Try(Fetch(beyond)).allowed());
}

TEST_F(BrakeRulesTest, ATransferWithTooManyPlaceholdersWaitsForACustodian) {
  const std::uint32_t at_the_limit = Finished(Rows(99, 1, kPlaceholder));
  EXPECT_EQ(Stopping(at_the_limit), 0U);
  const std::uint32_t beyond = Finished(Rows(98, 2, kPlaceholder));
  EXPECT_EQ(Stopping(beyond), BrakeBit(order::v1::PLACEHOLDER_SHARE));
  // Both shares are seen at one time.
  const std::uint32_t both = Finished(Rows(7, 3, kPlaceholder));
  EXPECT_EQ(Stopping(both),
            BrakeBit(order::v1::PLACEHOLDER_SHARE) | BrakeBit(order::v1::REFUSED_SHARE));
  EXPECT_EQ(Approve(both), Refusal::kTransferBraked);
}

// R6.
TEST_F(BrakeRulesTest, SubjectsBeyondAnOfficersLoadStopTheTransferUntilACustodianLetsItGoOn) {
  AgreementOptions options;
  options.brakes = "officer_open_cases: 2 refused_basis_points: 10000";
  World world(options);
  const std::uint32_t t = world.CreateTransfer();
  world.Judge(t, 0, kAccepted, 0, 0);
  world.Judge(t, 1, kAccepted, 0, 1);
  EXPECT_EQ(world.Try(world.Subject(t, 2, kAccepted, 0, 2)).refusal, Refusal::kOfficerLoad);
  world.Judge(t, 2, kLoad, 0, 2);
  EXPECT_EQ(world.state().transfer(t)->stopping(), BrakeBit(order::v1::OFFICER_LOAD));
  // Seen at once, and let go while the rest is submitted: then the officer may have more.
  world.DoOrder(world.Order("paula", world.GoOnAct(t)));
  EXPECT_FALSE(policy::OfficerIsFull(world.state(), *world.state().transfer(t), 0, 0));
  world.Judge(t, 3, kAccepted, 0, 3);
  world.Finish(t);
  EXPECT_EQ(world.state().transfer(t)->brakes, BrakeBit(order::v1::OFFICER_LOAD));
  EXPECT_EQ(world.state().transfer(t)->stopping(), 0U);
  world.Approve(t);
  // Another transfer's officers have no more than agreed.
  const std::uint32_t other = world.CreateTransfer();
  EXPECT_EQ(world.Try(world.Subject(other, 0, kAccepted, 0, 9)).refusal, Refusal::kOfficerLoad);
  world.Judge(other, 0, kLoad, 0, 9);
  world.Judge(other, 1, kAccepted, 1, 10);
  world.Finish(other);
  EXPECT_EQ(world.TryOrder(world.Order("paula", world.ApproveAct(other))).refusal,
            Refusal::kTransferBraked);
}

TEST_F(BrakeRulesTest, VolumesAreCountedByRequesterByDayAndInAll) {
  const std::uint32_t first = Finished(Rows(600, 0, 0));
  EXPECT_EQ(Stopping(first), 0U);
  const std::uint32_t second = Finished(Rows(400, 0, 0));
  EXPECT_EQ(Stopping(second), 0U);
  const std::uint32_t third = Finished(Rows(1, 0, 0));
  EXPECT_EQ(Stopping(third), BrakeBit(order::v1::DAILY_VOLUME));
  // Another requester has its own.
  const std::uint32_t others = world_.CreateTransfer("ice2");
  world_.Judge(others, 0, kAccepted, 0, 5'000);
  world_.Finish(others);
  EXPECT_EQ(Stopping(others), 0U);
  world_.Pass(24h);
  const std::uint32_t next_day = Finished(Rows(499, 0, 0));
  EXPECT_EQ(Stopping(next_day), 0U);
  const std::uint32_t last = Finished(Rows(1, 0, 0));
  EXPECT_EQ(Stopping(last), BrakeBit(order::v1::TOTAL_VOLUME));
  DoOrder(world_.GoOnAct(last));
  EXPECT_EQ(Approve(last), Refusal::kAllowed);
}

// R46.
TEST_F(BrakeRulesTest, ASecondAddressOfOnePersonGoesToTheCustodian) {
  const auto asked = [&](std::uint32_t person, std::uint32_t address, const char* officer,
                         std::uint32_t verdict = kAccepted) {
    const std::uint32_t t = world_.CreateTransfer("ice", {officer});
    world_.Judge(t, 0, verdict, 0, person, address);
    world_.Judge(t, 1, kAccepted, 0, person_++ + 1'000);
    world_.Judge(t, 2, kAccepted, 0, person_++ + 1'000);
    world_.Judge(t, 3, kAccepted, 0, person_++ + 1'000);
    world_.Judge(t, 4, kAccepted, 0, person_++ + 1'000);
    world_.Finish(t);
    return t;
  };
  EXPECT_EQ(Stopping(asked(1, 1, "smith")), 0U);
  // The same address again, by somebody else.
  EXPECT_EQ(Stopping(asked(1, 1, "jones")), 0U);
  // Another one, by another officer in another transfer.
  const std::uint32_t probing = asked(1, 2, "baker");
  EXPECT_EQ(Stopping(probing), BrakeBit(order::v1::SECOND_ADDRESS));
  EXPECT_EQ(world_.state().transfer(probing)->second_addresses, 1U);
  EXPECT_NE(world_.state().FindRecord({probing, 0})->flags & policy::kRecordIsSecondAddress, 0);
  EXPECT_EQ(world_.state().FindRecord({probing, 1})->flags & policy::kRecordIsSecondAddress, 0);
  EXPECT_EQ(Approve(probing), Refusal::kTransferBraked);
  // Once more at the second one: it has not become the first.
  EXPECT_EQ(Stopping(asked(1, 2, "smith")), BrakeBit(order::v1::SECOND_ADDRESS));
  // Other people are other people, and what was refused was never put before the source.
  EXPECT_EQ(Stopping(asked(2, 2, "smith")), 0U);
  EXPECT_EQ(Stopping(asked(3, 1, "smith")), 0U);
  EXPECT_EQ(Stopping(asked(3, 2, "smith", kMalformed)), 0U);
  EXPECT_EQ(Stopping(asked(3, 1, "smith")), 0U);

  DoOrder(world_.GoOnAct(probing));
  EXPECT_EQ(Approve(probing), Refusal::kAllowed);
  // Forgotten after as many days as agreed: here 30, that day included.
  world_.Pass(24h * 31);
  EXPECT_EQ(Stopping(asked(1, 3, "smith")), 0U);
  EXPECT_EQ(Stopping(asked(1, 2, "smith")), BrakeBit(order::v1::SECOND_ADDRESS));
}

// R46: with the tax number once and without it another time.
TEST_F(BrakeRulesTest, LeavingTheTaxNumberOutDoesNotMakeAnotherPerson) {
  EXPECT_EQ(Stopping(Asked(kNumber, kName, 1)), 0U);
  EXPECT_EQ(Stopping(Asked(kName, std::nullopt, 1)), 0U);
  EXPECT_EQ(Stopping(Asked(kNumber, std::nullopt, 1)), 0U);
  EXPECT_EQ(Stopping(Asked(kName, std::nullopt, 2)), kSecondAddress);
}

// R46: once without it, and with it afterwards.
TEST_F(BrakeRulesTest, AddingTheTaxNumberDoesNotMakeAnotherPerson) {
  EXPECT_EQ(Stopping(Asked(kName, std::nullopt, 1)), 0U);
  EXPECT_EQ(Stopping(Asked(kNumber, kName, 1)), 0U);
  EXPECT_EQ(Stopping(Asked(kName, std::nullopt, 1)), 0U);
  EXPECT_EQ(Stopping(Asked(kNumber, kName, 2)), kSecondAddress);
  // The person of that name and birth date may be this one.
  EXPECT_EQ(Stopping(Asked(kOtherNumber, kName, 3)), kSecondAddress);
}

// Nor does the second of them stop anything by what was asked for with the first.
TEST_F(BrakeRulesTest, TwoNumbersAreTwoPeopleAlsoWithOneNameAndBirthDate) {
  EXPECT_EQ(Stopping(Asked(kNumber, kName, 1)), 0U);
  EXPECT_EQ(Stopping(Asked(kOtherNumber, kName, 5)), 0U);
  EXPECT_EQ(Stopping(Asked(kNumber, kName, 1)), 0U);
  EXPECT_EQ(Stopping(Asked(kNumber, kName, 5)), kSecondAddress);
  // Without a number it may be either of them.
  EXPECT_EQ(Stopping(Asked(kName, std::nullopt, 5)), kSecondAddress);
}

TEST_F(BrakeRulesTest, AnAliasIsWholeAndOnlyOfAnAcceptedSubject) {
  const std::uint32_t t = world_.CreateTransfer();
  const auto subject = [&](std::uint32_t verdict = kAccepted) {
    auto fact = world_.Subject(t, 0, verdict, 0, 1, 1);
    SetAlias(fact, 2, 1);
    return fact;
  };
  auto fact = subject();
  fact.set_alias(std::string(15, 'a'));
  EXPECT_EQ(world_.Try(fact).refusal, Refusal::kMalformed);
  fact = subject();
  fact.set_alias(fact.pseudonym());
  EXPECT_EQ(world_.Try(fact).refusal, Refusal::kMalformed);
  fact = subject();
  fact.clear_alias();
  EXPECT_EQ(world_.Try(fact).refusal, Refusal::kMalformed);
  fact = subject();
  fact.clear_alias_address_tag();
  EXPECT_EQ(world_.Try(fact).refusal, Refusal::kMalformed);
  EXPECT_EQ(world_.Try(subject(kMalformed)).refusal, Refusal::kMalformed);
  EXPECT_EQ(world_.Try(subject()).refusal, Refusal::kAllowed);
}

TEST_F(BrakeRulesTest, AnAcceptedSubjectHasAnAddressTagAndARefusedOneHasNone) {
  const std::uint32_t t = world_.CreateTransfer();
  auto fact = world_.Subject(t, 0);
  fact.clear_address_tag();
  EXPECT_EQ(world_.Try(fact).refusal, Refusal::kMalformed);
  fact.set_address_tag(std::string(16, 't'));
  EXPECT_EQ(world_.Try(fact).refusal, Refusal::kMalformed);
  fact = world_.Subject(t, 0, kMalformed);
  fact.set_address_tag(std::string(8, 't'));
  EXPECT_EQ(world_.Try(fact).refusal, Refusal::kMalformed);
}

TEST_F(BrakeRulesTest, GoingOnNamesExactlyTheBrakesAndTheDossierThatWereShown) {
  const std::uint32_t t = Finished(Rows(7, 3, kPlaceholder));
  const order::v1::Order good = world_.GoOnAct(t);
  const auto with = [&](const std::function<void(order::v1::LetTransferGoOn&)>& change) {
    order::v1::Order act = good;
    change(*act.mutable_let_transfer_go_on());
    return Order(act);
  };
  EXPECT_EQ(with([](auto& a) { a.clear_brakes(); }), Refusal::kBrakesDiffer);
  EXPECT_EQ(with([](auto& a) { a.mutable_brakes()->RemoveLast(); }), Refusal::kBrakesDiffer);
  EXPECT_EQ(with([](auto& a) { a.add_brakes(order::v1::SECOND_ADDRESS); }), Refusal::kBrakesDiffer);
  EXPECT_EQ(with([](auto& a) { a.mutable_brakes()->SwapElements(0, 1); }), Refusal::kBrakesDiffer);
  EXPECT_EQ(with([](auto& a) { a.set_dossier_digest(std::string(64, '0')); }),
            Refusal::kDossierDiffers);
  EXPECT_EQ(with([](auto& a) { a.clear_dossier_digest(); }), Refusal::kDossierDiffers);
  EXPECT_EQ(with([](auto& a) { a.clear_reason(); }), Refusal::kMalformed);
  EXPECT_EQ(with([](auto& a) { a.set_transfer("transfers/none"); }), Refusal::kTransferUnknown);
  EXPECT_EQ(Order(good, "carol"), Refusal::kRoleForbids);
  EXPECT_EQ(Order(good, "ice"), Refusal::kRoleForbids);
  world_.SetTime(world_.late(), world_.late(), false);
  EXPECT_EQ(Order(good), Refusal::kClockUntrusted);
  world_.TrustClock();
  EXPECT_EQ(Order(good), Refusal::kAllowed);
  EXPECT_EQ(Order(good), Refusal::kNotBraked);
  EXPECT_EQ(Order(world_.GoOnAct(Finished({kAccepted}))), Refusal::kNotBraked);
}

TEST_F(BrakeRulesTest, ASuspendedTransferDoesNotMoveUntilItIsResumed) {
  const std::uint32_t submitting = world_.CreateTransfer();
  const std::uint32_t awaiting = world_.FinishedTransfer(2);
  const std::uint32_t approved = world_.ApprovedTransfer(2);
  const std::uint32_t closed = world_.ClosedTransfer(2);
  const std::uint32_t full = world_.ApprovedTransfer(1);
  world_.Deposit(full, 0);
  const std::uint32_t lease = world_.OpenLease(closed);
  const std::uint32_t untouched = world_.ClosedTransfer(1);
  ledger::v1::SubmissionFinished finish;
  finish.set_transfer(submitting);
  finish.set_rows(1);
  world_.Judge(submitting, 0, kAccepted, 0, 700);

  const auto all = [&](Refusal refusal) {
    EXPECT_EQ(policy::Decide(world_.state(), {EntryOf(world_.Subject(submitting, 1))}).refusal,
              refusal);
    EXPECT_EQ(policy::Decide(world_.state(), {EntryOf(finish)}).refusal, refusal);
    EXPECT_EQ(policy::Decide(world_.state(), {EntryOf(Fetch(approved))}).refusal, refusal);
    EXPECT_EQ(policy::Decide(world_.state(), {EntryOf(world_.Envelope(approved, 0))}).refusal,
              refusal);
    EXPECT_EQ(policy::Decide(world_.state(), {EntryOf(world_.Closing(full))}).refusal, refusal);
    EXPECT_EQ(policy::Decide(world_.state(), {EntryOf(Collect(closed))}).refusal, refusal);
    EXPECT_EQ(policy::Decide(world_.state(), {EntryOf(world_.LeaseFact(closed))}).refusal, refusal);
    EXPECT_EQ(policy::Decide(world_.state(), {EntryOf(World::Release(lease, 0))}).refusal, refusal);
  };
  all(Refusal::kAllowed);
  for (const std::uint32_t t : {submitting, awaiting, approved, closed, full}) {
    Restrict(world_.SuspendAct(t));
  }
  all(Refusal::kTransferSuspended);
  EXPECT_EQ(Approve(awaiting), Refusal::kTransferSuspended);
  EXPECT_EQ(Order(world_.SuspendAct(closed)), Refusal::kTransferSuspended);
  EXPECT_TRUE(world_.Try(world_.LeaseFact(untouched)).allowed());

  order::v1::Order wrong = world_.ResumeAct(closed);
  wrong.mutable_resume_transfer()->set_suspension_index(1);
  EXPECT_EQ(Order(wrong), Refusal::kSuspensionDiffers);
  EXPECT_EQ(Order(world_.ResumeAct(untouched)), Refusal::kNotSuspended);
  for (const std::uint32_t t : {submitting, awaiting, approved, closed, full}) {
    DoOrder(world_.ResumeAct(t));
    EXPECT_FALSE(world_.state().order_unanchored());
  }
  all(Refusal::kAllowed);
  EXPECT_EQ(Approve(awaiting), Refusal::kAllowed);
}

TEST_F(BrakeRulesTest, NothingLeavesBetweenASuspensionAndItsEpoch) {
  const std::uint32_t suspended = world_.ClosedTransfer(1);
  const std::uint32_t other = world_.ClosedTransfer(1);
  const std::uint32_t lease = world_.OpenLease(other);
  DoOrder(world_.SuspendAct(suspended));
  EXPECT_EQ(world_.Try(World::Release(lease, 0)).refusal, Refusal::kEpochPending);
  world_.AdvanceEpoch();
  EXPECT_TRUE(world_.Try(World::Release(lease, 0)).allowed());
}

TEST_F(BrakeRulesTest, ACapLimitsTheRecordsThatLeaveAndIsOnlyLowered) {
  const std::uint32_t t = world_.ClosedTransfer(6);
  const std::uint32_t lease = world_.OpenLease(t);
  world_.Do(World::Release(lease, 0));
  Restrict(world_.CapAct(t, 3));
  EXPECT_EQ(Order(world_.CapAct(t, 3)), Refusal::kNotStricter);
  EXPECT_EQ(Order(world_.CapAct(t, 4)), Refusal::kNotStricter);
  // A batch counts what it has allowed itself.
  std::vector<ledger::v1::Entry> entries;
  for (const std::uint32_t row : {1U, 1U, 0U, 2U, 3U}) {
    entries.push_back(EntryOf(World::Release(lease, row)));
  }
  policy::DecisionBatch batch(world_.state());
  EXPECT_TRUE(batch.Decide({entries[0]}).allowed());
  EXPECT_TRUE(batch.Decide({entries[1]}).allowed());
  EXPECT_TRUE(batch.Decide({entries[2]}).allowed());
  EXPECT_TRUE(batch.Decide({entries[3]}).allowed());
  EXPECT_EQ(batch.Decide({entries[4]}).refusal, Refusal::kTransferCapped);
  world_.Do(World::Release(lease, 1));
  world_.Do(World::Release(lease, 2));
  EXPECT_EQ(world_.Try(World::Release(lease, 3)).refusal, Refusal::kTransferCapped);
  // What has left is no further record, in another lease either.
  EXPECT_TRUE(world_.Try(World::Release(world_.OpenLease(t), 2)).allowed());
  Restrict(world_.CapAct(t, 0));
  EXPECT_EQ(world_.Try(World::Release(lease, 4)).refusal, Refusal::kTransferCapped);
}

TEST_F(BrakeRulesTest, AnEndIsOnlyMadeEarlierAndDestroysNothing) {
  const std::uint32_t t = world_.ClosedTransfer(2);
  const std::uint32_t lease = world_.OpenLease(t);
  const policy::Transfer& transfer = *world_.state().transfer(t);
  const UnixMillis not_after = transfer.not_after;
  EXPECT_EQ(Order(world_.EndAct(t, not_after.value())), Refusal::kNotStricter);
  const std::int64_t end = world_.late() + 60'000;
  Restrict(world_.EndAct(t, end));
  EXPECT_EQ(Order(world_.EndAct(t, end)), Refusal::kNotStricter);
  world_.SetTime(end - 1, end - 1);
  world_.Do(World::Release(lease, 0));
  EXPECT_EQ(world_.state().OpenCases(*world_.state().FindOfficer("smith")), 1U);
  world_.SetTime(end, end);
  EXPECT_EQ(world_.Try(World::Release(lease, 1)).refusal, Refusal::kTransferEnded);
  EXPECT_EQ(world_.Try(Collect(t)).refusal, Refusal::kTransferEnded);
  EXPECT_EQ(world_.Try(world_.LeaseFact(t)).refusal, Refusal::kTransferEnded);
  EXPECT_EQ(world_.state().OpenCases(*world_.state().FindOfficer("smith")), 0U);
  // One person's order destroys nothing: the records' own time decides, as it did before.
  EXPECT_EQ(world_.state().transfer(t)->not_after, not_after);
  world_.Pass(world_.agreement().terms().destruction_window);
  EXPECT_EQ(world_.Try(World::ExpiryOf(t, {0})).refusal, Refusal::kNotDue);
}

TEST_F(BrakeRulesTest, AnEndThatIsPastCountsAtOnceAndBeforeAnApproval) {
  const std::uint32_t t = world_.FinishedTransfer(2);
  Restrict(world_.EndAct(t, 0));
  EXPECT_EQ(Approve(t), Refusal::kTransferEnded);
  EXPECT_EQ(world_.state().OpenCases(*world_.state().FindOfficer("smith")), 0U);
  EXPECT_EQ(Order(world_.SuspendAct(t)), Refusal::kTransferState);
}

// R17: what restricts needs no clock, what loosens does.
TEST_F(BrakeRulesTest, RestrictingOrdersWorkUnderAnUntrustedClock) {
  const std::uint32_t t = world_.ClosedTransfer(2);
  world_.SetTime(world_.late(), world_.late(), false);
  Restrict(world_.SuspendAct(t));
  EXPECT_EQ(Order(world_.ResumeAct(t)), Refusal::kClockUntrusted);
  Restrict(world_.CapAct(t, 1));
  Restrict(world_.EndAct(t, world_.late() + 1));
}

TEST_F(BrakeRulesTest, OnlyACustodianOrdersAndMustSayWhy) {
  const std::uint32_t t = world_.ClosedTransfer(2);
  order::v1::Order suspend = world_.SuspendAct(t);
  order::v1::Order cap = world_.CapAct(t, 1);
  order::v1::Order end = world_.EndAct(t, 0);
  for (const char* person : {"carol", "dan", "judge", "ice", "irs", "audra", "otto"}) {
    for (const auto& act : {suspend, cap, end}) {
      EXPECT_EQ(Order(act, person), Refusal::kRoleForbids) << person;
    }
  }
  suspend.mutable_suspend_transfer()->clear_reason();
  cap.mutable_cap_transfer()->clear_reason();
  end.mutable_end_transfer()->clear_reason();
  for (const auto& act : {suspend, cap, end}) EXPECT_EQ(Order(act), Refusal::kMalformed);
  end = world_.EndAct(t, 0);
  end.mutable_end_transfer()->clear_end_at();
  EXPECT_EQ(Order(end), Refusal::kMalformed);
  order::v1::Order deny;
  deny.mutable_deny_transfer()->set_transfer(world_.Name(t));
  deny.mutable_deny_transfer()->set_reason("Too late for that.");
  EXPECT_EQ(Order(deny), Refusal::kTransferState);
}

TEST_F(BrakeRulesTest, EachOrderIsAcceptedOnce) {
  const std::uint32_t t = world_.ClosedTransfer(3);
  const std::uint32_t braked = Finished(Rows(7, 3, kPlaceholder));
  const auto once = [&](const order::v1::Order& act) {
    const auto order = world_.Order("paula", act);
    EXPECT_TRUE(world_.TryOrder(order).allowed()) << act.ShortDebugString();
    EXPECT_EQ(world_.TryOrder(order).refusal, Refusal::kOrderAccepted) << act.ShortDebugString();
    if (world_.state().order_unanchored()) world_.AdvanceEpoch();
    EXPECT_EQ(world_.TryOrder(order).refusal, Refusal::kOrderAccepted) << act.ShortDebugString();
  };
  once(world_.GoOnAct(braked));
  once(world_.SuspendAct(t));
  const auto resume = world_.Order("paula", world_.ResumeAct(t));
  once(world_.ResumeAct(t));
  // A resumption that was signed for the first suspension does not end the second.
  once(world_.SuspendAct(t));
  EXPECT_NE(world_.TryOrder(resume).refusal, Refusal::kAllowed);
  EXPECT_TRUE(world_.state().transfer(t)->suspended());
  once(world_.CapAct(t, 1));
  once(world_.EndAct(t, world_.late() + 5));
}

TEST_F(BrakeRulesTest, TheLedgerAloneSaysTheSame) {
  const std::uint32_t t = world_.ClosedTransfer(3);
  Restrict(world_.SuspendAct(t));
  DoOrder(world_.ResumeAct(t));
  Restrict(world_.CapAct(t, 1));
  Restrict(world_.EndAct(t, world_.late() + 5));
  const std::uint32_t braked = Finished(Rows(7, 3, kPlaceholder));
  DoOrder(world_.GoOnAct(braked));
  world_.Pass(10s);
  EXPECT_EQ(world_.FoldAgain().Digest(), world_.state().Digest());
}

TEST_F(BrakeRulesTest, EveryPartOfTheDossierIsInItsDigest) {
  const std::uint32_t t = Finished(Rows(7, 3, kPlaceholder));
  const policy::Dossier good = policy::DossierOf(world_.state(), *world_.state().transfer(t));
  const Digest32 digest = policy::DossierDigest(good);
  EXPECT_EQ(digest, world_.state().transfer(t)->dossier_digest);
  const std::vector<std::function<void(policy::Dossier&)>> changes = {
      [](auto& d) { d.agreement[0] ^= std::byte{1}; },
      [](auto& d) { d.transfer = TransferId(); },
      [](auto& d) { d.requester += "x"; },
      [](auto& d) { d.authority += "x"; },
      [](auto& d) { d.purpose += "x"; },
      [](auto& d) { d.requesting_official += "x"; },
      [](auto& d) { d.officers.pop_back(); },
      [](auto& d) { d.officers[0].id += "x"; },
      [](auto& d) { ++d.officers[0].accepted; },
      [](auto& d) { ++d.officers[0].open_cases; },
      [](auto& d) { ++d.periods[0].first; },
      [](auto& d) { ++d.periods[0].second; },
      [](auto& d) { d.attestation_digest[0] ^= 1; },
      [](auto& d) { ++d.rows; },
      [](auto& d) { ++d.verdicts[0].second; },
      [](auto& d) { ++d.verdicts[1].first; },
      [](auto& d) { ++d.second_addresses; },
      [](auto& d) { d.brakes.pop_back(); },
      [](auto& d) { d.subjects_digest[31] ^= std::byte{1}; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    policy::Dossier changed = good;
    changes[i](changed);
    EXPECT_NE(policy::DossierDigest(changed), digest) << i;
  }
}

TEST_F(BrakeRulesTest, EachOrderIsSaidInPlainWordsAndReadsBack) {
  const std::uint32_t t = Finished(Rows(7, 3, kPlaceholder));
  const auto said = [&](order::v1::Order act, const std::vector<std::string>& words) {
    act.set_person("paula");
    const auto text = policy::RenderOrder(act);
    ASSERT_TRUE(text.ok()) << text.status();
    const auto again = policy::ParseOrder(AsBytes(*text));
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->SerializeAsString(), act.SerializeAsString());
    const std::string description = policy::DescribeOrder(act);
    for (const std::string& word : words) {
      EXPECT_NE(description.find(word), std::string::npos) << word << " in\n" << description;
    }
  };
  said(world_.SuspendAct(t), {"SUSPEND A TRANSFER", world_.Name(t), "To be looked at."});
  order::v1::Order resume;
  resume.mutable_resume_transfer()->set_transfer(world_.Name(t));
  resume.mutable_resume_transfer()->set_suspension_index(77);
  said(resume, {"RESUME A TRANSFER", "ledger entry 77"});
  said(world_.CapAct(t, 12), {"CAP A TRANSFER", "12 records", "lowered"});
  said(world_.EndAct(t, 1'800'000'000'000), {"END A TRANSFER", "2027-01-15 08:00:00 UTC"});
  said(world_.GoOnAct(t), {"LET A TRANSFER GO ON", "PLACEHOLDER_SHARE", "REFUSED_SHARE",
                           Hex(world_.state().transfer(t)->dossier_digest)});
}

}  // namespace
}  // namespace holdfast::test
