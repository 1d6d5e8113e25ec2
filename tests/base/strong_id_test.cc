// SPDX-License-Identifier: Apache-2.0
#include "base/strong_id.h"

#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <unordered_set>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

using Row = StrongId<struct RowTag, std::uint32_t>;
using Count = StrongId<struct CountTag, std::uint32_t>;
using Name = StrongId<struct NameTag, std::string>;

static_assert(!std::is_convertible_v<std::uint32_t, Row>);
static_assert(!std::is_convertible_v<Row, std::uint32_t>);
static_assert(!std::is_constructible_v<Row, Count>);
static_assert(sizeof(Row) == sizeof(std::uint32_t));

TEST(StrongIdTest, ComparesByValue) {
  EXPECT_EQ(Row(1), Row(1));
  EXPECT_NE(Row(1), Row(2));
  EXPECT_LT(Row(1), Row(2));
  EXPECT_EQ(Row(), Row(0));
  EXPECT_EQ(Name().value(), "");
}

TEST(StrongIdTest, IsAKeyOfBothKindsOfMap) {
  const std::map<Name, int> ordered = {{Name("b"), 2}, {Name("a"), 1}};
  EXPECT_EQ(ordered.begin()->first, Name("a"));
  const std::unordered_set<Name> hashed = {Name("a"), Name("a"), Name("b")};
  EXPECT_EQ(hashed.size(), 2u);
}

}  // namespace
}  // namespace holdfast
