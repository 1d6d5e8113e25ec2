// SPDX-License-Identifier: Apache-2.0
//
// Leases that are open, and the rows whose keys left under each.
//
// When to use  Through State. A lease that has ended is forgotten here; what it released stays
//              counted in the records.
// Threads      Const methods may be called concurrently; others not.
// Ownership    Values.
// Errors       None.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>

#include "absl/container/flat_hash_map.h"

#include "base/limits.h"
#include "base/time.h"
#include "policy/agreement.h"

namespace holdfast::policy {

// Open leases at one time, of all requesters: what the agreement's brake `open_leases` lets each
// open adds up to no more.
inline constexpr std::uint32_t kMaxOpenLeases = 65'536;
inline constexpr std::uint32_t kDefaultOpenLeases = 4'096;

// A set of rows, by chunk.
class RowSet final {
 public:
  bool Contains(std::uint32_t row) const;
  // Returns whether it is new.
  bool Insert(std::uint32_t row);
  std::uint32_t size() const { return size_; }
  std::size_t MemoryBytes() const { return chunks_.capacity() * (sizeof(Words) + 5); }

  // Calls `visit(row)` for each row, in no particular order.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const auto& [chunk, words] : chunks_) {
      for (std::uint32_t bit = 0; bit < kRowsPerChunk; ++bit) {
        if ((words[bit / 64] >> (bit % 64) & 1) != 0) visit(chunk * kRowsPerChunk + bit);
      }
    }
  }

 private:
  friend class StateCodec;  // policy/state_snapshot.cc

  using Words = std::array<std::uint64_t, kRowsPerChunk / 64>;
  absl::flat_hash_map<std::uint32_t, Words> chunks_;
  std::uint32_t size_ = 0;
};

struct Lease {
  std::uint32_t number = 0;
  std::uint32_t transfer = 0;
  MemberNumber requester;
  UnixMillis not_after;
  std::uint64_t opened_index = 0;
  RowSet rows;  // Released under it, each once.
};

// Open leases by number.
using OpenLeases = std::map<std::uint32_t, Lease>;

}  // namespace holdfast::policy
