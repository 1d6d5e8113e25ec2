// SPDX-License-Identifier: Apache-2.0
#include "policy/records.h"

#include <algorithm>
#include <limits>

namespace holdfast::policy {

std::uint32_t RecordSeconds(UnixMillis time) {
  constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(time.value() / 1'000, 1, kMost));
}

RecordTable::RecordTable(const RecordTable& other) {
  chunks_.reserve(other.chunks_.size());
  for (const auto& chunk : other.chunks_) {
    chunks_.push_back(chunk == nullptr ? nullptr : std::make_unique<RecordChunk>(*chunk));
  }
}

RecordChunk& RecordTable::Obtain(std::uint32_t number) {
  if (number >= chunks_.size()) chunks_.resize(std::size_t{number} + 1);
  if (chunks_[number] == nullptr) chunks_[number] = std::make_unique<RecordChunk>();
  return *chunks_[number];
}

void RecordTable::DropTails() {
  for (const auto& chunk : chunks_) {
    if (chunk != nullptr) std::vector<PseudonymTail>().swap(chunk->tails);
  }
}

std::size_t RecordTable::MemoryBytes() const {
  std::size_t bytes = chunks_.capacity() * sizeof(chunks_[0]);
  for (const auto& chunk : chunks_) {
    if (chunk == nullptr) continue;
    bytes += sizeof(RecordChunk) + chunk->tails.capacity() * sizeof(PseudonymTail);
  }
  return bytes;
}

}  // namespace holdfast::policy
