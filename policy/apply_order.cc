// SPDX-License-Identifier: Apache-2.0
//
// How each act of a person changes a state.
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "policy/fold.h"
#include "policy/proto_time.h"
#include "policy/queries.h"

namespace holdfast::policy {
namespace {

using order::v1::Order;

absl::Status Inconsistent(const char* what) { return MakeError(Reason::kLedgerInconsistent, what); }

// The state's hold, if it is one that a lift can be about.
const Hold* InForce(const HoldBook& holds, const std::string& id) {
  const Hold* hold = holds.Find(id);
  return hold != nullptr && hold->in_force() ? hold : nullptr;
}

}  // namespace

Transfer* Fold::FindTransfer(const std::string& name) {
  const auto id = ParseTransferName(name);
  const Transfer* found = id ? s_.FindTransfer(*id) : nullptr;
  return found == nullptr ? nullptr : &s_.transfers_[found->number];
}

absl::Status Fold::Add(const OpenedOrder& order, std::uint64_t index) {
  if (order.person.value() >= s_.last_orders_.size()) return Inconsistent("no such person");
  absl::Status status = absl::OkStatus();
  bool restricts = false;
  switch (order.order.act_case()) {
    case Order::kApproveTransfer:
      status = Act(order, order.order.approve_transfer(), index);
      break;
    case Order::kDenyTransfer:
      status = Act(order, order.order.deny_transfer());
      break;
    case Order::kSuspendTransfer:
      status = Act(order, order.order.suspend_transfer(), index);
      restricts = true;
      break;
    case Order::kResumeTransfer:
      status = Act(order, order.order.resume_transfer());
      break;
    case Order::kCapTransfer:
      status = Act(order, order.order.cap_transfer());
      restricts = true;
      break;
    case Order::kEndTransfer:
      status = Act(order, order.order.end_transfer());
      restricts = true;
      break;
    case Order::kLetTransferGoOn:
      status = Act(order, order.order.let_transfer_go_on());
      break;
    case Order::kReleaseCase:
      status = Act(order.order.release_case());
      break;
    case Order::kRefuseCases:
      status = Act(order.order.refuse_cases());
      break;
    case Order::kPlaceHold:
      status = Act(order, order.order.place_hold(), index);
      restricts = true;
      break;
    case Order::kProposeLift:
      status = Act(order, order.order.propose_lift(), index);
      break;
    case Order::kConfirmLift:
      status = Act(order, order.order.confirm_lift(), index);
      break;
    case Order::kCancelLift:
      status = Act(order, order.order.cancel_lift());
      restricts = true;
      break;
    case Order::kRevokeRecords:
      status = Act(order, order.order.revoke_records(), index);
      restricts = true;
      break;
    case Order::kApproveDestruction:
      status = Act(order, order.order.approve_destruction());
      break;
    case Order::kCancelDestruction:
      status = Act(order, order.order.cancel_destruction());
      restricts = true;
      break;
    case Order::kTrustClock:
      s_.trust_ordered_ = true;
      break;
    case Order::kAmendHold:
    case Order::kConfirmAmendment:
    case Order::kAttachDocument:
    case Order::kAcknowledgeNotice:
    case Order::kRestoreHold:
    case Order::kAuthoriseDestruction:
    case Order::kStrikeOff:
    case Order::ACT_NOT_SET:
      status = Inconsistent("an order says nothing");
      break;
  }
  HF_RETURN_IF_ERROR(status);
  if (!s_.order_by_digest_.emplace(order.payload_digest, index).second ||
      !s_.order_by_id_.emplace(order.id, index).second) {
    return Inconsistent("an order is there already");
  }
  s_.last_orders_[order.person.value()] = {true, order.payload_digest};
  if (restricts) s_.order_unanchored_ = true;
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::ApproveTransfer& act,
                       std::uint64_t index) {
  Transfer* transfer = FindTransfer(act.transfer());
  if (transfer == nullptr) return Inconsistent("no such transfer");
  transfer->approvals.push_back(order.person);
  const Terms& terms = s_.agreement_->terms();
  if (transfer->approvals.size() < terms.transfer_approvals) return absl::OkStatus();

  transfer->state = TransferState::kApproved;
  transfer->approved_index = index;
  transfer->agreement_digest = s_.agreement_->digest();
  transfer->not_before = s_.now_.late;
  transfer->not_after = s_.now_.late + terms.record_lifetime;
  s_.deadlines_.emplace(transfer->not_after, transfer->number);
  std::vector<std::uint16_t> sizes;
  for (std::uint32_t k = 0; k < ChunkCount(*transfer); ++k) {
    const RecordChunk& chunk = *transfer->records.chunk(k);
    sizes.push_back(static_cast<std::uint16_t>(chunk.accepted - chunk.destroyed));
    transfer->envelopes_due += sizes.back();
  }
  transfer->envelopes = EnvelopesRoot(sizes);
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder&, const order::v1::DenyTransfer& act) {
  Transfer* transfer = FindTransfer(act.transfer());
  if (transfer == nullptr) return Inconsistent("no such transfer");
  transfer->state = TransferState::kDenied;
  EndCases(*transfer);
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder&, const order::v1::SuspendTransfer& act,
                       std::uint64_t index) {
  Transfer* transfer = FindTransfer(act.transfer());
  if (transfer == nullptr) return Inconsistent("no such transfer");
  transfer->suspended_index = index;
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder&, const order::v1::ResumeTransfer& act) {
  Transfer* transfer = FindTransfer(act.transfer());
  if (transfer == nullptr) return Inconsistent("no such transfer");
  transfer->suspended_index = 0;
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder&, const order::v1::CapTransfer& act) {
  Transfer* transfer = FindTransfer(act.transfer());
  if (transfer == nullptr) return Inconsistent("no such transfer");
  transfer->record_cap = act.records();
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder&, const order::v1::EndTransfer& act) {
  Transfer* transfer = FindTransfer(act.transfer());
  const auto end = FromProto(act.end_at());
  if (transfer == nullptr || !end) return Inconsistent("a transfer cannot be ended");
  transfer->ends_at = *end;
  if (*end <= s_.now_.late) {
    EndCases(*transfer);
  } else {
    s_.ends_.emplace(*end, transfer->number);
  }
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder&, const order::v1::LetTransferGoOn& act) {
  Transfer* transfer = FindTransfer(act.transfer());
  if (transfer == nullptr) return Inconsistent("no such transfer");
  for (const int brake : act.brakes()) {
    transfer->let_go |= BrakeBit(static_cast<order::v1::Brake>(brake));
  }
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::PlaceHold& act,
                       std::uint64_t index) {
  // An officer whom only a hold has named so far gets a number now, so that records to come are
  // born held.
  if (!act.scope().officer().empty()) InternOfficer(act.scope().officer());
  ScopeResult scope = CompileScope(s_, act.scope());
  if (!scope.ok() || s_.holds_.Find(act.hold_id()) != nullptr) {
    return Inconsistent("a hold cannot be placed");
  }
  Hold hold;
  hold.order = std::make_shared<const order::v1::PlaceHold>(act);
  hold.scope = std::move(scope.scope);
  hold.freezes = act.kind() != order::v1::PRESERVE;
  hold.preserves = act.kind() != order::v1::FREEZE;
  hold.placed_index = index;
  hold.placed_at = s_.now_.late;
  hold.placed_by = order.person;
  s_.holds_.Place(std::move(hold));
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::ProposeLift& act,
                       std::uint64_t index) {
  if (InForce(s_.holds_, act.hold_id()) == nullptr) return Inconsistent("no such hold");
  s_.holds_.Propose(act.hold_id(), index, order.person);
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::ConfirmLift& act,
                       std::uint64_t index) {
  const Hold* hold = InForce(s_.holds_, act.hold_id());
  if (hold == nullptr || hold->state != HoldState::kLiftProposed) {
    return Inconsistent("no such proposal");
  }
  const UnixMillis lift_at = s_.now_.late + s_.agreement_->terms().cooling_period;
  s_.holds_.Confirm(act.hold_id(), index, order.person, lift_at);
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder&, const order::v1::CancelLift& act) {
  if (InForce(s_.holds_, act.hold_id()) == nullptr) return Inconsistent("no such hold");
  s_.holds_.Cancel(act.hold_id());
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::RevokeRecords& act,
                       std::uint64_t index) {
  const ScopeResult scope = CompileScope(s_, act.scope());
  if (!scope.ok()) return Inconsistent("a scope cannot be read");
  Disposal disposal;
  disposal.revocation_index = index;
  disposal.records = ListForScope(s_, scope.scope);
  disposal.revoked_by = order.person;
  disposal.revoked_at = s_.now_.late;
  disposal.due_at = s_.now_.late + s_.agreement_->terms().destruction_window;
  for (const RowRuns& rows : disposal.records.transfers) {
    Transfer& transfer = s_.transfers_[rows.transfer];
    for (const RowRun& run : rows.runs) {
      for (std::uint32_t row = run.first; row < run.first + run.count; ++row) {
        Record& record = *transfer.records.Find(row);
        if (!record.revoked()) ++transfer.revoked;
        record.flags |= kRecordIsRevoked | kRecordIsPending;
      }
    }
  }
  s_.disposals_.emplace(index, std::move(disposal));
  s_.open_disposals_.insert(index);
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::ApproveDestruction& act) {
  const auto found = s_.disposals_.find(act.revocation_index());
  if (found == s_.disposals_.end()) return Inconsistent("no such revocation");
  Disposal& disposal = found->second;
  disposal.approvals.push_back(order.person);
  if (disposal.approvals.size() >= s_.agreement_->terms().destruction_approvals) {
    disposal.state = DisposalState::kApproved;
  }
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder&, const order::v1::CancelDestruction& act) {
  const auto found = s_.disposals_.find(act.revocation_index());
  if (found == s_.disposals_.end()) return Inconsistent("no such revocation");
  Disposal& disposal = found->second;
  disposal.state = DisposalState::kCancelled;
  s_.open_disposals_.erase(act.revocation_index());
  for (const RowRuns& rows : disposal.records.transfers) {
    Transfer& transfer = s_.transfers_[rows.transfer];
    for (const RowRun& run : rows.runs) {
      for (std::uint32_t row = run.first; row < run.first + run.count; ++row) {
        Record& record = *transfer.records.Find(row);
        record.flags = static_cast<std::uint8_t>(record.flags & ~kRecordIsPending);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace holdfast::policy
