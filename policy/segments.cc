// SPDX-License-Identifier: Apache-2.0
#include "policy/segments.h"

#include "base/check.h"

namespace holdfast::policy {

std::optional<std::uint32_t> SegmentTable::FindById(const SegmentId& id) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  return found->second;
}

bool SegmentTable::LeafUsed(std::uint32_t number, std::uint32_t leaf) const {
  HF_CHECK(InUse(number) && leaf < kLeavesPerSegment);
  return (used_[number - first_in_use_][leaf / 64] >> (leaf % 64) & 1) != 0;
}

void SegmentTable::Open(const Segment& segment) {
  HF_CHECK(segments_.size() < kMax);
  by_id_.emplace(segment.id, static_cast<std::uint32_t>(segments_.size()));
  segments_.push_back(segment);
  used_.emplace_back(kLeavesPerSegment / 64);
}

void SegmentTable::UseLeaf(std::uint32_t number, std::uint32_t leaf) {
  HF_CHECK(InUse(number) && leaf < kLeavesPerSegment);
  used_[number - first_in_use_][leaf / 64] |= std::uint64_t{1} << (leaf % 64);
}

void SegmentTable::StartProcess() {
  first_in_use_ = segments_.size();
  used_.clear();
  used_.shrink_to_fit();
}

std::size_t SegmentTable::MemoryBytes() const {
  return segments_.capacity() * sizeof(Segment) + by_id_.capacity() * 24 +
         used_.size() * (kLeavesPerSegment / 8 + sizeof(used_[0]));
}

}  // namespace holdfast::policy
