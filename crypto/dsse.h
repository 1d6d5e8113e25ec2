// SPDX-License-Identifier: Apache-2.0
// Signed statements of persons: DSSE envelopes as strict JSON.
//
//   {
//     "payloadType": "application/vnd.holdfast.order.v1+json",
//     "payload": "…base64…",
//     "signatures": [
//       {
//         "keyid": "ed25519:…",
//         "sig": "…base64…"
//       }
//     ]
//   }
//
// A signature is over PAE = "DSSEv1", and length and bytes of the type and of the payload, so that
// an order can never pass for an agreement. The payload's meaning is another layer's
// (policy/order_json.h).
//
// When to use  For orders and agreements. Not for checkpoints (crypto/checkpoint.h).
// Threads      Functions may be called concurrently.
// Ownership    Values. A lookup is called during the call only.
// Errors       kRequestTooLarge over a limit, kRequestMalformed for what is no such envelope
// (unknown,
//              missing or double members, a second signature by one key), kSignatureInvalid.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "crypto/ed25519.h"

namespace holdfast::crypto {

// What may be signed by a person.
inline constexpr std::string_view kOrderPayloadType = "application/vnd.holdfast.order.v1+json";
inline constexpr std::string_view kAgreementPayloadType =
    "application/vnd.holdfast.agreement.v1+textproto";
inline constexpr std::string_view kAttestationPayloadType =
    "application/vnd.holdfast.attestation.v1+json";

// Inclusive limits. An order's own limit is kMaxOrderBytes (base/limits.h).
inline constexpr std::size_t kMaxDssePayloadBytes = std::size_t{256} << 10;
inline constexpr std::size_t kMaxDsseSignatures = 16;
inline constexpr std::size_t kMaxDsseBytes = kMaxDssePayloadBytes / 3 * 4 + (std::size_t{16} << 10);

struct DsseSignature {
  KeyId key;
  Signature bytes{};

  friend bool operator==(const DsseSignature&, const DsseSignature&) = default;
};

// An envelope as it stands there. Nothing in it is verified: the payload of an agreement has to be
// read to know the keys that verify it.
struct UnverifiedDsse {
  std::string payload_type;
  Bytes payload;
  std::vector<DsseSignature> signatures;

  friend bool operator==(const UnverifiedDsse&, const UnverifiedDsse&) = default;
};

// Returns what a signature is made over.
Bytes DssePreAuthEncoding(std::string_view payload_type, ByteSpan payload);

absl::StatusOr<UnverifiedDsse> ParseDsse(std::string_view text);

// Returns the JSON text. ParseDsse() reads it back.
std::string RenderDsse(const UnverifiedDsse& envelope);

// Returns an envelope with one signature.
// Errors: kRequestTooLarge; kRequestMalformed if `payload_type` is empty or not printable ASCII.
absl::StatusOr<UnverifiedDsse> SignDsse(std::string_view payload_type, ByteSpan payload,
                                        const SigningKey& key);

// Adds a signature by another key. Verifies none of those that are there.
// Errors: kAlreadyExists if this key has signed; kRequestTooLarge if the envelope has
//         kMaxDsseSignatures.
absl::Status AddDsseSignature(UnverifiedDsse& envelope, const SigningKey& key);

// Returns the key that has this id, or nullopt if nobody who may sign has it.
using KeyLookup = std::function<std::optional<PublicKey>(const KeyId&)>;

// Returns a lookup in `keys`, which it copies.
KeyLookup LookupIn(std::span<const PublicKey> keys);

struct OpenedDsse {
  Bytes payload;
  std::vector<PublicKey> signers;  // At least one, in the order of the envelope, each once.
  Digest32 payload_digest{};       // SHA-256 of the payload: what `prev` and receipts name.
};

// Returns payload and signers if the envelope is of `payload_type` and every signature in it is by
// a key that `lookup` knows, and verifies. One signature that cannot be verified spoils the
// envelope: nobody may add to what a person signed.
absl::StatusOr<OpenedDsse> VerifyDsse(const UnverifiedDsse& envelope, std::string_view payload_type,
                                      const KeyLookup& lookup);

// ParseDsse() and VerifyDsse() together.
absl::StatusOr<OpenedDsse> OpenDsse(std::string_view text, std::string_view payload_type,
                                    const KeyLookup& lookup);

}  // namespace holdfast::crypto
