// SPDX-License-Identifier: Apache-2.0
// Witnesses' signatures (C2SP tlog-cosignature) on their way between signed notes and ledger
// entries.
//
// When to use  CosignaturesIn() before a CheckpointWitnessed is proposed; CosignaturesAgree() by
//              whoever replays one.
// Threads      May be called concurrently.
// Ownership    Borrow for the call.
// Errors       None: an entry that does not agree is an answer.
#pragma once

#include <string_view>
#include <vector>

#include "base/ids.h"
#include "crypto/signed_note.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/agreement.h"

namespace holdfast::evidence {

// The keys of the agreement's witnesses, in its order.
std::vector<crypto::NoteKey> WitnessKeys(const policy::OpenedAgreement& agreement);

// What witnesses of the agreement have signed in `note`, which has been verified. Without one there
// are no cosignatures in it.
ledger::v1::CheckpointWitnessed CosignaturesIn(std::string_view note,
                                               const policy::OpenedAgreement& agreement);

// Whether each cosignature is its witness's, over the checkpoint of that size and root in this
// exchange's ledger.
bool CosignaturesAgree(const ledger::v1::CheckpointWitnessed& fact, const ExchangeId& exchange,
                       const policy::OpenedAgreement& agreement);

}  // namespace holdfast::evidence
