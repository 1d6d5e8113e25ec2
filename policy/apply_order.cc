// SPDX-License-Identifier: Apache-2.0
//
// How each act of a person changes a state.
#include <algorithm>
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
      status = Act(order, order.order.cancel_lift(), index);
      restricts = true;
      break;
    case Order::kAmendHold:
      status = Act(order, order.order.amend_hold(), index);
      restricts = true;
      break;
    case Order::kConfirmAmendment:
      status = Act(order, order.order.confirm_amendment(), index);
      break;
    case Order::kAttachDocument:
      status = Act(order, order.order.attach_document(), index);
      break;
    case Order::kAcknowledgeNotice:
      status = Act(order, order.order.acknowledge_notice(), index);
      break;
    case Order::kRestoreHold:
      status = Act(order, order.order.restore_hold(), index);
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
    case Order::kAuthoriseDestruction:
      status = Act(order, order.order.authorise_destruction(), index);
      break;
    case Order::kStrikeOff:
      status = Act(order, order.order.strike_off(), index);
      restricts = true;
      break;
    case Order::kAccountPerson:
      status = Act(order, order.order.account_person(), index);
      break;
    case Order::kDestroyPseudonymKey:
      status = Act(order, order.order.destroy_pseudonym_key(), index);
      restricts = order.order.destroy_pseudonym_key().first_index() != 0;
      break;
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

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::AuthoriseDestruction& act,
                       std::uint64_t index) {
  const auto found = s_.disposals_.find(act.revocation_index());
  if (found == s_.disposals_.end()) return Inconsistent("no such revocation");
  Disposal& disposal = found->second;
  if (act.first_index() == 0) {
    Authorisation first;
    first.order = std::make_shared<const order::v1::AuthoriseDestruction>(act);
    first.first_index = index;
    first.first_by = order.person;
    disposal.authorisation = std::move(first);
    return absl::OkStatus();
  }
  if (!disposal.authorisation || disposal.authorisation->complete()) {
    return Inconsistent("no first authorisation");
  }
  Authorisation& authorisation = *disposal.authorisation;
  authorisation.second_index = index;
  authorisation.second_by = order.person;
  authorisation.due_at = s_.now_.late + s_.agreement_->terms().destruction_window;
  for (const order::v1::OverriddenHold& named : act.holds()) {
    const Hold* hold = s_.holds_.Find(named.hold_id());
    if (hold == nullptr) return Inconsistent("no such hold");
    authorisation.over.emplace(hold->number, named.placed_index());
  }
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::StrikeOff& act,
                       std::uint64_t index) {
  const Member* member = s_.agreement_->FindMember(act.member());
  if (member == nullptr) return Inconsistent("no such member");
  if (act.public_key().empty()) {
    s_.struck_off_.Add(member->number);
  } else {
    const auto key = crypto::PublicKey::FromBase64(act.public_key());
    if (!key.ok()) return Inconsistent("a key is malformed");
    s_.struck_off_.Add(*key);
  }
  s_.holds_.Withdraw(member->number, ActOf(order, index));
  WithdrawApprovals(member->number);
  return absl::OkStatus();
}

void Fold::WithdrawApprovals(MemberNumber person) {
  EvidenceRecord& evidence = s_.evidence_;
  if (evidence.key_destruction_index != 0 && evidence.key_destruction_by == person) {
    evidence.key_destruction_index = 0;
  }
  const auto drop = [person](std::vector<MemberNumber>& approvals) {
    approvals.erase(std::remove(approvals.begin(), approvals.end(), person), approvals.end());
  };
  for (Transfer& transfer : s_.transfers_) {
    if (transfer.state == TransferState::kAwaitingApproval) drop(transfer.approvals);
  }
  for (const std::uint64_t index : s_.open_disposals_) {
    Disposal& disposal = s_.disposals_.at(index);
    drop(disposal.approvals);
    if (disposal.approvals.size() < s_.agreement_->terms().destruction_approvals) {
      disposal.state = DisposalState::kAwaitingApproval;
    }
    const auto& authorisation = disposal.authorisation;
    if (authorisation && (authorisation->first_by == person ||
                          (authorisation->complete() && authorisation->second_by == person))) {
      disposal.authorisation.reset();
    }
  }
}

}  // namespace holdfast::policy
