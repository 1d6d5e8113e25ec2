// SPDX-License-Identifier: Apache-2.0
#include "crypto/sealed_opening.h"

#include <algorithm>
#include <cstddef>
#include <string>
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

MATCHER_P(Reveals, text, "") { return AsText(arg.Reveal()) == std::string_view(text); }

class SealedOpeningTest : public ::testing::Test {
 protected:
  SealedOpeningTest()
      : name_{.exchange = ExchangeId(Draw<32>(random_)),
              .transfer = TransferId(Draw<16>(random_)),
              .segment = SegmentId(Draw<16>(random_)),
              .leaf = 3,
              .row = 260} {
    random_.Fill(internal::SecretAccess::Write(seed_));
  }

  Bytes MustSeal(std::string_view payload) {
    Bytes sealed(SealedOpeningBytes(payload.size()));
    SealOpening(name_, seed_, Draw<kSubjectNonceBytes>(random_), AsBytes(payload), sealed);
    return sealed;
  }

  test::SeededCryptoRandom random_;
  SubjectName name_;
  LeafSeed seed_;
};

TEST_F(SealedOpeningTest, OpensWhatItSealed) {
  EXPECT_THAT(OpenOpening(MustSeal("an opening"), name_, seed_),
              IsOkAndHolds(Reveals("an opening")));
  EXPECT_THAT(OpenOpening(MustSeal(""), name_, seed_), IsOkAndHolds(Reveals("")));
}

TEST_F(SealedOpeningTest, SaysWhereItLies) {
  const auto position = InspectOpening(MustSeal("an opening"));
  ASSERT_THAT(position, IsOk());
  EXPECT_EQ(position->segment, name_.segment);
  EXPECT_EQ(position->leaf, 3u);
  EXPECT_EQ(position->row, 260u);
}

TEST_F(SealedOpeningTest, RejectsEveryBitFlipEveryTruncationAndEveryExtension) {
  for (const Mutation& m : test::BitFlipsAndTruncations(MustSeal("an opening"))) {
    SCOPED_TRACE(m.description);
    ASSERT_THAT(OpenOpening(m.bytes, name_, seed_), HasReason(Reason::kEnvelopeRejected));
  }
}

TEST_F(SealedOpeningTest, RejectsEveryOtherName) {
  const Bytes sealed = MustSeal("an opening");
  const auto rejects = [&](const SubjectName& other) {
    EXPECT_THAT(OpenOpening(sealed, other, seed_), HasReason(Reason::kEnvelopeRejected));
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

TEST_F(SealedOpeningTest, RejectsEveryOtherSeed) {
  EXPECT_THAT(OpenOpening(MustSeal("an opening"), name_, LeafSeed()),
              HasReason(Reason::kEnvelopeRejected));
}

TEST_F(SealedOpeningTest, IsPaddedInSteps) {
  EXPECT_EQ(SealedOpeningBytes(0), 256 + kSubjectOverheadBytes);
  EXPECT_EQ(SealedOpeningBytes(252), 256 + kSubjectOverheadBytes);
  EXPECT_EQ(SealedOpeningBytes(253), 512 + kSubjectOverheadBytes);
  const std::string large(100'000, 'x');
  EXPECT_THAT(OpenOpening(MustSeal(large), name_, seed_), IsOkAndHolds(Reveals(large)));
}

// One leaf seals both: neither opens as the other, whatever is claimed.
TEST_F(SealedOpeningTest, HasNothingInCommonWithTheSubjectOfItsLeaf) {
  const auto nonce = Draw<kSubjectNonceBytes>(random_);
  Bytes subject(SealedSubjectBytes(kOpeningStepBytes));
  ASSERT_THAT(SealSubject(name_, seed_, nonce, AsBytes("the same"), kOpeningStepBytes, subject),
              IsOk());
  Bytes opening(SealedOpeningBytes(8));
  SealOpening(name_, seed_, nonce, AsBytes("the same"), opening);
  ASSERT_EQ(subject.size(), opening.size());
  EXPECT_NE(Bytes(subject.begin() + 54, subject.end()), Bytes(opening.begin() + 54, opening.end()));
  EXPECT_THAT(OpenOpening(subject, name_, seed_), HasReason(Reason::kEnvelopeRejected));
  EXPECT_THAT(OpenSubject(opening, name_, seed_), HasReason(Reason::kEnvelopeRejected));
  std::copy_n(opening.begin(), 4, subject.begin());
  EXPECT_THAT(OpenOpening(subject, name_, seed_), HasReason(Reason::kEnvelopeRejected));
}

}  // namespace
}  // namespace holdfast::crypto
