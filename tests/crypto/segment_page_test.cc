// SPDX-License-Identifier: Apache-2.0
#include "crypto/segment_page.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/internal/secret_access.h"
#include "tests/support/mutations.h"
#include "tests/support/seeded_crypto_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using ::holdfast::crypto::internal::SecretAccess;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::Mutation;

class SegmentPageTest : public ::testing::Test {
 protected:
  SegmentPageTest()
      : name_{.exchange = ExchangeId(Draw<32>(random_)),
              .segment = SegmentId(Draw<16>(random_)),
              .kind = SegmentKind::kRecord},
        tree_(SegmentTree::Create(random_, 5).value()),
        key_(NewPageKey(random_)) {}

  test::SeededCryptoRandom random_;
  SegmentName name_;
  SegmentTree tree_;
  PageKey key_;
};

TEST_F(SegmentPageTest, OpensWhatItSealed) {
  const std::vector<std::uint32_t> destroyed{3, 4, 30};
  const auto punctured = tree_.Puncture(destroyed);
  const auto page = SealSegmentPage(name_, *punctured, key_, random_);
  ASSERT_THAT(page, IsOk());
  const auto opened = OpenSegmentPage(name_, *page, key_);
  ASSERT_THAT(opened, IsOk());
  EXPECT_THAT(VerifyPuncture(tree_, *opened, destroyed), IsOk());
}

TEST_F(SegmentPageTest, RejectsEveryBitFlipEveryTruncationAndEveryExtension) {
  const auto page = SealSegmentPage(name_, tree_, key_, random_);
  ASSERT_THAT(page, IsOk());
  for (const Mutation& m : test::BitFlipsAndTruncations(*page)) {
    SCOPED_TRACE(m.description);
    ASSERT_THAT(OpenSegmentPage(name_, m.bytes, key_), HasReason(Reason::kStoreCorrupt));
  }
}

TEST_F(SegmentPageTest, RejectsEveryOtherNameAndKey) {
  const auto page = SealSegmentPage(name_, tree_, key_, random_);
  SegmentName other = name_;
  other.exchange = ExchangeId();
  EXPECT_THAT(OpenSegmentPage(other, *page, key_), HasReason(Reason::kStoreCorrupt));
  other = name_;
  other.segment = SegmentId();
  EXPECT_THAT(OpenSegmentPage(other, *page, key_), HasReason(Reason::kStoreCorrupt));
  other = name_;
  other.kind = SegmentKind::kSubject;
  EXPECT_THAT(OpenSegmentPage(other, *page, key_), HasReason(Reason::kStoreCorrupt));
  EXPECT_THAT(OpenSegmentPage(name_, *page, NewPageKey(random_)), HasReason(Reason::kStoreCorrupt));
}

TEST_F(SegmentPageTest, DoesNotShowItsSeeds) {
  const auto image = tree_.Serialize();
  const ByteSpan seed = SecretAccess::Read(*image).last(32);
  const auto page = SealSegmentPage(name_, tree_, key_, random_);
  EXPECT_EQ(std::search(page->begin(), page->end(), seed.begin(), seed.end()), page->end());
}

}  // namespace
}  // namespace holdfast::crypto
