// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/hold_service.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "daemon/rpc/state_watch.h"
#include "daemon/rpc/unary.h"
#include "holdfast/v1/disposal_service.pb.h"
#include "holdfast/v1/hold_service.pb.h"
#include "policy/proto_time.h"
#include "policy/queries.h"

namespace holdfast::rpc {
namespace {

absl::StatusOr<policy::CompiledScope> ScopeOf(const policy::State& state, const v1::Scope& scope) {
  policy::ScopeResult result = policy::CompileScope(state, scope);
  if (!result.ok()) return policy::RefusalError(result.refusal);
  return std::move(result.scope);
}

v1::Hold::State StateOf(policy::HoldState state) {
  switch (state) {
    case policy::HoldState::kInForce:
      return v1::Hold::IN_FORCE;
    case policy::HoldState::kLiftProposed:
      return v1::Hold::LIFT_PROPOSED;
    case policy::HoldState::kLiftConfirmed:
      return v1::Hold::LIFT_CONFIRMED;
    case policy::HoldState::kLifted:
      return v1::Hold::LIFTED;
    case policy::HoldState::kAmendmentProposed:
      return v1::Hold::AMENDMENT_PROPOSED;
    case policy::HoldState::kAmendmentConfirmed:
      return v1::Hold::AMENDMENT_CONFIRMED;
  }
  return v1::Hold::STATE_UNSPECIFIED;
}

v1::Hold::Basis BasisOf(order::v1::HoldBasis basis) {
  // An unspecified basis is a written order; the numbers are the same otherwise.
  return basis == order::v1::HOLD_BASIS_UNSPECIFIED ? v1::Hold::WRITTEN_ORDER
                                                    : static_cast<v1::Hold::Basis>(basis);
}

UnixMillis DocumentDueAt(const policy::State& state, const policy::Hold& hold) {
  return hold.placed_at + state.agreement().terms().document_deadline;
}

// What is overdue is so by the present time, also while nothing is decided and the ledger's stands.
UnixMillis Present(const exchange::Core& core) { return UnixMillis(core.present.late_ms); }

// In force without its document, although the agreement's time for that is over.
bool DocumentOverdue(const exchange::Core& core, const policy::Hold& hold) {
  return hold.in_force() && hold.lacks_document() &&
         DocumentDueAt(core.state, hold) <= Present(core);
}

bool NoticeOverdue(const exchange::Core& core, const policy::Hold& hold,
                   const policy::Notice& notice) {
  return hold.in_force() && notice.acknowledged_index == 0 && notice.due_at <= Present(core);
}

// Whether somebody owes an acknowledgement or a document.
bool IsOverdue(const exchange::Core& core, const policy::Hold& hold) {
  return DocumentOverdue(core, hold) ||
         std::any_of(hold.notices.begin(), hold.notices.end(),
                     [&](const auto& notice) { return NoticeOverdue(core, hold, notice.second); });
}

v1::Notice ViewOfNotice(const exchange::Core& core, const policy::Hold& hold,
                        policy::MemberNumber requester, const policy::Notice& notice) {
  const policy::State& state = core.state;
  v1::Notice view;
  view.set_hold_id(hold.id());
  view.set_matter(hold.matter());
  view.set_placed_index(notice.placed_index);
  *view.mutable_placed_at() = policy::ToProto(hold.last_placed_at);
  view.set_requester(state.agreement().member(requester).id);
  view.set_notice_index(notice.index);
  *view.mutable_due_at() = policy::ToProto(notice.due_at);
  view.set_acknowledged_index(notice.acknowledged_index);
  if (notice.acknowledged_index != 0) {
    view.set_acknowledged_by(state.agreement().member(notice.acknowledged_by).id);
  }
  view.set_overdue(NoticeOverdue(core, hold, notice));
  view.set_freezes(hold.freezes);
  view.set_preserves(hold.preserves);
  return view;
}

// A requester sees its own notices.
bool Sees(const policy::State& state, const Viewer& viewer, policy::MemberNumber requester) {
  return viewer.role != agreement::v1::ROLE_REQUESTER ||
         state.agreement().member(requester).id == viewer.member;
}

// Whether the hold can touch one of the viewer's transfers, as a requester.
bool TouchesViewer(const policy::State& state, const policy::Hold& hold, const Viewer& viewer) {
  return std::any_of(state.transfers().begin(), state.transfers().end(),
                     [&](const policy::Transfer& transfer) {
                       return state.agreement().member(transfer.requester).id == viewer.member &&
                              hold.scope.Touches(transfer.Facts());
                     });
}

v1::Hold ViewOfHold(const exchange::Core& core, const policy::Hold& hold, const Viewer& viewer) {
  const policy::State& state = core.state;
  v1::Hold view;
  view.set_id(hold.id());
  view.set_matter(hold.matter());
  view.set_court(hold.order->court());
  view.set_freezes(hold.freezes);
  view.set_preserves(hold.preserves);
  view.set_state(StateOf(hold.state));
  view.set_placed_index(hold.placed_index);
  *view.mutable_placed_at() = policy::ToProto(hold.placed_at);
  for (const auto& [requester, notice] : hold.notices) {
    if (!Sees(state, viewer, requester)) continue;
    *view.add_notices() = ViewOfNotice(core, hold, requester, notice);
  }
  if (viewer.role == agreement::v1::ROLE_REQUESTER) return view;
  view.set_order_reference(hold.order->order_reference());
  view.set_document_sha256(hold.order->document_sha256());
  *view.mutable_scope() = hold.order->scope();
  view.set_placed_by(state.agreement().member(hold.placed_by).id);
  view.set_last_placed_index(hold.last_placed_index);
  view.set_basis(BasisOf(hold.order->basis()));
  if (hold.lacks_document()) {
    *view.mutable_document_due_at() = policy::ToProto(DocumentDueAt(state, hold));
    view.set_document_overdue(DocumentOverdue(core, hold));
  }
  view.set_proposal_index(hold.proposal_index);
  if (hold.confirmed() || !hold.in_force()) {
    *view.mutable_lift_at() = policy::ToProto(hold.lift_at);
  }
  if (hold.amendment) {
    view.mutable_amendment()->set_freezes(hold.amendment->freezes);
    view.mutable_amendment()->set_preserves(hold.amendment->preserves);
    *view.mutable_amendment()->mutable_scope() = hold.amendment->order->scope();
  }
  if (hold.order->has_review_at()) *view.mutable_review_at() = hold.order->review_at();
  return view;
}

void PreviewHold(const Hosted& hosted, const Viewer&, const Call&,
                 const v1::PreviewHoldRequest& request,
                 Responder<v1::PreviewHoldResponse> respond) {
  AnswerFromState<v1::PreviewHoldResponse>(
      hosted, std::move(respond),
      [scope =
           request.scope()](const exchange::Core& core) -> absl::StatusOr<v1::PreviewHoldResponse> {
        HF_ASSIGN_OR_RETURN(const policy::CompiledScope compiled, ScopeOf(core.state, scope));
        const policy::Coverage coverage = policy::CountCoverage(core.state, compiled);
        v1::PreviewHoldResponse response;
        response.set_records(coverage.records);
        response.set_released(coverage.released);
        response.set_open_leases(coverage.open_leases);
        response.set_transfers(coverage.transfers);
        response.set_requesters(coverage.requesters);
        return response;
      });
}

void GetHold(const Hosted& hosted, const Viewer& viewer, const Call&,
             const v1::GetHoldRequest& request, Responder<v1::Hold> respond) {
  AnswerFromState<v1::Hold>(
      hosted, std::move(respond),
      [viewer, id = request.id()](const exchange::Core& core) -> absl::StatusOr<v1::Hold> {
        const policy::Hold* hold = core.state.holds().Find(id);
        if (hold == nullptr) return MakeError(Reason::kNotFound, "there is no such hold");
        v1::Hold view = ViewOfHold(core, *hold, viewer);
        for (const policy::HoldEvent& happened : hold->history) {
          v1::HoldEvent& event = *view.add_history();
          event.set_kind(static_cast<v1::HoldEvent::Kind>(happened.kind));
          event.set_ledger_index(happened.index);
          *event.mutable_at() = policy::ToProto(happened.at);
          if (happened.person) event.set_person(core.state.agreement().member(*happened.person).id);
        }
        return view;
      });
}

void ListHolds(const Hosted& hosted, const Viewer& viewer, const Call&,
               const v1::ListHoldsRequest& request, Responder<v1::ListHoldsResponse> respond) {
  AnswerFromState<v1::ListHoldsResponse>(
      hosted, std::move(respond),
      [viewer, lifted = request.include_lifted(), overdue = request.overdue()](
          const exchange::Core& core) -> absl::StatusOr<v1::ListHoldsResponse> {
        v1::ListHoldsResponse response;
        for (const policy::Hold& hold : core.state.holds().all()) {
          if (!lifted && !hold.in_force()) continue;
          if (overdue && !IsOverdue(core, hold)) continue;
          if (viewer.role == agreement::v1::ROLE_REQUESTER &&
              !TouchesViewer(core.state, hold, viewer)) {
            continue;
          }
          *response.add_holds() = ViewOfHold(core, hold, viewer);
        }
        return response;
      });
}

// Bounds the answer: whoever owes more acknowledges these first.
constexpr int kMostNotices = 1'000;

absl::StatusOr<v1::WatchNoticesResponse> ReadNotices(const exchange::Core& core,
                                                     const Viewer& viewer) {
  const policy::State& state = core.state;
  v1::WatchNoticesResponse response;
  state.holds().ForEachUnacknowledged(
      [&](const policy::Hold& hold, policy::MemberNumber requester, const policy::Notice& notice) {
        if (!Sees(state, viewer, requester)) return;
        response.set_total(response.total() + 1);
        if (response.notices_size() >= kMostNotices) return;
        *response.add_notices() = ViewOfNotice(core, hold, requester, notice);
      });
  return response;
}

void PreviewDisposal(const Hosted& hosted, const Viewer&, const Call&,
                     const v1::PreviewDisposalRequest& request,
                     Responder<v1::PreviewDisposalResponse> respond) {
  AnswerFromState<v1::PreviewDisposalResponse>(
      hosted, std::move(respond),
      [scope = request.scope()](
          const exchange::Core& core) -> absl::StatusOr<v1::PreviewDisposalResponse> {
        HF_ASSIGN_OR_RETURN(const policy::CompiledScope compiled, ScopeOf(core.state, scope));
        const policy::RecordList list = policy::ListForScope(core.state, compiled);
        const policy::Coverage coverage = policy::CountCoverage(core.state, compiled);
        v1::PreviewDisposalResponse response;
        response.set_count(list.count);
        response.set_list_digest(Hex(list.digest));
        response.set_preserved(coverage.preserved);
        response.set_released(coverage.released);
        return response;
      });
}

v1::Disposal::State StateOf(const policy::State& state, const policy::Disposal& disposal) {
  switch (disposal.state) {
    case policy::DisposalState::kAwaitingApproval:
      return v1::Disposal::AWAITING_APPROVAL;
    case policy::DisposalState::kApproved:
      return policy::PreservingDisposal(state, disposal) == nullptr ? v1::Disposal::WAITING
                                                                    : v1::Disposal::PRESERVED;
    case policy::DisposalState::kDestroyed:
      return v1::Disposal::DESTROYED;
    case policy::DisposalState::kCancelled:
      return v1::Disposal::CANCELLED;
  }
  return v1::Disposal::STATE_UNSPECIFIED;
}

void ListDisposals(const Hosted& hosted, const Viewer&, const Call&,
                   const v1::ListDisposalsRequest&, Responder<v1::ListDisposalsResponse> respond) {
  AnswerFromState<v1::ListDisposalsResponse>(
      hosted, std::move(respond),
      [](const exchange::Core& core) -> absl::StatusOr<v1::ListDisposalsResponse> {
        v1::ListDisposalsResponse response;
        for (const auto& [index, disposal] : core.state.disposals()) {
          v1::Disposal& out = *response.add_disposals();
          out.set_revocation_index(index);
          out.set_state(StateOf(core.state, disposal));
          out.set_count(disposal.records.count);
          out.set_list_digest(Hex(disposal.records.digest));
          *out.mutable_due_at() = policy::ToProto(policy::DisposalDueAt(core.state, disposal));
          out.set_destroyed_index(disposal.destroyed_index);
          out.set_approvals(static_cast<std::uint32_t>(disposal.approvals.size()));
          out.set_revoked_by(core.state.agreement().member(disposal.revoked_by).id);
          if (const policy::Hold* hold = policy::PreservingDisposal(core.state, disposal)) {
            out.set_matter(hold->matter());
          }
          if (disposal.authorisation) {
            out.set_authorisation_first_index(disposal.authorisation->first_index);
            out.set_authorisation_index(disposal.authorisation->second_index);
          }
        }
        return response;
      });
}

// The holds in force that preserve one of the revocation's records.
void AddHoldsAgainst(const policy::State& state, const policy::Disposal& disposal,
                     v1::Conflict& conflict) {
  std::map<std::string, v1::ConflictingHold> against;
  for (const policy::HoldAgainst& found : policy::HoldsAgainst(state, disposal.records)) {
    const policy::Hold& hold = state.holds().all()[found.hold];
    v1::ConflictingHold out;
    out.set_hold_id(hold.id());
    out.set_matter(hold.matter());
    out.set_court(hold.order->court());
    out.set_placed_index(hold.last_placed_index);
    out.set_records(found.records);
    const auto over = disposal.overridden().find(hold.number);
    out.set_overridden(over != disposal.overridden().end() &&
                       over->second == hold.last_placed_index);
    against.emplace(hold.id(), std::move(out));
  }
  for (auto& [id, hold] : against) {
    static_cast<void>(id);
    *conflict.add_holds() = std::move(hold);
  }
}

void ListConflicts(const Hosted& hosted, const Viewer&, const Call&,
                   const v1::ListConflictsRequest&, Responder<v1::ListConflictsResponse> respond) {
  AnswerFromState<v1::ListConflictsResponse>(
      hosted, std::move(respond),
      [](const exchange::Core& core) -> absl::StatusOr<v1::ListConflictsResponse> {
        v1::ListConflictsResponse response;
        for (const std::uint64_t index : core.state.open_disposals()) {
          const policy::Disposal& disposal = *core.state.FindDisposal(index);
          v1::Conflict conflict;
          AddHoldsAgainst(core.state, disposal, conflict);
          if (conflict.holds().empty()) continue;
          conflict.set_revocation_index(index);
          conflict.set_count(disposal.records.count);
          conflict.set_list_digest(Hex(disposal.records.digest));
          conflict.set_revoked_by(core.state.agreement().member(disposal.revoked_by).id);
          if (disposal.authorisation) {
            conflict.set_authorisation_first_index(disposal.authorisation->first_index);
            conflict.set_authorisation_index(disposal.authorisation->second_index);
          }
          *response.add_conflicts() = std::move(conflict);
        }
        return response;
      });
}

}  // namespace

void RegisterHolds(const Directory& directory, MethodTable& table) {
  RegisterUnary<v1::PreviewHoldRequest, v1::PreviewHoldResponse>(
      directory, table, "/holdfast.v1.HoldService/PreviewHold", PreviewHold, Lane::kReserved);
  RegisterUnary<v1::GetHoldRequest, v1::Hold>(directory, table, "/holdfast.v1.HoldService/GetHold",
                                              GetHold, Lane::kReserved);
  RegisterUnary<v1::ListHoldsRequest, v1::ListHoldsResponse>(
      directory, table, "/holdfast.v1.HoldService/ListHolds", ListHolds, Lane::kReserved);
  RegisterStateWatch<v1::WatchNoticesRequest, v1::WatchNoticesResponse>(
      directory, table, "/holdfast.v1.HoldService/WatchNotices",
      [](const v1::WatchNoticesRequest&, Viewer viewer) {
        return [viewer = std::move(viewer)](const exchange::Core& core) {
          return ReadNotices(core, viewer);
        };
      });
  RegisterUnary<v1::PreviewDisposalRequest, v1::PreviewDisposalResponse>(
      directory, table, "/holdfast.v1.DisposalService/PreviewDisposal", PreviewDisposal);
  RegisterUnary<v1::ListConflictsRequest, v1::ListConflictsResponse>(
      directory, table, "/holdfast.v1.DisposalService/ListConflicts", ListConflicts);
  RegisterUnary<v1::ListDisposalsRequest, v1::ListDisposalsResponse>(
      directory, table, "/holdfast.v1.DisposalService/ListDisposals", ListDisposals);
}

}  // namespace holdfast::rpc
