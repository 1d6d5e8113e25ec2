// SPDX-License-Identifier: Apache-2.0
// Subjects at rest: who was asked about, sealed under a SUBJECT leaf from the submission to the
// deposit. docs/envelope-format.md, "Subject".
//
// When to use  In the gateway, for what it stores for itself. What leaves for a requester is an
//              envelope (crypto/envelope.h).
// Threads      Every function may be called concurrently.
// Ownership    Spans are borrowed for the call. Sealing allocates nothing.
// Errors       At each function. Opening has one error, whatever is wrong.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "crypto/wiped_buffer.h"
#include "crypto/wiped_key.h"

namespace holdfast::crypto {

// Where a subject lies. All of it is authenticated; segment, leaf and row are stored with it.
struct SubjectName {
  ExchangeId exchange;
  TransferId transfer;
  SegmentId segment;
  std::uint32_t leaf = 0;
  std::uint32_t row = 0;

  friend bool operator==(const SubjectName&, const SubjectName&) = default;
};

inline constexpr std::size_t kSubjectNonceBytes = 24;
using SubjectNonce = std::array<std::byte, kSubjectNonceBytes>;

inline constexpr std::size_t kSubjectOverheadBytes = 54 + 16;

constexpr std::size_t SealedSubjectBytes(std::size_t padded_bytes) {
  return padded_bytes + kSubjectOverheadBytes;
}

// Seals `payload`, padded to `padded_bytes` (crypto/envelope.h has the limits), into `out`.
//
// `nonce` is random, for this subject alone: DrawMany() gives a batch of them. `out` may not
// overlap `payload`. On an error `out` is all zero.
//
// REQUIRES: out.size() == SealedSubjectBytes(padded_bytes);
//           kMinPaddedBytes <= padded_bytes <= kMaxPaddedBytes.
// Errors: kRequestTooLarge if the payload does not fit.
absl::Status SealSubject(const SubjectName& name, const LeafSeed& seed, const SubjectNonce& nonce,
                         ByteSpan payload, std::size_t padded_bytes, std::span<std::byte> out);

// What a sealed subject says about itself, before it is authenticated.
struct SubjectPosition {
  SegmentId segment;
  std::uint32_t leaf = 0;
  std::uint32_t row = 0;
};

// Errors: kEnvelopeRejected if `sealed` is no sealed subject of version 1.
absl::StatusOr<SubjectPosition> InspectSubject(ByteSpan sealed);

// Opens what SealSubject() made.
// Errors: kEnvelopeRejected for everything that is not exactly what was sealed under that name.
absl::StatusOr<WipedBuffer> OpenSubject(ByteSpan sealed, const SubjectName& name,
                                        const LeafSeed& seed);

}  // namespace holdfast::crypto
