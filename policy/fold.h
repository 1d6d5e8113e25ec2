// SPDX-License-Identifier: Apache-2.0
//
// How each kind of fact changes a state.
//
// When to use  Inside policy/apply.cc and policy/apply_order.cc only.
// Threads      Changes the state: alone.
// Ownership    Borrows the state.
// Errors       kLedgerInconsistent where a fact cannot be folded.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"

#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/opened_order.h"
#include "policy/state.h"

namespace holdfast::policy {

class Fold final {
 public:
  explicit Fold(State& state) : s_(state) {}

  absl::Status Entry(const ledger::v1::Entry& entry, const OpenedOrder* order, std::uint64_t index,
                     std::shared_ptr<const OpenedAgreement> agreement);

 private:
  absl::Status Open(const ledger::v1::ExchangeOpened& fact,
                    std::shared_ptr<const OpenedAgreement> agreement);
  absl::Status Add(const ledger::v1::TimeAdvanced& fact, std::uint64_t index);
  absl::Status Add(const ledger::v1::SegmentOpened& fact, std::uint64_t index);
  absl::Status Add(const ledger::v1::TransferCreated& fact, std::uint64_t index);
  absl::Status Add(const ledger::v1::SubjectJudged& fact);
  absl::Status Add(const ledger::v1::SubmissionFinished& fact);
  absl::Status Add(const ledger::v1::SubjectsFetched& fact);
  absl::Status Add(const ledger::v1::TransferClosed& fact, std::uint64_t index);
  absl::Status Add(const ledger::v1::EnvelopesCollected& fact);
  absl::Status Add(const ledger::v1::LeaseOpened& fact, std::uint64_t index);
  absl::Status Add(const ledger::v1::KeyReleased& fact);
  absl::Status Add(const ledger::v1::RecordsDestroyed& fact, std::uint64_t index);
  void NoteClock(const ledger::v1::TimeAdvanced& fact, std::uint64_t index);

  // policy/apply_review.cc
  absl::Status Add(const ledger::v1::EnvelopeDeposited& fact, std::uint64_t index);
  absl::Status Add(const ledger::v1::ReviewOpened& fact, std::uint64_t index);
  absl::Status Add(const ledger::v1::CaseShown& fact);
  absl::Status Act(const order::v1::ReleaseCase& act);
  absl::Status Act(const order::v1::RefuseCases& act);
  // The leaf is the row's from now on. False if it is none.
  bool KeepLeaf(Record& record, std::uint32_t segment, std::uint32_t leaf);
  // The row waits no more.
  void EndReview(Transfer& transfer, std::uint32_t row, Record& record);

  // policy/apply_order.cc
  absl::Status Add(const OpenedOrder& order, std::uint64_t index);
  absl::Status Act(const OpenedOrder& order, const order::v1::ApproveTransfer& act,
                   std::uint64_t index);
  absl::Status Act(const OpenedOrder& order, const order::v1::DenyTransfer& act);
  absl::Status Act(const OpenedOrder& order, const order::v1::SuspendTransfer& act,
                   std::uint64_t index);
  absl::Status Act(const OpenedOrder& order, const order::v1::ResumeTransfer& act);
  absl::Status Act(const OpenedOrder& order, const order::v1::CapTransfer& act);
  absl::Status Act(const OpenedOrder& order, const order::v1::EndTransfer& act);
  absl::Status Act(const OpenedOrder& order, const order::v1::LetTransferGoOn& act);
  absl::Status Act(const OpenedOrder& order, const order::v1::RevokeRecords& act,
                   std::uint64_t index);
  absl::Status Act(const OpenedOrder& order, const order::v1::ApproveDestruction& act);
  absl::Status Act(const OpenedOrder& order, const order::v1::CancelDestruction& act);
  absl::Status Act(const OpenedOrder& order, const order::v1::AuthoriseDestruction& act,
                   std::uint64_t index);
  absl::Status Act(const OpenedOrder& order, const order::v1::StrikeOff& act, std::uint64_t index);
  // policy/decide_evidence.cc
  absl::Status Add(const ledger::v1::CheckpointWitnessed& fact);
  void Add(const ledger::v1::ProcessStarted& fact);
  absl::Status Add(const ledger::v1::KeyslotStruckOff& fact, std::uint64_t index);
  absl::Status Act(const OpenedOrder& order, const order::v1::AccountPerson& act,
                   std::uint64_t index);
  absl::Status Act(const OpenedOrder& order, const order::v1::DestroyPseudonymKey& act,
                   std::uint64_t index);

  // What a person has approved and has not taken effect counts no more.
  void WithdrawApprovals(MemberNumber person);

  // policy/apply_hold.cc
  absl::Status Add(const ledger::v1::NoticeGiven& fact, std::uint64_t index);
  absl::Status Act(const OpenedOrder& order, const order::v1::PlaceHold& act, std::uint64_t index);
  absl::Status Act(const OpenedOrder& order, const order::v1::AmendHold& act, std::uint64_t index);
  absl::Status Act(const OpenedOrder& order, const order::v1::ConfirmAmendment& act,
                   std::uint64_t index);
  absl::Status Act(const OpenedOrder& order, const order::v1::ProposeLift& act,
                   std::uint64_t index);
  absl::Status Act(const OpenedOrder& order, const order::v1::ConfirmLift& act,
                   std::uint64_t index);
  absl::Status Act(const OpenedOrder& order, const order::v1::CancelLift& act, std::uint64_t index);
  absl::Status Act(const OpenedOrder& order, const order::v1::AttachDocument& act,
                   std::uint64_t index);
  absl::Status Act(const OpenedOrder& order, const order::v1::AcknowledgeNotice& act,
                   std::uint64_t index);
  absl::Status Act(const OpenedOrder& order, const order::v1::RestoreHold& act,
                   std::uint64_t index);
  absl::Status Confirm(const OpenedOrder& order, const std::string& id, HoldState proposed,
                       std::uint64_t index);
  const Hold* FindHold(const std::string& id) const;
  HoldBook::Act ActOf(const OpenedOrder& order, std::uint64_t index) const;
  // None if the scope means nothing.
  std::optional<HoldForm> Compile(const order::v1::PlaceHold& order);

  OfficerNumber InternOfficer(const std::string& id);
  Transfer* FindTransfer(std::uint32_t number);
  Transfer* FindTransfer(const std::string& name);

  // Its officers' cases are no longer open.
  void EndCases(Transfer& transfer);
  void EndLease(const Lease& lease);

  State& s_;
};

}  // namespace holdfast::policy
