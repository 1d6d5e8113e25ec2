// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4).
//
// When to use  For digests that others must be able to compute with their own tools: the ledger,
// the
//              exchange's id, documents, envelopes. Keyed hashes and key derivation are BLAKE2b
//              (crypto/envelope.h). Not for passphrases (crypto/key_file.h).
// Threads      Functions may be called concurrently. A Sha256 object is used by one thread at a
// time. Ownership    Values. Errors       None. Without memory, or without the algorithm, the
// process cannot go on and ends.
#pragma once

#include <initializer_list>
#include <span>

#include "base/bytes.h"
#include "base/ids.h"

namespace holdfast::crypto {

// A digest of bytes that come piece by piece.
class Sha256 final {
 public:
  Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256();

  Sha256& Update(ByteSpan bytes);

  // Returns the digest of what came since construction, or since the last Finish().
  Digest32 Finish();

 private:
  void* context_;  // EVP_MD_CTX. OpenSSL's header stays out of ours.
};

// Returns the digest of `bytes`.
Digest32 Sha256Of(ByteSpan bytes);

// Returns the digest of `parts`, one after the other. Nothing separates them: put lengths between
// parts of variable length.
Digest32 Sha256Of(std::initializer_list<ByteSpan> parts);

// Writes the digest of `prefix` and inputs[i] to digests[i].
// REQUIRES: both spans have one size.
void Sha256Batch(ByteSpan prefix, std::span<const ByteSpan> inputs, std::span<Digest32> digests);

}  // namespace holdfast::crypto
