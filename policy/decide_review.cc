// SPDX-License-Identifier: Apache-2.0
//
// The rules of outcomes: which rows get their envelope at once, which wait for a person, and what a
// person may settle.
#include <algorithm>
#include <vector>

#include "base/check.h"
#include "policy/decide_parts.h"
#include "policy/release_gate.h"
#include "policy/review.h"

namespace holdfast::policy {
namespace {

constexpr std::uint32_t kHighestAddress =
    static_cast<std::uint32_t>(AddressComparison::kNotComparable);

ReleaseReason ReasonOf(std::uint32_t verdict) {
  return verdict <= 0xff ? static_cast<ReleaseReason>(verdict) : ReleaseReason::kUnspecified;
}

// Whether what is common to both kinds of outcome is whole.
template <typename Fact>
bool IsWhole(const Fact& fact) {
  return !ReleaseReasonName(ReasonOf(fact.verdict())).empty() && fact.verdict() != 0 &&
         fact.commitment().size() == 32 && fact.address() <= kHighestAddress;
}

// What is left to say of a new outcome: that it has a leaf of its own.
template <typename Fact>
Decision TakeLeaf(const State& state, const Fact& fact, BatchEffects& effects) {
  const Refusal leaf =
      CheckLeaf(state, effects, fact.transfer(), ledger::v1::RECORD, fact.segment(), fact.leaf());
  if (leaf != Refusal::kAllowed) return Refuse(leaf);
  effects.rows.insert(fact.row());
  effects.leaves.insert(LeafKey(fact.segment(), fact.leaf()));
  return Allow();
}

// Whether an envelope may follow from what waits: from an order, or from the end of the window.
Refusal CheckSettled(const State& state, const ReviewCase& waiting, ReleaseReason ordered,
                     const ledger::v1::EnvelopeDeposited& fact) {
  // The commitment and what was compared stay what they were: only the outcome is new.
  if (fact.commitment() != AsText(waiting.commitment) ||
      fact.address() != static_cast<std::uint32_t>(waiting.address) ||
      fact.gate_version() != waiting.gate_version) {
    return Refusal::kCaseDiffers;
  }
  const ReleaseReason verdict = ReasonOf(fact.verdict());
  if (ordered != ReleaseReason::kUnspecified) {
    return verdict == ordered ? Refusal::kAllowed : Refusal::kCasesUnsettled;
  }
  const bool over = state.now().trusted && state.now().early >= waiting.due_at;
  return verdict == ReleaseReason::kReviewExpired && over ? Refusal::kAllowed : Refusal::kCaseWaits;
}

// Everything about an envelope. `ordered` is what an order says of its row, applied or not.
Decision CheckEnvelope(const State& state, const ledger::v1::EnvelopeDeposited& fact,
                       ReleaseReason ordered, BatchEffects& effects) {
  if (!IsGateVersion(fact.gate_version())) return Refuse(Refusal::kGateVersionUnknown);
  if (!IsWhole(fact) || fact.envelope_digest().size() != 32) return Refuse(Refusal::kMalformed);
  const Decision outcome = CheckOutcome(state, fact.transfer(), fact.row(), effects);
  if (!outcome.allowed()) return outcome;
  const Transfer& transfer = *state.transfer(fact.transfer());
  const ReleaseReason verdict = ReasonOf(fact.verdict());
  const ReviewCase* waiting = transfer.FindCase(fact.row());
  if (waiting != nullptr) {
    const Refusal settled = CheckSettled(state, *waiting, ordered, fact);
    if (settled != Refusal::kAllowed) return Refuse(settled);
  } else {
    if (NeedsReview(verdict)) return Refuse(Refusal::kVerdictNeedsReview);
    if (IsOfReview(verdict)) return Refuse(Refusal::kCaseUnknown);
    // R4: nothing is released whose address did not match.
    if (verdict == ReleaseReason::kReleased &&
        fact.address() != static_cast<std::uint32_t>(AddressComparison::kMatched)) {
      return Refuse(Refusal::kVerdictNeedsReview);
    }
  }
  if (waiting != nullptr) {
    // The leaf that was kept for it, in whatever process that was (I5 of docs/key-tree.md).
    const Record& record = *transfer.records.Find(fact.row());
    if (fact.segment() != record.record_segment || fact.leaf() != record.record_leaf) {
      return Refuse(Refusal::kSegmentMismatch);
    }
    effects.rows.insert(fact.row());
    return Allow();
  }
  return TakeLeaf(state, fact, effects);
}

// The transfer that an order over its cases names, if they can be settled now.
Refusal FindTransfer(const State& state, const std::string& name, const Transfer** transfer) {
  const auto id = ParseTransferName(name);
  *transfer = id ? state.FindTransfer(*id) : nullptr;
  if (*transfer == nullptr) return Refusal::kTransferUnknown;
  if ((*transfer)->state != TransferState::kApproved) return Refusal::kTransferState;
  const Refusal stopped = CheckMoving(state, **transfer);
  if (stopped != Refusal::kAllowed) return stopped;
  if (state.now().late >= (*transfer)->not_after) return Refusal::kRecordExpired;
  return Refusal::kAllowed;
}

Decision CheckFreezes(const State& state, const Transfer& transfer, std::uint32_t row) {
  const Hold* hold = state.Freezing({transfer.number, row});
  return hold == nullptr ? Allow() : RefuseFor(Refusal::kFrozen, *hold);
}

// What an order says of each row that it settles.
struct Settled {
  const Transfer* transfer = nullptr;
  std::vector<std::uint32_t> rows;
  ReleaseReason verdict = ReleaseReason::kUnspecified;
};

// REQUIRES: the order is allowed.
Settled SettledBy(const State& state, const order::v1::Order& order) {
  Settled settled;
  if (order.has_release_case()) {
    const auto& act = order.release_case();
    settled.transfer = state.FindTransfer(*ParseTransferName(act.transfer()));
    settled.rows = {act.row()};
    settled.verdict = ReleaseReason::kReleasedByReview;
    return settled;
  }
  const auto& act = order.refuse_cases();
  settled.transfer = state.FindTransfer(*ParseTransferName(act.transfer()));
  settled.rows = WaitingRows(*settled.transfer, act.rows(), kMaxCasesPerOrder);
  settled.verdict = ReleaseReason::kRefusedByReview;
  return settled;
}

}  // namespace

Decision DecideFact(const State& state, const ledger::v1::EnvelopeDeposited& fact,
                    BatchEffects& effects) {
  const Transfer* transfer = state.transfer(fact.transfer());
  const ReviewCase* waiting = transfer == nullptr ? nullptr : transfer->FindCase(fact.row());
  const ReleaseReason ordered = waiting == nullptr ? ReleaseReason::kUnspecified : waiting->ordered;
  // While an order's envelopes are to follow, only they do.
  if (state.unsettled() > 0 && ordered == ReleaseReason::kUnspecified) {
    return Refuse(Refusal::kCasesUnsettled);
  }
  return CheckEnvelope(state, fact, ordered, effects);
}

Decision DecideFact(const State& state, const ledger::v1::ReviewOpened& fact,
                    BatchEffects& effects) {
  if (!IsGateVersion(fact.gate_version())) return Refuse(Refusal::kGateVersionUnknown);
  if (!IsWhole(fact)) return Refuse(Refusal::kMalformed);
  const ReleaseReason verdict = ReasonOf(fact.verdict());
  if (!NeedsReview(verdict)) return Refuse(Refusal::kMalformed);
  const bool known = fact.candidates() <= kMaxCandidates;
  const bool compared = known && verdict != ReleaseReason::kTooManyCandidates &&
                        verdict != ReleaseReason::kSubjectIncomplete;
  const std::uint64_t all =
      fact.candidates() >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << fact.candidates()) - 1;
  if ((fact.releasable() & ~(compared ? all : 0)) != 0) return Refuse(Refusal::kMalformed);
  if (!known && verdict != ReleaseReason::kTooManyCandidates) return Refuse(Refusal::kMalformed);
  const Decision outcome = CheckOutcome(state, fact.transfer(), fact.row(), effects);
  if (!outcome.allowed()) return outcome;
  if (state.transfer(fact.transfer())->FindCase(fact.row()) != nullptr) {
    return Refuse(Refusal::kCaseWaits);
  }
  return TakeLeaf(state, fact, effects);
}

Decision DecideFact(const State& state, const ledger::v1::CaseShown& fact) {
  const Refusal who = CheckMember(state, fact.custodian(), agreement::v1::ROLE_CUSTODIAN);
  if (who != Refusal::kAllowed) return Refuse(who);
  const Transfer* transfer = state.transfer(fact.transfer());
  if (transfer == nullptr) return Refuse(Refusal::kTransferUnknown);
  return Refuse(transfer->FindCase(fact.row()) == nullptr ? Refusal::kCaseUnknown
                                                          : Refusal::kAllowed);
}

Decision DecideFact(const State& state, const ledger::v1::VerdictRerun& fact) {
  const Refusal who = CheckMember(state, fact.custodian(), agreement::v1::ROLE_CUSTODIAN);
  if (who != Refusal::kAllowed) return Refuse(who);
  if (!IsGateVersion(fact.gate_version())) return Refuse(Refusal::kGateVersionUnknown);
  if (!ledger::v1::VerdictRerun::Result_IsValid(fact.result()) ||
      fact.result() == ledger::v1::VerdictRerun::RESULT_UNSPECIFIED ||
      fact.verdict_index() >= state.ledger_size()) {
    return Refuse(Refusal::kMalformed);
  }
  const Transfer* transfer = state.transfer(fact.transfer());
  if (transfer == nullptr) return Refuse(Refusal::kTransferUnknown);
  const Record* record = transfer->records.Find(fact.row());
  if (record == nullptr || (!record->deposited() && !record->waiting())) {
    return Refuse(Refusal::kRecordNotDeposited);
  }
  return Refuse(record->destroyed() ? Refusal::kRecordDestroyed : Refusal::kAllowed);
}

Decision DecideReview(const State& state, const order::v1::ReleaseCase& act) {
  const Transfer* transfer = nullptr;
  const Refusal found = FindTransfer(state, act.transfer(), &transfer);
  if (found != Refusal::kAllowed) return Refuse(found);
  if (!IsText(act.reason())) return Refuse(Refusal::kMalformed);
  const ReviewCase* waiting = transfer->FindCase(act.row());
  if (waiting == nullptr) return Refuse(Refusal::kCaseUnknown);
  // What the signer saw is what is released, or nothing is.
  if (act.case_digest() != Hex(waiting->digest)) return Refuse(Refusal::kCaseDiffers);
  if (act.candidate() >= kMaxCandidates || (waiting->releasable >> act.candidate() & 1) == 0) {
    return Refuse(Refusal::kCandidateNotReleasable);
  }
  if (state.now().late >= waiting->due_at) return Refuse(Refusal::kCaseExpired);
  if (transfer->records.Find(act.row())->revoked()) return Refuse(Refusal::kRecordRevoked);
  return CheckFreezes(state, *transfer, act.row());
}

Decision DecideReview(const State& state, const order::v1::RefuseCases& act) {
  const Transfer* transfer = nullptr;
  const Refusal found = FindTransfer(state, act.transfer(), &transfer);
  if (found != Refusal::kAllowed) return Refuse(found);
  if (!IsText(act.reason()) || act.count() == 0 || act.count() > kMaxCasesPerOrder) {
    return Refuse(Refusal::kMalformed);
  }
  const std::vector<std::uint32_t> rows = WaitingRows(*transfer, act.rows(), kMaxCasesPerOrder);
  if (rows.empty()) return Refuse(Refusal::kCaseUnknown);
  if (rows.size() != act.count()) return Refuse(Refusal::kCasesDiffer);
  if (state.holds().nothing_freezes()) return Allow();
  for (const std::uint32_t row : rows) {
    const Decision frozen = CheckFreezes(state, *transfer, row);
    if (!frozen.allowed()) return frozen;
  }
  return Allow();
}

Decision DecideSettlement(const State& state, const Proposal& order,
                          std::span<const ledger::v1::Entry* const> envelopes) {
  const Decision decision = Decide(state, order);
  if (!decision.allowed()) return decision;
  const Settled settled = SettledBy(state, order.order->order);
  bool theirs = envelopes.size() == settled.rows.size();
  BatchEffects effects;
  for (std::size_t i = 0; theirs && i < envelopes.size(); ++i) {
    HF_CHECK(envelopes[i]->has_envelope_deposited());
    const ledger::v1::EnvelopeDeposited& fact = envelopes[i]->envelope_deposited();
    theirs = fact.transfer() == settled.transfer->number && fact.row() == settled.rows[i] &&
             CheckEnvelope(state, fact, settled.verdict, effects).allowed();
  }
  return theirs ? Allow() : Refuse(Refusal::kCasesUnsettled);
}

}  // namespace holdfast::policy
