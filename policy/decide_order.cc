// SPDX-License-Identifier: Apache-2.0
//
// The rules of orders: what all of them share, then each act's own.
#include <algorithm>

#include "policy/brakes.h"
#include "policy/decide_parts.h"
#include "policy/proto_time.h"

namespace holdfast::policy {
namespace {

using agreement::v1::ROLE_COUNSEL;
using agreement::v1::ROLE_CUSTODIAN;
using order::v1::Order;

constexpr std::size_t kMaxText = 1'000;

// Acts that only ever stop something. A doubtful clock, or a key that has since been replaced,
// never stands in their way: a court's order counts from its arrival.
bool OnlyRestricts(Order::ActCase act) {
  switch (act) {
    case Order::kPlaceHold:
    case Order::kCancelLift:
    case Order::kCancelDestruction:
    case Order::kDenyTransfer:
    case Order::kSuspendTransfer:
    case Order::kCapTransfer:
    case Order::kEndTransfer:
    case Order::kRefuseCases:
      return true;
    case Order::kReleaseCase:
    case Order::kApproveTransfer:
    case Order::kProposeLift:
    case Order::kConfirmLift:
    case Order::kRevokeRecords:
    case Order::kApproveDestruction:
    case Order::kTrustClock:
    case Order::kResumeTransfer:
    case Order::kLetTransferGoOn:
    case Order::kAmendHold:
    case Order::kConfirmAmendment:
    case Order::kAttachDocument:
    case Order::kAcknowledgeNotice:
    case Order::kRestoreHold:
    case Order::kAuthoriseDestruction:
    case Order::kStrikeOff:
    case Order::ACT_NOT_SET:
      return false;
  }
  return false;
}

// Acts whose effect counts from the gateway's time, or that let something go on.
bool NeedsTrustedClock(Order::ActCase act) {
  return act == Order::kApproveTransfer || act == Order::kConfirmLift ||
         act == Order::kResumeTransfer || act == Order::kLetTransferGoOn ||
         act == Order::kReleaseCase;
}

bool MayAct(agreement::v1::Role role, Order::ActCase act) {
  switch (act) {
    case Order::kPlaceHold:
    case Order::kCancelLift:
      return role == ROLE_COUNSEL;
    case Order::kProposeLift:
    case Order::kConfirmLift:
      return role == ROLE_COUNSEL || role == ROLE_CUSTODIAN;
    case Order::kApproveTransfer:
    case Order::kDenyTransfer:
    case Order::kSuspendTransfer:
    case Order::kResumeTransfer:
    case Order::kCapTransfer:
    case Order::kEndTransfer:
    case Order::kLetTransferGoOn:
    case Order::kReleaseCase:
    case Order::kRefuseCases:
    case Order::kRevokeRecords:
    case Order::kApproveDestruction:
    case Order::kCancelDestruction:
    case Order::kTrustClock:
      return role == ROLE_CUSTODIAN;
    case Order::kAmendHold:
    case Order::kConfirmAmendment:
    case Order::kAttachDocument:
    case Order::kAcknowledgeNotice:
    case Order::kRestoreHold:
    case Order::kAuthoriseDestruction:
    case Order::kStrikeOff:
    case Order::ACT_NOT_SET:
      return false;
  }
  return false;
}

Refusal CheckOrder(const State& state, const OpenedOrder& order) {
  const OpenedAgreement& agreement = state.agreement();
  const Order::ActCase act = order.order.act_case();
  if (order.exchange_id != agreement.digest()) return Refusal::kOrderExchange;
  if (order.order.agreement_version() != agreement.version()) return Refusal::kOrderAgreement;
  if (order.person.value() >= agreement.members().size()) return Refusal::kMemberUnknown;
  if (!MayAct(agreement.member(order.person).role, act)) return Refusal::kRoleForbids;
  if (state.FindOrder(order.payload_digest)) return Refusal::kOrderAccepted;
  if (state.FindOrderById(order.id)) return Refusal::kOrderIdTaken;

  const Now& now = state.now();
  // A hold is never stopped for want of a clock (R17).
  // That the clock is right is said of the clock as it is, which must fit the order. The late time
  // may be far ahead for good: it never runs back.
  const UnixMillis at = act == Order::kTrustClock ? now.wall : now.late;
  if (now.trusted || !OnlyRestricts(act)) {
    if (order.void_after <= at) return Refusal::kOrderVoid;
    if (order.issued_at > at + kMaxOrderLead) return Refusal::kOrderFromFuture;
  }
  if (!OnlyRestricts(act) && order.key_valid_until <= at) return Refusal::kOrderKeyEnded;
  if (order.prev != state.LastOrderOf(order.person)) return Refusal::kOrderPrev;
  if (order.head_size > state.ledger_size() || order.head_check != HeadCheck::kPrefix) {
    return Refusal::kOrderHead;
  }
  if (!now.trusted && NeedsTrustedClock(act)) return Refusal::kClockUntrusted;
  return Refusal::kAllowed;
}

bool IsText(const std::string& text) { return !text.empty() && text.size() <= kMaxText; }

bool IsHoldId(const std::string& id) {
  return id.size() >= 4 && id.size() <= 63 && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

bool IsDigest(const std::string& hex, const Digest32& digest) { return hex == Hex(digest); }

bool Contains(const std::vector<MemberNumber>& members, MemberNumber member) {
  return std::find(members.begin(), members.end(), member) != members.end();
}

// The transfer that an order names, or null.
const Transfer* Named(const State& state, const std::string& name) {
  const auto id = ParseTransferName(name);
  return id ? state.FindTransfer(*id) : nullptr;
}

Refusal DecideAct(const State& state, const OpenedOrder& order,
                  const order::v1::ApproveTransfer& act) {
  const Transfer* transfer = Named(state, act.transfer());
  if (transfer == nullptr) return Refusal::kTransferUnknown;
  if (transfer->state != TransferState::kAwaitingApproval) return Refusal::kTransferState;
  if (!IsDigest(act.dossier_digest(), transfer->dossier_digest)) return Refusal::kDossierDiffers;
  if (Contains(transfer->approvals, order.person)) return Refusal::kApprovedBefore;
  const Refusal stopped = CheckMoving(state, *transfer);
  if (stopped != Refusal::kAllowed) return stopped;
  // An approval counts only after a custodian has let the transfer go on, brake by brake.
  if (transfer->stopping() != 0) return Refusal::kTransferBraked;
  // What was in force when the request was made may have ended since (R7).
  const Refusal delegation = CheckDelegation(state, *transfer);
  return delegation == Refusal::kAllowed ? CheckSafeguard(state) : delegation;
}

Refusal DecideAct(const State& state, const OpenedOrder&, const order::v1::DenyTransfer& act) {
  const Transfer* transfer = Named(state, act.transfer());
  if (transfer == nullptr) return Refusal::kTransferUnknown;
  if (transfer->state != TransferState::kAwaitingApproval &&
      transfer->state != TransferState::kSubmitting) {
    return Refusal::kTransferState;
  }
  return IsText(act.reason()) ? Refusal::kAllowed : Refusal::kMalformed;
}

// A transfer that an order can still stop, end or limit: neither denied nor over.
Refusal FindStoppable(const State& state, const std::string& name, const Transfer** transfer) {
  *transfer = Named(state, name);
  if (*transfer == nullptr) return Refusal::kTransferUnknown;
  if ((*transfer)->state == TransferState::kDenied || (*transfer)->over) {
    return Refusal::kTransferState;
  }
  return Refusal::kAllowed;
}

Refusal DecideAct(const State& state, const OpenedOrder&, const order::v1::SuspendTransfer& act) {
  const Transfer* transfer = nullptr;
  const Refusal found = FindStoppable(state, act.transfer(), &transfer);
  if (found != Refusal::kAllowed) return found;
  if (transfer->suspended()) return Refusal::kTransferSuspended;
  return IsText(act.reason()) ? Refusal::kAllowed : Refusal::kMalformed;
}

Refusal DecideAct(const State& state, const OpenedOrder&, const order::v1::ResumeTransfer& act) {
  const Transfer* transfer = Named(state, act.transfer());
  if (transfer == nullptr) return Refusal::kTransferUnknown;
  if (!transfer->suspended()) return Refusal::kNotSuspended;
  if (act.suspension_index() != transfer->suspended_index) return Refusal::kSuspensionDiffers;
  return IsText(act.reason()) ? Refusal::kAllowed : Refusal::kMalformed;
}

Refusal DecideAct(const State& state, const OpenedOrder&, const order::v1::CapTransfer& act) {
  const Transfer* transfer = nullptr;
  const Refusal found = FindStoppable(state, act.transfer(), &transfer);
  if (found != Refusal::kAllowed) return found;
  if (act.records() >= transfer->record_cap) return Refusal::kNotStricter;
  return IsText(act.reason()) ? Refusal::kAllowed : Refusal::kMalformed;
}

Refusal DecideAct(const State& state, const OpenedOrder&, const order::v1::EndTransfer& act) {
  const Transfer* transfer = nullptr;
  const Refusal found = FindStoppable(state, act.transfer(), &transfer);
  if (found != Refusal::kAllowed) return found;
  const auto end = act.has_end_at() ? FromProto(act.end_at()) : std::nullopt;
  if (!end || !IsText(act.reason())) return Refusal::kMalformed;
  const UnixMillis in_force = transfer->approved() ? transfer->end() : transfer->ends_at;
  return *end < in_force ? Refusal::kAllowed : Refusal::kNotStricter;
}

Refusal DecideAct(const State& state, const OpenedOrder&, const order::v1::LetTransferGoOn& act) {
  const Transfer* transfer = Named(state, act.transfer());
  if (transfer == nullptr) return Refusal::kTransferUnknown;
  const bool submitting = transfer->state == TransferState::kSubmitting;
  if (!submitting && transfer->state != TransferState::kAwaitingApproval) {
    return Refusal::kTransferState;
  }
  if (transfer->stopping() == 0) return Refusal::kNotBraked;
  // What the signer saw is what goes on, or nothing does.
  const std::vector<order::v1::Brake> stopping = BrakesOf(transfer->stopping());
  if (!std::equal(act.brakes().begin(), act.brakes().end(), stopping.begin(), stopping.end())) {
    return Refusal::kBrakesDiffer;
  }
  if (submitting ? !act.dossier_digest().empty()
                 : !IsDigest(act.dossier_digest(), transfer->dossier_digest)) {
    return Refusal::kDossierDiffers;
  }
  return IsText(act.reason()) ? Refusal::kAllowed : Refusal::kMalformed;
}

bool IsSha256(const std::string& hex) {
  const auto digest = FromHex(hex);
  return digest.ok() && digest->size() == 32;
}

// What a hold needs to name depends on what it rests on. A document that is not there yet is
// attached later; what is there is whole.
bool NamesItsBasis(const order::v1::PlaceHold& act) {
  const bool reference = act.order_reference().empty() || IsText(act.order_reference());
  const bool document = act.document_sha256().empty() || IsSha256(act.document_sha256());
  switch (static_cast<int>(act.basis())) {
    case order::v1::HOLD_BASIS_UNSPECIFIED:
    case order::v1::WRITTEN_ORDER:
      return IsText(act.court()) && IsText(act.order_reference()) &&
             IsSha256(act.document_sha256());
    case order::v1::ORAL_ORDER:
      return IsText(act.court()) && reference && document;
    case order::v1::ANTICIPATED_LITIGATION:
      return (act.court().empty() || IsText(act.court())) && reference && document;
    default:
      return false;
  }
}

Refusal DecideAct(const State& state, const OpenedOrder&, const order::v1::PlaceHold& act) {
  if (!IsHoldId(act.hold_id()) || !IsText(act.matter()) || !NamesItsBasis(act) ||
      !order::v1::HoldKind_IsValid(act.kind())) {
    return Refusal::kMalformed;
  }
  if (state.holds().Find(act.hold_id()) != nullptr) return Refusal::kHoldIdTaken;
  return CompileScope(state, act.scope()).refusal;
}

// The hold that a lift is about, if it still can be lifted.
Refusal FindHold(const State& state, const std::string& id, const Hold** hold) {
  *hold = state.holds().Find(id);
  if (*hold == nullptr) return Refusal::kHoldUnknown;
  return (*hold)->in_force() ? Refusal::kAllowed : Refusal::kHoldLifted;
}

// The requester's side may not free itself from what another side placed (R25).
Refusal CheckLifter(const State& state, MemberNumber person, const Hold& hold) {
  const Side side = state.agreement().member(person).side;
  const Side placed_by = state.agreement().member(hold.placed_by).side;
  if (side == agreement::v1::REQUESTER && placed_by != agreement::v1::REQUESTER) {
    return Refusal::kLiftByRequester;
  }
  return Refusal::kAllowed;
}

Refusal DecideAct(const State& state, const OpenedOrder& order, const order::v1::ProposeLift& act) {
  const Hold* hold = nullptr;
  const Refusal found = FindHold(state, act.hold_id(), &hold);
  if (found != Refusal::kAllowed) return found;
  if (act.placed_index() != hold->placed_index) return Refusal::kHoldIndexDiffers;
  if (!IsText(act.reason())) return Refusal::kMalformed;
  if (hold->state == HoldState::kLiftConfirmed) return Refusal::kLiftConfirmed;
  return CheckLifter(state, order.person, *hold);
}

Refusal DecideAct(const State& state, const OpenedOrder& order, const order::v1::ConfirmLift& act) {
  const Hold* hold = nullptr;
  const Refusal found = FindHold(state, act.hold_id(), &hold);
  if (found != Refusal::kAllowed) return found;
  if (act.placed_index() != hold->placed_index) return Refusal::kHoldIndexDiffers;
  if (hold->state == HoldState::kLiftConfirmed) return Refusal::kLiftConfirmed;
  if (hold->state != HoldState::kLiftProposed || act.proposal_index() != hold->proposal_index) {
    return Refusal::kProposalUnknown;
  }
  if (order.person == hold->proposed_by) return Refusal::kLiftSamePerson;
  const Refusal lifter = CheckLifter(state, order.person, *hold);
  if (lifter != Refusal::kAllowed) return lifter;
  const Member& proposer = state.agreement().member(hold->proposed_by);
  const Member& confirmer = state.agreement().member(order.person);
  if (proposer.role != ROLE_COUNSEL && confirmer.role != ROLE_COUNSEL) {
    return Refusal::kLiftNeedsCounsel;
  }
  const Side placed_by = state.agreement().member(hold->placed_by).side;
  if (proposer.side != placed_by && confirmer.side != placed_by) {
    return Refusal::kLiftNeedsPlacingSide;
  }
  return Refusal::kAllowed;
}

Refusal DecideAct(const State& state, const OpenedOrder&, const order::v1::CancelLift& act) {
  const Hold* hold = nullptr;
  const Refusal found = FindHold(state, act.hold_id(), &hold);
  if (found != Refusal::kAllowed) return found;
  if (hold->state == HoldState::kInForce || act.proposal_index() != hold->proposal_index) {
    return Refusal::kProposalUnknown;
  }
  return Refusal::kAllowed;
}

Refusal DecideAct(const State& state, const OpenedOrder&, const order::v1::RevokeRecords& act) {
  if (!IsText(act.reason())) return Refusal::kMalformed;
  const ScopeResult scope = CompileScope(state, act.scope());
  if (!scope.ok()) return scope.refusal;
  const RecordList list = ListForScope(state, scope.scope);
  if (list.count == 0) return Refusal::kListEmpty;
  // What the signer saw is what is revoked, or nothing is (R35).
  if (list.count != act.count() || !IsDigest(act.list_digest(), list.digest)) {
    return Refusal::kListDiffers;
  }
  return Refusal::kAllowed;
}

Refusal DecideAct(const State& state, const OpenedOrder& order,
                  const order::v1::ApproveDestruction& act) {
  const Disposal* disposal = state.FindDisposal(act.revocation_index());
  if (disposal == nullptr) return Refusal::kRevocationUnknown;
  if (disposal->state == DisposalState::kCancelled) return Refusal::kDisposalCancelled;
  if (disposal->state == DisposalState::kDestroyed) return Refusal::kDisposalDone;
  if (act.count() != disposal->records.count ||
      !IsDigest(act.list_digest(), disposal->records.digest)) {
    return Refusal::kListDiffers;
  }
  if (order.person == disposal->revoked_by) return Refusal::kDisposalSamePerson;
  if (Contains(disposal->approvals, order.person)) return Refusal::kDisposalApproved;
  return Refusal::kAllowed;
}

Refusal DecideAct(const State& state, const OpenedOrder&, const order::v1::CancelDestruction& act) {
  const Disposal* disposal = state.FindDisposal(act.revocation_index());
  if (disposal == nullptr) return Refusal::kRevocationUnknown;
  if (disposal->state == DisposalState::kCancelled) return Refusal::kDisposalCancelled;
  if (disposal->state == DisposalState::kDestroyed) return Refusal::kDisposalDone;
  return IsText(act.reason()) ? Refusal::kAllowed : Refusal::kMalformed;
}

Refusal DecideAct(const State& state, const OpenedOrder& order, const order::v1::TrustClock& act) {
  if (state.now().trusted || state.trust_ordered()) return Refusal::kClockTrusted;
  // Nobody signs today that tomorrow's clock will be right.
  if (order.head_size <= state.untrusted_since().value_or(0)) return Refusal::kOrderHead;
  return IsText(act.reason()) ? Refusal::kAllowed : Refusal::kMalformed;
}

Decision DecideAnyAct(const State& state, const OpenedOrder& order) {
  switch (order.order.act_case()) {
    case Order::kReleaseCase:
      return DecideReview(state, order.order.release_case());
    case Order::kRefuseCases:
      return DecideReview(state, order.order.refuse_cases());
    case Order::kApproveTransfer:
      return Refuse(DecideAct(state, order, order.order.approve_transfer()));
    case Order::kDenyTransfer:
      return Refuse(DecideAct(state, order, order.order.deny_transfer()));
    case Order::kSuspendTransfer:
      return Refuse(DecideAct(state, order, order.order.suspend_transfer()));
    case Order::kResumeTransfer:
      return Refuse(DecideAct(state, order, order.order.resume_transfer()));
    case Order::kCapTransfer:
      return Refuse(DecideAct(state, order, order.order.cap_transfer()));
    case Order::kEndTransfer:
      return Refuse(DecideAct(state, order, order.order.end_transfer()));
    case Order::kLetTransferGoOn:
      return Refuse(DecideAct(state, order, order.order.let_transfer_go_on()));
    case Order::kPlaceHold:
      return Refuse(DecideAct(state, order, order.order.place_hold()));
    case Order::kProposeLift:
      return Refuse(DecideAct(state, order, order.order.propose_lift()));
    case Order::kConfirmLift:
      return Refuse(DecideAct(state, order, order.order.confirm_lift()));
    case Order::kCancelLift:
      return Refuse(DecideAct(state, order, order.order.cancel_lift()));
    case Order::kRevokeRecords:
      return Refuse(DecideAct(state, order, order.order.revoke_records()));
    case Order::kApproveDestruction:
      return Refuse(DecideAct(state, order, order.order.approve_destruction()));
    case Order::kCancelDestruction:
      return Refuse(DecideAct(state, order, order.order.cancel_destruction()));
    case Order::kTrustClock:
      return Refuse(DecideAct(state, order, order.order.trust_clock()));
    case Order::kAmendHold:
    case Order::kConfirmAmendment:
    case Order::kAttachDocument:
    case Order::kAcknowledgeNotice:
    case Order::kRestoreHold:
    case Order::kAuthoriseDestruction:
    case Order::kStrikeOff:
    case Order::ACT_NOT_SET:
      return Refuse(Refusal::kMalformed);
  }
  return Refuse(Refusal::kMalformed);
}

}  // namespace

Decision DecideOrder(const State& state, const OpenedOrder& order) {
  const Refusal refusal = CheckOrder(state, order);
  return refusal == Refusal::kAllowed ? DecideAnyAct(state, order) : Refuse(refusal);
}

}  // namespace holdfast::policy
