// SPDX-License-Identifier: Apache-2.0
// The small helpers: mutations, matchers, randomness, folders, external data.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "tests/support/external_data.h"
#include "tests/support/mutations.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::test {
namespace {

using ::testing::Not;

TEST(MutationsTest, AreAllDifferentFromTheOriginalAndFromEachOther) {
  const Bytes original = ToBytes("abc");
  const auto all = BitFlipsAndTruncations(original);
  EXPECT_EQ(BitFlips(original).size(), 24u);
  EXPECT_EQ(Truncations(original).size(), 3u);
  EXPECT_EQ(Extensions(original).size(), 257u);
  std::set<Bytes> seen = {original};
  for (const Mutation& mutation : all) {
    EXPECT_TRUE(seen.insert(mutation.bytes).second) << mutation.description;
  }
  EXPECT_EQ(all.size(), 24u + 3u + 257u);
}

TEST(MutationsTest, OfNothingAreOnlyExtensions) {
  EXPECT_EQ(BitFlipsAndTruncations({}).size(), 256u);
}

TEST(StatusMatchersTest, TellSuccessFromFailure) {
  const absl::StatusOr<int> seven = 7;
  const absl::StatusOr<int> held = MakeError(Reason::kHeld, "a hold covers it");
  EXPECT_THAT(seven, IsOk());
  EXPECT_THAT(seven, IsOkAndHolds(7));
  EXPECT_THAT(seven, Not(IsOkAndHolds(8)));
  EXPECT_THAT(seven, Not(HasReason(Reason::kInternal)));
  EXPECT_THAT(held, Not(IsOk()));
  EXPECT_THAT(held, Not(IsOkAndHolds(7)));
  EXPECT_THAT(held, HasReason(Reason::kHeld));
  EXPECT_THAT(held, Not(HasReason(Reason::kInternal)));
  EXPECT_THAT(absl::OkStatus(), IsOk());
}

TEST(StatusMatchersTest, SayWhatTheyGot) {
  EXPECT_EQ(Describe(absl::OkStatus()), "OK");
  EXPECT_EQ(Describe(AddMetadata(MakeError(Reason::kHeld, "no"), "hold", "h1")),
            "HELD: no [hold=h1]");
}

TEST(SeededRandomTest, RepeatsItselfFromTheSameSeed) {
  SeededRandom first(42);
  SeededRandom second(42);
  SeededRandom other(43);
  const Bytes bytes = first.MakeBytes(32);
  EXPECT_EQ(second.MakeBytes(32), bytes);
  EXPECT_NE(other.MakeBytes(32), bytes);
}

TEST(SeededRandomTest, StaysInItsBounds) {
  SeededRandom random;
  std::set<std::int64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LT(random.Below(3), 3u);
    seen.insert(random.Between(-1, 1));
  }
  EXPECT_EQ(seen, (std::set<std::int64_t>{-1, 0, 1}));
  (void)random.Between(std::numeric_limits<std::int64_t>::min(),
                       std::numeric_limits<std::int64_t>::max());
}

TEST(SeededRandomTest, TakesItsSeedFromTheEnvironment) {
  ::setenv("HOLDFAST_TEST_SEED", "7", 1);
  EXPECT_EQ(SeededRandom().seed(), 7u);
  ::unsetenv("HOLDFAST_TEST_SEED");
}

TEST(SeededRandomTest, ShufflesWithoutLosingAnything) {
  SeededRandom random;
  std::vector<int> items = {1, 2, 3, 4, 5};
  random.Shuffle(items);
  EXPECT_THAT(items, ::testing::UnorderedElementsAre(1, 2, 3, 4, 5));
}

TEST(TempDirTest, IsGoneAfterwards) {
  std::string path;
  {
    const TempDir folder;
    path = folder.path();
    EXPECT_TRUE(std::filesystem::is_directory(path));
    EXPECT_EQ(folder.File("f"), path + "/f");
    std::filesystem::create_directories(folder.File("a/b"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ExternalDataTest, IsFoundWhereTheEnvironmentSaysAndNowhereElse) {
  const TempDir folder;
  std::filesystem::create_directory(folder.File("crypto"));
  ::setenv("HOLDFAST_TEST_DATA", folder.path().c_str(), 1);
  EXPECT_EQ(ExternalData("crypto"), std::filesystem::path(folder.File("crypto")));
  EXPECT_EQ(ExternalData("merkle"), std::nullopt);
  ::unsetenv("HOLDFAST_TEST_DATA");
}

}  // namespace
}  // namespace holdfast::test
