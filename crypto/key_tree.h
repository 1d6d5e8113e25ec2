// SPDX-License-Identifier: Apache-2.0
// A segment's key tree: 65,536 leaf seeds that hang from one, and that can be destroyed one by one.
//
// A GGM tree, used as a puncturable pseudorandom function. A node is a 32-byte seed; one ChaCha20
// block turns it into its children's. The tree holds some nodes, and can derive what lies under
// them. To destroy leaves, Puncture() keeps the siblings along their paths and forgets the paths:
// what was forgotten cannot be computed from what is left. docs/key-tree.md has the bytes.
//
// When to use  For the seeds of records and of subjects. A tree is worth something only inside a
//              sealed page (crypto/segment_page.h) whose old image has become unreadable.
// Threads      Immutable: const members may be called concurrently. A LeafCursor belongs to one
//              thread.
// Ownership    Move-only. All seeds lie in one guarded allocation. A cursor borrows its tree.
// Errors       At each function.
//
// Invariants
//   (1) The nodes are in the order of their leaves, and no two of them cover the same leaf.
//   (2) A tree never covers a leaf that the tree it was punctured from did not cover.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/limits.h"
#include "crypto/random.h"
#include "crypto/secret_bytes.h"
#include "crypto/wiped_key.h"

namespace holdfast::crypto {

// A node's place, counted as in a binary heap: the root is 1, the children of p are 2p and 2p+1.
using NodePosition = std::uint32_t;

class SegmentTree final {
 public:
  static constexpr std::uint32_t kMaxDepth = kSegmentDepth;

  // Returns a tree that covers all of its 2^depth leaves.
  //
  // Segments have depth 16; tests have smaller trees that can be checked against all subsets.
  // REQUIRES: 1 <= depth <= kMaxDepth.
  // Errors: kUnavailable if no guarded memory is left, as in all that return a tree.
  static absl::StatusOr<SegmentTree> Create(Random& random, std::uint32_t depth = kMaxDepth);

  // Returns the tree whose Serialize() is `image`.
  // Errors: kStoreCorrupt if it is not an image.
  static absl::StatusOr<SegmentTree> Parse(const SecretBytes& image);

  SegmentTree(SegmentTree&&) noexcept = default;
  SegmentTree& operator=(SegmentTree&&) noexcept = default;
  SegmentTree(const SegmentTree&) = delete;
  SegmentTree& operator=(const SegmentTree&) = delete;
  ~SegmentTree() = default;

  absl::StatusOr<SegmentTree> Duplicate() const;

  std::uint32_t depth() const { return depth_; }
  std::uint32_t leaves() const { return std::uint32_t{1} << depth_; }
  std::span<const NodePosition> positions() const { return positions_; }

  // Whether the seed of `leaf` can be derived. False for a leaf that does not exist.
  bool IsDerivable(std::uint32_t leaf) const;

  // Puts the seed of `leaf` into `out`. For many leaves use a LeafCursor.
  // Errors: kRecordNotReleasable if it was destroyed or never existed; `out` is then all zero.
  absl::Status DeriveLeaf(std::uint32_t leaf, LeafSeed& out) const;

  // Returns a tree that covers what this one covers, but for `leaves`.
  //
  // A leaf that is destroyed already stays so. This tree is not changed: it must be wiped, and its
  // sealed image made unreadable, before a leaf can be called destroyed.
  // REQUIRES: `leaves` is strictly ascending, and each is below leaves().
  absl::StatusOr<SegmentTree> Puncture(std::span<const std::uint32_t> leaves) const;

  // The bytes that a segment page seals: depth, number of nodes, positions, seeds.
  absl::StatusOr<SecretBytes> Serialize() const;

 private:
  friend class LeafCursor;
  friend absl::Status VerifyPuncture(const SegmentTree& before, const SegmentTree& after,
                                     std::span<const std::uint32_t> destroyed);

  SegmentTree(std::uint32_t depth, std::vector<NodePosition> positions, SecretBytes seeds);

  // Returns the index of the node that covers `leaf`, or positions_.size().
  std::size_t NodeCovering(std::uint32_t leaf) const;

  std::uint32_t depth_;
  std::vector<NodePosition> positions_;

  // The seed of positions_[i] is the bytes [32 i, 32 i + 32). One byte if there are no nodes,
  // because guarded memory is never empty.
  SecretBytes seeds_;
};

// Derives leaves one after the other. In ascending order a leaf costs one block on average, in
// another order up to sixteen.
class LeafCursor final {
 public:
  // Borrows `tree`, which must not be moved or assigned while the cursor is used.
  explicit LeafCursor(const SegmentTree& tree) : tree_(tree) {}
  LeafCursor(const LeafCursor&) = delete;
  LeafCursor& operator=(const LeafCursor&) = delete;
  ~LeafCursor();

  // As SegmentTree::DeriveLeaf().
  absl::Status Derive(std::uint32_t leaf, LeafSeed& out);

 private:
  // An inner node above the last leaf, and the seeds of its two children.
  struct Step {
    NodePosition position = 0;
    std::array<std::byte, 64> children{};
  };

  const SegmentTree& tree_;
  std::array<Step, SegmentTree::kMaxDepth> path_;
  std::size_t path_size_ = 0;
};

// Shows that `after` covers exactly the leaves of `before` without `destroyed`, and derives the
// same seed for each of them (invariant I6 of docs/key-tree.md).
//
// Shares no code with Puncture(), so that one mistake is not made twice. Give it the tree as it was
// read back from the page that is about to be committed.
// REQUIRES: `destroyed` is strictly ascending.
// Errors: kInternal if it is not so: nothing may be committed.
absl::Status VerifyPuncture(const SegmentTree& before, const SegmentTree& after,
                            std::span<const std::uint32_t> destroyed);

}  // namespace holdfast::crypto
