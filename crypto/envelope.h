// SPDX-License-Identifier: Apache-2.0
// Envelopes: one record each, sealed under a key of its own. docs/envelope-format.md, "Envelope".
//
// The header is public and authenticated; the payload is padded, so that all envelopes of a
// transfer have one size, whatever was found. Key and nonce are derived from the record key and the
// whole header, and a commitment to both stands before the ciphertext: an envelope opens under one
// key and under no other.
//
// When to use  SealEnvelope() in the gateway, InspectEnvelope() and OpenEnvelope() wherever one is
//              read. Subjects at rest are crypto/sealed_subject.h.
// Threads      Every function may be called concurrently.
// Ownership    Spans are borrowed for the call. Sealing allocates nothing.
// Errors       At each function. Opening has one error, whatever is wrong.
//
// Invariants
//   (1) Every byte of an envelope is authenticated.
//   (2) The commitment is compared, in constant time, before a byte is decrypted.
//   (3) No plaintext is returned unless its padding is what sealing writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"
#include "crypto/wiped_buffer.h"
#include "crypto/wiped_key.h"

namespace holdfast::crypto {

// Which algorithms an envelope uses. The agreement names one, and a reader takes no other.
enum class Suite : std::uint8_t {
  kUnspecified = 0,               // Refused.
  kXChaCha20Poly1305Blake2b = 1,  // libsodium's; X25519 for leases.
  kReservedAesGcmHmacSha2 = 2,    // Refused by this version.
};

struct EnvelopeHeader {
  Suite suite = Suite::kXChaCha20Poly1305Blake2b;
  ExchangeId exchange;
  TransferId transfer;
  SegmentId segment;
  std::uint32_t leaf = 0;  // In the segment.
  std::uint32_t row = 0;   // The subject's number in the transfer.
  UnixMillis not_before;   // No key is released before this,
  UnixMillis not_after;    // or from this on.
  Digest32 agreement{};    // Digest of the agreement in force at the deposit.
  Digest32 binding{};      // ComputeBinding().
  Digest32 salt{};         // Random, for this envelope alone.

  friend bool operator==(const EnvelopeHeader&, const EnvelopeHeader&) = default;
};

inline constexpr std::size_t kEnvelopeHeaderBytes = 190;

// Header, commitment and tag: what an envelope has beside its padded payload.
inline constexpr std::size_t kEnvelopeOverheadBytes = kEnvelopeHeaderBytes + 32 + 16;

// The padded payload's size: the transfer's one size, the four bytes of the length included.
inline constexpr std::size_t kMinPaddedBytes = 4;
inline constexpr std::size_t kMaxPaddedBytes = std::size_t{64} << 10;

constexpr std::size_t EnvelopeBytes(std::size_t padded_bytes) {
  return padded_bytes + kEnvelopeOverheadBytes;
}

// What an envelope is bound to and its header does not say in the clear.
struct BindingContext {
  Digest32 nonce{};              // The transfer's random 32 bytes.
  std::string_view recipient;    // The requester's member id.
  std::string_view officer;      // The officer engaged in the case, by id.
  std::string_view case_number;  //
  std::string_view purpose;      //
  std::string_view authority;    // The statute, by id.
  Digest32 attestation{};        // Digest of the signed attestation.
};

// Returns BLAKE2b-256 of the nonce and then each other part after its length.
Digest32 ComputeBinding(const BindingContext& context);

// Derives the record key of a leaf. Deterministic: the same key at the deposit and at each release.
RecordKey DeriveRecordKey(const LeafSeed& seed, const SegmentId& segment, std::uint32_t leaf);

// Seals `payload`, padded to `padded_bytes`, into `out`.
//
// `key` is the one of the header's segment and leaf. A leaf is sealed once (invariant I5 of
// docs/key-tree.md); should it happen twice after all, the salt still gives another key and nonce.
// `out` may not overlap `payload`. On an error `out` is all zero.
//
// REQUIRES: out.size() == EnvelopeBytes(padded_bytes);
//           kMinPaddedBytes <= padded_bytes <= kMaxPaddedBytes.
// Errors: kRequestTooLarge   the payload does not fit;
//         kSuiteUnsupported  the header's suite is not 1.
absl::Status SealEnvelope(const EnvelopeHeader& header, const RecordKey& key, ByteSpan payload,
                          std::size_t padded_bytes, std::span<std::byte> out);

// Returns the header of `envelope`, which is not authenticated: anyone can write one.
// Errors: kEnvelopeRejected  too short, too long, or not a header of version 1;
//         kSuiteUnsupported  a suite that this version does not read.
absl::StatusOr<EnvelopeHeader> InspectEnvelope(ByteSpan envelope);

// What a reader knows before it opens an envelope.
struct ExpectedEnvelope {
  Suite suite = Suite::kXChaCha20Poly1305Blake2b;  // The one that the agreement names.
  ExchangeId exchange;
  TransferId transfer;
  std::uint32_t row = 0;

  // The following are compared where they are set. A requester sets the binding: it knows what it
  // asked for, and so an envelope of another case does not open.
  std::optional<Digest32> binding;
  std::optional<Digest32> agreement;
};

// Opens what SealEnvelope() made. Whether the key may still be used is not asked here: see
// EnvelopeHeader::not_after and the lease.
// Errors: kEnvelopeRejected for every envelope that is not exactly what was sealed under `key`, or
//         not what is expected.
absl::StatusOr<WipedBuffer> OpenEnvelope(ByteSpan envelope, const RecordKey& key,
                                         const ExpectedEnvelope& expected);

}  // namespace holdfast::crypto
