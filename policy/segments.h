// SPDX-License-Identifier: Apache-2.0
//
// Segments of the key tree, and which leaves are used up.
//
// When to use  Through State. The leaves' secrets are the vault's; here they are numbers.
// Threads      Const methods may be called concurrently; others not.
// Ownership    Values.
// Errors       None; what is unknown is null.
//
// Invariant: no leaf serves two process starts (design invariant I5), so only segments that were
// opened since the newest start keep a bitmap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "base/ids.h"
#include "base/limits.h"
#include "holdfast/ledger/v1/entry.pb.h"

namespace holdfast::policy {

struct Segment {
  SegmentId id;
  ledger::v1::SegmentKind kind = ledger::v1::SEGMENT_KIND_UNSPECIFIED;
  std::uint32_t transfer = 0;
  std::uint64_t opened_index = 0;
};

class SegmentTable final {
 public:
  // There can be 65,535: a record names one in 16 bits.
  static constexpr std::size_t kMax = 65'535;

  std::size_t size() const { return segments_.size(); }
  const Segment* Find(std::uint32_t number) const {
    return number < segments_.size() ? &segments_[number] : nullptr;
  }
  std::optional<std::uint32_t> FindById(const SegmentId& id) const;

  // Opened since the newest start of a process.
  bool InUse(std::uint32_t number) const { return number >= first_in_use_ && number < size(); }

  // REQUIRES: InUse(number) and `leaf` < kLeavesPerSegment.
  bool LeafUsed(std::uint32_t number, std::uint32_t leaf) const;

  // Changes, for Apply alone.
  void Open(const Segment& segment);
  void UseLeaf(std::uint32_t number, std::uint32_t leaf);
  void StartProcess();

  std::size_t MemoryBytes() const;

 private:
  friend class StateCodec;  // policy/state_snapshot.cc

  std::vector<Segment> segments_;
  absl::flat_hash_map<SegmentId, std::uint32_t> by_id_;
  std::size_t first_in_use_ = 0;
  std::vector<std::vector<std::uint64_t>> used_;  // Of the segments from first_in_use_ on.
};

}  // namespace holdfast::policy
