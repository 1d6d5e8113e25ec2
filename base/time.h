// SPDX-License-Identifier: Apache-2.0
// A point in time, and the one text that stands for it.
//
// When to use  Everywhere. Durations are std::chrono; clocks are in base/clock.h.
// Threads      Every function may be called concurrently.
// Ownership    Values.
// Errors       ParseRfc3339() alone fails.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "base/strong_id.h"

namespace holdfast {

// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds; negative before that.
using UnixMillis = StrongId<struct UnixMillisTag, std::int64_t>;

// The earliest and the latest time that RFC 3339 can write: the years 0000 to 9999.
inline constexpr UnixMillis kMinTime{-62'167'219'200'000};
inline constexpr UnixMillis kMaxTime{253'402'300'799'999};

// Sums and differences that would leave the type's range stop at its end: a deadline in the far
// future stays there instead of wrapping into the past.
UnixMillis operator+(UnixMillis time, std::chrono::milliseconds duration);
UnixMillis operator-(UnixMillis time, std::chrono::milliseconds duration);
std::chrono::milliseconds operator-(UnixMillis a, UnixMillis b);

// Returns `time` in UTC with three decimals, as in "2026-11-24T10:24:45.000Z".
// A time outside [kMinTime, kMaxTime] is shown as the nearer of the two.
std::string FormatRfc3339(UnixMillis time);

// Returns the time that `text` names: date, "T", time, at most three decimals, then "Z" or an
// offset such as "-05:00". White space, lower case, a leap second, a day that does not exist and a
// missing zone are refused.
// Errors: kRequestMalformed.
absl::StatusOr<UnixMillis> ParseRfc3339(std::string_view text);

}  // namespace holdfast
