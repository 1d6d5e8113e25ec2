// SPDX-License-Identifier: Apache-2.0
// Numbers on which more than one layer has to agree.
//
// When to use  For a bound that a client, the daemon and the store must all know. A bound of one
//              class stands in that class.
// Threads      Constants.
// Ownership    None.
// Errors       None.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace holdfast {

// Rows that one chunk holds: one message, one blob, one ledger bundle.
inline constexpr std::uint32_t kRowsPerChunk = 256;

// Leaves of one segment of the key tree, and its depth.
inline constexpr std::uint32_t kSegmentDepth = 16;
inline constexpr std::uint32_t kLeavesPerSegment = std::uint32_t{1} << kSegmentDepth;

// Segments that one top page names. A full one takes no more.
inline constexpr std::size_t kMaxSegments = 4096;

// The largest signed order, as JSON.
inline constexpr std::size_t kMaxOrderBytes = std::size_t{64} << 10;

// Messages that one stream may have in flight.
inline constexpr std::size_t kMaxMessagesInFlight = 32;

// After this long a PlaceHold cuts what is still in flight and answers.
inline constexpr std::chrono::milliseconds kHoldDrain{2000};

}  // namespace holdfast
