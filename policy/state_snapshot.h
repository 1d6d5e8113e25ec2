// SPDX-License-Identifier: Apache-2.0
//
// A state as bytes, and back: so that a start need not fold the whole ledger.
//
// When to use  By who keeps a state beside its ledger (daemon/exchange/snapshot.h), and checks that
//              the bytes are of that ledger. They are no truth of their own: whoever doubts them
//              folds the ledger.
// Threads      Pure functions.
// Ownership    Values.
// Errors       StateFromSnapshot fails; the other cannot.
//
// One list of fields serves both directions (policy/state_snapshot.cc). It takes each struct apart
// by name, so a field that is added to the state and not to the list does not compile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "policy/agreement.h"
#include "policy/state.h"

namespace holdfast::policy {

// The form of the bytes: a new one for each change of what they mean. docs/storage.md#snapshot
inline constexpr std::uint32_t kSnapshotForm = 4;

// Returns the state as bytes that end with their SHA-256. Equal states have equal bytes.
// REQUIRES: state.open().
Bytes SnapshotOf(const State& state);

// The same in two steps, for who must not wait for a hash over all of it: what has to be done while
// the state stands still, and what any thread can do with it afterwards. The first writes to the
// memory of `room`, whose contents are lost. SnapshotRoom() is enough for nearly every state; where
// it is not, what was written is moved.
// REQUIRES: state.open().
std::size_t SnapshotRoom(const State& state);
Bytes BeginSnapshot(const State& state, Bytes room);
Bytes EndSnapshot(Bytes begun);

// Returns the state that SnapshotOf() was given. `agreement` is the one that it was open under.
// Errors: kStoreCorrupt for all other bytes; kAgreementMismatch.
absl::StatusOr<State> StateFromSnapshot(ByteSpan snapshot,
                                        std::shared_ptr<const OpenedAgreement> agreement);

}  // namespace holdfast::policy
