// SPDX-License-Identifier: Apache-2.0
#include "policy/leases.h"

namespace holdfast::policy {

bool RowSet::Contains(std::uint32_t row) const {
  const auto found = chunks_.find(row / kRowsPerChunk);
  if (found == chunks_.end()) return false;
  const std::uint32_t bit = row % kRowsPerChunk;
  return (found->second[bit / 64] >> (bit % 64) & 1) != 0;
}

bool RowSet::Insert(std::uint32_t row) {
  const std::uint32_t bit = row % kRowsPerChunk;
  std::uint64_t& word = chunks_[row / kRowsPerChunk][bit / 64];
  const std::uint64_t mask = std::uint64_t{1} << (bit % 64);
  if ((word & mask) != 0) return false;
  word |= mask;
  ++size_;
  return true;
}

}  // namespace holdfast::policy
