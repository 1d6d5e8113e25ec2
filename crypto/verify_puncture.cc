// SPDX-License-Identifier: Apache-2.0
// The second opinion on a puncture. It shares nothing with key_tree.cc but the primitive: places
// are computed by walking, coverage is a table with an entry for each leaf, and seeds are derived
// from above to where the new tree says they are.
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/internal/primitives.h"
#include "crypto/internal/secret_access.h"
#include "crypto/key_tree.h"

namespace holdfast::crypto {
namespace {

constexpr std::uint32_t kNoNode = 0xffffffff;

absl::Status Wrong(const char* what) { return MakeError(Reason::kInternal, what); }

// In constant time like EqualInConstantTime(), and a fifth of the whole check faster: that one
// hides its loop from the compiler.
bool SameSeed(ByteSpan a, ByteSpan b) {
  std::byte difference{0};
  for (std::size_t i = 0; i < 32; ++i) difference |= a[i] ^ b[i];
  return difference == std::byte{0};
}

// For each leaf the node that covers it.
absl::StatusOr<std::vector<std::uint32_t>> Coverage(std::span<const NodePosition> positions,
                                                    std::uint32_t leaves) {
  std::vector<std::uint32_t> cover(leaves, kNoNode);
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (positions[i] == 0) return Wrong("a node of the key tree has no place");
    std::uint64_t from = positions[i];
    std::uint64_t to = from + 1;
    while (from < leaves) {
      from *= 2;
      to *= 2;
    }
    if (to > std::uint64_t{2} * leaves)
      return Wrong("a node of the key tree lies below its leaves");
    for (std::uint64_t leaf = from - leaves; leaf < to - leaves; ++leaf) {
      if (cover[leaf] != kNoNode) return Wrong("two nodes of the key tree cover one leaf");
      cover[leaf] = static_cast<std::uint32_t>(i);
    }
  }
  return cover;
}

// The children of the node that was last expanded at each distance from the root.
class Derivation final {
 public:
  Derivation() = default;
  Derivation(const Derivation&) = delete;
  Derivation& operator=(const Derivation&) = delete;
  ~Derivation() {
    for (Level& level : levels_) Wipe(level.children);
  }

  // Whether `to` has the seed `expected`, given that `from` has the seed `seed`. Both are in heap
  // order, and `from` is `to` or above it.
  bool Leads(NodePosition from, ByteSpan seed, NodePosition to, ByteSpan expected) {
    std::array<NodePosition, SegmentTree::kMaxDepth + 1> way{};
    std::size_t steps = 0;
    for (NodePosition node = to; node != from; node /= 2) {
      if (node < from || steps == SegmentTree::kMaxDepth) return false;
      way[steps++] = node;
    }
    NodePosition parent = from;
    ByteSpan current = seed;
    for (; steps > 0; --steps) {
      const NodePosition child = way[steps - 1];
      Level& level = levels_[static_cast<std::size_t>(std::bit_width(parent))];
      // A place has one seed in one derivation, so its children are known if it was here before.
      if (level.parent != parent) {
        internal::ExpandSeed(current.first<32>(), level.children);
        level.parent = parent;
      }
      current = ByteSpan(level.children).subspan(child % 2 == 0 ? 0 : 32, 32);
      parent = child;
    }
    return SameSeed(current, expected);
  }

 private:
  struct Level {
    NodePosition parent = 0;
    std::array<std::byte, 64> children{};
  };
  std::array<Level, SegmentTree::kMaxDepth + 2> levels_;  // By the width of the parent's place.
};

}  // namespace

absl::Status VerifyPuncture(const SegmentTree& before, const SegmentTree& after,
                            std::span<const std::uint32_t> destroyed) {
  if (before.depth_ != after.depth_) return Wrong("the key tree changed its depth");
  const std::uint32_t leaves = std::uint32_t{1} << before.depth_;
  HF_ASSIGN_OR_RETURN(const auto was, Coverage(before.positions_, leaves));
  HF_ASSIGN_OR_RETURN(const auto is, Coverage(after.positions_, leaves));

  auto next = destroyed.begin();
  for (std::uint32_t leaf = 0; leaf < leaves; ++leaf) {
    const bool goes = next != destroyed.end() && *next == leaf;
    if (goes) ++next;
    const bool stays = was[leaf] != kNoNode && !goes;
    if (stays && is[leaf] == kNoNode) return Wrong("a leaf that stays cannot be derived any more");
    if (!stays && is[leaf] != kNoNode)
      return Wrong("a leaf that is destroyed can still be derived");
  }
  if (next != destroyed.end()) return Wrong("a leaf to destroy does not exist or is out of order");

  const ByteSpan old_seeds = internal::SecretAccess::Read(before.seeds_);
  const ByteSpan new_seeds = internal::SecretAccess::Read(after.seeds_);
  Derivation derivation;
  std::uint32_t checked = kNoNode;
  for (std::uint32_t leaf = 0; leaf < leaves; ++leaf) {
    const std::uint32_t node = is[leaf];
    if (node == kNoNode || node == checked) continue;
    checked = node;
    const std::uint32_t source = was[leaf];
    if (!derivation.Leads(before.positions_[source],
                          old_seeds.subspan(std::size_t{32} * source, 32), after.positions_[node],
                          new_seeds.subspan(std::size_t{32} * node, 32))) {
      return Wrong("a seed of the punctured key tree does not follow from the old one");
    }
  }
  return absl::OkStatus();
}

}  // namespace holdfast::crypto
