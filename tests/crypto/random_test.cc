// SPDX-License-Identifier: Apache-2.0
#include "crypto/random.h"

#include <array>
#include <cstddef>
#include <set>
#include <span>

#include "gtest/gtest.h"

#include "base/bytes.h"

namespace holdfast::crypto {
namespace {

TEST(SystemRandomTest, FillsMoreThanTheKernelGivesAtATime) {
  SystemRandom random;
  // One call of getrandom(2) may stop early above 32 MiB, and is interruptible above 256 bytes.
  Bytes bytes(std::size_t{40} << 20);
  random.Fill(bytes);
  const ByteSpan end = ByteSpan(bytes).last(32);
  EXPECT_NE(Bytes(end.begin(), end.end()), Bytes(32));
}

TEST(SystemRandomTest, DoesNotRepeatItself) {
  SystemRandom random;
  std::set<std::array<std::byte, 16>> seen;
  for (const auto& value : DrawMany<16>(random, 1000)) EXPECT_TRUE(seen.insert(value).second);
}

TEST(SystemRandomTest, AcceptsAnEmptySpan) {
  SystemRandom random;
  random.Fill({});
  EXPECT_TRUE(DrawMany<32>(random, 0).empty());
}

TEST(RandomTest, DrawsABatchWithOneCall) {
  class Counting final : public Random {
   public:
    void Fill(std::span<std::byte> out) override {
      ++calls;
      for (std::byte& byte : out) byte = static_cast<std::byte>(next++ & 0xff);
    }
    int calls = 0;
    unsigned next = 0;
  } random;
  const auto values = DrawMany<24>(random, 256);
  EXPECT_EQ(random.calls, 1);
  ASSERT_EQ(values.size(), 256u);
  EXPECT_EQ(values[1][0], std::byte{24});
  EXPECT_EQ(Draw<4>(random)[3], std::byte{3});
}

}  // namespace
}  // namespace holdfast::crypto
