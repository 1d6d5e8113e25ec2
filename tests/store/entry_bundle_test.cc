// SPDX-License-Identifier: Apache-2.0
#include "store/entry_bundle.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "store/store.h"
#include "tests/support/mutations.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::store {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::ElementsAre;
using ::testing::SizeIs;

Bytes BundleOf(const std::vector<Bytes>& entries) {
  Bytes bundle;
  for (const Bytes& entry : entries) AppendToBundle(bundle, entry);
  return bundle;
}

Bytes Repeated(std::size_t size) { return Bytes(size, std::byte{7}); }

TEST(EntryBundleTest, PrefixesAShortEntryLikeATiledLog) {
  EXPECT_EQ(Hex(BundleOf({ToBytes("a"), ToBytes("bcd")})), "0001610003626364");
  EXPECT_EQ(Hex(BundleOf({Repeated(65534)})).substr(0, 6), "fffe07");
}

TEST(EntryBundleTest, EscapesTheLengthOfALongEntry) {
  EXPECT_EQ(Hex(BundleOf({Repeated(65535)})).substr(0, 14), "ffff0000ffff07");
  EXPECT_EQ(Hex(BundleOf({Repeated(kMaxEntryBytes)})).substr(0, 14), "ffff0010000007");
}

TEST(EntryBundleTest, ReadsWhatItWrote) {
  test::SeededRandom random;
  for (int round = 0; round < 50; ++round) {
    std::vector<Bytes> entries;
    const std::uint64_t count = 1 + random.Below(kEntriesPerBundle);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::size_t size = random.OneIn(50) ? 65500 + random.Below(100) : 1 + random.Below(300);
      entries.push_back(random.MakeBytes(size));
    }
    const Bytes bundle = BundleOf(entries);
    const auto parsed = ParseBundle(bundle);
    ASSERT_THAT(parsed, IsOk());
    ASSERT_THAT(*parsed, SizeIs(entries.size()));
    for (std::size_t i = 0; i < entries.size(); ++i) EXPECT_EQ(ToBytes((*parsed)[i]), entries[i]);
  }
}

TEST(EntryBundleTest, RefusesWhatHasNoEntryOrTooMany) {
  EXPECT_THAT(ParseBundle({}), HasReason(Reason::kStoreCorrupt));
  std::vector<Bytes> entries(kEntriesPerBundle, ToBytes("x"));
  EXPECT_THAT(ParseBundle(BundleOf(entries)), IsOk());
  entries.push_back(ToBytes("x"));
  EXPECT_THAT(ParseBundle(BundleOf(entries)), HasReason(Reason::kStoreCorrupt));
}

TEST(EntryBundleTest, RefusesASecondFormOfALength) {
  Bytes long_form = *FromHex("ffff00000001");
  long_form.push_back(std::byte{'a'});
  EXPECT_THAT(ParseBundle(long_form), HasReason(Reason::kStoreCorrupt));
}

TEST(EntryBundleTest, RefusesAnEmptyOrAGiantEntry) {
  EXPECT_THAT(ParseBundle(*FromHex("0000")), HasReason(Reason::kStoreCorrupt));
  Bytes giant = *FromHex("ffff00100001");
  giant.resize(giant.size() + kMaxEntryBytes + 1);
  EXPECT_THAT(ParseBundle(giant), HasReason(Reason::kStoreCorrupt));
}

// A bundle has no redundancy: what a mutation makes is refused, or is the one form of what it says.
TEST(EntryBundleTest, ReadsAMutatedBundleAsItsOnlyFormOrNotAtAll) {
  Bytes bundle = BundleOf({ToBytes("first"), ToBytes("2"), ToBytes("the third entry")});
  std::vector<test::Mutation> mutations = test::BitFlipsAndTruncations(bundle);
  const std::vector<test::Mutation> longer = test::Extensions(bundle);
  mutations.insert(mutations.end(), longer.begin(), longer.end());
  for (const test::Mutation& mutation : mutations) {
    SCOPED_TRACE(mutation.description);
    const auto parsed = ParseBundle(mutation.bytes);
    if (!parsed.ok()) {
      EXPECT_THAT(parsed, HasReason(Reason::kStoreCorrupt));
      continue;
    }
    std::vector<Bytes> entries;
    for (const ByteSpan entry : *parsed) entries.push_back(ToBytes(entry));
    EXPECT_EQ(BundleOf(entries), mutation.bytes);
  }
}

TEST(EntryBundleTest, TakesItsPaddingOffAndNothingElse) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{32'766}, std::size_t{32'767},
                                 std::size_t{65'534}, std::size_t{200'000}}) {
    SCOPED_TRACE(size);
    // The entry ends with zeros: they are its own.
    Bytes entry = Repeated(size);
    entry.back() = std::byte{0};
    const Bytes bundle = BundleOf({entry});
    Bytes stored = bundle;
    stored.resize(PaddedBundleBytes(bundle.size()));
    EXPECT_EQ(stored.size() % (std::size_t{32} << 10), 0U);
    const Bytes padded = stored;
    ASSERT_THAT(RemovePadding(stored), IsOk());
    EXPECT_EQ(stored, bundle);
    ASSERT_THAT(RemovePadding(stored), IsOk());
    EXPECT_EQ(stored, bundle);

    const std::size_t zeros = padded.size() - bundle.size();
    if (zeros < 4) continue;
    for (const std::size_t at : {bundle.size() + 2, padded.size() - 1}) {
      Bytes spoilt = padded;
      spoilt[at] = std::byte{1};
      EXPECT_THAT(RemovePadding(spoilt), HasReason(Reason::kStoreCorrupt));
    }
    for (const std::size_t other : {padded.size() - 1, padded.size() + 1, bundle.size() + 2}) {
      Bytes spoilt = padded;
      spoilt.resize(other);
      EXPECT_THAT(RemovePadding(spoilt), HasReason(Reason::kStoreCorrupt));
    }
  }
  Bytes nothing(std::size_t{32} << 10);
  EXPECT_THAT(RemovePadding(nothing), HasReason(Reason::kStoreCorrupt));
}

// Each flipped bit of the entries, of what follows them, and of the end of the padding.
TEST(EntryBundleTest, TakesTheOnlyPaddingOfWhatAMutationSaysOrNone) {
  const Bytes bundle = BundleOf({ToBytes("first"), ToBytes("2"), ToBytes("the third entry")});
  Bytes padded = bundle;
  padded.resize(PaddedBundleBytes(bundle.size()));
  for (std::size_t at = 0; at < padded.size(); ++at) {
    if (at == bundle.size() + 16) at = padded.size() - 16;
    for (unsigned bit = 0; bit < 8; ++bit) {
      SCOPED_TRACE(at * 8 + bit);
      Bytes stored = padded;
      stored[at] ^= static_cast<std::byte>(1U << bit);
      const Bytes mutated = stored;
      const absl::Status removed = RemovePadding(stored);
      if (!removed.ok()) {
        EXPECT_THAT(removed, HasReason(Reason::kStoreCorrupt));
        continue;
      }
      const auto parsed = ParseBundle(stored);
      ASSERT_THAT(parsed, IsOk());
      std::vector<Bytes> entries;
      for (const ByteSpan entry : *parsed) entries.push_back(ToBytes(entry));
      Bytes again = BundleOf(entries);
      again.resize(PaddedBundleBytes(again.size()));
      EXPECT_EQ(again, mutated);
    }
  }
}

TEST(EntryBundleTest, RefusesEveryTruncationWithinAnEntry) {
  const Bytes bundle = BundleOf({Repeated(40)});
  for (const test::Mutation& mutation : test::Truncations(bundle)) {
    EXPECT_THAT(ParseBundle(mutation.bytes), HasReason(Reason::kStoreCorrupt))
        << mutation.description;
  }
}

}  // namespace
}  // namespace holdfast::store
