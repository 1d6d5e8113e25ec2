// SPDX-License-Identifier: Apache-2.0
//
// An exchange that exists in memory only: an agreement with everybody in it, their keys, and a
// state that facts are decided and applied to.
//
// When to use  In tests of policy/. What a test does not care about is filled in.
// Threads      One thread.
// Ownership    Owns everything.
// Errors       Do() and the helpers above it fail the test where the policy refuses.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/apply.h"
#include "policy/decide.h"
#include "policy/notice_search.h"
#include "policy/queries.h"
#include "tests/policy/test_agreement.h"

namespace holdfast::policy {

// Found by GoogleTest, which would otherwise print a number.
inline void PrintTo(Refusal refusal, std::ostream* out) { *out << RefusalName(refusal); }

}  // namespace holdfast::policy

namespace holdfast::test {

using policy::Decision;
using policy::OpenedOrder;
using policy::Refusal;

// One fact as an entry with a salt.
ledger::v1::Entry EntryOf(const ledger::v1::ExchangeOpened& fact);
ledger::v1::Entry EntryOf(const ledger::v1::ProcessStarted& fact);
ledger::v1::Entry EntryOf(const ledger::v1::TimeAdvanced& fact);
ledger::v1::Entry EntryOf(const ledger::v1::SegmentOpened& fact);
ledger::v1::Entry EntryOf(const ledger::v1::EpochAdvanced& fact);
ledger::v1::Entry EntryOf(const ledger::v1::EpochErased& fact);
ledger::v1::Entry EntryOf(const ledger::v1::TransferCreated& fact);
ledger::v1::Entry EntryOf(const ledger::v1::SubjectJudged& fact);
ledger::v1::Entry EntryOf(const ledger::v1::SubmissionFinished& fact);
ledger::v1::Entry EntryOf(const ledger::v1::SubjectsFetched& fact);
ledger::v1::Entry EntryOf(const ledger::v1::EnvelopeDeposited& fact);
ledger::v1::Entry EntryOf(const ledger::v1::ReviewOpened& fact);
ledger::v1::Entry EntryOf(const ledger::v1::CaseShown& fact);
ledger::v1::Entry EntryOf(const ledger::v1::VerdictRerun& fact);
ledger::v1::Entry EntryOf(const ledger::v1::PersonIdentified& fact);
ledger::v1::Entry EntryOf(const ledger::v1::TransferClosed& fact);
ledger::v1::Entry EntryOf(const ledger::v1::EnvelopesCollected& fact);
ledger::v1::Entry EntryOf(const ledger::v1::LeaseOpened& fact);
ledger::v1::Entry EntryOf(const ledger::v1::KeyReleased& fact);
ledger::v1::Entry EntryOf(const ledger::v1::OrderAccepted& fact);
ledger::v1::Entry EntryOf(const ledger::v1::RecordsDestroyed& fact);
ledger::v1::Entry EntryOf(const ledger::v1::NoticeGiven& fact);
ledger::v1::Entry EntryOf(const ledger::v1::Refused& fact);
ledger::v1::Entry EntryOf(const ledger::v1::CheckpointWitnessed& fact);
ledger::v1::Entry EntryOf(const ledger::v1::LedgerRead& fact);
ledger::v1::Entry EntryOf(const ledger::v1::ExchangeRestored& fact);
ledger::v1::Entry EntryOf(const ledger::v1::KeyslotStruckOff& fact);

class World final {
 public:
  static constexpr std::int64_t kStart = 1'790'000'000'000;  // 2026-09-21.

  // Opens the exchange, starts a process, sets a trusted time, and makes the first epoch.
  explicit World(const AgreementOptions& options = {});

  policy::State& state() { return state_; }
  const policy::State& state() const { return state_; }
  const policy::OpenedAgreement& agreement() const { return *agreement_; }

  // Decides, and applies what was allowed.
  template <typename Fact>
  Decision Try(const Fact& fact) {
    return TryEntry(EntryOf(fact), nullptr);
  }
  Decision TryOrder(const OpenedOrder& order);
  Decision TryEntry(const ledger::v1::Entry& entry, const OpenedOrder* order);

  // Demands that it is allowed.
  template <typename Fact>
  void Do(const Fact& fact) {
    Expect(Try(fact));
  }
  void DoOrder(const OpenedOrder& order);

  // An order of `person` that nothing is wrong with, as of now. It is not signed (SignOrder).
  OpenedOrder Order(std::string_view person, const order::v1::Order& act) const;

  // Time.
  // The clock says the late time, unless `wall` does not.
  void SetTime(std::int64_t late, std::int64_t early, bool trusted = true,
               std::optional<std::int64_t> wall = std::nullopt);

  // A custodian orders that the clock is right, and from then on it is trusted.
  void TrustClock();
  void Pass(std::chrono::milliseconds duration);
  std::int64_t late() const { return state_.now().late.value(); }

  // Gives what is unanchored its epoch.
  void AdvanceEpoch();

  // Each returns the number of what it made.
  std::uint32_t CreateTransfer(std::string_view requester = "ice",
                               std::vector<std::string> officers = {"smith", "jones"},
                               std::string_view authority = "statute");
  std::uint32_t OpenSegment(std::uint32_t transfer, ledger::v1::SegmentKind kind);
  ledger::v1::SubjectJudged Subject(std::uint32_t transfer, std::uint32_t row,
                                    std::uint32_t verdict = 1, std::uint32_t officer = 0,
                                    std::uint32_t person = 0, std::uint32_t address = 0);
  void Judge(std::uint32_t transfer, std::uint32_t row, std::uint32_t verdict = 1,
             std::uint32_t officer = 0, std::uint32_t person = 0, std::uint32_t address = 0);
  void Finish(std::uint32_t transfer);
  void Approve(std::uint32_t transfer, std::string_view custodian = "paula");
  ledger::v1::EnvelopeDeposited Envelope(std::uint32_t transfer, std::uint32_t row,
                                         std::uint32_t verdict = 1);
  void Deposit(std::uint32_t transfer, std::uint32_t row, std::uint32_t verdict = 1);

  // A doubtful row, of two candidates; by default because its address is doubtful.
  ledger::v1::ReviewOpened Doubt(std::uint32_t transfer, std::uint32_t row,
                                 std::uint32_t verdict = 43, std::uint64_t releasable = 3);
  // Decides an order over cases with its envelopes, and applies all of them. What was decided is
  // in settlement().
  bool TrySettle(const OpenedOrder& order,
                 const std::vector<ledger::v1::EnvelopeDeposited>& envelopes);
  const Decision& settlement() const { return settlement_; }
  order::v1::Order ReleaseCaseAct(std::uint32_t transfer, std::uint32_t row,
                                  std::uint32_t candidate = 0) const;
  order::v1::Order RefuseCasesAct(std::uint32_t transfer, std::uint32_t first,
                                  std::uint32_t last) const;
  ledger::v1::TransferClosed Closing(std::uint32_t transfer);
  void Close(std::uint32_t transfer);
  ledger::v1::LeaseOpened LeaseFact(std::uint32_t transfer, std::string_view requester = "ice");
  std::uint32_t OpenLease(std::uint32_t transfer, std::string_view requester = "ice");
  static ledger::v1::KeyReleased Release(std::uint32_t lease, std::uint32_t row);

  // A transfer with `rows` accepted rows, of two officers in turn and of the persons 0, 1, 2 and so
  // on, in the state that the name says.
  std::uint32_t FinishedTransfer(std::uint32_t rows);
  std::uint32_t ApprovedTransfer(std::uint32_t rows);
  std::uint32_t ClosedTransfer(std::uint32_t rows);

  // Acts.
  order::v1::Order ApproveAct(std::uint32_t transfer) const;
  order::v1::Order SuspendAct(std::uint32_t transfer) const;
  order::v1::Order ResumeAct(std::uint32_t transfer) const;
  order::v1::Order CapAct(std::uint32_t transfer, std::uint64_t records) const;
  order::v1::Order EndAct(std::uint32_t transfer, std::int64_t at) const;
  order::v1::Order GoOnAct(std::uint32_t transfer) const;  // With the brakes that are on.
  order::v1::Order HoldAct(std::string_view id, const v1::Scope& scope,
                           order::v1::HoldKind kind = order::v1::FREEZE_AND_PRESERVE) const;
  order::v1::Order ProposeAct(std::string_view hold) const;
  order::v1::Order ConfirmAct(std::string_view hold) const;
  order::v1::Order CancelLiftAct(std::string_view hold) const;
  // The hold as it is, but with this scope and kind.
  order::v1::Order AmendAct(std::string_view hold, const v1::Scope& scope,
                            order::v1::HoldKind kind = order::v1::FREEZE_AND_PRESERVE) const;
  order::v1::Order ConfirmAmendmentAct(std::string_view hold) const;
  order::v1::Order RestoreAct(std::string_view hold) const;
  order::v1::Order AttachAct(std::string_view hold) const;
  order::v1::Order AcknowledgeAct(std::string_view hold, std::string_view requester = "ice") const;
  // Over the holds that stand against it now; the second one's if `first` says where the first is.
  order::v1::Order AuthoriseAct(std::uint64_t revocation, std::uint64_t first = 0) const;
  static order::v1::Order StrikeAct(std::string_view member, std::string_view key = "");
  order::v1::Order RevokeAct(const v1::Scope& scope) const;
  order::v1::Order ApproveDestructionAct(std::uint64_t revocation) const;
  order::v1::Order TrustClockAct() const;
  order::v1::Order CancelDestructionAct(std::uint64_t revocation) const;
  ledger::v1::RecordsDestroyed DestructionOf(std::uint64_t revocation) const;
  ledger::v1::RecordsDestroyed DestructionByCourt(std::uint64_t revocation) const;
  ledger::v1::NoticeGiven NoticeOf(std::string_view hold, std::uint32_t transfer, std::uint32_t row,
                                   std::string_view requester = "ice") const;
  // Gives every notice that is missing.
  void GiveNotices();
  static ledger::v1::RecordsDestroyed ExpiryOf(std::uint32_t transfer,
                                               const std::vector<std::uint32_t>& rows);

  // Places a hold and gives it its epoch. Returns the ledger index of its placing.
  std::uint64_t PlaceHold(std::string_view id, const v1::Scope& scope,
                          order::v1::HoldKind kind = order::v1::FREEZE_AND_PRESERVE,
                          std::string_view counsel = "carol");
  // Revokes and gives it its epoch. Returns the ledger index of the revocation.
  std::uint64_t Revoke(const v1::Scope& scope, std::string_view custodian = "paula");
  // Proposes, confirms and waits until the lift has taken effect.
  void Lift(std::string_view id);
  // Two people authorise the destruction. Returns the ledger index of the second.
  std::uint64_t Authorise(std::uint64_t revocation);

  std::string Name(std::uint32_t transfer) const;

  // The entries that were applied, and their orders, for folding them again.
  struct Applied {
    ledger::v1::Entry entry;
    std::shared_ptr<const OpenedOrder> order;
  };
  const std::vector<Applied>& ledger() const { return ledger_; }
  policy::State FoldAgain() const;

 private:
  static void Expect(const Decision& decision);
  void NoteEnvelope(const ledger::v1::EnvelopeDeposited& fact);
  std::string RandomBytes(std::size_t size);
  std::pair<std::uint32_t, std::uint32_t> Leaf(std::uint32_t transfer,
                                               ledger::v1::SegmentKind kind);

  std::shared_ptr<const policy::OpenedAgreement> agreement_;
  policy::State state_;
  std::vector<Applied> ledger_;
  mutable std::uint64_t counter_ = 0;
  struct Allocation {
    std::uint32_t segment;
    std::uint32_t next_leaf;
  };
  std::map<std::pair<std::uint32_t, ledger::v1::SegmentKind>, Allocation> leaves_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Digest32> envelopes_;
  Decision settlement_;
  policy::NoticeSearch notices_;
};

// Scopes.
v1::Scope Everything();
v1::Scope OfTransfer(const World& world, std::uint32_t transfer);
v1::Scope OfRows(const World& world, std::uint32_t transfer, std::uint32_t first,
                 std::uint32_t last);
v1::Scope OfOfficer(std::string_view officer);
v1::Scope OfAuthority(std::string_view authority);
v1::Scope OfPerson(std::uint32_t person);
v1::Scope OfPeople(const std::vector<std::uint32_t>& people);
// Of the milliseconds [from, until), both whole seconds.
v1::Scope OfDates(v1::RecordDate date, std::int64_t from, std::int64_t until);
v1::Scope OfVerdict(std::string_view release_reason);

// The ledger's tag of an address with that number.
std::string AddressTag(std::uint32_t address);

// Gives an accepted subject another pseudonym beside its own.
void SetAlias(ledger::v1::SubjectJudged& fact, std::uint32_t person, std::uint32_t address);

// The pseudonym of a person with that number.
Pseudonym PseudonymOf(std::uint32_t person);

// The DSSE envelope of an order, with the time, id, chain and head that it has, signed by KeyOf().
std::string SignOrder(const order::v1::Order& order, std::string_view key);

}  // namespace holdfast::test
