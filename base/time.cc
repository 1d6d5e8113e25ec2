// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <optional>

#include "base/error.h"

namespace holdfast {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();

std::int64_t SaturatingAdd(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? kHighest : kLowest;
}

std::int64_t SaturatingSubtract(std::int64_t a, std::int64_t b) {
  std::int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return b < 0 ? kHighest : kLowest;
}

// Takes fixed pieces off the front of a text. After a failure everything fails.
class Scanner final {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  // Takes exactly `digits` digits.
  int Number(std::size_t digits) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') return Fail();
      value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }

  // Takes `c` if it comes next.
  bool Take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void Expect(char c) {
    if (!Take(c)) Fail();
  }

  bool NextIsDigit() const {
    return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
  }
  bool Complete() const { return !failed_ && rest_.empty(); }
  int Fail() {
    failed_ = true;
    rest_ = {};
    return 0;
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

std::optional<UnixMillis> Parse(std::string_view text) {
  Scanner scan(text);
  const int year = scan.Number(4);
  scan.Expect('-');
  const int month = scan.Number(2);
  scan.Expect('-');
  const int day = scan.Number(2);
  scan.Expect('T');
  const int hour = scan.Number(2);
  scan.Expect(':');
  const int minute = scan.Number(2);
  scan.Expect(':');
  const int second = scan.Number(2);
  int millis = 0;
  if (scan.Take('.')) {
    millis = scan.Number(1) * 100;
    if (scan.NextIsDigit()) millis += scan.Number(1) * 10;
    if (scan.NextIsDigit()) millis += scan.Number(1);
  }
  minutes offset{0};
  if (!scan.Take('Z')) {
    const bool west = scan.Take('-');
    if (!west) scan.Expect('+');
    const int offset_hour = scan.Number(2);
    scan.Expect(':');
    const int offset_minute = scan.Number(2);
    if (offset_hour > 23 || offset_minute > 59) return std::nullopt;
    offset = hours(offset_hour) + minutes(offset_minute);
    if (west) offset = -offset;
  }
  if (!scan.Complete() || hour > 23 || minute > 59 || second > 59) return std::nullopt;

  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  const milliseconds since_epoch = std::chrono::sys_days(date).time_since_epoch() + hours(hour) +
                                   minutes(minute) + seconds(second) + milliseconds(millis) -
                                   offset;
  const UnixMillis time{since_epoch.count()};
  if (time < kMinTime || time > kMaxTime) return std::nullopt;
  return time;
}

}  // namespace

UnixMillis operator+(UnixMillis time, milliseconds duration) {
  return UnixMillis{SaturatingAdd(time.value(), duration.count())};
}

UnixMillis operator-(UnixMillis time, milliseconds duration) {
  return UnixMillis{SaturatingSubtract(time.value(), duration.count())};
}

milliseconds operator-(UnixMillis a, UnixMillis b) {
  return milliseconds{SaturatingSubtract(a.value(), b.value())};
}

std::string FormatRfc3339(UnixMillis time) {
  const std::chrono::sys_time<milliseconds> point{
      milliseconds{std::clamp(time, kMinTime, kMaxTime).value()}};
  const auto midnight = std::chrono::floor<days>(point);
  const std::chrono::year_month_day date{midnight};
  const std::chrono::hh_mm_ss<milliseconds> clock{point - midnight};

  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02ld:%02ld:%02ld.%03ldZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<long>(clock.hours().count()),
                static_cast<long>(clock.minutes().count()),
                static_cast<long>(clock.seconds().count()),
                static_cast<long>(clock.subseconds().count()));
  return text.data();
}

absl::StatusOr<UnixMillis> ParseRfc3339(std::string_view text) {
  const std::optional<UnixMillis> time = Parse(text);
  if (!time.has_value()) return MakeError(Reason::kRequestMalformed, "not an RFC 3339 time");
  return *time;
}

}  // namespace holdfast
