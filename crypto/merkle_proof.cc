// SPDX-License-Identifier: Apache-2.0
#include "crypto/merkle_proof.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <optional>

#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/merkle.h"

namespace holdfast::crypto {
namespace {

// A path has at most one hash for each bit of the size, a consistency proof one more.
constexpr std::size_t kMaxProofHashes = 65;

// Returns the root of the leaves [begin, end). REQUIRES: begin < end, and `begin` is a multiple of
// the smallest power of two that is not below end - begin, which holds for every range that the RFC
// names.
absl::StatusOr<Digest32> RootOfRange(std::uint64_t begin, std::uint64_t end, NodeReader& nodes) {
  // From the right, as a frontier is folded: the last perfect subtree is the smallest.
  std::optional<Digest32> root;
  std::uint64_t left = end - begin;
  while (left != 0) {
    const auto level = static_cast<unsigned>(std::countr_zero(left));
    left &= left - 1;
    HF_ASSIGN_OR_RETURN(const Digest32 node, nodes.ReadNode(level, (begin + left) >> level));
    root = root.has_value() ? NodeHash(node, *root) : node;
  }
  return *root;
}

// The largest power of two below n. REQUIRES: n > 1.
std::uint64_t SplitPoint(std::uint64_t n) { return std::bit_floor(n - 1); }

// What every failed verification says: whoever checks a proof can do the same thing about all of
// them.
absl::Status DoesNotHold(const char* message) {
  return MakeError(Reason::kLedgerInconsistent, message);
}

// The shape of an audit path: from the leaf upwards, first the levels below the point where the
// leaf's path leaves the tree's right edge, then the left neighbours above it.
struct PathShape {
  unsigned inner;
  unsigned border;
};

PathShape ShapeOf(std::uint64_t index, std::uint64_t size) {
  const auto inner = static_cast<unsigned>(std::bit_width(index ^ (size - 1)));
  const std::uint64_t above = inner < 64 ? index >> inner : 0;
  return {inner, static_cast<unsigned>(std::popcount(above))};
}

// Folds the levels below the right edge: the neighbour is left of the path where the bit is set.
Digest32 FoldInner(Digest32 hash, std::span<const Digest32> proof, std::uint64_t index) {
  for (const Digest32& neighbour : proof) {
    hash = (index & 1) != 0 ? NodeHash(neighbour, hash) : NodeHash(hash, neighbour);
    index >>= 1;
  }
  return hash;
}

// The same, with the neighbours on the left only: that is the root of the tree as it was when the
// leaf was its last.
Digest32 FoldInnerLeft(Digest32 hash, std::span<const Digest32> proof, std::uint64_t index) {
  for (const Digest32& neighbour : proof) {
    if ((index & 1) != 0) hash = NodeHash(neighbour, hash);
    index >>= 1;
  }
  return hash;
}

Digest32 FoldBorder(Digest32 hash, std::span<const Digest32> proof) {
  for (const Digest32& neighbour : proof) hash = NodeHash(neighbour, hash);
  return hash;
}

}  // namespace

absl::StatusOr<Digest32> RootAt(std::uint64_t size, NodeReader& nodes) {
  if (size == 0) return EmptyRoot();
  return RootOfRange(0, size, nodes);
}

absl::StatusOr<MerkleProof> MakeInclusionProof(std::uint64_t index, std::uint64_t size,
                                               NodeReader& nodes) {
  if (index >= size) {
    return MakeError(Reason::kRequestMalformed, "the tree of that size has no such entry");
  }
  // PATH(m, D[n]) of RFC 6962, 2.1.1, from the root downwards, and so the other way round.
  MerkleProof proof;
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + SplitPoint(end - begin);
    if (index < middle) {
      HF_ASSIGN_OR_RETURN(const Digest32 right, RootOfRange(middle, end, nodes));
      proof.push_back(right);
      end = middle;
    } else {
      HF_ASSIGN_OR_RETURN(const Digest32 left, RootOfRange(begin, middle, nodes));
      proof.push_back(left);
      begin = middle;
    }
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

absl::StatusOr<MerkleProof> MakeConsistencyProof(std::uint64_t old_size, std::uint64_t new_size,
                                                 NodeReader& nodes) {
  if (old_size == 0 || old_size > new_size) {
    return MakeError(Reason::kRequestMalformed, "no tree of these sizes begins with the other");
  }
  // SUBPROOF(m, D[n], b) of RFC 6962, 2.1.2. The old tree's own root is left out where it is a
  // subtree of the new one: the verifier has it.
  MerkleProof proof;
  std::uint64_t begin = 0;
  std::uint64_t end = new_size;
  while (old_size != end) {
    const std::uint64_t middle = begin + SplitPoint(end - begin);
    if (old_size <= middle) {
      HF_ASSIGN_OR_RETURN(const Digest32 right, RootOfRange(middle, end, nodes));
      proof.push_back(right);
      end = middle;
    } else {
      HF_ASSIGN_OR_RETURN(const Digest32 left, RootOfRange(begin, middle, nodes));
      proof.push_back(left);
      begin = middle;
    }
  }
  if (begin != 0) {
    HF_ASSIGN_OR_RETURN(const Digest32 last, RootOfRange(begin, end, nodes));
    proof.push_back(last);
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

absl::Status VerifyInclusion(std::uint64_t index, std::uint64_t size, const Digest32& leaf_hash,
                             std::span<const Digest32> proof, const Digest32& root) {
  if (index >= size) return DoesNotHold("the tree has no such entry");
  const PathShape shape = ShapeOf(index, size);
  if (proof.size() != shape.inner + shape.border) {
    return DoesNotHold("the inclusion proof has the wrong length");
  }
  const Digest32 inner = FoldInner(leaf_hash, proof.first(shape.inner), index);
  if (FoldBorder(inner, proof.subspan(shape.inner)) != root) {
    return DoesNotHold("the inclusion proof does not lead to the root");
  }
  return absl::OkStatus();
}

absl::Status VerifyConsistency(std::uint64_t old_size, std::uint64_t new_size,
                               const Digest32& old_root, const Digest32& new_root,
                               std::span<const Digest32> proof) {
  if (old_size == 0) return DoesNotHold("every tree begins with the empty one");
  if (old_size > new_size) return DoesNotHold("the tree has become smaller");
  if (old_size == new_size) {
    if (!proof.empty()) return DoesNotHold("a proof between equal trees is empty");
    if (old_root != new_root) return DoesNotHold("two trees of one size");
    return absl::OkStatus();
  }

  // The proof is the audit path, in the new tree, of the largest perfect subtree that ends where
  // the old tree does. If that subtree is the whole old tree, its hash is the old root and is left
  // out.
  const PathShape shape = ShapeOf(old_size - 1, new_size);
  const auto level = static_cast<unsigned>(std::countr_zero(old_size));
  const unsigned inner = shape.inner - level;
  const bool old_is_subtree = std::has_single_bit(old_size);
  const std::size_t start = old_is_subtree ? 0 : 1;
  if (proof.size() != start + inner + shape.border) {
    return DoesNotHold("the consistency proof has the wrong length");
  }
  const Digest32& seed = old_is_subtree ? old_root : proof[0];
  const std::span<const Digest32> path = proof.subspan(start);
  const std::uint64_t node = (old_size - 1) >> level;

  const Digest32 old_inner = FoldInnerLeft(seed, path.first(inner), node);
  if (FoldBorder(old_inner, path.subspan(inner)) != old_root) {
    return DoesNotHold("the consistency proof does not lead to the old root");
  }
  const Digest32 new_inner = FoldInner(seed, path.first(inner), node);
  if (FoldBorder(new_inner, path.subspan(inner)) != new_root) {
    return DoesNotHold("the consistency proof does not lead to the new root");
  }
  return absl::OkStatus();
}

absl::StatusOr<MerkleProof> ProofFromBytes(std::span<const ByteSpan> hashes) {
  if (hashes.size() > kMaxProofHashes) {
    return MakeError(Reason::kRequestMalformed, "a proof has too many hashes");
  }
  MerkleProof proof;
  proof.reserve(hashes.size());
  for (const ByteSpan bytes : hashes) {
    HF_ASSIGN_OR_RETURN(const Digest32 hash, ArrayFromBytes<Digest32>(bytes));
    proof.push_back(hash);
  }
  return proof;
}

}  // namespace holdfast::crypto
