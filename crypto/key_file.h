// SPDX-License-Identifier: Apache-2.0
// A person's signing key in a file, and its public half in another.
//
// When to use  For keys of persons and of requesters' machines. The gateway's own secrets live in
// its
//              vault.
// Security     With a passphrase: Argon2id (libsodium's crypto_pwhash) makes a key that seals the
// seed
//              with XChaCha20-Poly1305; the lines before the seed are associated data. Without one,
//              the file is the key: for development, and for disks that are encrypted anyway.
// Threads      Functions may be called concurrently. Reading and writing with a passphrase take the
// time
//              and memory that the file says.
// Ownership    Values; secrets are moved out. Files are read and written by the caller, with mode
// 0600. Errors       kRequestMalformed for what is no such file; kSignatureInvalid for a wrong
// passphrase or
//              an altered file; kRequestTooLarge if it asks for more work than the limits below;
//              kUnavailable without memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "crypto/ed25519.h"
#include "crypto/secret_bytes.h"
#include "crypto/wiped_buffer.h"

namespace holdfast::crypto {

class Random;

// How hard a guess of the passphrase is. The default takes about a second.
struct KeyFileCost {
  std::uint64_t passes = 3;
  std::uint64_t memory_bytes = std::uint64_t{256} << 20;
};

// Inclusive limits of what a file may ask for.
inline constexpr std::uint64_t kMaxKeyFilePasses = 16;
inline constexpr std::uint64_t kMaxKeyFileMemoryBytes = std::uint64_t{1} << 30;
inline constexpr std::size_t kMaxKeyFileBytes = 4096;
inline constexpr std::size_t kMaxPassphraseBytes = 1024;

enum class KeyFileProtection { kPassphrase = 0, kNone };

// Returns the text of a file that ReadKeyFile() opens with `passphrase`.
// REQUIRES: `cost` is within the limits, at least 1 pass and 8192 bytes.
// Errors: kRequestMalformed if the passphrase is empty or too long; kUnavailable.
absl::StatusOr<WipedBuffer> WriteKeyFile(const SigningKey& key, const WipedBuffer& passphrase,
                                         const KeyFileCost& cost, Random& random);

// Returns the text of a file that needs no passphrase.
absl::StatusOr<WipedBuffer> WriteUnprotectedKeyFile(const SigningKey& key);

// Returns how `text` is protected, so that a tool knows whether to ask.
absl::StatusOr<KeyFileProtection> KeyFileProtectionOf(ByteSpan text);

// Returns the public key that the file names, without opening it: nobody vouches for it.
absl::StatusOr<PublicKey> UnverifiedPublicKeyOf(ByteSpan text);

// Returns the key. `passphrase` is ignored where the file needs none.
absl::StatusOr<SigningKey> ReadKeyFile(ByteSpan text, const WipedBuffer& passphrase);

// Returns one line: "ed25519", the key in base64 and `comment`, which may be empty.
// REQUIRES: `comment` is printable ASCII of at most 200 bytes.
std::string WritePublicKeyFile(const PublicKey& key, std::string_view comment);

struct PublicKeyFile {
  PublicKey key;
  std::string comment;
};
absl::StatusOr<PublicKeyFile> ReadPublicKeyFile(std::string_view text);

}  // namespace holdfast::crypto
