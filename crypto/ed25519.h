// SPDX-License-Identifier: Apache-2.0
// Ed25519 (RFC 8032): who said something.
//
// When to use  For persons' orders, for the agreement, for checkpoints, and for what a machine must
//              answer for. Always over bytes that name their purpose (a note, DSSE, a statement
//              with a prefix), so that a signature for one can never pass for another. Not to keep
//              anything secret.
// Security     libsodium's strict verification: S below the group's order, no small-order points,
// so a
//              signature cannot be changed into another valid one. Keys outside of the prime-order
//              subgroup are refused when they are read.
// Threads      Const members may be called concurrently.
// Ownership    PublicKey and Signature are values. A SigningKey is move-only; its seed lives in
//              guarded memory.
// Errors       By Reason at each function.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/strong_id.h"
#include "crypto/secret_bytes.h"

namespace holdfast::crypto {

class Random;

using Signature = std::array<std::byte, 64>;

// Names a public key: "ed25519:" and the SHA-256 of its 32 bytes as 64 hexadecimal digits. Says the
// algorithm first, so that a key of another kind can never be looked up as this one.
using KeyId = StrongId<struct KeyIdTag, std::string>;

class PublicKey final {
 public:
  static constexpr std::size_t kBytes = 32;

  // Errors (both): kRequestMalformed if these are not the bytes, or not the Base64(), of a key that
  // can have been made from a seed.
  static absl::StatusOr<PublicKey> FromBytes(ByteSpan bytes);
  static absl::StatusOr<PublicKey> FromBase64(std::string_view text);

  const std::array<std::byte, kBytes>& bytes() const { return bytes_; }
  std::string ToBase64() const;
  KeyId id() const;

  // Errors: kSignatureInvalid, also for a signature that has not 64 bytes.
  absl::Status Verify(ByteSpan message, ByteSpan signature) const;

  friend bool operator==(const PublicKey&, const PublicKey&) = default;
  friend auto operator<=>(const PublicKey&, const PublicKey&) = default;

 private:
  friend class SigningKey;
  explicit PublicKey(const std::array<std::byte, kBytes>& bytes) : bytes_(bytes) {}

  std::array<std::byte, kBytes> bytes_;
};

class SigningKey final {
 public:
  static constexpr std::size_t kSeedBytes = 32;

  // Returns a key from `random`. Errors: kUnavailable if no guarded memory is left.
  static absl::StatusOr<SigningKey> Generate(Random& random);

  // Returns the key of `seed` (RFC 8032: the 32-byte private key).
  // Errors: kRequestMalformed if it has another length; kUnavailable.
  static absl::StatusOr<SigningKey> FromSeed(const SecretBytes& seed);

  const PublicKey& public_key() const { return public_key_; }

  // The same message always gets the same signature.
  Signature Sign(ByteSpan message) const;

  // Returns a copy of the seed, to store it sealed. Errors: kUnavailable.
  absl::StatusOr<SecretBytes> DuplicateSeed() const;

 private:
  SigningKey(SecretBytes expanded, const PublicKey& public_key);

  SecretBytes expanded_;  // Seed and public key, as libsodium wants them.
  PublicKey public_key_;
};

}  // namespace holdfast::crypto
