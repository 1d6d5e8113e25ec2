// SPDX-License-Identifier: Apache-2.0
// The Merkle tree as RFC 6962, section 2.1, writes it down: recursive, over a list, with no
// cleverness.
//
// When to use  As the oracle for crypto/merkle.h, crypto/merkle_proof.h and crypto/tiles.h.
// Threads      Functions may be called concurrently.
// Ownership    Values; spans are borrowed for the call.
// Errors       None.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "crypto/sha256.h"

namespace holdfast::test {

using Leaves = std::span<const Bytes>;

// The largest power of two smaller than n. REQUIRES: n > 1.
inline std::size_t ModelSplit(std::size_t n) {
  std::size_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

inline Digest32 ModelHash(unsigned char prefix, ByteSpan first, ByteSpan second = {}) {
  Bytes input{static_cast<std::byte>(prefix)};
  input.insert(input.end(), first.begin(), first.end());
  input.insert(input.end(), second.begin(), second.end());
  return crypto::Sha256Of(input);
}

// MTH(D[n]).
inline Digest32 ModelRoot(Leaves leaves) {
  if (leaves.empty()) return crypto::Sha256Of(ByteSpan());
  if (leaves.size() == 1) return ModelHash(0, leaves[0]);
  const std::size_t k = ModelSplit(leaves.size());
  return ModelHash(1, ModelRoot(leaves.first(k)), ModelRoot(leaves.subspan(k)));
}

// PATH(m, D[n]).
inline std::vector<Digest32> ModelPath(std::size_t m, Leaves leaves) {
  if (leaves.size() == 1) return {};
  const std::size_t k = ModelSplit(leaves.size());
  std::vector<Digest32> path;
  if (m < k) {
    path = ModelPath(m, leaves.first(k));
    path.push_back(ModelRoot(leaves.subspan(k)));
  } else {
    path = ModelPath(m - k, leaves.subspan(k));
    path.push_back(ModelRoot(leaves.first(k)));
  }
  return path;
}

// SUBPROOF(m, D[n], b).
inline std::vector<Digest32> ModelSubproof(std::size_t m, Leaves leaves, bool whole) {
  if (m == leaves.size()) {
    if (whole) return {};
    return {ModelRoot(leaves)};
  }
  const std::size_t k = ModelSplit(leaves.size());
  std::vector<Digest32> proof;
  if (m <= k) {
    proof = ModelSubproof(m, leaves.first(k), whole);
    proof.push_back(ModelRoot(leaves.subspan(k)));
  } else {
    proof = ModelSubproof(m - k, leaves.subspan(k), false);
    proof.push_back(ModelRoot(leaves.first(k)));
  }
  return proof;
}

// PROOF(m, D[n]).
inline std::vector<Digest32> ModelConsistency(std::size_t m, Leaves leaves) {
  return ModelSubproof(m, leaves, true);
}

}  // namespace holdfast::test
