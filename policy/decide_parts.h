// SPDX-License-Identifier: Apache-2.0
//
// The rules, one function a kind of fact. Decide (policy/decide.h) has checked what all entries
// share before it calls one.
//
// When to use  Inside policy/decide*.cc only.
// Threads      As policy/decide.h.
// Ownership    Everything is borrowed for the call.
// Errors       None.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "policy/decide.h"
#include "policy/queries.h"

namespace holdfast::policy {

inline Decision Allow() { return {Refusal::kAllowed, 0}; }
inline Decision Refuse(Refusal refusal) { return {refusal, 0}; }
inline Decision RefuseFor(Refusal refusal, const Hold& hold) {
  return {refusal, hold.placed_index};
}

// A leaf's name in BatchEffects.
inline std::uint64_t LeafKey(std::uint32_t segment, std::uint32_t leaf) {
  return std::uint64_t{segment} << 32 | leaf;
}

// A person's own words, such as a reason.
inline bool IsText(const std::string& text) { return !text.empty() && text.size() <= 1'000; }

inline bool IsSha256(const std::string& hex) {
  const auto digest = FromHex(hex);
  return digest.ok() && digest->size() == sizeof(Digest32);
}

// kAllowed, kMemberUnknown, kRoleForbids or kStruckOff.
Refusal CheckMember(const State& state, std::string_view id, agreement::v1::Role role);

// kAllowed, or which of the documents that the agreement demands is not in force (R7): the
// delegation of the official who asks, and the requester's safeguard status.
Refusal CheckDelegation(const State& state, const Transfer& transfer);
Refusal CheckSafeguard(const State& state);

// kAllowed, or which order of a custodian stops the transfer: suspended, or ended.
Refusal CheckMoving(const State& state, const Transfer& transfer);

// policy/decide_transfer.cc
// Whether this program has that version of the gates. A verdict is not judged again, so one of an
// earlier version stays what it is. One of a version to come may mean something else.
bool IsGateVersion(std::uint32_t version);
Decision DecideFact(const State& state, const ledger::v1::TransferCreated& fact);
Decision DecideFact(const State& state, const ledger::v1::SubjectJudged& fact,
                    BatchEffects& effects);
Decision DecideFact(const State& state, const ledger::v1::SubmissionFinished& fact);
Decision DecideFact(const State& state, const ledger::v1::SubjectsFetched& fact);
Decision DecideFact(const State& state, const ledger::v1::TransferClosed& fact);
Decision DecideFact(const State& state, const ledger::v1::EnvelopesCollected& fact);

// What a new envelope and a new case share: the row may get its outcome now.
Decision CheckOutcome(const State& state, std::uint32_t transfer, std::uint32_t row,
                      const BatchEffects& effects);
// A leaf that a new record or subject may take.
Refusal CheckLeaf(const State& state, const BatchEffects& effects, std::uint32_t transfer,
                  ledger::v1::SegmentKind kind, std::uint32_t segment, std::uint32_t leaf);

// policy/decide_review.cc
Decision DecideFact(const State& state, const ledger::v1::EnvelopeDeposited& fact,
                    BatchEffects& effects);
Decision DecideFact(const State& state, const ledger::v1::ReviewOpened& fact,
                    BatchEffects& effects);
Decision DecideFact(const State& state, const ledger::v1::CaseShown& fact);
Decision DecideFact(const State& state, const ledger::v1::VerdictRerun& fact);
Decision DecideReview(const State& state, const order::v1::ReleaseCase& act);
Decision DecideReview(const State& state, const order::v1::RefuseCases& act);

// policy/decide_keys.cc
Decision DecideFact(const State& state, const ledger::v1::LeaseOpened& fact);
Decision DecideFact(const State& state, const ledger::v1::KeyReleased& fact, BatchEffects& effects);
Decision DecideFact(const State& state, const ledger::v1::RecordsDestroyed& fact);

// policy/decide_hold.cc
// REQUIRES: the order is about a hold.
Refusal DecideHold(const State& state, const OpenedOrder& order);
Decision DecideFact(const State& state, const ledger::v1::NoticeGiven& fact);
// Whether an amendment stops and covers all that its hold does: then it only restricts.
bool Widens(const State& state, const order::v1::AmendHold& act);
// Whether nobody but the requester's side wants the hold.
bool IsRequestersOwn(const Hold& hold);

// policy/decide_evidence.cc
// The permission that a reader of the ledger's entries needs.
inline constexpr std::string_view kReadLedgerPermission = "ledger.read";
Decision DecideFact(const State& state, const ledger::v1::CheckpointWitnessed& fact);
Decision DecideFact(const State& state, const ledger::v1::LedgerRead& fact);
Decision DecideFact(const State& state, const ledger::v1::ExchangeRestored& fact);
Decision DecideFact(const State& state, const ledger::v1::KeyslotStruckOff& fact);
// kAllowed, or kNotWitnessed.
Refusal CheckWitnessed(const State& state);
Refusal DecideEvidence(const State& state, const OpenedOrder& order,
                       const order::v1::AccountPerson& act);
Refusal DecideEvidence(const State& state, const OpenedOrder& order,
                       const order::v1::DestroyPseudonymKey& act);

// policy/decide_order.cc
Decision DecideOrder(const State& state, const OpenedOrder& order);

}  // namespace holdfast::policy
