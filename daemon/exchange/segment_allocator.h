// SPDX-License-Identifier: Apache-2.0
// Hands out leaves to sealing workers, each once.
//
// A leaf is used up when it is handed out (I5 of docs/key-tree.md): if what it sealed is never
// committed, nobody uses it again. A new segment is opened when a transfer's has too few leaves
// left. It is usable at once; the writer stores it, in order of number, in the group that holds the
// first command which names it, or in an earlier one.
//
// When to use  By workers, before they seal a chunk; by the writer, at the start of each group.
// Threads      All functions may be called concurrently.
// Ownership    Trees are shared with the vault. Borrows the random source.
// Errors       kUnavailable if no guarded memory is left; kStoreFull at the bound of segments.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "base/ids.h"
#include "base/mutex.h"
#include "crypto/key_tree.h"
#include "crypto/random.h"
#include "crypto/segment_page.h"
#include "daemon/exchange/vault.h"

namespace holdfast::exchange {

// Consecutive leaves of one segment.
struct LeafRun {
  std::uint32_t segment = 0;  // Its number in the ledger.
  crypto::SegmentName name;
  std::shared_ptr<const crypto::SegmentTree> tree;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

// A segment that no group has stored yet.
struct PendingSegment {
  VaultSegment segment;
  std::uint32_t transfer = 0;
};

class SegmentAllocator final {
 public:
  // `next_number` is the number of segments that the ledger knows: none of them is used again.
  SegmentAllocator(const ExchangeId& exchange, std::uint32_t next_number, crypto::Random& random);
  SegmentAllocator(const SegmentAllocator&) = delete;
  SegmentAllocator& operator=(const SegmentAllocator&) = delete;

  // Returns `count` leaves for the transfer with that number.
  // REQUIRES: 0 < count <= kLeavesPerSegment.
  absl::StatusOr<LeafRun> Take(std::uint32_t transfer, crypto::SegmentKind kind,
                               std::uint32_t count);

  // Returns the segments that were opened since the last call, in order of number.
  std::vector<PendingSegment> TakePending();

  // Takes the trees of open segments from the vault's, by number. After a destruction, and before
  // workers may use the new keys: a tree that is kept here would keep what was destroyed.
  void UseTreesOf(std::span<const VaultSegment> segments);

 private:
  struct Open {
    VaultSegment segment;
    std::uint32_t next_leaf = 0;
  };

  const ExchangeId exchange_;
  crypto::Random& random_;

  Mutex mutex_;
  std::uint32_t next_number_ HF_GUARDED_BY(mutex_);
  std::map<std::pair<std::uint32_t, crypto::SegmentKind>, Open> open_ HF_GUARDED_BY(mutex_);
  std::vector<PendingSegment> pending_ HF_GUARDED_BY(mutex_);
};

}  // namespace holdfast::exchange
