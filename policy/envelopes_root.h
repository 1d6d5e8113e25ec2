// SPDX-License-Identifier: Apache-2.0
//
// The RFC 6962 root over a transfer's envelope digests, gathered in any order.
//
// When to use  Inside Transfer, from the approval to the closing. A chunk's digests are kept until
//              all of them are there; then only the hashes of whole subtrees are, which is at most
//              about two bytes a record.
// Threads      Const methods may be called concurrently; others not.
// Ownership    Values.
// Errors       None.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "base/ids.h"

namespace holdfast::policy {

class EnvelopesRoot final {
 public:
  EnvelopesRoot() = default;

  // `sizes[k]` is the number of envelopes that chunk k will have.
  explicit EnvelopesRoot(const std::vector<std::uint16_t>& sizes);

  // Takes the digest of the envelope at `position` among those of its chunk.
  // REQUIRES: chunk and position are within what the constructor was told, and new.
  void Add(std::uint32_t chunk, std::uint32_t position, const Digest32& digest);

  // Whether every digest is there.
  bool complete() const { return missing_ == 0; }

  // Returns the root; of no envelopes, SHA-256 of nothing. REQUIRES: complete().
  Digest32 Root() const;

  std::size_t MemoryBytes() const;

 private:
  friend class StateCodec;  // policy/state_snapshot.cc

  struct Node {
    std::uint8_t level = 0;   // The subtree has 2^level leaves...
    std::uint32_t index = 0;  // ...from leaf index * 2^level on.
    Digest32 hash{};
  };
  struct Partial {
    std::vector<Digest32> leaf_hashes;
    std::uint32_t missing = 0;
  };

  // Appends a node, joining it with its left neighbours as far as both are whole.
  static void Push(std::vector<Node>& nodes, Node node);

  std::vector<std::uint32_t> bases_;  // bases_[k]: leaves before chunk k; one more at the end.
  absl::flat_hash_map<std::uint32_t, Partial> partial_;
  std::vector<std::vector<Node>> whole_;  // By chunk, ascending.
  std::uint64_t missing_ = 0;
};

}  // namespace holdfast::policy
