// SPDX-License-Identifier: Apache-2.0
// What the gateway seals for itself under a SUBJECT leaf: the subject, and the opening of its
// verdict. The two have one form and different keys. docs/envelope-format.md, "Subject".
//
// When to use  Inside crypto/, by sealed_subject.cc and sealed_opening.cc.
// Threads      Every function may be called concurrently.
// Ownership    Spans are borrowed for the call.
// Errors       At each function. Opening has one error, whatever is wrong.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "crypto/sealed_subject.h"
#include "crypto/wiped_buffer.h"
#include "crypto/wiped_key.h"

namespace holdfast::crypto::internal {

struct AtRestKind {
  std::string_view magic;  // Four characters.
  std::string_view label;  // Of the key, so that the two kinds of one leaf have nothing in common.
  std::size_t least_padded = 0;
  std::size_t most_padded = 0;
};

// REQUIRES: the padded size is within the kind's limits; `out` is that and kSubjectOverheadBytes.
// Errors: kRequestTooLarge; `out` is then all zero.
absl::Status SealAtRest(const AtRestKind& kind, const SubjectName& name, const LeafSeed& seed,
                        const SubjectNonce& nonce, ByteSpan payload, std::span<std::byte> out);

// Errors: kEnvelopeRejected.
absl::StatusOr<SubjectPosition> InspectAtRest(const AtRestKind& kind, ByteSpan sealed);
absl::StatusOr<WipedBuffer> OpenAtRest(const AtRestKind& kind, ByteSpan sealed,
                                       const SubjectName& name, const LeafSeed& seed);

}  // namespace holdfast::crypto::internal
