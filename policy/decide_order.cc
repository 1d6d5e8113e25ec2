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

// Acts that only ever stop something. A doubtful clock, or a key that has since been replaced,
// never stands in their way: a court's order counts from its arrival.
bool OnlyRestricts(const State& state, const Order& order) {
  switch (order.act_case()) {
    case Order::kPlaceHold:
    case Order::kCancelLift:
    case Order::kRestoreHold:
    case Order::kCancelDestruction:
    case Order::kDenyTransfer:
    case Order::kSuspendTransfer:
    case Order::kCapTransfer:
    case Order::kEndTransfer:
    case Order::kRefuseCases:
    case Order::kStrikeOff:
      return true;
    case Order::kAmendHold:
      return Widens(state, order.amend_hold());
    case Order::kReleaseCase:
    case Order::kApproveTransfer:
    case Order::kProposeLift:
    case Order::kConfirmLift:
    case Order::kConfirmAmendment:
    case Order::kAttachDocument:
    case Order::kAcknowledgeNotice:
    case Order::kRevokeRecords:
    case Order::kApproveDestruction:
    case Order::kAuthoriseDestruction:
    case Order::kTrustClock:
    case Order::kResumeTransfer:
    case Order::kLetTransferGoOn:
    case Order::kAccountPerson:
    case Order::kDestroyPseudonymKey:
    case Order::ACT_NOT_SET:
      return false;
  }
  return false;
}

// Acts whose effect counts from the gateway's time, or that let something go on.
bool NeedsTrustedClock(Order::ActCase act) {
  return act == Order::kApproveTransfer || act == Order::kConfirmLift ||
         act == Order::kConfirmAmendment || act == Order::kAuthoriseDestruction ||
         act == Order::kResumeTransfer || act == Order::kLetTransferGoOn ||
         act == Order::kReleaseCase || act == Order::kDestroyPseudonymKey;
}

bool MayAct(agreement::v1::Role role, Order::ActCase act) {
  switch (act) {
    case Order::kPlaceHold:
    case Order::kAmendHold:
    case Order::kCancelLift:
    case Order::kAttachDocument:
    case Order::kAcknowledgeNotice:
    case Order::kRestoreHold:
      return role == ROLE_COUNSEL;
    case Order::kProposeLift:
    case Order::kConfirmLift:
    case Order::kConfirmAmendment:
    case Order::kAuthoriseDestruction:
    case Order::kStrikeOff:
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
    case Order::kAccountPerson:
    case Order::kDestroyPseudonymKey:
      return role == ROLE_CUSTODIAN;
    case Order::ACT_NOT_SET:
      return false;
  }
  return false;
}

Refusal CheckOrder(const State& state, const OpenedOrder& order) {
  const OpenedAgreement& agreement = state.agreement();
  const Order::ActCase act = order.order.act_case();
  const bool restricts = OnlyRestricts(state, order.order);
  if (order.exchange_id != agreement.digest()) return Refusal::kOrderExchange;
  if (order.order.agreement_version() != agreement.version()) return Refusal::kOrderAgreement;
  if (order.person.value() >= agreement.members().size()) return Refusal::kMemberUnknown;
  // Whoever has the key of somebody who was struck off restricts nothing with it either.
  if (state.struck_off().Has(order.person) || state.struck_off().Has(order.key)) {
    return Refusal::kStruckOff;
  }
  if (!MayAct(agreement.member(order.person).role, act)) return Refusal::kRoleForbids;
  if (state.FindOrder(order.payload_digest)) return Refusal::kOrderAccepted;
  if (state.FindOrderById(order.id)) return Refusal::kOrderIdTaken;

  const Now& now = state.now();
  // A hold is never stopped for want of a clock (R17).
  // That the clock is right is said of the clock as it is, which must fit the order. The late time
  // may be far ahead for good: it never runs back.
  const UnixMillis at = act == Order::kTrustClock ? now.wall : now.late;
  if (now.trusted || !restricts) {
    if (order.void_after <= at) return Refusal::kOrderVoid;
    if (order.issued_at > at + kMaxOrderLead) return Refusal::kOrderFromFuture;
  }
  if (!restricts && order.key_valid_until <= at) return Refusal::kOrderKeyEnded;
  if (order.prev != state.LastOrderOf(order.person)) return Refusal::kOrderPrev;
  if (order.head_size > state.ledger_size() || order.head_check != HeadCheck::kPrefix) {
    return Refusal::kOrderHead;
  }
  if (!now.trusted && NeedsTrustedClock(act)) return Refusal::kClockUntrusted;
  return Refusal::kAllowed;
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

// Whether the second person says what the first one did.
bool SameAuthorisation(const order::v1::AuthoriseDestruction& first,
                       order::v1::AuthoriseDestruction second) {
  second.set_first_index(first.first_index());
  return first.SerializeAsString() == second.SerializeAsString();
}

Refusal DecideAct(const State& state, const OpenedOrder& order,
                  const order::v1::AuthoriseDestruction& act) {
  const Disposal* disposal = state.FindDisposal(act.revocation_index());
  if (disposal == nullptr) return Refusal::kRevocationUnknown;
  if (disposal->state == DisposalState::kCancelled) return Refusal::kDisposalCancelled;
  if (disposal->state == DisposalState::kDestroyed) return Refusal::kDisposalDone;
  if (!IsText(act.matter()) || !IsText(act.court()) || !IsText(act.order_reference()) ||
      !IsSha256(act.document_sha256())) {
    return Refusal::kMalformed;
  }
  if (act.count() != disposal->records.count ||
      !IsDigest(act.list_digest(), disposal->records.digest)) {
    return Refusal::kListDiffers;
  }
  // What the signer saw to stand against it is what is overridden, or nothing is.
  const std::vector<const Hold*> against = HoldsPreserving(state, disposal->records);
  if (against.empty()) return Refusal::kNotPreserved;
  const bool same = std::equal(
      against.begin(), against.end(), act.holds().begin(), act.holds().end(),
      [](const Hold* hold, const order::v1::OverriddenHold& named) {
        return hold->id() == named.hold_id() && hold->last_placed_index == named.placed_index();
      });
  if (!same) return Refusal::kHoldsDiffer;
  const bool requester = state.agreement().member(order.person).side == agreement::v1::REQUESTER;
  if (requester && !std::all_of(against.begin(), against.end(),
                                [](const Hold* hold) { return IsRequestersOwn(*hold); })) {
    return Refusal::kAuthorisationByRequester;
  }
  if (act.first_index() == 0) return Refusal::kAllowed;
  const auto& first = disposal->authorisation;
  if (!first || first->complete() || first->first_index != act.first_index()) {
    return Refusal::kProposalUnknown;
  }
  if (!SameAuthorisation(*first->order, act)) return Refusal::kAuthorisationDiffers;
  if (first->first_by == order.person) return Refusal::kAuthorisationSamePerson;
  const bool counsel = state.agreement().member(first->first_by).role == ROLE_COUNSEL ||
                       state.agreement().member(order.person).role == ROLE_COUNSEL;
  return counsel ? Refusal::kAllowed : Refusal::kAuthorisationNeedsCounsel;
}

// Whether a hold of `side` could be lifted if `member`, or only its key `key`, were struck off: by
// two people, one of them counsel, one of that side, and none of the requester's unless it is
// the requester's hold.
bool CanLift(const State& state, Side side, const Member* member, const crypto::PublicKey* key) {
  const auto able = [&](const Member& person) {
    if (!person.signs_orders() || state.struck_off().Has(person.number)) return false;
    if (member == &person && key == nullptr) return false;
    return std::any_of(person.keys.begin(), person.keys.end(), [&](const MemberKey& has) {
      const bool struck = state.struck_off().Has(has.public_key) ||
                          (member == &person && key != nullptr && *key == has.public_key);
      return !struck && has.until > state.now().late;
    });
  };
  std::size_t people = 0;
  bool counsel = false;
  bool of_side = false;
  for (const Member& person : state.agreement().members()) {
    if (person.side == agreement::v1::REQUESTER && side != agreement::v1::REQUESTER) continue;
    if (!able(person)) continue;
    ++people;
    counsel = counsel || person.role == ROLE_COUNSEL;
    of_side = of_side || person.side == side;
  }
  return people >= 2 && counsel && of_side;
}

Refusal DecideAct(const State& state, const OpenedOrder& order, const order::v1::StrikeOff& act) {
  const Member* member = state.agreement().FindMember(act.member());
  if (member == nullptr) return Refusal::kMemberUnknown;
  if (!IsText(act.reason())) return Refusal::kMalformed;
  const Side side = state.agreement().member(order.person).side;
  if (side != member->side && side != agreement::v1::COURT) return Refusal::kStrikeOffSide;
  const crypto::PublicKey* key = nullptr;
  if (!act.public_key().empty()) {
    const auto found = std::find_if(
        member->keys.begin(), member->keys.end(),
        [&](const MemberKey& has) { return has.public_key.ToBase64() == act.public_key(); });
    if (found == member->keys.end()) return Refusal::kKeyUnknown;
    key = &found->public_key;
  }
  if (state.struck_off().Has(member->number) || (key != nullptr && state.struck_off().Has(*key))) {
    return Refusal::kStruckOffBefore;
  }
  for (const Side of : {agreement::v1::SOURCE, agreement::v1::REQUESTER, agreement::v1::COURT}) {
    if (CanLift(state, of, nullptr, nullptr) && !CanLift(state, of, member, key)) {
      return Refusal::kTooFewToLift;
    }
  }
  return Refusal::kAllowed;
}

Refusal DecideAct(const State& state, const OpenedOrder& order, const order::v1::TrustClock& act) {
  const bool doubtful = !state.now().trusted || state.clock().unexplained_ms > 0;
  if (!doubtful || state.trust_ordered()) return Refusal::kClockTrusted;
  // Nobody signs today that tomorrow's clock will be right.
  const std::uint64_t since =
      std::max(state.untrusted_since().value_or(0), state.clock().unexplained_since);
  if (order.head_size <= since) return Refusal::kOrderHead;
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
    case Order::kAmendHold:
    case Order::kConfirmAmendment:
    case Order::kProposeLift:
    case Order::kConfirmLift:
    case Order::kCancelLift:
    case Order::kAttachDocument:
    case Order::kAcknowledgeNotice:
    case Order::kRestoreHold:
      return Refuse(DecideHold(state, order));
    case Order::kRevokeRecords:
      return Refuse(DecideAct(state, order, order.order.revoke_records()));
    case Order::kApproveDestruction:
      return Refuse(DecideAct(state, order, order.order.approve_destruction()));
    case Order::kCancelDestruction:
      return Refuse(DecideAct(state, order, order.order.cancel_destruction()));
    case Order::kTrustClock:
      return Refuse(DecideAct(state, order, order.order.trust_clock()));
    case Order::kAuthoriseDestruction:
      return Refuse(DecideAct(state, order, order.order.authorise_destruction()));
    case Order::kStrikeOff:
      return Refuse(DecideAct(state, order, order.order.strike_off()));
    case Order::kAccountPerson:
      return Refuse(DecideEvidence(state, order, order.order.account_person()));
    case Order::kDestroyPseudonymKey:
      return Refuse(DecideEvidence(state, order, order.order.destroy_pseudonym_key()));
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
