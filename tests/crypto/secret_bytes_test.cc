// SPDX-License-Identifier: Apache-2.0
// SecretBytes, WipedBuffer and WipedKey: what can be done with a secret, and what cannot.
#include "crypto/secret_bytes.h"

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <ostream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "crypto/internal/secret_access.h"
#include "crypto/library.h"
#include "crypto/wiped_buffer.h"
#include "crypto/wiped_key.h"
#include "tests/support/seeded_crypto_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using ::holdfast::crypto::internal::SecretAccess;
using ::holdfast::test::IsOk;
using ::testing::Each;

template <typename T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};

template <typename T>
constexpr bool kBehavesAsASecret =
    !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T> &&
    std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T> &&
    !std::equality_comparable<T> && !Streamable<T> && !fmt::is_formattable<T>::value;

static_assert(kBehavesAsASecret<SecretBytes>);
static_assert(kBehavesAsASecret<WipedBuffer>);
static_assert(kBehavesAsASecret<LeafSeed>);
static_assert(kBehavesAsASecret<RecordKey>);
static_assert(kBehavesAsASecret<PageKey>);
static_assert(!std::is_convertible_v<LeafSeed, RecordKey>);

template <typename Key>
concept CanBeKept = requires(const Key& key) {
  key.RevealForKeeping();
};
static_assert(CanBeKept<RecordKey>);
static_assert(!CanBeKept<LeafSeed>);
static_assert(!CanBeKept<PageKey>);

std::string Printed(const auto& value) {
  std::ostringstream out;
  PrintTo(value, &out);
  return out.str();
}

SecretBytes Secret(std::string_view text) {
  Bytes bytes = ToBytes(text);
  return SecretBytes::TakeFrom(bytes).value();
}

TEST(SecretBytesTest, StartsWithZeros) {
  const auto secret = SecretBytes::Zeroed(40);
  ASSERT_THAT(secret, IsOk());
  EXPECT_THAT(SecretAccess::Read(*secret), Each(std::byte{0}));
  EXPECT_EQ(secret->size(), 40u);
}

TEST(SecretBytesTest, TakesTheSourceAndWipesIt) {
  Bytes source = ToBytes("a root key");
  const auto secret = SecretBytes::TakeFrom(source);
  ASSERT_THAT(secret, IsOk());
  EXPECT_THAT(source, Each(std::byte{0}));
  EXPECT_EQ(AsText(SecretAccess::Read(*secret)), "a root key");
}

TEST(SecretBytesTest, ComesFromTheRandomSourceThatItIsGiven) {
  test::SeededCryptoRandom random(7);
  test::SeededCryptoRandom same(7);
  const auto a = SecretBytes::FromRandom(random, 32);
  const auto b = SecretBytes::FromRandom(random, 32);
  const auto again = SecretBytes::FromRandom(same, 32);
  EXPECT_TRUE(ConstantTimeEquals(*a, *again));
  EXPECT_FALSE(ConstantTimeEquals(*a, *b));
}

TEST(SecretBytesTest, AreDifferentIfOneIsAPrefixOfTheOther) {
  EXPECT_TRUE(ConstantTimeEquals(Secret("key"), Secret("key")));
  EXPECT_FALSE(ConstantTimeEquals(Secret("key"), Secret("keys")));
  EXPECT_FALSE(ConstantTimeEquals(Secret("key"), Secret("kez")));
}

TEST(SecretBytesTest, LeavesNothingWhereItWasMovedFrom) {
  SecretBytes from = Secret("key");
  SecretBytes to = Secret("old key");
  to = std::move(from);
  EXPECT_EQ(AsText(SecretAccess::Read(to)), "key");
  EXPECT_EQ(from.size(), 0u);  // NOLINT(bugprone-use-after-move): that is what is tested.
}

TEST(SecretBytesTest, DuplicatesIntoMemoryOfItsOwn) {
  const SecretBytes secret = Secret("key");
  auto copy = secret.Duplicate();
  ASSERT_THAT(copy, IsOk());
  SecretAccess::Write(*copy)[0] = std::byte{'K'};
  EXPECT_EQ(AsText(SecretAccess::Read(secret)), "key");
}

TEST(SecretBytesTest, PrintsNothingButItsSize) {
  EXPECT_EQ(Printed(Secret("key")), "3 secret bytes");
}

TEST(SecretBytesDeathTest, EndsTheProcessIfSomebodyWritesBehindIt) {
  EXPECT_DEATH(
      {
        SecretBytes secret = Secret("key");
        // The byte after the last one is in a page that nobody may touch.
        *const_cast<volatile std::byte*>(SecretAccess::Write(secret).data() + 3) = std::byte{1};
      },
      "");
}

TEST(SecretBytesDeathTest, EndsTheProcessIfSomebodyHasWrittenBeforeIt) {
  EXPECT_DEATH(
      {
        SecretBytes secret = Secret("key");
        // What lies there is drawn at random, so a few of these change it.
        for (int at = 1; at <= 8; ++at) {
          *const_cast<volatile std::byte*>(SecretAccess::Write(secret).data() - at) = std::byte{0};
        }
      },
      "");
}

TEST(SecretBytesTest, ComesWithoutTheSecretThatWasReleasedBefore) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{31}, std::size_t{32}, std::size_t{33},
                                 std::size_t{4096}, (std::size_t{1} << 20) + 1}) {
    for (int round = 0; round < 3; ++round) {
      auto secret = SecretBytes::Zeroed(size);
      ASSERT_THAT(secret, IsOk());
      ASSERT_EQ(secret->size(), size);
      EXPECT_THAT(SecretAccess::Read(*secret), Each(std::byte{0}));
      std::fill_n(SecretAccess::Write(*secret).begin(), size, std::byte{0xa5});
    }
  }
}

TEST(SecretBytesTest, ServesManySizesAtATime) {
  std::vector<SecretBytes> secrets;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t size = 1; size <= 100; ++size) {
      secrets.push_back(SecretBytes::Zeroed(size).value());
      SecretAccess::Write(secrets.back())[size - 1] = static_cast<std::byte>(size);
    }
    for (const SecretBytes& secret : secrets) {
      EXPECT_EQ(SecretAccess::Read(secret).back(), static_cast<std::byte>(secret.size()));
    }
    secrets.erase(secrets.begin(),
                  secrets.begin() + static_cast<std::ptrdiff_t>(secrets.size() - 10));
  }
}

TEST(LibraryTest, StartsAndSaysWhetherMemoryCanBeLocked) {
  const auto first = InitLibrary();
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(InitLibrary()->memory_locking, first->memory_locking);
}

TEST(WipedBufferTest, TakesTheSourceAndWipesIt) {
  Bytes source = ToBytes("a payload");
  const WipedBuffer buffer = WipedBuffer::TakeFrom(source);
  EXPECT_THAT(source, Each(std::byte{0}));
  EXPECT_EQ(AsText(buffer.Reveal()), "a payload");
}

TEST(WipedBufferTest, WipesWhatItShrinksAwayFrom) {
  Bytes source = ToBytes("payload");
  WipedBuffer buffer = WipedBuffer::TakeFrom(source);
  const std::span<std::byte> all = buffer.Mutable();
  buffer.Shrink(3);
  EXPECT_EQ(AsText(buffer.Reveal()), "pay");
  EXPECT_THAT(all.subspan(3), Each(std::byte{0}));
}

TEST(WipedBufferTest, IsEmptyAfterItWasMovedFrom) {
  WipedBuffer from(4);
  WipedBuffer to(9);
  to = std::move(from);
  EXPECT_EQ(to.size(), 4u);
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): that is what is tested.
  const WipedBuffer constructed(std::move(to));
  EXPECT_EQ(constructed.size(), 4u);
  EXPECT_TRUE(to.empty());  // NOLINT(bugprone-use-after-move): that is what is tested.
}

TEST(WipedBufferTest, MayHoldNothing) {
  EXPECT_TRUE(WipedBuffer().Reveal().empty());
  EXPECT_TRUE(WipedBuffer(0).empty());
  Bytes nothing;
  EXPECT_TRUE(WipedBuffer::TakeFrom(nothing).empty());
}

TEST(WipedBufferTest, PrintsNothingButItsSize) {
  Bytes source = ToBytes("payload");
  EXPECT_EQ(Printed(WipedBuffer::TakeFrom(source)), "7 wiped bytes");
}

TEST(WipedKeyTest, WipesWhatItWasMadeFrom) {
  std::array<std::byte, 32> source{};
  source.fill(std::byte{7});
  RecordKey key = RecordKey::TakeFrom(source);
  EXPECT_THAT(source, Each(std::byte{0}));
  EXPECT_THAT(key.RevealForKeeping(), Each(std::byte{7}));

  const std::span<const std::byte> old = SecretAccess::Read(key);
  const RecordKey moved(std::move(key));
  EXPECT_THAT(old, Each(std::byte{0}));
  EXPECT_THAT(moved.RevealForKeeping(), Each(std::byte{7}));

  RecordKey assigned;
  RecordKey from = RecordKey::TakeFrom(source);
  assigned = std::move(from);
  EXPECT_THAT(assigned.RevealForKeeping(), Each(std::byte{0}));
}

TEST(WipedKeyTest, PrintsNothing) { EXPECT_EQ(Printed(LeafSeed()), "a key"); }

}  // namespace
}  // namespace holdfast::crypto
