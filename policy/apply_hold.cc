// SPDX-License-Identifier: Apache-2.0
//
// How holds change a state.
#include <utility>

#include "policy/fold.h"
#include "policy/queries.h"

namespace holdfast::policy {
namespace {

absl::Status Inconsistent(const char* what) { return MakeError(Reason::kLedgerInconsistent, what); }

}  // namespace

const Hold* Fold::FindHold(const std::string& id) const { return s_.holds_.Find(id); }

HoldBook::Act Fold::ActOf(const OpenedOrder& order, std::uint64_t index) const {
  return {index, s_.now_.late, order.person, s_.agreement_->member(order.person).side};
}

std::optional<HoldForm> Fold::Compile(const order::v1::PlaceHold& order) {
  // An officer whom only a hold has named so far gets a number now, so that records to come are
  // born held.
  if (!order.scope().officer().empty()) InternOfficer(order.scope().officer());
  ScopeResult scope = CompileScope(s_, order.scope());
  if (!scope.ok()) return std::nullopt;
  return FormOf(order, std::move(scope.scope));
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::PlaceHold& act,
                       std::uint64_t index) {
  std::optional<HoldForm> form = Compile(act);
  if (!form || FindHold(act.hold_id()) != nullptr) return Inconsistent("a hold cannot be placed");
  Hold hold;
  static_cast<HoldForm&>(hold) = *std::move(form);
  s_.holds_.Place(std::move(hold), ActOf(order, index));
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::AmendHold& act,
                       std::uint64_t index) {
  const Hold* hold = FindHold(act.hold().hold_id());
  std::optional<HoldForm> form = Compile(act.hold());
  if (!form || hold == nullptr || !hold->in_force()) {
    return Inconsistent("a hold cannot be amended");
  }
  if (form->Includes(*hold)) {
    s_.holds_.Widen(*hold, *std::move(form), ActOf(order, index));
    return absl::OkStatus();
  }
  if (hold->confirmed()) return Inconsistent("a confirmed lift waits");
  s_.holds_.ProposeAmendment(*hold, *std::move(form), ActOf(order, index));
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::ProposeLift& act,
                       std::uint64_t index) {
  const Hold* hold = FindHold(act.hold_id());
  if (hold == nullptr || !hold->in_force() || hold->confirmed()) {
    return Inconsistent("no such hold");
  }
  s_.holds_.Propose(*hold, ActOf(order, index));
  return absl::OkStatus();
}

absl::Status Fold::Confirm(const OpenedOrder& order, const std::string& id, HoldState proposed,
                           std::uint64_t index) {
  const Hold* hold = FindHold(id);
  if (hold == nullptr || hold->state != proposed) return Inconsistent("no such proposal");
  s_.holds_.Confirm(*hold, ActOf(order, index),
                    s_.now_.late + s_.agreement_->terms().cooling_period);
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::ConfirmLift& act,
                       std::uint64_t index) {
  return Confirm(order, act.hold_id(), HoldState::kLiftProposed, index);
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::ConfirmAmendment& act,
                       std::uint64_t index) {
  return Confirm(order, act.hold_id(), HoldState::kAmendmentProposed, index);
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::CancelLift& act,
                       std::uint64_t index) {
  const Hold* hold = FindHold(act.hold_id());
  if (hold == nullptr || !hold->in_force()) return Inconsistent("no such hold");
  s_.holds_.Cancel(*hold, ActOf(order, index));
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::AttachDocument& act,
                       std::uint64_t index) {
  const Hold* hold = FindHold(act.hold_id());
  if (hold == nullptr) return Inconsistent("no such hold");
  s_.holds_.AttachDocument(*hold, act, ActOf(order, index));
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::AcknowledgeNotice& act,
                       std::uint64_t index) {
  const Hold* hold = FindHold(act.hold_id());
  const Member* requester = s_.agreement_->FindMember(act.requester());
  if (hold == nullptr || requester == nullptr || hold->notices.count(requester->number) == 0) {
    return Inconsistent("no such notice");
  }
  s_.holds_.Acknowledge(*hold, requester->number, index, order.person);
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::RestoreHold& act,
                       std::uint64_t index) {
  const Hold* hold = FindHold(act.hold_id());
  if (hold == nullptr || hold->in_force()) return Inconsistent("a hold cannot be restored");
  s_.holds_.Restore(*hold, ActOf(order, index));
  return absl::OkStatus();
}

absl::Status Fold::Add(const ledger::v1::NoticeGiven& fact, std::uint64_t index) {
  const Hold* hold = s_.holds_.FindByPlacing(fact.placed_index());
  const Member* requester = s_.agreement_->FindMember(fact.requester());
  if (hold == nullptr || requester == nullptr || hold->notices.count(requester->number) > 0) {
    return Inconsistent("a notice cannot be given");
  }
  const UnixMillis at = s_.now_.late;
  s_.holds_.Give(*hold, requester->number, index, at, at + s_.agreement_->terms().notice_deadline);
  return absl::OkStatus();
}

}  // namespace holdfast::policy
