// SPDX-License-Identifier: Apache-2.0
//
// The other sides' own signatures in facts that they caused: the requester's over a lease's
// opening, the source's over a transfer's closing.
//
// When to use  In the daemon outside the writer's thread, before the fact is proposed; in the
//              verifier, for each such entry. Decide does not look at them again.
// Threads      Pure functions: may be called concurrently.
// Ownership    Borrow for the call.
// Errors       kSignatureInvalid alone.
#pragma once

#include "absl/status/status.h"

#include "base/ids.h"
#include "base/time.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/agreement.h"

namespace holdfast::policy {

// The source's, over crypto::ClosingStatement(), by a key that is valid at `at`.
absl::Status CheckClosingSignature(const OpenedAgreement& agreement, const ExchangeId& exchange,
                                   const TransferId& transfer,
                                   const ledger::v1::TransferClosed& fact, UnixMillis at);

// The requester's, over the opening's bytes, by a key that is valid at `at`. What the opening says
// is crypto/lease.h's to read.
absl::Status CheckLeaseSignature(const OpenedAgreement& agreement,
                                 const ledger::v1::LeaseOpened& fact, UnixMillis at);

}  // namespace holdfast::policy
