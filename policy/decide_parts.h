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

// kAllowed, kMemberUnknown or kRoleForbids.
Refusal CheckMember(const State& state, std::string_view id, agreement::v1::Role role);

// kAllowed, or which of the documents that the agreement demands is not in force (R7): the
// delegation of the official who asks, and the requester's safeguard status.
Refusal CheckDelegation(const State& state, const Transfer& transfer);
Refusal CheckSafeguard(const State& state);

// kAllowed, or which order of a custodian stops the transfer: suspended, or ended.
Refusal CheckMoving(const State& state, const Transfer& transfer);

// policy/decide_transfer.cc
Decision DecideFact(const State& state, const ledger::v1::TransferCreated& fact);
Decision DecideFact(const State& state, const ledger::v1::SubjectJudged& fact,
                    BatchEffects& effects);
Decision DecideFact(const State& state, const ledger::v1::SubmissionFinished& fact);
Decision DecideFact(const State& state, const ledger::v1::SubjectsFetched& fact);
Decision DecideFact(const State& state, const ledger::v1::EnvelopeDeposited& fact,
                    BatchEffects& effects);
Decision DecideFact(const State& state, const ledger::v1::TransferClosed& fact);
Decision DecideFact(const State& state, const ledger::v1::EnvelopesCollected& fact);

// policy/decide_keys.cc
Decision DecideFact(const State& state, const ledger::v1::LeaseOpened& fact);
Decision DecideFact(const State& state, const ledger::v1::KeyReleased& fact, BatchEffects& effects);
Decision DecideFact(const State& state, const ledger::v1::RecordsDestroyed& fact);

// policy/decide_order.cc
Decision DecideOrder(const State& state, const OpenedOrder& order);

}  // namespace holdfast::policy
