// SPDX-License-Identifier: Apache-2.0
// What a group must be, whatever it is committed to.
//
// When to use  By an implementation of Store, before it writes anything.
// Threads      May be called concurrently.
// Ownership    Nothing is kept.
// Errors       kInternal: the caller contradicts itself, or the store as `head` describes it.
#pragma once

#include "absl/status/status.h"

#include "store/store.h"

namespace holdfast::store {

// The highest level and index that a tile can have.
inline constexpr std::uint8_t kMaxTileLevel = 7;
inline constexpr std::uint64_t kMaxTileIndex = (std::uint64_t{1} << 48) - 1;

// The largest ledger.
inline constexpr std::uint64_t kMaxLedgerSize = std::uint64_t{1} << 56;

// Checks that `group` follows `head`, that every size and number is in its range, that nothing is
// named twice among its chunks, tiles and pages, and that the root changes only with the entries.
absl::Status CheckGroup(const Head& head, const Group& group);

// The head after `group`.
Head HeadAfter(const Group& group);

}  // namespace holdfast::store
