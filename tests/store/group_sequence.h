// SPDX-License-Identifier: Apache-2.0
// Random groups that follow one another, of every kind that a store must take.
//
// When to use  Wherever a test of store/ needs traffic. The same seed makes the same groups, so
// that
//              a process that was killed and the one that looks at its files agree on what there
//              should be: the epoch after group k is k + 1.
// Threads      Used by one thread at a time.
// Ownership    A MadeGroup owns the bytes that its group borrows.
// Errors       None.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "store/store.h"
#include "tests/support/seeded_random.h"

namespace holdfast::store {

class MadeGroup final {
 public:
  MadeGroup() = default;
  MadeGroup(const MadeGroup&) = delete;
  MadeGroup& operator=(const MadeGroup&) = delete;
  MadeGroup(MadeGroup&&) = default;
  MadeGroup& operator=(MadeGroup&&) = default;

  // Returns bytes that live as long as this.
  ByteSpan Keep(Bytes bytes) { return bytes_.emplace_back(std::move(bytes)); }

  Group group;

 private:
  std::deque<Bytes> bytes_;  // Does not move its elements, not even when it is moved itself.
};

class GroupSequence final {
 public:
  explicit GroupSequence(std::uint64_t seed) : random_(seed) {}

  MadeGroup Next();

  // The names among which everything is that Next() writes.
  static std::vector<ChunkKey> ChunkNames();
  static constexpr std::uint8_t kTileLevels = 3;
  static constexpr std::uint64_t kTileIndices = 8;
  static constexpr std::uint32_t kSegments = 12;

 private:
  void AddEntries(MadeGroup& made);
  void AddTiles(MadeGroup& made);
  void AddChunks(MadeGroup& made);
  void AddPages(MadeGroup& made);
  void AddDerived(MadeGroup& made);

  test::SeededRandom random_;
  Head head_;
  std::set<ChunkKey> chunks_;
  std::set<std::uint32_t> pages_;
  std::uint64_t tiles_ = 0;
};

// Everything that a store says, as bytes that are equal if and only if the contents are. Long and
// not printable: compare with ==.
std::string Dump(Reader& reader);

// What a store holds after so many groups of GroupSequence(seed).
std::string DumpAfter(std::uint64_t seed, std::uint64_t groups);

}  // namespace holdfast::store
