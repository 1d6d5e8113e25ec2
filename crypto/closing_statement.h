// SPDX-License-Identifier: Apache-2.0
// What a source signs when it closes a transfer: these envelopes, and no others.
//
// When to use  The source's client signs it; the gateway and the offline verifier check it.
// Threads      A pure function: may be called concurrently.
// Ownership    A value.
// Errors       None.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/ids.h"

namespace holdfast::crypto {

// Returns the bytes over which the source's enrolled key signs: "holdfast/1/close" and a zero
// byte, the exchange's id, the transfer's id, the number of envelopes (four bytes, high byte
// first), and the RFC 6962 root over their digests in order of row. Every part has a fixed length,
// so no two statements have the same bytes.
Bytes ClosingStatement(const ExchangeId& exchange, const TransferId& transfer,
                       std::uint32_t envelopes, const Digest32& envelopes_root);

}  // namespace holdfast::crypto
