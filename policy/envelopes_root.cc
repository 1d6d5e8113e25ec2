// SPDX-License-Identifier: Apache-2.0
#include "policy/envelopes_root.h"

#include <utility>

#include "base/check.h"
#include "crypto/merkle.h"

namespace holdfast::policy {

EnvelopesRoot::EnvelopesRoot(const std::vector<std::uint16_t>& sizes) : whole_(sizes.size()) {
  bases_.reserve(sizes.size() + 1);
  std::uint32_t base = 0;
  for (const std::uint16_t size : sizes) {
    bases_.push_back(base);
    base += size;
  }
  bases_.push_back(base);
  missing_ = base;
}

void EnvelopesRoot::Push(std::vector<Node>& nodes, Node node) {
  // A right child that meets its left sibling makes their parent, and so on upwards.
  while (!nodes.empty() && nodes.back().level == node.level && node.index % 2 == 1 &&
         nodes.back().index + 1 == node.index) {
    node = {static_cast<std::uint8_t>(node.level + 1), node.index / 2,
            crypto::NodeHash(nodes.back().hash, node.hash)};
    nodes.pop_back();
  }
  nodes.push_back(node);
}

void EnvelopesRoot::Add(std::uint32_t chunk, std::uint32_t position, const Digest32& digest) {
  HF_CHECK(std::size_t{chunk} + 1 < bases_.size());
  const std::uint32_t size = bases_[chunk + 1] - bases_[chunk];
  HF_CHECK(position < size);
  Partial& partial = partial_[chunk];
  if (partial.leaf_hashes.empty()) {
    partial.leaf_hashes.resize(size);
    partial.missing = size;
  }
  partial.leaf_hashes[position] = crypto::LeafHash(digest);
  --missing_;
  if (--partial.missing != 0) return;

  std::vector<Node> nodes;
  for (std::uint32_t i = 0; i < size; ++i) {
    Push(nodes, {0, bases_[chunk] + i, partial.leaf_hashes[i]});
  }
  nodes.shrink_to_fit();
  whole_[chunk] = std::move(nodes);
  partial_.erase(chunk);
}

Digest32 EnvelopesRoot::Root() const {
  HF_CHECK(complete());
  std::vector<Node> nodes;
  for (const std::vector<Node>& chunk : whole_) {
    for (const Node& node : chunk) Push(nodes, node);
  }
  if (nodes.empty()) return crypto::EmptyRoot();
  // What is left are whole subtrees of falling size: RFC 6962 joins them from the right.
  Digest32 root = nodes.back().hash;
  for (std::size_t i = nodes.size() - 1; i > 0; --i) {
    root = crypto::NodeHash(nodes[i - 1].hash, root);
  }
  return root;
}

std::size_t EnvelopesRoot::MemoryBytes() const {
  std::size_t bytes = bases_.capacity() * sizeof(bases_[0]) + whole_.capacity() * sizeof(whole_[0]);
  for (const auto& nodes : whole_) bytes += nodes.capacity() * sizeof(Node);
  for (const auto& [chunk, partial] : partial_) {
    static_cast<void>(chunk);
    bytes += sizeof(partial) + partial.leaf_hashes.capacity() * sizeof(Digest32);
  }
  return bytes;
}

}  // namespace holdfast::policy
