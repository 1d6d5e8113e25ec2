// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <chrono>
#include <cstdint>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "tests/support/mutations.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOkAndHolds;
using std::chrono::milliseconds;

constexpr UnixMillis kLowest{std::numeric_limits<std::int64_t>::min()};
constexpr UnixMillis kHighest{std::numeric_limits<std::int64_t>::max()};

TEST(UnixMillisTest, SumsStopAtTheEndOfTheRange) {
  EXPECT_EQ(UnixMillis{5} + milliseconds(7), UnixMillis{12});
  EXPECT_EQ(UnixMillis{5} - milliseconds(7), UnixMillis{-2});
  EXPECT_EQ(UnixMillis{12} - UnixMillis{5}, milliseconds(7));
  EXPECT_EQ(kHighest + milliseconds(1), kHighest);
  EXPECT_EQ(kLowest - milliseconds(1), kLowest);
  EXPECT_EQ(kLowest + milliseconds(-1), kLowest);
  EXPECT_EQ(kHighest - milliseconds(-1), kHighest);
  EXPECT_EQ(kHighest - kLowest, milliseconds::max());
  EXPECT_EQ(kLowest - kHighest, milliseconds::min());
  EXPECT_EQ(UnixMillis{0} - milliseconds::min(), kHighest);
}

TEST(FormatRfc3339Test, WritesUtcWithThreeDecimals) {
  EXPECT_EQ(FormatRfc3339(UnixMillis{0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339(UnixMillis{-1}), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(FormatRfc3339(UnixMillis{1'709'210'096'789}), "2024-02-29T12:34:56.789Z");
  EXPECT_EQ(FormatRfc3339(kMinTime), "0000-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339(kMaxTime), "9999-12-31T23:59:59.999Z");
}

TEST(FormatRfc3339Test, ShowsTheNearestTimeThatHasAText) {
  EXPECT_EQ(FormatRfc3339(kLowest), "0000-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339(kHighest), "9999-12-31T23:59:59.999Z");
}

TEST(ParseRfc3339Test, ReadsEveryFormThatItPromises) {
  EXPECT_THAT(ParseRfc3339("1970-01-01T00:00:00Z"), IsOkAndHolds(UnixMillis{0}));
  EXPECT_THAT(ParseRfc3339("1970-01-01T00:00:00.5Z"), IsOkAndHolds(UnixMillis{500}));
  EXPECT_THAT(ParseRfc3339("1970-01-01T00:00:00.05Z"), IsOkAndHolds(UnixMillis{50}));
  EXPECT_THAT(ParseRfc3339("1970-01-01T00:00:00.005Z"), IsOkAndHolds(UnixMillis{5}));
  EXPECT_THAT(ParseRfc3339("2026-11-24T05:00:00-05:00"),
              IsOkAndHolds(UnixMillis{1'795'514'400'000}));
  EXPECT_THAT(ParseRfc3339("2026-11-24T10:00:00+00:00"),
              IsOkAndHolds(UnixMillis{1'795'514'400'000}));
  EXPECT_THAT(ParseRfc3339("2024-02-29T00:00:00Z"), IsOkAndHolds(UnixMillis{1'709'164'800'000}));
}

TEST(ParseRfc3339Test, ReadsWhatFormatWrites) {
  test::SeededRandom random;
  for (int i = 0; i < 2000; ++i) {
    const UnixMillis time{random.Between(kMinTime.value(), kMaxTime.value())};
    EXPECT_THAT(ParseRfc3339(FormatRfc3339(time)), IsOkAndHolds(time));
  }
}

TEST(ParseRfc3339Test, RefusesWhatIsNotATime) {
  for (const char* text : {"",
                           "2026-11-24",
                           "2026-11-24T10:00:00",
                           "2026-11-24 10:00:00Z",
                           "2026-11-24t10:00:00z",
                           "2026-11-24T10:00Z",
                           "2026-11-24T24:00:00Z",
                           "2026-11-24T10:60:00Z",
                           "2026-11-24T23:59:60Z",
                           "2026-02-29T00:00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-04-31T00:00:00Z",
                           "2026-11-24T10:00:00.Z",
                           "2026-11-24T10:00:00.1234Z",
                           "2026-11-24T10:00:00+5:00",
                           "2026-11-24T10:00:00+24:00",
                           "2026-11-24T10:00:00+05:60",
                           "2026-11-24T10:00:00+0500",
                           "2026-11-24T10:00:00Z ",
                           " 2026-11-24T10:00:00Z",
                           "+2026-11-24T10:00:00Z",
                           "-001-11-24T10:00:00Z",
                           "2026-11-24T10:00:00ZZ",
                           "0000-01-01T00:00:00+00:01",
                           "9999-12-31T23:59:59-00:01",
                           "2026-11-24T1０:00:00Z"}) {
    EXPECT_THAT(ParseRfc3339(text), HasReason(Reason::kRequestMalformed)) << text;
  }
}

// A damaged text may be another time, but never the same one in another spelling.
TEST(ParseRfc3339Test, NeverReadsADamagedTextAsTheSameTime) {
  const UnixMillis time{1'795'514'685'123};
  const std::string good = FormatRfc3339(time);
  for (const auto& mutation : test::BitFlipsAndTruncations(AsBytes(good))) {
    SCOPED_TRACE(mutation.description);
    const auto read = ParseRfc3339(AsText(mutation.bytes));
    if (read.ok()) {
      EXPECT_NE(*read, time);
    }
  }
}

}  // namespace
}  // namespace holdfast
