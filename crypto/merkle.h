// SPDX-License-Identifier: Apache-2.0
// The ledger's Merkle tree (RFC 6962, section 2.1, SHA-256), as it grows.
//
// Workers hash entries (LeafHash, LeafHashes); the writer appends the hashes to a Frontier, which
// is all of the tree that an appender needs. Proofs: crypto/merkle_proof.h. What is stored:
// crypto/tiles.h.
//
// When to use  For the ledger, and for other lists of which a member or a prefix must be provable,
//              such as the envelopes of a transfer.
// Threads      Functions may be called concurrently. A Frontier is used by one thread at a time.
// Ownership    Values.
// Errors       Frontier::Parse() alone fails.
//
// Invariants
//   (1) A leaf's hash and a node's hash have different first input bytes, 0 and 1, so that no leaf
//       can pass for a node.
//   (2) A Frontier of size n holds one hash for each bit that is set in n, the largest subtree
//   first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/ids.h"

namespace holdfast::crypto {

// The root of a tree without leaves: SHA-256 of nothing.
Digest32 EmptyRoot();

// Returns SHA-256(0x00, entry).
Digest32 LeafHash(ByteSpan entry);

// Returns SHA-256(0x01, left, right).
Digest32 NodeHash(const Digest32& left, const Digest32& right);

// Writes LeafHash(entries[i]) to hashes[i]. REQUIRES: both spans have one size.
void LeafHashes(std::span<const ByteSpan> entries, std::span<Digest32> hashes);

// Returns the root of the tree over `leaves`, in memory proportional to the logarithm of their
// number.
Digest32 RootOf(std::span<const Digest32> leaves);

// The right edge of a tree: enough to append and to tell the root, 32 bytes for each set bit of the
// size.
class Frontier final {
 public:
  Frontier() = default;

  // Returns what Serialize() wrote. Errors: kStoreCorrupt for everything else.
  static absl::StatusOr<Frontier> Parse(ByteSpan bytes);

  std::uint64_t size() const { return size_; }

  // Appends one leaf. REQUIRES: size() < 2^63.
  void Append(const Digest32& leaf_hash) {
    AppendAnd(leaf_hash, [](unsigned, const Digest32&) {});
  }

  // The same, and calls `node(level, hash)` for each perfect subtree that the leaf completes, from
  // level 1 (two leaves) upwards.
  template <typename NodeCallback>
  void AppendAnd(const Digest32& leaf_hash, NodeCallback&& node) {
    CheckRoomForOne();
    Digest32 hash = leaf_hash;
    unsigned level = 0;
    for (std::uint64_t bits = size_; (bits & 1) != 0; bits >>= 1) {
      hash = NodeHash(hashes_.back(), hash);
      hashes_.pop_back();
      node(++level, static_cast<const Digest32&>(hash));
    }
    hashes_.push_back(hash);
    ++size_;
  }

  void AppendLeafHashes(std::span<const Digest32> leaf_hashes) {
    for (const Digest32& hash : leaf_hashes) Append(hash);
  }

  // Returns the root of the tree as it is now.
  Digest32 Root() const;

  // Returns the size (8 bytes, big-endian) and the hashes, the largest subtree first.
  Bytes Serialize() const;

  friend bool operator==(const Frontier&, const Frontier&) = default;

 private:
  void CheckRoomForOne() const;

  std::uint64_t size_ = 0;
  std::vector<Digest32> hashes_;
};

}  // namespace holdfast::crypto
