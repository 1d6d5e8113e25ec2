// SPDX-License-Identifier: Apache-2.0
#include "base/freed_memory.h"

#include <algorithm>
#include <cstddef>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

TEST(FreedMemoryTest, LargePagesChangeNoByteAndNoSize) {
  Bytes bytes(1000, std::byte{7});
  for (const std::size_t room : {std::size_t{0}, std::size_t{1} << 20, std::size_t{9} << 20}) {
    bytes.reserve(room);
    const std::size_t capacity = bytes.capacity();
    InLargePages(bytes);
    EXPECT_EQ(bytes.capacity(), capacity);
    EXPECT_EQ(bytes, Bytes(1000, std::byte{7}));
  }
  bytes.resize(bytes.capacity(), std::byte{8});
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), std::byte{8}),
            static_cast<std::ptrdiff_t>(bytes.size() - 1000));
  Bytes none;
  InLargePages(none);
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace holdfast
