// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519.h"

#include <algorithm>
#include <utility>

#include <sodium.h>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/internal/secret_access.h"
#include "crypto/library.h"
#include "crypto/random.h"
#include "crypto/sha256.h"

namespace holdfast::crypto {
namespace {

static_assert(PublicKey::kBytes == crypto_sign_PUBLICKEYBYTES);
static_assert(SigningKey::kSeedBytes == crypto_sign_SEEDBYTES);
static_assert(sizeof(Signature) == crypto_sign_BYTES);

const unsigned char* Raw(ByteSpan bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* RawToWrite(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

absl::Status NoKey() { return MakeError(Reason::kRequestMalformed, "not an Ed25519 public key"); }

}  // namespace

absl::StatusOr<PublicKey> PublicKey::FromBytes(ByteSpan bytes) {
  if (bytes.size() != kBytes) return NoKey();
  // Canonical, on the curve, not of small order, in the prime-order subgroup: every key that was
  // made from a seed is, and no other one may stand for a person.
  if (crypto_core_ed25519_is_valid_point(Raw(bytes)) != 1) return NoKey();
  std::array<std::byte, kBytes> array;
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return PublicKey(array);
}

absl::StatusOr<PublicKey> PublicKey::FromBase64(std::string_view text) {
  HF_ASSIGN_OR_RETURN(const Bytes bytes, ::holdfast::FromBase64(text));
  return FromBytes(bytes);
}

std::string PublicKey::ToBase64() const { return Base64(bytes_); }

KeyId PublicKey::id() const { return KeyId("ed25519:" + Hex(Sha256Of(bytes_))); }

absl::Status PublicKey::Verify(ByteSpan message, ByteSpan signature) const {
  if (signature.size() != sizeof(Signature) ||
      crypto_sign_verify_detached(Raw(signature), Raw(message), message.size(), Raw(bytes_)) != 0) {
    return MakeError(Reason::kSignatureInvalid, "the signature does not verify");
  }
  return absl::OkStatus();
}

SigningKey::SigningKey(SecretBytes expanded, const PublicKey& public_key)
    : expanded_(std::move(expanded)), public_key_(public_key) {}

absl::StatusOr<SigningKey> SigningKey::Generate(Random& random) {
  HF_ASSIGN_OR_RETURN(const SecretBytes seed, SecretBytes::FromRandom(random, kSeedBytes));
  return FromSeed(seed);
}

absl::StatusOr<SigningKey> SigningKey::FromSeed(const SecretBytes& seed) {
  HF_RETURN_IF_ERROR(InitLibrary().status());
  if (seed.size() != kSeedBytes) {
    return MakeError(Reason::kRequestMalformed, "an Ed25519 seed has 32 bytes");
  }
  HF_ASSIGN_OR_RETURN(SecretBytes expanded, SecretBytes::Zeroed(crypto_sign_SECRETKEYBYTES));
  std::array<std::byte, PublicKey::kBytes> public_key;
  HF_CHECK(crypto_sign_seed_keypair(RawToWrite(public_key),
                                    RawToWrite(internal::SecretAccess::Write(expanded)),
                                    Raw(internal::SecretAccess::Read(seed))) == 0);
  return SigningKey(std::move(expanded), PublicKey(public_key));
}

Signature SigningKey::Sign(ByteSpan message) const {
  Signature signature;
  HF_CHECK(crypto_sign_detached(RawToWrite(signature), nullptr, Raw(message), message.size(),
                                Raw(internal::SecretAccess::Read(expanded_))) == 0);
  return signature;
}

absl::StatusOr<SecretBytes> SigningKey::DuplicateSeed() const {
  HF_ASSIGN_OR_RETURN(SecretBytes seed, SecretBytes::Zeroed(kSeedBytes));
  const ByteSpan from = internal::SecretAccess::Read(expanded_).first(kSeedBytes);
  std::copy(from.begin(), from.end(), internal::SecretAccess::Write(seed).begin());
  return seed;
}

}  // namespace holdfast::crypto
