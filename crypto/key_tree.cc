// SPDX-License-Identifier: Apache-2.0
#include "crypto/key_tree.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/internal/primitives.h"
#include "crypto/internal/secret_access.h"
#include "crypto/internal/wire.h"

namespace holdfast::crypto {
namespace {

using internal::SecretAccess;

constexpr std::size_t kSeedBytes = 32;
constexpr std::uint8_t kImageVersion = 1;

// Version, depth, number of nodes.
constexpr std::size_t kImageHeaderBytes = 6;
constexpr std::size_t kImageNodeBytes = sizeof(NodePosition) + kSeedBytes;

using Children = std::array<std::byte, 2 * kSeedBytes>;

std::uint32_t DepthOf(NodePosition position) {
  return static_cast<std::uint32_t>(std::bit_width(position)) - 1;
}

std::uint32_t FirstLeaf(NodePosition position, std::uint32_t depth) {
  const std::uint32_t below = depth - DepthOf(position);
  return (position << below) - (std::uint32_t{1} << depth);
}

std::uint32_t LeafCount(NodePosition position, std::uint32_t depth) {
  return std::uint32_t{1} << (depth - DepthOf(position));
}

ByteSpan SeedAt(const SecretBytes& seeds, std::size_t index) {
  return SecretAccess::Read(seeds).subspan(index * kSeedBytes, kSeedBytes);
}

absl::StatusOr<SecretBytes> SeedsFor(std::size_t nodes) {
  return SecretBytes::Zeroed(std::max<std::size_t>(1, nodes * kSeedBytes));
}

// One node under which something is destroyed, turned into what is left of it. Run twice: with no
// seed it only says which positions are left, so that the second run has room for just their seeds.
class Puncturer final {
 public:
  explicit Puncturer(std::uint32_t depth) : depth_(depth) {}

  // The positions that are left, in order.
  std::vector<NodePosition> positions;

  void List(NodePosition node, std::span<const std::uint32_t> leaves) {
    Visit(node, nullptr, leaves);
  }

  // Puts the seeds that are left, in the same order, where `out` is, and moves `out` on.
  void Derive(NodePosition node, const std::byte* seed, std::span<const std::uint32_t> leaves,
              std::byte*& out) {
    out_ = out;
    Visit(node, seed, leaves);
    out = out_;
  }

 private:
  void Visit(NodePosition node, const std::byte* seed, std::span<const std::uint32_t> leaves) {
    if (leaves.empty()) {
      Keep(node, seed);
      return;
    }
    if (leaves.size() == LeafCount(node, depth_)) return;  // All of it goes.
    Children children{};
    if (seed != nullptr) internal::ExpandSeed(internal::KeySpan(seed, kSeedBytes), children);
    const NodePosition left = 2 * node;
    const auto split = std::lower_bound(leaves.begin(), leaves.end(), FirstLeaf(left + 1, depth_));
    const auto count = static_cast<std::size_t>(split - leaves.begin());
    Visit(left, seed == nullptr ? nullptr : children.data(), leaves.first(count));
    Visit(left + 1, seed == nullptr ? nullptr : children.data() + kSeedBytes,
          leaves.subspan(count));
    if (seed != nullptr) Wipe(children);
  }

  void Keep(NodePosition node, const std::byte* seed) {
    if (seed == nullptr) {
      positions.push_back(node);
    } else {
      out_ = std::copy_n(seed, kSeedBytes, out_);
    }
  }

  const std::uint32_t depth_;
  std::byte* out_ = nullptr;
};

}  // namespace

SegmentTree::SegmentTree(std::uint32_t depth, std::vector<NodePosition> positions,
                         SecretBytes seeds)
    : depth_(depth), positions_(std::move(positions)), seeds_(std::move(seeds)) {}

absl::StatusOr<SegmentTree> SegmentTree::Create(Random& random, std::uint32_t depth) {
  HF_CHECK(depth >= 1 && depth <= kMaxDepth);
  HF_ASSIGN_OR_RETURN(SecretBytes seed, SecretBytes::FromRandom(random, kSeedBytes));
  return SegmentTree(depth, {1}, std::move(seed));
}

absl::StatusOr<SegmentTree> SegmentTree::Duplicate() const {
  HF_ASSIGN_OR_RETURN(SecretBytes seeds, seeds_.Duplicate());
  return SegmentTree(depth_, positions_, std::move(seeds));
}

std::size_t SegmentTree::NodeCovering(std::uint32_t leaf) const {
  if (leaf >= leaves()) return positions_.size();
  // The last node that begins at or before the leaf is the only one that can cover it (1).
  const auto after = std::upper_bound(
      positions_.begin(), positions_.end(), leaf,
      [this](std::uint32_t value, NodePosition node) { return value < FirstLeaf(node, depth_); });
  if (after == positions_.begin()) return positions_.size();
  const auto node = after - 1;
  if (leaf - FirstLeaf(*node, depth_) >= LeafCount(*node, depth_)) return positions_.size();
  return static_cast<std::size_t>(node - positions_.begin());
}

bool SegmentTree::IsDerivable(std::uint32_t leaf) const {
  return NodeCovering(leaf) != positions_.size();
}

absl::Status SegmentTree::DeriveLeaf(std::uint32_t leaf, LeafSeed& out) const {
  return LeafCursor(*this).Derive(leaf, out);
}

absl::StatusOr<SegmentTree> SegmentTree::Puncture(std::span<const std::uint32_t> destroyed) const {
  HF_CHECK(std::adjacent_find(destroyed.begin(), destroyed.end(), std::greater_equal<>()) ==
           destroyed.end());
  HF_CHECK(destroyed.empty() || destroyed.back() < leaves());

  // Calls `visit` with each node and those of the leaves that lie under it.
  const auto for_each_node = [&](const auto& visit) {
    auto rest = destroyed;
    for (std::size_t i = 0; i < positions_.size(); ++i) {
      const std::uint32_t first = FirstLeaf(positions_[i], depth_);
      const std::uint32_t end = first + LeafCount(positions_[i], depth_);
      const auto from = std::lower_bound(rest.begin(), rest.end(), first);
      const auto to = std::lower_bound(from, rest.end(), end);
      visit(i, std::span<const std::uint32_t>(from, to));
      rest = std::span<const std::uint32_t>(to, rest.end());
    }
  };

  Puncturer puncturer(depth_);
  for_each_node([&](std::size_t i, std::span<const std::uint32_t> under) {
    puncturer.List(positions_[i], under);
  });
  HF_ASSIGN_OR_RETURN(SecretBytes seeds, SeedsFor(puncturer.positions.size()));
  std::byte* out = SecretAccess::Write(seeds).data();
  for_each_node([&](std::size_t i, std::span<const std::uint32_t> under) {
    puncturer.Derive(positions_[i], SeedAt(seeds_, i).data(), under, out);
  });
  return SegmentTree(depth_, std::move(puncturer.positions), std::move(seeds));
}

absl::StatusOr<SecretBytes> SegmentTree::Serialize() const {
  HF_ASSIGN_OR_RETURN(SecretBytes image,
                      SecretBytes::Zeroed(kImageHeaderBytes + positions_.size() * kImageNodeBytes));
  internal::Writer writer(SecretAccess::Write(image));
  writer.PutInteger(kImageVersion);
  writer.PutInteger(static_cast<std::uint8_t>(depth_));
  writer.PutInteger(static_cast<std::uint32_t>(positions_.size()));
  for (const NodePosition position : positions_) writer.PutInteger(position);
  writer.Put(SecretAccess::Read(seeds_).first(positions_.size() * kSeedBytes));
  HF_CHECK(writer.full());
  return image;
}

absl::StatusOr<SegmentTree> SegmentTree::Parse(const SecretBytes& image) {
  const auto corrupt = [] {
    return MakeError(Reason::kStoreCorrupt, "not an image of a key tree");
  };
  internal::Reader reader(SecretAccess::Read(image));
  if (reader.TakeInteger<std::uint8_t>() != kImageVersion) return corrupt();
  const std::uint32_t depth = reader.TakeInteger<std::uint8_t>();
  const std::size_t count = reader.TakeInteger<std::uint32_t>();
  if (!reader.ok() || depth < 1 || depth > kMaxDepth || reader.left() % kImageNodeBytes != 0 ||
      reader.left() / kImageNodeBytes != count) {
    return corrupt();
  }
  std::vector<NodePosition> positions(count);
  std::uint32_t next_leaf = 0;
  for (NodePosition& position : positions) {
    position = reader.TakeInteger<NodePosition>();
    if (position == 0 || DepthOf(position) > depth) return corrupt();
    const std::uint32_t first = FirstLeaf(position, depth);
    if (first < next_leaf) return corrupt();
    next_leaf = first + LeafCount(position, depth);
  }
  HF_ASSIGN_OR_RETURN(SecretBytes seeds, SeedsFor(count));
  const ByteSpan source = reader.Take(count * kSeedBytes);
  std::copy(source.begin(), source.end(), SecretAccess::Write(seeds).begin());
  HF_CHECK(reader.done());
  return SegmentTree(depth, std::move(positions), std::move(seeds));
}

LeafCursor::~LeafCursor() {
  for (Step& step : path_) Wipe(step.children);
}

absl::Status LeafCursor::Derive(std::uint32_t leaf, LeafSeed& out) {
  const std::span<std::byte> result = SecretAccess::Write(out);
  Wipe(result);
  const std::uint32_t depth = tree_.depth();
  const NodePosition target = tree_.leaves() + leaf;
  // What is on the path was derived from the tree, so whatever lies under it can be.
  const auto is_above = [&](NodePosition node) {
    return target >> (depth - DepthOf(node)) == node;
  };
  if (leaf >= tree_.leaves()) path_size_ = 0;
  while (path_size_ > 0 && !is_above(path_[path_size_ - 1].position)) --path_size_;

  if (path_size_ == 0) {
    const std::size_t node = tree_.NodeCovering(leaf);
    if (node == tree_.positions_.size()) {
      return MakeError(Reason::kRecordNotReleasable, "the leaf is destroyed or does not exist");
    }
    const ByteSpan seed = SeedAt(tree_.seeds_, node);
    if (tree_.positions_[node] == target) {
      std::copy(seed.begin(), seed.end(), result.begin());
      return absl::OkStatus();
    }
    path_[0].position = tree_.positions_[node];
    internal::ExpandSeed(seed.first<kSeedBytes>(), path_[0].children);
    path_size_ = 1;
  }
  while (true) {
    const Step& last = path_[path_size_ - 1];
    const NodePosition child = target >> (depth - DepthOf(last.position) - 1);
    const auto seed =
        std::span<const std::byte>(last.children).subspan((child & 1) * kSeedBytes, kSeedBytes);
    if (child == target) {
      std::copy(seed.begin(), seed.end(), result.begin());
      return absl::OkStatus();
    }
    Step& next = path_[path_size_++];
    next.position = child;
    internal::ExpandSeed(seed.first<kSeedBytes>(), next.children);
  }
}

}  // namespace holdfast::crypto
