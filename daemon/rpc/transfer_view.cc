// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/transfer_view.h"

#include <set>
#include <string>

#include "policy/brakes.h"
#include "policy/dossier.h"
#include "policy/proto_time.h"
#include "policy/queries.h"
#include "policy/request_gate.h"

namespace holdfast::rpc {
namespace {

v1::Transfer::State StateOf(policy::TransferState state) {
  switch (state) {
    case policy::TransferState::kUnspecified:
      return v1::Transfer::STATE_UNSPECIFIED;
    case policy::TransferState::kSubmitting:
      return v1::Transfer::SUBMITTING;
    case policy::TransferState::kAwaitingApproval:
      return v1::Transfer::AWAITING_APPROVAL;
    case policy::TransferState::kApproved:
      return v1::Transfer::APPROVED;
    case policy::TransferState::kClosed:
      return v1::Transfer::CLOSED;
    case policy::TransferState::kDenied:
      return v1::Transfer::DENIED;
  }
  return v1::Transfer::STATE_UNSPECIFIED;
}

void SetTerms(const ledger::v1::TransferCreated& created, v1::TransferTerms& terms) {
  terms.set_authority(created.authority());
  terms.set_purpose(created.purpose());
  terms.set_requesting_official(created.requesting_official());
  *terms.mutable_officers() = created.officers();
  for (const ledger::v1::Period& period : created.periods()) {
    v1::TaxPeriod& out = *terms.add_periods();
    out.set_first_year(period.first_year());
    out.set_last_year(period.last_year());
  }
  terms.set_attestation_digest(created.attestation_digest());
}

void SetRefused(const policy::Transfer& transfer, v1::Transfer& view) {
  for (const auto& [verdict, count] : transfer.request_verdicts) {
    const auto reason = static_cast<policy::RequestReason>(verdict);
    if (reason == policy::RequestReason::kAccepted) continue;
    v1::ReasonCount& out = *view.add_refused();
    out.set_reason(std::string(policy::RequestReasonName(reason)));
    out.set_count(count);
  }
}

void SetStops(const policy::State& state, const policy::Transfer& transfer, v1::Transfer& view) {
  if (transfer.suspended()) {
    v1::Stop& stop = *view.add_stops();
    stop.set_reason("SUSPENDED");
    stop.set_ledger_index(transfer.suspended_index);
  }
  if (state.now().late >= transfer.ends_at) view.add_stops()->set_reason("ENDED");
  for (const order::v1::Brake brake : policy::BrakesOf(transfer.stopping())) {
    view.add_stops()->set_reason(policy::BrakeName(brake));
  }
  if (transfer.record_cap != policy::kNoCap) view.set_record_cap(transfer.record_cap);
  if (transfer.ends_at != kMaxTime) {
    *view.mutable_ends_at() = policy::ToProto(transfer.ends_at);
  }
}

}  // namespace

v1::Dossier ViewOfDossier(const policy::State& state, const policy::Transfer& transfer) {
  const policy::Dossier dossier = policy::DossierOf(state, transfer);
  v1::Dossier view;
  view.set_agreement_digest(ToString(dossier.agreement));
  view.set_transfer(ToString(BytesOf(dossier.transfer)));
  view.set_requester(dossier.requester);
  SetTerms(*transfer.terms, *view.mutable_terms());
  view.mutable_terms()->clear_officers();
  for (const policy::Dossier::Officer& officer : dossier.officers) {
    v1::OfficerLoad& out = *view.add_officers();
    out.set_officer(officer.id);
    out.set_accepted(officer.accepted);
    out.set_open_cases(officer.open_cases);
  }
  view.set_subjects(dossier.rows);
  for (const auto& [verdict, rows] : dossier.verdicts) {
    v1::VerdictCount& out = *view.add_verdicts();
    out.set_verdict(verdict);
    out.set_rows(rows);
  }
  view.set_second_addresses(dossier.second_addresses);
  for (const std::uint32_t brake : dossier.brakes) view.add_brakes(brake);
  view.set_subjects_digest(ToString(dossier.subjects_digest));
  return view;
}

v1::Transfer ViewOfTransfer(const policy::State& state, const policy::Transfer& transfer,
                            const Viewer& viewer) {
  v1::Transfer view;
  view.set_name(policy::TransferName(transfer.id));
  view.set_state(StateOf(transfer.state));
  view.set_subjects(transfer.judged);
  view.set_accepted(transfer.accepted);
  SetTerms(*transfer.terms, *view.mutable_terms());
  const bool requester = viewer.role == agreement::v1::ROLE_REQUESTER;
  const bool source = viewer.role == agreement::v1::ROLE_SOURCE;
  if (requester || viewer.role == agreement::v1::ROLE_CUSTODIAN) SetRefused(transfer, view);
  if (requester) view.set_binding_nonce(transfer.terms->binding_nonce());
  if (source || transfer.state == policy::TransferState::kClosed) {
    view.set_deposited(transfer.deposited);
  }
  // Never for the requester: that a row is in doubt says something about it (R10).
  if (source || viewer.role == agreement::v1::ROLE_CUSTODIAN) {
    view.set_waiting(static_cast<std::uint32_t>(transfer.cases.size()));
  }
  if (transfer.approved()) {
    *view.mutable_not_before() = policy::ToProto(transfer.not_before);
    *view.mutable_not_after() = policy::ToProto(transfer.not_after);
    view.set_agreement_digest(ToString(transfer.agreement_digest));
  }
  if (transfer.rows > 0) view.set_dossier_digest(Hex(transfer.dossier_digest));
  SetStops(state, transfer, view);
  view.set_approvals(static_cast<std::uint32_t>(transfer.approvals.size()));
  std::set<std::string> matters;
  for (const policy::Hold& hold : state.holds().all()) {
    if (hold.in_force() && hold.scope.Touches(transfer.Facts())) {
      matters.insert(hold.order->matter());
    }
  }
  for (const std::string& matter : matters) view.add_matters(matter);
  return view;
}

}  // namespace holdfast::rpc
