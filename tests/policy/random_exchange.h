// SPDX-License-Identifier: Apache-2.0
//
// A random exchange, each step of which is decided by the policy and by the reference.
//
// When to use  In decision_model_test.cc only.
// Threads      One thread.
// Ownership    Borrows the random source and the tally.
// Errors       A difference fails the test.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "policy/brakes.h"
#include "policy/request_gate.h"
#include "policy/state_snapshot.h"
#include "tests/policy/policy_world.h"
#include "tests/policy/reference_policy.h"
#include "tests/support/seeded_random.h"

namespace holdfast::test {

inline constexpr std::size_t kMaxTransfers = 4;
inline constexpr std::uint32_t kPersons = 12;
inline constexpr std::uint32_t kMaxRows = 6;

inline const std::vector<std::string>& Persons() {
  static const std::vector<std::string> persons = {"carol", "erin", "dan",  "judge", "paula",
                                                   "pete",  "pia",  "cora", "ice"};
  return persons;
}
inline const std::vector<std::string>& Officers() {
  static const std::vector<std::string> officers = {"smith", "jones"};
  return officers;
}

inline AgreementOptions Options() {
  AgreementOptions options;
  options.transfer_approvals = 2;
  options.terms =
      "lease_duration { seconds: 60 } cooling_period { seconds: 30 }\n"
      "destruction_window { seconds: 60 } review_window { seconds: 90 }\n"
      "notice_deadline { seconds: 120 }\n";
  options.brakes =
      "open_records: 4 officer_open_cases: 16 open_leases: 5 daily_subjects: 9 total_subjects: 10\n"
      "address_memory { seconds: 86400 }";
  return options;
}

inline ReferenceTerms Terms() {
  ReferenceTerms terms;
  terms.record_lifetime = 2'592'000'000;
  terms.cooling_period = 30'000;
  terms.destruction_window = 60'000;
  terms.review_window = 90'000;
  terms.notice_deadline = 120'000;
  terms.transfer_approvals = 2;
  terms.destruction_approvals = 1;
  terms.open_records = 4;
  terms.open_leases = 5;
  terms.officer_open_cases = 16;
  terms.daily_subjects = 9;
  terms.total_subjects = 10;
  terms.address_days = 1;
  return terms;
}

// How often each kind of fact and act was allowed.
using Tally = std::map<std::string, int>;

class RandomExchange final {
 public:
  RandomExchange(SeededRandom& random, Tally& tally)
      : random_(random), tally_(tally), world_(Options()), model_(Terms()) {
    using P = ReferencePerson;
    model_.persons = {{"carol", {P::kCounsel, P::kSource}},   {"erin", {P::kCounsel, P::kSource}},
                      {"dan", {P::kCounsel, P::kRequester}},  {"judge", {P::kCounsel, P::kCourt}},
                      {"paula", {P::kCustodian, P::kSource}}, {"pete", {P::kCustodian, P::kSource}},
                      {"pia", {P::kCustodian, P::kSource}},   {"cora", {P::kCustodian, P::kCourt}}};
    model_.SetTime(World::kStart, World::kStart, true);
  }

  void Step() {
    using E = RandomExchange;
    // As often as it takes for something to happen in every step of a record's life.
    static constexpr void (E::*kSteps[])() = {
        &E::CreateTransfer, &E::Judge,      &E::Judge,
        &E::Judge,          &E::Finish,     &E::ApproveOrDeny,
        &E::Deposit,        &E::Deposit,    &E::ApproveOrDeny,
        &E::Close,          &E::Collect,    &E::OpenLease,
        &E::Release,        &E::Release,    &E::Release,
        &E::Release,        &E::PlaceHold,  &E::Lift,
        &E::Lift,           &E::Revoke,     &E::ApproveOrCancelDestruction,
        &E::Destroy,        &E::Time,       &E::Epoch,
        &E::TrustClock,     &E::TrustClock, &E::Review,
        &E::Review,         &E::GoOn,       &E::GoOn,
        &E::Limit,          &E::Resume,     &E::Amend,
        &E::Notice,         &E::Notice,     &E::Authorise,
        &E::Authorise,      &E::Strike};
    (this->*kSteps[random_.Below(std::size(kSteps))])();
  }

  void CheckInvariants() {
    for (std::uint32_t t = 0; t < model_.transfers.size(); ++t) {
      const auto& of = model_.transfers[t];
      for (const auto& [row, record] : of.rows) {
        ASSERT_EQ(world_.state().Freezing({t, row}) != nullptr, model_.Frozen(t, row));
        ASSERT_EQ(world_.state().Preserving({t, row}) != nullptr, model_.Preserved(t, row));
        const policy::Record& real = *world_.state().FindRecord({t, row});
        ASSERT_EQ(real.accepted(), record.accepted);
        ASSERT_EQ(real.deposited(), record.deposited);
        ASSERT_EQ(real.revoked(), record.revoked);
        ASSERT_EQ(real.pending(), record.pending);
        ASSERT_EQ(real.destroyed(), record.destroyed);
        ASSERT_EQ(real.waiting(), record.waiting);
        ASSERT_EQ(world_.state().transfer(t)->FindCase(row) != nullptr, record.waiting);
        if (of.state == ReferenceTransfer::kClosed) {
          ASSERT_TRUE(!record.accepted || record.deposited || record.destroyed);
        }
      }
    }
    for (const char* requester : {"ice", "ice2"}) {
      ASSERT_EQ(world_.state().OpenRecords(world_.agreement().FindMember(requester)->number),
                model_.OpenRecords(requester).size());
      ASSERT_EQ(world_.state().OpenLeasesOf(world_.agreement().FindMember(requester)->number),
                model_.OpenLeases(requester));
    }
    for (const std::string& officer : Officers()) {
      const auto number = world_.state().FindOfficer(officer);
      ASSERT_EQ(number ? world_.state().OpenCases(*number) : 0, model_.OpenCases(officer));
    }
    // So do the cases that are over.
    std::size_t over = 0;
    for (const auto& chunk :
         policy::DueReviews(world_.state(), world_.state().now().early, 1'000)) {
      over += chunk.rows.size();
      for (const std::uint32_t row : chunk.rows) {
        ASSERT_TRUE(model_.MayExpireCase(chunk.transfer, row));
      }
    }
    std::size_t may_expire = 0;
    for (std::uint32_t t = 0; t < model_.transfers.size(); ++t) {
      for (std::uint32_t row = 0; row < kMaxRows; ++row) {
        if (model_.MayExpireCase(t, row)) ++may_expire;
      }
    }
    ASSERT_EQ(over, may_expire);
    ASSERT_EQ(world_.state().unsettled(), 0U);
    ASSERT_EQ(world_.state().holds().overdue_notices(), model_.OverdueNotices());
    // What the sweeper would propose is what may happen, and all of it.
    const auto due = policy::DueForDestruction(world_.state(), 1'000);
    for (const auto& fact : due.due) {
      ASSERT_TRUE(policy::Decide(world_.state(), {EntryOf(fact)}).allowed());
    }
    for (const auto& disposal : model_.disposals) {
      const std::uint64_t index = disposal.first;
      const auto proposed = [&](ledger::v1::RecordsDestroyed::Basis basis) {
        return std::any_of(due.due.begin(), due.due.end(), [&](const auto& fact) {
          return fact.basis() == basis && fact.revocation_index() == index;
        });
      };
      ASSERT_EQ(proposed(ledger::v1::RecordsDestroyed::REVOCATION), model_.MayDestroy(index));
      ASSERT_EQ(proposed(ledger::v1::RecordsDestroyed::COURT_ORDER),
                !model_.MayDestroy(index) && model_.MayDestroyByCourt(index));
    }
  }

  void CheckFold() { ASSERT_EQ(world_.FoldAgain().Digest(), world_.state().Digest()); }

  // A state that was written and read, at any entry, is the state: to the byte, and for all that
  // comes after.
  void CheckSnapshot() {
    const std::size_t at = 1 + random_.Below(world_.ledger().size());
    policy::State state;
    for (std::size_t i = 0; i < world_.ledger().size(); ++i) {
      if (i == at) ReadAgain(state);
      const World::Applied& applied = world_.ledger()[i];
      const auto status = policy::Apply(state, applied.entry, applied.order.get(), i,
                                        i == 0 ? world_.state().shared_agreement() : nullptr);
      ASSERT_TRUE(status.ok()) << status;
    }
    ASSERT_EQ(state.Digest(), world_.state().Digest());
    ASSERT_TRUE(policy::SnapshotOf(state) == policy::SnapshotOf(world_.state()));
    ReadAgain(state);
    for (std::uint32_t t = 0; t < model_.transfers.size(); ++t) {
      for (const auto& [row, record] : model_.transfers[t].rows) {
        static_cast<void>(record);
        ASSERT_EQ(NumberOf(state.Freezing({t, row})), NumberOf(world_.state().Freezing({t, row})));
        ASSERT_EQ(NumberOf(state.Preserving({t, row})),
                  NumberOf(world_.state().Preserving({t, row})));
      }
    }
  }

 private:
  static std::int64_t NumberOf(const policy::Hold* hold) {
    return hold == nullptr ? -1 : std::int64_t{hold->number};
  }
  static void ReadAgain(policy::State& state) {
    const Bytes bytes = policy::SnapshotOf(state);
    auto again = policy::StateFromSnapshot(bytes, state.shared_agreement());
    ASSERT_TRUE(again.ok()) << again.status();
    ASSERT_TRUE(policy::SnapshotOf(*again) == bytes);
    ASSERT_EQ(again->Digest(), state.Digest());
    state = *std::move(again);
  }

  std::uint32_t AnyTransfer() {
    return static_cast<std::uint32_t>(random_.Below(model_.transfers.size()));
  }
  // Mostly one in that state.
  std::uint32_t TransferIn(ReferenceTransfer::State state) {
    std::uint32_t t = AnyTransfer();
    for (int tries = 0; tries < 8 && model_.transfers[t].state != state; ++tries) t = AnyTransfer();
    return t;
  }
  const std::string& Person() { return random_.Pick(Persons()); }
  // Mostly somebody whose role permits it: otherwise little would ever happen.
  const std::string& Custodian() {
    static const std::vector<std::string> custodians = {"paula", "pete", "pia", "cora"};
    return random_.OneIn(8) ? Person() : random_.Pick(custodians);
  }
  const std::string& Counsel() {
    static const std::vector<std::string> counsel = {"carol", "erin", "dan", "judge"};
    return random_.OneIn(8) ? Person() : random_.Pick(counsel);
  }
  // What restricts gets its epoch mostly at once, as in the daemon.
  void Restrict(bool& unanchored) {
    unanchored = true;
    if (!random_.OneIn(4)) Epoch();
  }
  static const char* RequesterOf(bool second) { return second ? "ice2" : "ice"; }

  template <typename Map>
  typename Map::key_type AnyKey(const Map& map) {
    auto at = map.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_.Below(map.size())));
    return at->first;
  }

  v1::Scope Scope() {
    if (random_.OneIn(30)) return Everything();
    v1::Scope scope;
    do {
      if (random_.OneIn(2)) {
        const std::uint32_t t = AnyTransfer();
        scope.set_transfer(model_.transfers[t].name);
        while (!random_.OneIn(4) && scope.rows_size() < 2) {
          v1::RowRange* range = scope.add_rows();
          range->set_first(static_cast<std::uint32_t>(random_.Below(kMaxRows)));
          range->set_last(range->first() + static_cast<std::uint32_t>(random_.Below(2)));
        }
      }
      if (random_.OneIn(8)) scope.set_officer(random_.Pick(Officers()));
      if (random_.OneIn(16)) scope.set_authority(random_.OneIn(2) ? "sunset" : "statute");
      if (random_.OneIn(3)) {
        const auto anybody = [&] {
          return static_cast<std::uint32_t>(random_.Below(2 * kPersons));
        };
        if (random_.OneIn(2)) {
          scope.MergeFrom(OfPerson(anybody()));
        } else {
          scope.MergeFrom(OfPeople({anybody(), anybody()}));
        }
      }
      if (random_.OneIn(6)) {
        const std::int64_t from = model_.late - random_.Between(-60'000, 200'000);
        scope.MergeFrom(OfDates(static_cast<v1::RecordDate>(random_.Between(1, 4)), from,
                                from + random_.Between(1, 200) * 1'000));
      }
      if (random_.OneIn(8)) {
        scope.mutable_verdicts()->add_release(random_.OneIn(2) ? "RELEASED" : "NOT_FOUND");
        if (random_.OneIn(4)) scope.mutable_verdicts()->add_release("REFUSED_BY_REVIEW");
        if (random_.OneIn(4)) scope.mutable_verdicts()->add_release("ADDRESS_DOUBTFUL");
        if (random_.OneIn(3)) {
          const bool another = random_.OneIn(3);
          scope.mutable_verdicts()->set_gate_version(policy::kGateVersion + (another ? 1 : 0));
        }
      }
    } while (scope.ByteSizeLong() == 0);
    return scope;
  }

  template <typename Fact>
  bool Try(const Fact& fact, bool expected) {
    const Decision decision = world_.Try(fact);
    EXPECT_EQ(decision.allowed(), expected)
        << policy::RefusalName(decision.refusal) << " " << fact.ShortDebugString();
    if (decision.allowed()) ++tally_[Fact::descriptor()->name()];
    return decision.allowed();
  }
  bool Order(const std::string& person, const order::v1::Order& act, bool expected) {
    expected = expected && model_.struck.count(person) == 0;
    const Decision decision = world_.TryOrder(world_.Order(person, act));
    EXPECT_EQ(decision.allowed(), expected)
        << policy::RefusalName(decision.refusal) << " " << person << ": " << act.ShortDebugString();
    if (decision.allowed()) {
      ++tally_[order::v1::Order::descriptor()->FindFieldByNumber(act.act_case())->name()];
    }
    return decision.allowed();
  }

  void CreateTransfer() {
    if (model_.transfers.size() >= kMaxTransfers) return;
    ReferenceTransfer transfer;
    transfer.requester = RequesterOf(random_.OneIn(4) && model_.struck.count("ice2") == 0);
    transfer.authority = "statute";
    transfer.created_at = model_.late;
    const std::uint32_t number = world_.CreateTransfer(transfer.requester, Officers());
    transfer.name = world_.Name(number);
    model_.transfers.push_back(std::move(transfer));
  }

  void Judge() {
    if (model_.transfers.empty()) return;
    const std::uint32_t t = TransferIn(ReferenceTransfer::kSubmitting);
    const auto row = random_.OneIn(8) ? static_cast<std::uint32_t>(random_.Below(kMaxRows))
                                      : static_cast<std::uint32_t>(model_.transfers[t].rows.size());
    if (row >= kMaxRows) return;
    const bool accepted = !random_.OneIn(5);
    const auto officer = static_cast<std::uint32_t>(random_.Below(2));
    // By number, by number and name, or by name alone.
    const auto number = static_cast<std::uint32_t>(random_.Below(kPersons));
    const std::uint32_t name = kPersons + number / 2;
    const bool by_name = random_.OneIn(3);
    const bool by_both = accepted && !by_name && random_.OneIn(2);
    const std::uint32_t address = random_.OneIn(6) ? 1 : 0;
    static const std::vector<std::uint32_t> refusals = {66, 66, 66, kReferencePlaceholder,
                                                        kReferenceLoad};
    const std::uint32_t verdict = accepted ? 1 : random_.Pick(refusals);
    auto fact = world_.Subject(t, row, verdict, officer, by_name ? name : number, address);
    if (by_both) SetAlias(fact, name, address);
    if (!Try(fact, model_.MayJudge(t, row, accepted, Officers()[officer]))) return;
    ReferenceRecord& record = model_.transfers[t].rows[row];
    record.accepted = accepted;
    record.request_verdict = static_cast<int>(verdict);
    record.officer = Officers()[officer];
    record.people = {static_cast<int>(by_name ? name : number)};
    if (by_both) record.people.insert(static_cast<int>(name));
    const auto asked_by = [](bool so, std::uint32_t person) {
      return so ? std::optional(static_cast<int>(person)) : std::nullopt;
    };
    if (accepted && model_.Ask(asked_by(!by_name, number), asked_by(by_name || by_both, name),
                               static_cast<int>(address))) {
      ++model_.transfers[t].second_addresses;
    }
    CheckBrakes(t);
  }

  void Finish() {
    if (model_.transfers.empty()) return;
    const std::uint32_t t = TransferIn(ReferenceTransfer::kSubmitting);
    if (model_.transfers[t].rows.size() < 4 && !random_.OneIn(10)) return;
    ledger::v1::SubmissionFinished fact;
    fact.set_transfer(t);
    fact.set_rows(static_cast<std::uint32_t>(model_.transfers[t].rows.size()));
    if (!Try(fact, model_.MayFinish(t))) return;
    model_.transfers[t].state = ReferenceTransfer::kAwaiting;
    model_.transfers[t].finished_day = model_.late / 86'400'000;
    CheckBrakes(t);
  }

  // What trips at this step, and stops the transfer unless a custodian has let it go.
  void CheckBrakes(std::uint32_t t) {
    ReferenceTransfer& of = model_.transfers[t];
    of.brakes.clear();
    for (const int brake : model_.Brakes(t)) {
      if (of.let_go.count(brake) == 0) of.brakes.insert(brake);
      ++tally_[order::v1::Brake_Name(static_cast<order::v1::Brake>(brake))];
    }
    const auto stopping = policy::BrakesOf(world_.state().transfer(t)->stopping());
    ASSERT_EQ(std::set<int>(stopping.begin(), stopping.end()), of.brakes);
  }

  void GoOn() {
    if (model_.transfers.empty()) return;
    const std::uint32_t t = TransferIn(random_.OneIn(4) ? ReferenceTransfer::kSubmitting
                                                        : ReferenceTransfer::kAwaiting);
    const std::string& person = Custodian();
    ReferenceTransfer& of = model_.transfers[t];
    if (!Order(person, world_.GoOnAct(t), model_.MayGoOn(person, t))) return;
    of.let_go.insert(of.brakes.begin(), of.brakes.end());
    of.brakes.clear();
  }

  // Suspends, caps or ends a transfer; not often, or nothing would ever come to its end.
  void Limit() {
    if (model_.transfers.empty() || !random_.OneIn(4)) return;
    const std::uint32_t t = AnyTransfer();
    const std::string& person = Custodian();
    ReferenceTransfer& transfer = model_.transfers[t];
    if (random_.OneIn(2)) {
      const std::uint64_t index = world_.state().ledger_size();
      if (!Order(person, world_.SuspendAct(t), model_.MaySuspend(person, t))) return;
      transfer.suspended = index;
    } else if (random_.OneIn(2)) {
      const std::uint64_t records = random_.Below(kMaxRows);
      if (!Order(person, world_.CapAct(t, records), model_.MayCap(person, t, records))) return;
      transfer.cap = records;
    } else {
      if (!random_.OneIn(3)) return;
      const std::int64_t at = model_.late + random_.Between(-1'000, 200'000);
      if (!Order(person, world_.EndAct(t, at), model_.MayEnd(person, t, at))) return;
      transfer.ends_at = at;
    }
    Restrict(model_.order_unanchored);
  }

  void Resume() {
    if (model_.transfers.empty()) return;
    std::uint32_t t = AnyTransfer();
    for (std::uint32_t i = 0; i < model_.transfers.size(); ++i) {
      if (model_.transfers[i].suspended && !random_.OneIn(4)) t = i;
    }
    const std::string& person = Custodian();
    if (Order(person, world_.ResumeAct(t), model_.MayResume(person, t))) {
      model_.transfers[t].suspended.reset();
    }
  }

  void ApproveOrDeny() {
    if (model_.transfers.empty()) return;
    const std::uint32_t t = TransferIn(ReferenceTransfer::kAwaiting);
    const std::string& person = Custodian();
    ReferenceTransfer& transfer = model_.transfers[t];
    if (random_.OneIn(40)) {
      order::v1::Order act;
      act.mutable_deny_transfer()->set_transfer(transfer.name);
      act.mutable_deny_transfer()->set_reason("no");
      if (Order(person, act, model_.MayDeny(person, t))) {
        transfer.state = ReferenceTransfer::kDenied;
      }
      return;
    }
    if (!Order(person, world_.ApproveAct(t), model_.MayApprove(person, t))) return;
    transfer.approvals.insert(person);
    if (transfer.approvals.size() < model_.terms.transfer_approvals) return;
    transfer.state = ReferenceTransfer::kApproved;
    transfer.not_before = model_.late;
    transfer.not_after = model_.late + model_.terms.record_lifetime;
  }

  void Deposit() {
    if (model_.transfers.empty()) return;
    const std::uint32_t t = TransferIn(ReferenceTransfer::kApproved);
    // Several, or nothing would ever be complete.
    for (std::uint32_t row = 0; row < kMaxRows; ++row) {
      if (random_.OneIn(3)) continue;
      const bool expected = model_.MayDeposit(t, row);
      if (expected) {
        if (random_.OneIn(3)) {
          OpenCase(t, row);
          continue;
        }
        const int verdict = random_.OneIn(3) ? 10 : 1;
        world_.Deposit(t, row, static_cast<std::uint32_t>(verdict));
        ++tally_["EnvelopeDeposited"];
        model_.transfers[t].rows[row].deposited = true;
        model_.transfers[t].rows[row].verdict = verdict;
        model_.transfers[t].rows[row].deposited_at = model_.late;
      } else {
        Try(world_.Envelope(t, row), false);
      }
    }
  }

  void OpenCase(std::uint32_t t, std::uint32_t row) {
    const std::uint64_t releasable = random_.Below(4);
    if (!Try(world_.Doubt(t, row, 43, releasable), true)) return;
    ReferenceRecord& record = model_.transfers[t].rows[row];
    record.waiting = true;
    record.verdict = 43;
    record.gate_verdict = 43;
    record.releasable = releasable;
    record.review_until = model_.late + model_.terms.review_window;
  }

  void Settled(std::uint32_t t, std::uint32_t row, int verdict) {
    ReferenceRecord& record = model_.transfers[t].rows[row];
    record.waiting = false;
    record.deposited = true;
    record.verdict = verdict;
    record.deposited_at = model_.late;
  }

  void Review() {
    if (model_.transfers.empty()) return;
    // A case that is over is rare: it is not left to chance to find it.
    for (std::uint32_t i = 0; i < model_.transfers.size() * kMaxRows; ++i) {
      if (!model_.MayExpireCase(i / kMaxRows, i % kMaxRows) || random_.OneIn(2)) continue;
      world_.Deposit(i / kMaxRows, i % kMaxRows, 51);
      ++tally_["review_expired"];
      Settled(i / kMaxRows, i % kMaxRows, 51);
      return;
    }
    const std::uint32_t t = TransferIn(ReferenceTransfer::kApproved);
    const std::string& person = Custodian();
    const bool struck = model_.struck.count(person) > 0;
    auto row = static_cast<std::uint32_t>(random_.Below(kMaxRows));
    // Mostly one that waits.
    for (std::uint32_t i = 0; i < kMaxRows && !random_.OneIn(8); ++i) {
      const ReferenceRecord* record = model_.Find(t, row);
      if (record != nullptr && record->waiting) break;
      row = (row + 1) % kMaxRows;
    }
    const std::size_t kind = random_.Below(3);
    if (kind == 0) {
      const bool expected = model_.MayExpireCase(t, row);
      if (expected) {
        world_.Deposit(t, row, 51);
        ++tally_["review_expired"];
        Settled(t, row, 51);
      } else if (model_.Find(t, row) != nullptr) {
        Try(world_.Envelope(t, row, 51), false);
      }
      return;
    }
    if (kind == 1) {
      const auto candidate = static_cast<std::uint32_t>(random_.Below(3));
      const auto act = world_.ReleaseCaseAct(t, row, candidate);
      if (struck || !model_.MayReleaseCase(person, t, row, candidate)) {
        Order(person, act, false);
        return;
      }
      ASSERT_TRUE(world_.TrySettle(world_.Order(person, act), {world_.Envelope(t, row, 2)}));
      ++tally_["release_case"];
      Settled(t, row, 2);
      return;
    }
    const std::uint32_t last = row + static_cast<std::uint32_t>(random_.Below(3));
    const auto act = world_.RefuseCasesAct(t, row, last);
    if (struck || !model_.MayRefuseCases(person, t, row, last)) {
      Order(person, act, false);
      return;
    }
    std::vector<std::uint32_t> rows;
    std::vector<ledger::v1::EnvelopeDeposited> envelopes;
    for (std::uint32_t i = row; i <= last && i < kMaxRows; ++i) {
      const ReferenceRecord* record = model_.Find(t, i);
      if (record == nullptr || !record->waiting) continue;
      rows.push_back(i);
      envelopes.push_back(world_.Envelope(t, i, 50));
    }
    ASSERT_TRUE(world_.TrySettle(world_.Order(person, act), envelopes));
    ++tally_["refuse_cases"];
    for (const std::uint32_t settled : rows) Settled(t, settled, 50);
  }

  void Close() {
    if (model_.transfers.empty()) return;
    const std::uint32_t t = TransferIn(ReferenceTransfer::kApproved);
    if (Try(world_.Closing(t), model_.MayClose(t))) {
      model_.transfers[t].state = ReferenceTransfer::kClosed;
    }
  }

  void Collect() {
    if (model_.transfers.empty()) return;
    const std::uint32_t t = TransferIn(ReferenceTransfer::kClosed);
    ledger::v1::EnvelopesCollected fact;
    fact.set_transfer(t);
    fact.set_requester(random_.OneIn(8) ? "ice" : model_.transfers[t].requester);
    if (Try(fact, model_.MayCollect(t, fact.requester()))) model_.transfers[t].collected = true;
  }

  void OpenLease() {
    if (model_.transfers.empty()) return;
    const std::uint32_t t = TransferIn(ReferenceTransfer::kClosed);
    const std::string requester = random_.OneIn(8) ? "ice" : model_.transfers[t].requester;
    const auto fact = world_.LeaseFact(t, requester);
    if (!Try(fact, model_.MayLease(t, requester))) return;
    model_.leases.push_back({t, requester, fact.not_after_ms(), {}});
  }

  void Release() {
    const auto count = static_cast<std::uint32_t>(model_.leases.size());
    // Mostly one of the newest: the others are over.
    const auto back = static_cast<std::uint32_t>(random_.Below(5));
    const std::uint32_t lease = back < count ? count - 1 - back : count;
    const auto row = static_cast<std::uint32_t>(random_.Below(kMaxRows));
    const bool expected = model_.MayRelease(lease, row);
    if (!Try(World::Release(lease, row), expected)) return;
    ReferenceRecord& record = model_.transfers[model_.leases[lease].transfer].rows[row];
    record.last_released_at = model_.late;
    if (record.first_released_at < 0) record.first_released_at = model_.late;
    model_.transfers[model_.leases[lease].transfer].released.insert(row);
    ASSERT_FALSE(model_.Frozen(model_.leases[lease].transfer, row));
    model_.leases[lease].rows.insert(row);
  }

  void PlaceHold() {
    if (model_.transfers.empty() || !random_.OneIn(3)) return;
    const auto in_force = std::count_if(model_.holds.begin(), model_.holds.end(),
                                        [](const auto& hold) { return !hold.second.lifted; });
    if (in_force >= 2 && !random_.OneIn(20)) return;
    const std::string id = "hold-" + std::to_string(random_.Below(40));
    ReferenceHold hold;
    hold.scope = Scope();
    const auto kind = static_cast<order::v1::HoldKind>(random_.Below(4));
    hold.freezes = kind != order::v1::PRESERVE;
    hold.preserves = kind != order::v1::FREEZE;
    const std::string& person = Counsel();
    hold.wanted_by.insert(person);
    hold.placed_index = world_.state().ledger_size();
    if (!Order(person, world_.HoldAct(id, hold.scope, kind), model_.MayPlace(person, id))) return;
    model_.holds[id] = hold;
    Restrict(model_.order_unanchored);
  }

  void Lift() {
    if (model_.holds.empty()) return;
    const std::string id = AnyKey(model_.holds);
    const std::string& person = Counsel();
    ReferenceHold& hold = model_.holds[id];
    const std::uint64_t index = world_.state().ledger_size();
    if (hold.lifted && random_.OneIn(20)) {
      if (!Order(person, world_.RestoreAct(id), model_.MayRestore(person, id))) return;
      hold.lifted = false;
      hold.Settle();
      hold.notices.clear();
      hold.wanted_by.insert(person);
      hold.placed_index = index;
      Restrict(model_.order_unanchored);
      return;
    }
    switch (random_.Below(5)) {
      case 0:
      case 1:
        if (Order(person, world_.ProposeAct(id), model_.MayPropose(person, id))) {
          hold.Settle();
          hold.proposed_by = person;
          hold.proposal_index = index;
        }
        return;
      case 2:
      case 3:
        if (hold.amendment && !random_.OneIn(4)) {
          if (Order(person, world_.ConfirmAmendmentAct(id),
                    model_.MayConfirmAmendment(person, id))) {
            hold.confirmed_by = person;
            hold.lift_at = model_.late + model_.terms.cooling_period;
          }
          return;
        }
        if (Order(person, world_.ConfirmAct(id), model_.MayConfirm(person, id))) {
          hold.confirmed_by = person;
          hold.lift_at = model_.late + model_.terms.cooling_period;
        }
        return;
      default:
        if (!random_.OneIn(4)) return;
        if (Order(person, world_.CancelLiftAct(id), model_.MayCancelLift(person, id))) {
          hold.Settle();
          Restrict(model_.order_unanchored);
        }
        return;
    }
  }

  // Whether it widens is for the policy to say; what it says has to be true of every record.
  void Amend() {
    if (model_.holds.empty() || !random_.OneIn(8)) return;
    const std::string id = AnyKey(model_.holds);
    ReferenceHold& hold = model_.holds[id];
    // Mostly somebody who wants the hold already: of many sides nobody would ever lift one.
    const std::string person = random_.OneIn(6) ? Counsel() : *hold.wanted_by.begin();
    ReferenceForm form;
    form.scope = hold.scope;
    if (random_.OneIn(4)) {
      form.scope = Scope();
    } else if (random_.OneIn(2)) {
      form.scope.clear_person();
      form.scope.clear_dates();
      // Not often, or nothing would ever move again.
      if (form.scope.ByteSizeLong() == 0) {
        if (!random_.OneIn(8)) return;
        form.scope = Everything();
      }
    } else if (!form.scope.everything()) {
      form.scope.set_officer(random_.Pick(Officers()));
    }
    const auto kind = static_cast<order::v1::HoldKind>(random_.Between(1, 3));
    form.freezes = kind != order::v1::PRESERVE;
    form.preserves = kind != order::v1::FREEZE;
    const order::v1::Order act = world_.AmendAct(id, form.scope, kind);
    if (act.amend_hold().hold().SerializeAsString() ==
        world_.state().holds().Find(id)->order->SerializeAsString()) {
      return;
    }
    const bool widens = policy::FormOf(act.amend_hold().hold(),
                                       policy::CompileScope(world_.state(), form.scope).scope)
                            .Includes(*world_.state().holds().Find(id));
    const std::uint64_t index = world_.state().ledger_size();
    if (!Order(person, act, model_.MayAmend(person, id, widens))) return;
    if (!widens) {
      ++tally_["narrower"];
      hold.Settle();
      hold.amendment = form;
      hold.proposed_by = person;
      hold.proposal_index = index;
    } else {
      ++tally_["wider"];
      ASSERT_TRUE(form.freezes || !hold.freezes);
      ASSERT_TRUE(form.preserves || !hold.preserves);
      for (std::uint32_t t = 0; t < model_.transfers.size(); ++t) {
        for (const auto& [row, record] : model_.transfers[t].rows) {
          static_cast<void>(record);
          ASSERT_TRUE(!model_.Covers(hold.scope, t, row) || model_.Covers(form.scope, t, row));
        }
      }
      static_cast<ReferenceForm&>(hold) = form;
      hold.Settle();
      hold.notices.clear();
      hold.wanted_by.insert(person);
      hold.placed_index = index;
    }
    Restrict(model_.order_unanchored);
  }

  void Notice() {
    if (model_.holds.empty() || model_.transfers.empty()) return;
    std::string id = AnyKey(model_.holds);
    for (const auto& [other, of] : model_.holds) {
      if (!of.notices.empty() && random_.OneIn(2)) id = other;
    }
    std::uint32_t t = TransferIn(ReferenceTransfer::kClosed);
    auto row = static_cast<std::uint32_t>(random_.Below(kMaxRows));
    // Mostly one that is missing: few holds meet a record of which somebody has a copy.
    for (const auto& [other, of] : model_.holds) {
      for (std::uint32_t i = 0; i < model_.transfers.size() * kMaxRows; ++i) {
        const std::uint32_t of_transfer = i / kMaxRows;
        if (random_.OneIn(4) || model_.Find(of_transfer, i % kMaxRows) == nullptr ||
            !model_.MayNotice(other, model_.transfers[of_transfer].requester, of_transfer,
                              i % kMaxRows)) {
          continue;
        }
        id = other;
        t = of_transfer;
        row = i % kMaxRows;
      }
    }
    const std::string requester = random_.OneIn(8) ? "ice" : model_.transfers[t].requester;
    ReferenceHold& hold = model_.holds[id];
    if (hold.notices.count(requester) > 0 || random_.OneIn(8)) {
      const std::string person = random_.OneIn(4) ? Counsel() : "dan";
      order::v1::Order act = world_.AcknowledgeAct(id, requester);
      const auto notice = hold.notices.find(requester);
      if (notice != hold.notices.end()) {
        act.mutable_acknowledge_notice()->set_placed_index(notice->second.placed_index);
      }
      if (Order(person, act, model_.MayAcknowledge(person, id, requester))) {
        notice->second.acknowledged = true;
      }
      return;
    }
    if (Try(world_.NoticeOf(id, t, row, requester), model_.MayNotice(id, requester, t, row))) {
      hold.notices[requester] = {hold.placed_index, model_.late, false};
    }
  }

  void Authorise() {
    if (model_.disposals.empty()) return;
    std::uint64_t revocation = AnyKey(model_.disposals);
    for (const auto& [other, disposal] : model_.disposals) {
      const bool open = !disposal.cancelled && !disposal.destroyed;
      if (open && !model_.Against(other).empty()) revocation = other;
    }
    ReferenceDisposal& of = model_.disposals[revocation];
    const std::string& person = random_.OneIn(2) ? Counsel() : Custodian();
    const bool second = of.first_index != 0 && of.second_index == 0 && !random_.OneIn(8);
    if (of.second_index != 0 && !random_.OneIn(8)) return;
    // What a court wants is revoked and approved, or nothing would come of it.
    if (of.approvals.empty() && !random_.OneIn(4)) return ApproveOrCancelDestruction();
    const std::uint64_t index = world_.state().ledger_size();
    if (!Order(person, world_.AuthoriseAct(revocation, second ? of.first_index : 0),
               model_.MayAuthorise(person, revocation, second))) {
      return;
    }
    if (second) {
      of.second_by = person;
      of.second_index = index;
      of.court_due = model_.late + model_.terms.destruction_window;
      return;
    }
    of.first_by = person;
    of.first_index = index;
    of.second_by.clear();
    of.second_index = 0;
    of.over = model_.Against(revocation);
  }

  void Strike() {
    if (!random_.OneIn(40)) return;
    const std::string& person = random_.OneIn(2) ? Counsel() : Custodian();
    const std::string member = random_.OneIn(6) ? "ice2" : Person();
    if (member == "ice") return;  // Or nothing would be left to do.
    if (!Order(person, World::StrikeAct(member), model_.MayStrike(person, member))) return;
    model_.Withdraw(member);
    Restrict(model_.order_unanchored);
  }

  void Revoke() {
    if (model_.transfers.empty() || !random_.OneIn(6)) return;
    const v1::Scope scope = Scope();
    if (scope.everything() && !random_.OneIn(4)) return;
    const std::string& person = Custodian();
    const std::uint64_t index = world_.state().ledger_size();
    ReferenceDisposal disposal;
    disposal.records = model_.List(scope);
    disposal.revoked_by = person;
    disposal.revoked_at = model_.late;
    if (!Order(person, world_.RevokeAct(scope), model_.MayRevoke(person, scope))) return;
    for (const auto& [t, row] : disposal.records) {
      model_.transfers[t].rows[row].revoked = true;
      model_.transfers[t].rows[row].pending = true;
    }
    model_.disposals[index] = disposal;
    Restrict(model_.order_unanchored);
  }

  void ApproveOrCancelDestruction() {
    if (model_.disposals.empty()) return;
    const std::uint64_t index = AnyKey(model_.disposals);
    const std::string& person = Custodian();
    ReferenceDisposal& disposal = model_.disposals[index];
    if (!random_.OneIn(6)) {
      if (Order(person, world_.ApproveDestructionAct(index),
                model_.MayApproveDestruction(person, index))) {
        disposal.approvals.insert(person);
      }
      return;
    }
    if (!Order(person, world_.CancelDestructionAct(index),
               model_.MayCancelDestruction(person, index))) {
      return;
    }
    disposal.cancelled = true;
    for (const auto& [t, row] : disposal.records) model_.transfers[t].rows[row].pending = false;
    Restrict(model_.order_unanchored);
  }

  void Destroy() {
    if (random_.OneIn(2)) {
      if (model_.disposals.empty()) return;
      std::uint64_t index = AnyKey(model_.disposals);
      bool by_court = random_.OneIn(8);
      for (const auto& [other, disposal] : model_.disposals) {
        if (disposal.destroyed || random_.OneIn(4)) continue;
        if (model_.MayDestroy(other)) index = other;
        if (!model_.MayDestroyByCourt(other)) continue;
        index = other;
        by_court = true;
      }
      const ReferenceOver over = by_court ? model_.disposals[index].over : ReferenceOver();
      if (by_court) {
        if (!Try(world_.DestructionByCourt(index), model_.MayDestroyByCourt(index))) return;
        ++tally_["by_court"];
      } else if (!Try(world_.DestructionOf(index), model_.MayDestroy(index))) {
        return;
      }
      for (const auto& [t, row] : model_.disposals[index].records) DestroyRow(t, row, over);
      model_.disposals[index].destroyed = true;
    } else {
      if (model_.transfers.empty()) return;
      const std::uint32_t t = AnyTransfer();
      std::vector<std::uint32_t> rows;
      for (std::uint32_t row = 0; row < kMaxRows; ++row) {
        const bool may = model_.MayExpire(t, {row});
        if (may ? !random_.OneIn(3) : random_.OneIn(12)) rows.push_back(row);
      }
      if (rows.empty()) return;
      if (!Try(World::ExpiryOf(t, rows), model_.MayExpire(t, rows))) return;
      for (const std::uint32_t row : rows) DestroyRow(t, row);
    }
    Restrict(model_.destruction_unanchored);
  }

  void DestroyRow(std::uint32_t t, std::uint32_t row, const ReferenceOver& over = {}) {
    ASSERT_FALSE(model_.Preserved(t, row, over));
    ReferenceRecord& record = model_.transfers[t].rows[row];
    record.destroyed = true;
    record.pending = false;
    record.waiting = false;
  }

  void Time() {
    std::int64_t step = random_.Between(0, 40'000);
    if (random_.OneIn(6)) step = random_.Between(0, 250'000);
    // Once in a while all that was approved expires.
    if (random_.OneIn(40)) step = model_.terms.record_lifetime;
    const std::int64_t late = model_.late + step;
    const std::int64_t early =
        random_.OneIn(3) ? random_.Between(model_.early, late) : std::max(model_.early, late - 10);
    const bool trusted = !random_.OneIn(10);
    ledger::v1::TimeAdvanced fact;
    fact.set_late_ms(late);
    fact.set_early_ms(std::min(early, late));
    fact.set_wall_ms(late);
    fact.set_trusted(trusted);
    if (!Try(fact, model_.MaySetTime(trusted))) return;
    model_.SetTime(late, std::min(early, late), trusted);
  }

  void TrustClock() {
    const std::string person = random_.OneIn(8) ? "carol" : Custodian();
    if (Order(person, world_.TrustClockAct(), model_.MayTrustClock(person))) {
      model_.trust_ordered = true;
    }
  }

  void Epoch() {
    world_.AdvanceEpoch();
    model_.order_unanchored = false;
    model_.destruction_unanchored = false;
  }

  SeededRandom& random_;
  Tally& tally_;
  World world_;
  ReferencePolicy model_;
};

}  // namespace holdfast::test
