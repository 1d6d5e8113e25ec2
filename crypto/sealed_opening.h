// SPDX-License-Identifier: Apache-2.0
// The opening of a release verdict, at rest: what was compared, sealed under the SUBJECT leaf of
// its row. docs/envelope-format.md, "Opening".
//
// Its key is derived from the leaf for openings alone, so that it and the subject's have nothing in
// common; to destroy the leaf destroys both. A leaf still serves one row of one process start (I5):
// the opening is a second sealing of that row, and each has a random nonce of 192 bits, so that a
// deposit that has to be made again repeats none.
//
// When to use  In the gateway, when a row's outcome is deposited, and to show it or judge it again.
// Threads      Every function may be called concurrently.
// Ownership    Spans are borrowed for the call. Sealing allocates nothing.
// Errors       At each function. Opening has one error, whatever is wrong.
#pragma once

#include <cstddef>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "crypto/sealed_subject.h"
#include "crypto/wiped_buffer.h"
#include "crypto/wiped_key.h"

namespace holdfast::crypto {

// An opening is padded to a multiple of this, its length in four bytes included: its size tells
// nearly nothing beside the verdict, which is in the ledger.
inline constexpr std::size_t kOpeningStepBytes = 256;

// The largest padded opening: no finding is larger than the message that it came in.
inline constexpr std::size_t kMaxOpeningBytes = std::size_t{8} << 20;

constexpr std::size_t SealedOpeningBytes(std::size_t payload_bytes) {
  return (payload_bytes + 4 + kOpeningStepBytes - 1) / kOpeningStepBytes * kOpeningStepBytes +
         kSubjectOverheadBytes;
}

// Seals `payload` into `out`. `nonce` is random, for this opening alone.
// REQUIRES: out.size() == SealedOpeningBytes(payload.size()), and at most kMaxOpeningBytes and
//           the overhead.
void SealOpening(const SubjectName& name, const LeafSeed& seed, const SubjectNonce& nonce,
                 ByteSpan payload, std::span<std::byte> out);

// What a sealed opening says about itself, before it is authenticated.
// Errors: kEnvelopeRejected.
absl::StatusOr<SubjectPosition> InspectOpening(ByteSpan sealed);

// Opens what SealOpening() made.
// Errors: kEnvelopeRejected for everything that is not exactly what was sealed under that name.
absl::StatusOr<WipedBuffer> OpenOpening(ByteSpan sealed, const SubjectName& name,
                                        const LeafSeed& seed);

}  // namespace holdfast::crypto
