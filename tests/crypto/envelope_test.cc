// SPDX-License-Identifier: Apache-2.0
// Envelopes: the contract in crypto/envelope.h. Numbers in comments are the invariants listed
// there.
#include "crypto/envelope.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/internal/primitives.h"
#include "crypto/internal/secret_access.h"
#include "tests/support/mutations.h"
#include "tests/support/seeded_crypto_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using ::holdfast::crypto::internal::SecretAccess;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;
using ::holdfast::test::Mutation;
using ::testing::Each;
using ::testing::Eq;

MATCHER_P(Reveals, text, "") { return AsText(arg.Reveal()) == std::string_view(text); }

constexpr std::size_t kPaddedBytes = 64;

class EnvelopeTest : public ::testing::Test {
 protected:
  EnvelopeTest() {
    header_.exchange = ExchangeId(Draw<32>(random_));
    header_.transfer = TransferId(Draw<16>(random_));
    header_.segment = SegmentId(Draw<16>(random_));
    header_.leaf = 4711;
    header_.row = 815;
    header_.not_before = UnixMillis(1'700'000'000'000);
    header_.not_after = UnixMillis(1'800'000'000'000);
    header_.agreement = Draw<32>(random_);
    header_.binding = Draw<32>(random_);
    header_.salt = Draw<32>(random_);
    random_.Fill(SecretAccess::Write(seed_));
    key_ = DeriveRecordKey(seed_, header_.segment, header_.leaf);
    expected_ = {.suite = Suite::kXChaCha20Poly1305Blake2b,
                 .exchange = header_.exchange,
                 .transfer = header_.transfer,
                 .row = header_.row,
                 .binding = header_.binding,
                 .agreement = header_.agreement};
  }

  Bytes MustSeal(std::string_view payload) {
    Bytes envelope(EnvelopeBytes(kPaddedBytes));
    EXPECT_THAT(SealEnvelope(header_, key_, AsBytes(payload), kPaddedBytes, envelope), IsOk());
    return envelope;
  }

  // What SealEnvelope() would do, had it padded the payload to `padded`.
  Bytes SealPadded(ByteSpan padded) {
    Bytes envelope = MustSeal("");
    envelope.resize(EnvelopeBytes(padded.size()));
    std::array<std::byte, 64> seal{};
    const ByteSpan head = ByteSpan(envelope).first(kEnvelopeHeaderBytes);
    internal::KeyedHash(SecretAccess::Read(key_), "holdfast/1/seal", {head}, seal);
    const std::span<const std::byte> bytes(seal);
    internal::SealAead(bytes.first<32>(), bytes.subspan<32, 24>(),
                       ByteSpan(envelope).first(kEnvelopeHeaderBytes + 32), padded,
                       std::span(envelope).subspan(kEnvelopeHeaderBytes + 32));
    return envelope;
  }

  test::SeededCryptoRandom random_;
  EnvelopeHeader header_;
  LeafSeed seed_;
  RecordKey key_;
  ExpectedEnvelope expected_;
};

TEST_F(EnvelopeTest, OpensWhatItSealed) {
  EXPECT_THAT(OpenEnvelope(MustSeal("payload"), key_, expected_), IsOkAndHolds(Reveals("payload")));
}

TEST_F(EnvelopeTest, SealsPayloadsOfEveryLengthIntoOneSize) {
  for (std::size_t length = 0; length <= kPaddedBytes - 4; ++length) {
    const std::string payload(length, 'x');
    const Bytes envelope = MustSeal(payload);
    EXPECT_EQ(envelope.size(), 190 + 32 + kPaddedBytes + 16);
    EXPECT_THAT(OpenEnvelope(envelope, key_, expected_), IsOkAndHolds(Reveals(payload)));
  }
}

TEST_F(EnvelopeTest, ShowsItsHeaderWithoutAKey) {
  EXPECT_THAT(InspectEnvelope(MustSeal("payload")), IsOkAndHolds(Eq(header_)));
}

TEST_F(EnvelopeTest, KeepsTimesBeforeTheEpochAndTheLargestNumbers) {
  header_.leaf = std::numeric_limits<std::uint32_t>::max();
  header_.row = std::numeric_limits<std::uint32_t>::max();
  header_.not_before = UnixMillis(std::numeric_limits<std::int64_t>::min());
  header_.not_after = UnixMillis(std::numeric_limits<std::int64_t>::max());
  EXPECT_THAT(InspectEnvelope(MustSeal("payload")), IsOkAndHolds(Eq(header_)));
}

// Spec: docs/envelope-format.md#envelope "Every bit of an envelope MUST be authenticated." (1)
TEST_F(EnvelopeTest, RejectsEveryBitFlipEveryTruncationAndEveryExtension) {
  // Nothing is expected but what the caller must say, so that the seal alone has to notice.
  expected_.binding.reset();
  expected_.agreement.reset();
  for (const Mutation& m : test::BitFlipsAndTruncations(MustSeal("payload"))) {
    SCOPED_TRACE(m.description);
    ASSERT_THAT(OpenEnvelope(m.bytes, key_, expected_), HasReason(Reason::kEnvelopeRejected));
  }
}

TEST_F(EnvelopeTest, RejectsAnyOtherExpectation) {
  const Bytes envelope = MustSeal("payload");
  const auto rejects = [&](const ExpectedEnvelope& other) {
    EXPECT_THAT(OpenEnvelope(envelope, key_, other), HasReason(Reason::kEnvelopeRejected));
  };
  ExpectedEnvelope other = expected_;
  other.exchange = ExchangeId();
  rejects(other);
  other = expected_;
  other.transfer = TransferId();
  rejects(other);
  other = expected_;
  other.row += 1;
  rejects(other);
  other = expected_;
  other.binding = Digest32{};
  rejects(other);
  other = expected_;
  other.agreement = Digest32{};
  rejects(other);
  other = expected_;
  other.suite = Suite::kReservedAesGcmHmacSha2;
  rejects(other);
}

TEST_F(EnvelopeTest, RejectsEveryOtherKey) {
  const Bytes envelope = MustSeal("payload");
  EXPECT_THAT(OpenEnvelope(envelope, RecordKey(), expected_), HasReason(Reason::kEnvelopeRejected));
  const RecordKey next = DeriveRecordKey(seed_, header_.segment, header_.leaf + 1);
  EXPECT_THAT(OpenEnvelope(envelope, next, expected_), HasReason(Reason::kEnvelopeRejected));
  const RecordKey elsewhere = DeriveRecordKey(seed_, SegmentId(), header_.leaf);
  EXPECT_THAT(OpenEnvelope(envelope, elsewhere, expected_), HasReason(Reason::kEnvelopeRejected));
}

TEST_F(EnvelopeTest, RejectsACommitmentToAnotherKeyOverAGoodSeal) {  // (2)
  // A body that opens under `key_`, behind the commitment of another key: what one would need to
  // show two readers two payloads.
  const RecordKey other = DeriveRecordKey(seed_, header_.segment, header_.leaf + 1);
  Bytes envelope = MustSeal("payload");
  const std::span<std::byte> bytes(envelope);
  internal::KeyedHash(SecretAccess::Read(other), "holdfast/1/commit",
                      {ByteSpan(bytes.first(kEnvelopeHeaderBytes))},
                      bytes.subspan(kEnvelopeHeaderBytes, 32));
  std::array<std::byte, 64> seal{};
  internal::KeyedHash(SecretAccess::Read(key_), "holdfast/1/seal",
                      {ByteSpan(bytes.first(kEnvelopeHeaderBytes))}, seal);
  const std::span<const std::byte> k(seal);
  const Bytes padded(kPaddedBytes);
  internal::SealAead(k.first<32>(), k.subspan<32, 24>(), bytes.first(222), padded,
                     bytes.subspan(222));
  EXPECT_THAT(OpenEnvelope(envelope, key_, expected_), HasReason(Reason::kEnvelopeRejected));
  EXPECT_THAT(OpenEnvelope(envelope, other, expected_), HasReason(Reason::kEnvelopeRejected));
}

TEST_F(EnvelopeTest, RejectsPaddingThatSealingDoesNotWrite) {  // (3)
  Bytes padded(kPaddedBytes);
  padded[3] = std::byte{5};
  EXPECT_THAT(OpenEnvelope(SealPadded(padded), key_, expected_), IsOk());
  for (std::size_t i = 4 + 5; i < kPaddedBytes; ++i) {
    Bytes bad = padded;
    bad[i] = std::byte{1};
    EXPECT_THAT(OpenEnvelope(SealPadded(bad), key_, expected_),
                HasReason(Reason::kEnvelopeRejected));
  }
  padded[3] = std::byte{kPaddedBytes - 4};
  EXPECT_THAT(OpenEnvelope(SealPadded(padded), key_, expected_), IsOk());
  padded[3] = std::byte{kPaddedBytes - 3};
  EXPECT_THAT(OpenEnvelope(SealPadded(padded), key_, expected_),
              HasReason(Reason::kEnvelopeRejected));
  padded[0] = std::byte{0xff};
  EXPECT_THAT(OpenEnvelope(SealPadded(padded), key_, expected_),
              HasReason(Reason::kEnvelopeRejected));
}

TEST_F(EnvelopeTest, RefusesAPayloadThatDoesNotFitAndLeavesNothingBehind) {
  Bytes envelope(EnvelopeBytes(kPaddedBytes), std::byte{0xaa});
  const Bytes payload(kPaddedBytes - 3, std::byte{1});
  EXPECT_THAT(SealEnvelope(header_, key_, payload, kPaddedBytes, envelope),
              HasReason(Reason::kRequestTooLarge));
  EXPECT_THAT(envelope, Each(std::byte{0}));
}

TEST_F(EnvelopeTest, SealsUnderSuiteOneOnly) {
  Bytes envelope(EnvelopeBytes(kPaddedBytes));
  for (const Suite suite : {Suite::kUnspecified, Suite::kReservedAesGcmHmacSha2}) {
    header_.suite = suite;
    EXPECT_THAT(SealEnvelope(header_, key_, AsBytes("payload"), kPaddedBytes, envelope),
                HasReason(Reason::kSuiteUnsupported));
    EXPECT_THAT(envelope, Each(std::byte{0}));
  }
}

TEST_F(EnvelopeTest, SaysThatASuiteIsUnknownBeforeItIsOpenedButNotAfter) {
  Bytes envelope = MustSeal("payload");
  envelope[5] = std::byte{2};
  EXPECT_THAT(InspectEnvelope(envelope), HasReason(Reason::kSuiteUnsupported));
  EXPECT_THAT(OpenEnvelope(envelope, key_, expected_), HasReason(Reason::kEnvelopeRejected));
}

TEST_F(EnvelopeTest, AcceptsTheLargestSizeAndNoByteMore) {
  Bytes envelope(EnvelopeBytes(kMaxPaddedBytes));
  const Bytes payload(kMaxPaddedBytes - 4, std::byte{1});
  ASSERT_THAT(SealEnvelope(header_, key_, payload, kMaxPaddedBytes, envelope), IsOk());
  EXPECT_THAT(OpenEnvelope(envelope, key_, expected_), IsOk());
  envelope.push_back(std::byte{0});
  EXPECT_THAT(InspectEnvelope(envelope), HasReason(Reason::kEnvelopeRejected));
}

TEST_F(EnvelopeTest, SealsTheSamePayloadDifferentlyUnderAnotherSalt) {
  const Bytes first = MustSeal("payload");
  header_.salt = Draw<32>(random_);
  const Bytes second = MustSeal("payload");
  EXPECT_NE(Bytes(first.begin() + 190, first.end()), Bytes(second.begin() + 190, second.end()));
}

// R8: the attestation too.
TEST_F(EnvelopeTest, BindsToEveryPartOfTheContext) {
  const BindingContext context{.nonce = header_.salt,
                               .recipient = "enforcement",
                               .officer = "officer-7",
                               .case_number = "C-1",
                               .purpose = "criminal investigation",
                               .authority = "26 USC 6103(i)(2)",
                               .attestation = header_.binding};
  const Digest32 binding = ComputeBinding(context);
  EXPECT_EQ(ComputeBinding(context), binding);
  std::vector<BindingContext> others(8, context);
  others[0].nonce[31] ^= std::byte{1};
  others[1].recipient = "enforcemen";
  others[2].officer = "officer-8";
  others[3].case_number = "";
  others[4].purpose = "Criminal investigation";
  others[5].authority = "26 USC 6103(i)(1)";
  others[6].attestation[0] ^= std::byte{1};
  // The same characters, cut at another place.
  others[7].officer = "officer-";
  others[7].case_number = "7C-1";
  for (const BindingContext& other : others) EXPECT_NE(ComputeBinding(other), binding);
}

}  // namespace
}  // namespace holdfast::crypto
