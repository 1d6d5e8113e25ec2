// SPDX-License-Identifier: Apache-2.0
// That an entry is in a tree, and that one tree is the beginning of another (RFC 6962, 2.1).
//
// When to use  Making: by who has the tree, from any source of its nodes. Verifying: by everyone
// else,
//              from two numbers, hashes and the proof alone.
// Threads      Functions may be called concurrently if the reader may be.
// Ownership    Values; a reader is borrowed for the call.
// Errors       Making: the reader's own, and kRequestMalformed for what no tree of that size can
//              prove. Verifying: kLedgerInconsistent for every proof that does not hold, whatever
//              the reason.
//
// Refused although a plain reading of the RFC lets it pass: a consistency proof from size 0, also
// to size 0. Every tree begins with the empty one, so such a "proof" shows nothing, and whoever
// relies on it has lost the size that they had verified.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/ids.h"

namespace holdfast::crypto {

using MerkleProof = std::vector<Digest32>;

// A source of the hashes of perfect subtrees.
class NodeReader {
 public:
  NodeReader() = default;
  NodeReader(const NodeReader&) = delete;
  NodeReader& operator=(const NodeReader&) = delete;
  virtual ~NodeReader() = default;

  // Returns the root of the subtree over leaves [index << level, (index + 1) << level).
  virtual absl::StatusOr<Digest32> ReadNode(unsigned level, std::uint64_t index) = 0;
};

// Returns the root of the tree over the first `size` leaves. `size` may be 0.
absl::StatusOr<Digest32> RootAt(std::uint64_t size, NodeReader& nodes);

// Returns the audit path of leaf `index` in the tree of `size` leaves, from the leaf upwards.
// Errors: kRequestMalformed unless index < size.
absl::StatusOr<MerkleProof> MakeInclusionProof(std::uint64_t index, std::uint64_t size,
                                               NodeReader& nodes);

// Returns the proof that the tree of `old_size` leaves is the beginning of the one of `new_size`.
// It is empty if the sizes are equal. Errors: kRequestMalformed unless 0 < old_size <= new_size.
absl::StatusOr<MerkleProof> MakeConsistencyProof(std::uint64_t old_size, std::uint64_t new_size,
                                                 NodeReader& nodes);

absl::Status VerifyInclusion(std::uint64_t index, std::uint64_t size, const Digest32& leaf_hash,
                             std::span<const Digest32> proof, const Digest32& root);

absl::Status VerifyConsistency(std::uint64_t old_size, std::uint64_t new_size,
                               const Digest32& old_root, const Digest32& new_root,
                               std::span<const Digest32> proof);

// Returns the hashes of a proof as it crossed the wire.
// Errors: kRequestMalformed if one has not 32 bytes, or if there are more than any tree needs.
absl::StatusOr<MerkleProof> ProofFromBytes(std::span<const ByteSpan> hashes);

}  // namespace holdfast::crypto
