// SPDX-License-Identifier: Apache-2.0
//
// The rules of holds: placing, amending, lifting and restoring one, its document and its notices.
#include <algorithm>
#include <string>

#include "policy/decide_parts.h"

namespace holdfast::policy {
namespace {

using agreement::v1::ROLE_COUNSEL;
using order::v1::Order;

bool IsHoldId(const std::string& id) {
  return id.size() >= 4 && id.size() <= 63 && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
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

bool IsWhole(const order::v1::PlaceHold& act) {
  return IsHoldId(act.hold_id()) && IsText(act.matter()) && NamesItsBasis(act) &&
         order::v1::HoldKind_IsValid(act.kind());
}

// The hold that an order is about, if it is in force and was last placed where the signer thinks.
Refusal FindHold(const State& state, const std::string& id, std::uint64_t placed_index,
                 const Hold** hold) {
  *hold = state.holds().Find(id);
  if (*hold == nullptr) return Refusal::kHoldUnknown;
  if (!(*hold)->in_force()) return Refusal::kHoldLifted;
  return placed_index == (*hold)->last_placed_index ? Refusal::kAllowed
                                                    : Refusal::kHoldIndexDiffers;
}

// The requester's side may not free itself from what another side wants (R25).
Refusal CheckLifter(const State& state, MemberNumber person, const Hold& hold) {
  const bool requester = state.agreement().member(person).side == agreement::v1::REQUESTER;
  return requester && !IsRequestersOwn(hold) ? Refusal::kLiftByRequester : Refusal::kAllowed;
}

// Two people, at least one of them counsel, and one of each side that wants the hold; where others
// than the requester's do, its own wish adds nothing, since nobody of it may be one of the two.
Refusal CheckPair(const State& state, const Hold& hold, MemberNumber confirmer_number) {
  if (confirmer_number == hold.proposed_by) return Refusal::kLiftSamePerson;
  const Refusal lifter = CheckLifter(state, confirmer_number, hold);
  if (lifter != Refusal::kAllowed) return lifter;
  const Member& proposer = state.agreement().member(hold.proposed_by);
  const Member& confirmer = state.agreement().member(confirmer_number);
  if (proposer.role != ROLE_COUNSEL && confirmer.role != ROLE_COUNSEL) {
    return Refusal::kLiftNeedsCounsel;
  }
  SideBits needed = hold.sides;
  if (!IsRequestersOwn(hold)) {
    needed = static_cast<SideBits>(needed & ~SideBit(agreement::v1::REQUESTER));
  }
  const SideBits there = SideBit(proposer.side) | SideBit(confirmer.side);
  return (needed & ~there) == 0 ? Refusal::kAllowed : Refusal::kLiftNeedsPlacingSide;
}

Refusal DecideAct(const State& state, const OpenedOrder&, const order::v1::PlaceHold& act) {
  if (!IsWhole(act)) return Refusal::kMalformed;
  if (state.holds().Find(act.hold_id()) != nullptr) return Refusal::kHoldIdTaken;
  return CompileScope(state, act.scope()).refusal;
}

Refusal DecideAct(const State& state, const OpenedOrder& order, const order::v1::AmendHold& act) {
  const Hold* hold = nullptr;
  const Refusal found = FindHold(state, act.hold().hold_id(), act.placed_index(), &hold);
  if (found != Refusal::kAllowed) return found;
  if (!IsWhole(act.hold()) || !IsText(act.reason())) return Refusal::kMalformed;
  if (act.hold().matter() != hold->matter()) return Refusal::kMatterDiffers;
  if (act.hold().document_sha256().empty() && !hold->lacks_document()) {
    return Refusal::kDocumentRemoved;
  }
  ScopeResult scope = CompileScope(state, act.hold().scope());
  if (!scope.ok()) return scope.refusal;
  if (act.hold().SerializeAsString() == hold->order->SerializeAsString()) {
    return Refusal::kAmendmentEmpty;
  }
  if (FormOf(act.hold(), std::move(scope.scope)).Includes(*hold)) return Refusal::kAllowed;
  // From here on it is the first half of a lift.
  if (hold->confirmed()) return Refusal::kLiftConfirmed;
  return CheckLifter(state, order.person, *hold);
}

Refusal DecideAct(const State& state, const OpenedOrder& order,
                  const order::v1::ConfirmAmendment& act) {
  const Hold* hold = nullptr;
  const Refusal found = FindHold(state, act.hold_id(), act.placed_index(), &hold);
  if (found != Refusal::kAllowed) return found;
  if (hold->confirmed()) return Refusal::kLiftConfirmed;
  if (hold->state != HoldState::kAmendmentProposed ||
      act.proposal_index() != hold->proposal_index) {
    return Refusal::kProposalUnknown;
  }
  return CheckPair(state, *hold, order.person);
}

Refusal DecideAct(const State& state, const OpenedOrder& order, const order::v1::ProposeLift& act) {
  const Hold* hold = nullptr;
  const Refusal found = FindHold(state, act.hold_id(), act.placed_index(), &hold);
  if (found != Refusal::kAllowed) return found;
  if (!IsText(act.reason())) return Refusal::kMalformed;
  if (hold->confirmed()) return Refusal::kLiftConfirmed;
  return CheckLifter(state, order.person, *hold);
}

Refusal DecideAct(const State& state, const OpenedOrder& order, const order::v1::ConfirmLift& act) {
  const Hold* hold = nullptr;
  const Refusal found = FindHold(state, act.hold_id(), act.placed_index(), &hold);
  if (found != Refusal::kAllowed) return found;
  if (hold->confirmed()) return Refusal::kLiftConfirmed;
  if (hold->state != HoldState::kLiftProposed || act.proposal_index() != hold->proposal_index) {
    return Refusal::kProposalUnknown;
  }
  return CheckPair(state, *hold, order.person);
}

Refusal DecideAct(const State& state, const OpenedOrder&, const order::v1::CancelLift& act) {
  const Hold* hold = state.holds().Find(act.hold_id());
  if (hold == nullptr) return Refusal::kHoldUnknown;
  if (!hold->in_force()) return Refusal::kHoldLifted;
  return hold->proposal_index != 0 && act.proposal_index() == hold->proposal_index
             ? Refusal::kAllowed
             : Refusal::kProposalUnknown;
}

Refusal DecideAct(const State& state, const OpenedOrder&, const order::v1::AttachDocument& act) {
  const Hold* hold = state.holds().Find(act.hold_id());
  if (hold == nullptr) return Refusal::kHoldUnknown;
  if (!IsText(act.court()) || !IsText(act.order_reference()) || !IsSha256(act.document_sha256())) {
    return Refusal::kMalformed;
  }
  return hold->lacks_document() ? Refusal::kAllowed : Refusal::kDocumentAttached;
}

Refusal DecideAct(const State& state, const OpenedOrder& order,
                  const order::v1::AcknowledgeNotice& act) {
  const Hold* hold = state.holds().Find(act.hold_id());
  if (hold == nullptr) return Refusal::kHoldUnknown;
  const Member* requester = state.agreement().FindMember(act.requester());
  if (requester == nullptr) return Refusal::kMemberUnknown;
  if (state.agreement().member(order.person).side != requester->side) return Refusal::kRoleForbids;
  const auto notice = hold->notices.find(requester->number);
  return notice != hold->notices.end() && notice->second.placed_index == act.placed_index() &&
                 notice->second.acknowledged_index == 0
             ? Refusal::kAllowed
             : Refusal::kNoticeUnknown;
}

Refusal DecideAct(const State& state, const OpenedOrder&, const order::v1::RestoreHold& act) {
  const Hold* hold = state.holds().Find(act.hold_id());
  if (hold == nullptr) return Refusal::kHoldUnknown;
  if (hold->in_force()) return Refusal::kHoldInForce;
  if (act.placed_index() != hold->last_placed_index) return Refusal::kHoldIndexDiffers;
  return IsText(act.reason()) ? Refusal::kAllowed : Refusal::kMalformed;
}

}  // namespace

bool IsRequestersOwn(const Hold& hold) { return hold.sides == SideBit(agreement::v1::REQUESTER); }

bool Widens(const State& state, const order::v1::AmendHold& act) {
  const Hold* hold = state.holds().Find(act.hold().hold_id());
  ScopeResult scope = CompileScope(state, act.hold().scope());
  return hold != nullptr && scope.ok() &&
         FormOf(act.hold(), std::move(scope.scope)).Includes(*hold);
}

Refusal DecideHold(const State& state, const OpenedOrder& order) {
  const Order& said = order.order;
  if (said.has_place_hold()) return DecideAct(state, order, said.place_hold());
  if (said.has_amend_hold()) return DecideAct(state, order, said.amend_hold());
  if (said.has_confirm_amendment()) return DecideAct(state, order, said.confirm_amendment());
  if (said.has_propose_lift()) return DecideAct(state, order, said.propose_lift());
  if (said.has_confirm_lift()) return DecideAct(state, order, said.confirm_lift());
  if (said.has_cancel_lift()) return DecideAct(state, order, said.cancel_lift());
  if (said.has_attach_document()) return DecideAct(state, order, said.attach_document());
  if (said.has_acknowledge_notice()) return DecideAct(state, order, said.acknowledge_notice());
  if (said.has_restore_hold()) return DecideAct(state, order, said.restore_hold());
  return Refusal::kMalformed;
}

Decision DecideFact(const State& state, const ledger::v1::NoticeGiven& fact) {
  const Refusal who = CheckMember(state, fact.requester(), agreement::v1::ROLE_REQUESTER);
  if (who != Refusal::kAllowed) return Refuse(who);
  const Hold* hold = state.holds().FindByPlacing(fact.placed_index());
  if (hold == nullptr) return Refuse(Refusal::kHoldUnknown);
  if (!hold->in_force()) return Refuse(Refusal::kHoldLifted);
  if (hold->last_placed_index != fact.placed_index()) return Refuse(Refusal::kHoldIndexDiffers);
  const MemberNumber requester = state.agreement().FindMember(fact.requester())->number;
  if (hold->notices.count(requester) > 0) return Refuse(Refusal::kNoticeGiven);
  const Transfer* transfer = state.transfer(fact.transfer());
  if (transfer == nullptr || transfer->requester != requester) {
    return Refuse(Refusal::kTransferUnknown);
  }
  const Record* record = transfer->records.Find(fact.row());
  const bool concerned = record != nullptr && HasCopy(*transfer, fact.row(), *record) &&
                         hold->scope.Covers(transfer->FactsOf(fact.row(), *record));
  return concerned ? Allow() : Refuse(Refusal::kNotConcerned);
}

}  // namespace holdfast::policy
