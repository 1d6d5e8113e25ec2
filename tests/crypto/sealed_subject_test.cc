// SPDX-License-Identifier: Apache-2.0
#include "crypto/sealed_subject.h"

#include <cstddef>
#include <string_view>

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

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;
using ::holdfast::test::Mutation;
using ::testing::Each;

MATCHER_P(Reveals, text, "") { return AsText(arg.Reveal()) == std::string_view(text); }

constexpr std::size_t kPaddedBytes = 48;

class SealedSubjectTest : public ::testing::Test {
 protected:
  SealedSubjectTest()
      : name_{.exchange = ExchangeId(Draw<32>(random_)),
              .transfer = TransferId(Draw<16>(random_)),
              .segment = SegmentId(Draw<16>(random_)),
              .leaf = 3,
              .row = 260} {
    random_.Fill(internal::SecretAccess::Write(seed_));
  }

  Bytes MustSeal(std::string_view payload) {
    Bytes sealed(SealedSubjectBytes(kPaddedBytes));
    EXPECT_THAT(SealSubject(name_, seed_, Draw<kSubjectNonceBytes>(random_), AsBytes(payload),
                            kPaddedBytes, sealed),
                IsOk());
    return sealed;
  }

  test::SeededCryptoRandom random_;
  SubjectName name_;
  LeafSeed seed_;
};

TEST_F(SealedSubjectTest, OpensWhatItSealed) {
  EXPECT_THAT(OpenSubject(MustSeal("a subject"), name_, seed_), IsOkAndHolds(Reveals("a subject")));
  EXPECT_THAT(OpenSubject(MustSeal(""), name_, seed_), IsOkAndHolds(Reveals("")));
}

TEST_F(SealedSubjectTest, SaysWhereItLies) {
  const auto position = InspectSubject(MustSeal("a subject"));
  ASSERT_THAT(position, IsOk());
  EXPECT_EQ(position->segment, name_.segment);
  EXPECT_EQ(position->leaf, 3u);
  EXPECT_EQ(position->row, 260u);
}

TEST_F(SealedSubjectTest, RejectsEveryBitFlipEveryTruncationAndEveryExtension) {
  for (const Mutation& m : test::BitFlipsAndTruncations(MustSeal("a subject"))) {
    SCOPED_TRACE(m.description);
    ASSERT_THAT(OpenSubject(m.bytes, name_, seed_), HasReason(Reason::kEnvelopeRejected));
  }
}

TEST_F(SealedSubjectTest, RejectsEveryOtherName) {
  const Bytes sealed = MustSeal("a subject");
  const auto rejects = [&](const SubjectName& other) {
    EXPECT_THAT(OpenSubject(sealed, other, seed_), HasReason(Reason::kEnvelopeRejected));
  };
  SubjectName other = name_;
  other.exchange = ExchangeId();
  rejects(other);
  other = name_;
  other.transfer = TransferId();
  rejects(other);
  other = name_;
  other.segment = SegmentId();
  rejects(other);
  other = name_;
  other.leaf += 1;
  rejects(other);
  other = name_;
  other.row += 1;
  rejects(other);
}

TEST_F(SealedSubjectTest, RejectsEveryOtherSeed) {
  EXPECT_THAT(OpenSubject(MustSeal("a subject"), name_, LeafSeed()),
              HasReason(Reason::kEnvelopeRejected));
}

TEST_F(SealedSubjectTest, RefusesAPayloadThatDoesNotFitAndLeavesNothingBehind) {
  Bytes sealed(SealedSubjectBytes(kPaddedBytes), std::byte{0xaa});
  const Bytes payload(kPaddedBytes - 3, std::byte{1});
  EXPECT_THAT(SealSubject(name_, seed_, SubjectNonce{}, payload, kPaddedBytes, sealed),
              HasReason(Reason::kRequestTooLarge));
  EXPECT_THAT(sealed, Each(std::byte{0}));
}

}  // namespace
}  // namespace holdfast::crypto
