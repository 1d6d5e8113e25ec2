// SPDX-License-Identifier: Apache-2.0
// A key tree as one would draw it on paper: every leaf's seed is computed at once and kept in a
// table, and destroying a leaf strikes its line out.
//
// When to use  As the oracle for crypto/key_tree.h.
// Threads      Not safe for concurrent use.
// Ownership    Values. Its seeds lie in ordinary memory: never for real ones.
// Errors       None.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "crypto/internal/primitives.h"

namespace holdfast::test {

class ReferenceKeyTree final {
 public:
  using Seed = std::array<std::byte, 32>;

  ReferenceKeyTree(const Seed& root, std::uint32_t depth) {
    std::vector<Seed> level{root};
    levels_.push_back(level);
    for (std::uint32_t d = 0; d < depth; ++d) {
      std::vector<Seed> next;
      for (const Seed& seed : level) {
        std::array<std::byte, 64> block{};
        crypto::internal::ExpandSeed(seed, block);
        Seed left{};
        Seed right{};
        std::copy(block.begin(), block.begin() + 32, left.begin());
        std::copy(block.begin() + 32, block.end(), right.begin());
        next.push_back(left);
        next.push_back(right);
      }
      level = next;
      levels_.push_back(level);
    }
    for (const Seed& seed : level) leaves_.emplace_back(seed);
  }

  void Destroy(std::uint32_t leaf) { leaves_[leaf].reset(); }

  const std::vector<std::optional<Seed>>& leaves() const { return leaves_; }

  // Every seed from which `leaf` could be derived: those of its path, its own and the root's too.
  std::vector<Seed> PathTo(std::uint32_t leaf) const {
    std::vector<Seed> path;
    for (std::size_t d = 0; d < levels_.size(); ++d) {
      path.push_back(levels_[d][leaf >> (levels_.size() - 1 - d)]);
    }
    return path;
  }

 private:
  std::vector<std::vector<Seed>> levels_;
  std::vector<std::optional<Seed>> leaves_;
};

}  // namespace holdfast::test
