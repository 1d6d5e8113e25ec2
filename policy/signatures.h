// SPDX-License-Identifier: Apache-2.0
//
// The other sides' own signatures in facts that they caused: the requester's over a lease's
// opening, the source's over a transfer's closing.
//
// When to use  In the daemon outside the writer's thread, before the fact is proposed; in the
//              verifier, for each such entry. Decide looks at them again only where a key of the
//              signer was struck off.
// Threads      Pure functions: may be called concurrently.
// Ownership    Borrow for the call.
// Errors       kSignatureInvalid alone.
#pragma once

#include "absl/status/status.h"

#include "base/ids.h"
#include "base/time.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/agreement.h"
#include "policy/struck_off.h"

namespace holdfast::policy {

// The source's, over crypto::ClosingStatement(), by a key that is valid at `at` and not struck off.
absl::Status CheckClosingSignature(const OpenedAgreement& agreement, const StruckOff& struck_off,
                                   const ExchangeId& exchange, const TransferId& transfer,
                                   const ledger::v1::TransferClosed& fact, UnixMillis at);

// The requester's, over the opening's bytes, by such a key. What the opening says is
// crypto/lease.h's to read.
absl::Status CheckLeaseSignature(const OpenedAgreement& agreement, const StruckOff& struck_off,
                                 const ledger::v1::LeaseOpened& fact, UnixMillis at);

}  // namespace holdfast::policy
