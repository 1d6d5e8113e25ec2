// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/segment_allocator.h"

#include <array>

#include "base/check.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace holdfast::exchange {

SegmentAllocator::SegmentAllocator(const ExchangeId& exchange, std::uint32_t next_number,
                                   crypto::Random& random)
    : exchange_(exchange), random_(random), next_number_(next_number) {}

absl::StatusOr<LeafRun> SegmentAllocator::Take(std::uint32_t transfer, crypto::SegmentKind kind,
                                               std::uint32_t count) {
  HF_CHECK(count > 0 && count <= kLeavesPerSegment);
  MutexLock lock(mutex_);
  auto open = open_.find({transfer, kind});
  if (open == open_.end() || open->second.next_leaf + count > kLeavesPerSegment) {
    if (next_number_ >= kMaxSegments) {
      return MakeError(Reason::kStoreFull, "the exchange has no room for another key segment");
    }
    HF_ASSIGN_OR_RETURN(crypto::SegmentTree tree, crypto::SegmentTree::Create(random_));
    VaultSegment segment{next_number_,
                         {exchange_, SegmentId(crypto::Draw<16>(random_)), kind},
                         std::make_shared<const crypto::SegmentTree>(std::move(tree))};
    ++next_number_;
    pending_.push_back({segment, transfer});
    open = open_.insert_or_assign({transfer, kind}, Open{std::move(segment), 0}).first;
  }
  LeafRun run{open->second.segment.number, open->second.segment.name, open->second.segment.tree,
              open->second.next_leaf, count};
  open->second.next_leaf += count;
  return run;
}

std::vector<PendingSegment> SegmentAllocator::TakePending() {
  MutexLock lock(mutex_);
  return std::exchange(pending_, {});
}

void SegmentAllocator::UseTreesOf(std::span<const VaultSegment> segments) {
  MutexLock lock(mutex_);
  for (auto& [key, open] : open_) {
    // One that is not stored yet has nothing to destroy.
    if (open.segment.number < segments.size()) {
      open.segment.tree = segments[open.segment.number].tree;
    }
  }
}

}  // namespace holdfast::exchange
