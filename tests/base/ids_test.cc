// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"

#include <cstddef>
#include <set>
#include <type_traits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "tests/support/status_matchers.h"

namespace holdfast {
namespace {

using ::holdfast::test::HasReason;
using ::testing::ElementsAre;

static_assert(!std::is_convertible_v<TransferId, SegmentId>);
static_assert(!std::is_convertible_v<Pseudonym, TransferId>);

TEST(IdsTest, HaveExactlyTheirBytes) {
  const Bytes bytes(16, std::byte{7});
  const auto id = IdFromBytes<TransferId>(bytes);
  ASSERT_TRUE(id.ok());
  EXPECT_EQ(ToBytes(BytesOf(*id)), bytes);
  EXPECT_EQ(Hex(BytesOf(*id)), "07070707070707070707070707070707");
  EXPECT_THAT(IdFromBytes<TransferId>(ByteSpan(bytes).first(15)),
              HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(IdFromBytes<ExchangeId>(bytes), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(ArrayFromBytes<Digest32>(bytes), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(IdFromBytes<SegmentId>({}), HasReason(Reason::kRequestMalformed));
}

TEST(IdsTest, AreInTheOrderOfTheirBytes) {
  const auto low = IdFromBytes<SegmentId>(Bytes(16, std::byte{7}));
  const auto high = IdFromBytes<SegmentId>(Bytes(16, std::byte{0x87}));
  const std::set<SegmentId> ids{*high, SegmentId(), *low, *low};
  EXPECT_THAT(ids, ElementsAre(SegmentId(), *low, *high));
}

}  // namespace
}  // namespace holdfast
