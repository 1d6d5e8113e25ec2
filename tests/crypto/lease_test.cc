// SPDX-License-Identifier: Apache-2.0
// Leases: the contract in crypto/lease.h, both sides at once.
#include "crypto/lease.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/ed25519.h"
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
using ::testing::Eq;

class LeaseTest : public ::testing::Test {
 protected:
  LeaseTest() {
    random_.Fill(SecretAccess::Write(record_key_));
    header_ = {.exchange = request_.opening().exchange,
               .transfer = request_.opening().transfer,
               .opening = request_.digest(),
               .lease = 12,
               .ledger_index = 9'000,
               .not_after = UnixMillis(1'800'000'900'000)};
  }

  LeaseRequest NewRequest() {
    LeaseOpening opening;
    opening.exchange = ExchangeId(Draw<32>(random_));
    opening.transfer = TransferId(Draw<16>(random_));
    opening.opened_at = UnixMillis(1'800'000'000'000);
    opening.ledger_size = 8'999;
    opening.ledger_root = Draw<32>(random_);
    opening.member = "enforcement";
    return LeaseRequest::Create(std::move(opening), signing_key_, random_).value();
  }

  LeaseIssuer MustIssue() {
    return LeaseIssuer::Issue(header_, request_.opening().recipient_key, random_).value();
  }

  SealedRecordKey Wrap(const LeaseIssuer& issuer, std::uint32_t row, std::uint64_t ledger_index) {
    SealedRecordKey sealed{};
    issuer.Wrap(record_key_, row, ledger_index, sealed);
    return sealed;
  }

  test::SeededCryptoRandom random_;
  SigningKey signing_key_ = SigningKey::Generate(random_).value();
  LeaseRequest request_ = NewRequest();
  LeaseHeader header_;
  RecordKey record_key_;
};

TEST_F(LeaseTest, CarriesARecordKeyFromTheGatewayToTheRequester) {
  const auto opening =
      VerifyLeaseOpening(request_.opening_bytes(), request_.signature(), signing_key_.public_key());
  ASSERT_THAT(opening, IsOk());
  EXPECT_EQ(*opening, request_.opening());
  EXPECT_EQ(LeaseOpeningDigest(request_.opening_bytes(), request_.signature()), request_.digest());

  const auto issuer = LeaseIssuer::Issue(header_, opening->recipient_key, random_);
  ASSERT_THAT(issuer, IsOk());
  const auto lease = request_.Accept(issuer->header_bytes(), issuer->sealed_lease_key());
  ASSERT_THAT(lease, IsOk());
  EXPECT_EQ(lease->header(), header_);

  const auto key = lease->Unwrap(Wrap(*issuer, 7, 9'001), 7, 9'001);
  ASSERT_THAT(key, IsOk());
  EXPECT_TRUE(std::ranges::equal(key->RevealForKeeping(), record_key_.RevealForKeeping()));
}

TEST_F(LeaseTest, OpensNoKeyUnderAnotherRowOrLedgerIndex) {
  const LeaseIssuer issuer = MustIssue();
  const auto lease = request_.Accept(issuer.header_bytes(), issuer.sealed_lease_key());
  const SealedRecordKey sealed = Wrap(issuer, 7, 9'001);
  EXPECT_THAT(lease->Unwrap(sealed, 8, 9'001), HasReason(Reason::kEnvelopeRejected));
  EXPECT_THAT(lease->Unwrap(sealed, 7, 9'002), HasReason(Reason::kEnvelopeRejected));
}

TEST_F(LeaseTest, OpensNoKeyOfAnotherLease) {
  const LeaseIssuer first = MustIssue();
  const LeaseIssuer second = MustIssue();
  const auto lease = request_.Accept(second.header_bytes(), second.sealed_lease_key());
  EXPECT_THAT(lease->Unwrap(Wrap(first, 7, 9'001), 7, 9'001), HasReason(Reason::kEnvelopeRejected));
}

TEST_F(LeaseTest, RejectsEveryBitFlipTruncationAndExtensionOfASealedKey) {
  const LeaseIssuer issuer = MustIssue();
  const auto lease = request_.Accept(issuer.header_bytes(), issuer.sealed_lease_key());
  for (const Mutation& m : test::BitFlipsAndTruncations(Wrap(issuer, 7, 9'001))) {
    SCOPED_TRACE(m.description);
    EXPECT_THAT(lease->Unwrap(m.bytes, 7, 9'001), HasReason(Reason::kEnvelopeRejected));
  }
}

TEST_F(LeaseTest, RejectsEveryBitFlipTruncationAndExtensionOfAGrant) {
  const LeaseIssuer issuer = MustIssue();
  for (const Mutation& m : test::BitFlipsAndTruncations(issuer.header_bytes())) {
    SCOPED_TRACE(m.description);
    EXPECT_THAT(request_.Accept(m.bytes, issuer.sealed_lease_key()),
                HasReason(Reason::kEnvelopeRejected));
  }
  for (const Mutation& m : test::Truncations(issuer.sealed_lease_key())) {
    EXPECT_THAT(request_.Accept(issuer.header_bytes(), m.bytes),
                HasReason(Reason::kEnvelopeRejected));
  }
  // X25519 ignores the top bit of a public key, and the box's ephemeral key is one; the sealed box
  // derives its nonce from those bytes, and so every bit counts all the same.
  for (const Mutation& m : test::BitFlips(issuer.sealed_lease_key())) {
    SCOPED_TRACE(m.description);
    EXPECT_THAT(request_.Accept(issuer.header_bytes(), m.bytes),
                HasReason(Reason::kEnvelopeRejected));
  }
}

TEST_F(LeaseTest, AcceptsOnlyWhatWasGrantedToThisRequest) {
  const LeaseRequest other = NewRequest();
  const LeaseIssuer issuer = MustIssue();
  EXPECT_THAT(other.Accept(issuer.header_bytes(), issuer.sealed_lease_key()),
              HasReason(Reason::kEnvelopeRejected));
  // Nor with a header that names this request, if it was sealed to somebody else.
  const auto to_other = LeaseIssuer::Issue(header_, other.opening().recipient_key, random_);
  EXPECT_THAT(request_.Accept(to_other->header_bytes(), to_other->sealed_lease_key()),
              HasReason(Reason::kEnvelopeRejected));
  // Nor for another transfer.
  header_.transfer = TransferId();
  const LeaseIssuer elsewhere = MustIssue();
  EXPECT_THAT(request_.Accept(elsewhere.header_bytes(), elsewhere.sealed_lease_key()),
              HasReason(Reason::kEnvelopeRejected));
}

TEST_F(LeaseTest, RejectsALeaseKeyUnderAnotherHeader) {
  const LeaseIssuer issuer = MustIssue();
  header_.not_after = header_.not_after + std::chrono::hours(24);
  EXPECT_THAT(request_.Accept(EncodeLeaseHeader(header_), issuer.sealed_lease_key()),
              HasReason(Reason::kEnvelopeRejected));
}

TEST_F(LeaseTest, SealsToNoKeyWhoseSecretEverybodyKnows) {
  EXPECT_THAT(LeaseIssuer::Issue(header_, X25519PublicKey(), random_),
              HasReason(Reason::kRequestMalformed));
  X25519PublicKey::value_type one{};
  one[0] = std::byte{1};
  EXPECT_THAT(LeaseIssuer::Issue(header_, X25519PublicKey(one), random_),
              HasReason(Reason::kRequestMalformed));
}

TEST_F(LeaseTest, AsksWithAFreshKeyEachTime) {
  const LeaseRequest again =
      LeaseRequest::Create(request_.opening(), signing_key_, random_).value();
  EXPECT_NE(again.opening().recipient_key, request_.opening().recipient_key);
  EXPECT_NE(again.opening().nonce, request_.opening().nonce);
  EXPECT_NE(again.digest(), request_.digest());
}

TEST_F(LeaseTest, VerifiesNoOpeningThatWasChanged) {
  const Bytes& opening = request_.opening_bytes();
  const PublicKey& key = signing_key_.public_key();
  for (const Mutation& m : test::BitFlipsAndTruncations(opening)) {
    SCOPED_TRACE(m.description);
    EXPECT_FALSE(VerifyLeaseOpening(m.bytes, request_.signature(), key).ok());
  }
  for (const Mutation& m : test::BitFlipsAndTruncations(request_.signature())) {
    SCOPED_TRACE(m.description);
    EXPECT_THAT(VerifyLeaseOpening(opening, m.bytes, key), HasReason(Reason::kSignatureInvalid));
  }
  const SigningKey other = SigningKey::Generate(random_).value();
  EXPECT_THAT(VerifyLeaseOpening(opening, request_.signature(), other.public_key()),
              HasReason(Reason::kSignatureInvalid));
}

TEST_F(LeaseTest, VerifiesNoSignatureOverTheBareOpening) {
  // Without its label the same bytes might have been signed as something else.
  EXPECT_THAT(
      VerifyLeaseOpening(request_.opening_bytes(), signing_key_.Sign(request_.opening_bytes()),
                         signing_key_.public_key()),
      HasReason(Reason::kSignatureInvalid));
}

TEST_F(LeaseTest, ParsesWhatItEncoded) {
  LeaseOpening opening = request_.opening();
  EXPECT_THAT(ParseLeaseOpening(EncodeLeaseOpening(opening)), IsOkAndHolds(Eq(opening)));
  opening.member = std::string(kMaxMemberBytes, 'm');
  opening.ledger_size = std::numeric_limits<std::uint64_t>::max();
  opening.opened_at = UnixMillis(-1);
  EXPECT_THAT(ParseLeaseOpening(EncodeLeaseOpening(opening)), IsOkAndHolds(Eq(opening)));
  EXPECT_THAT(ParseLeaseHeader(EncodeLeaseHeader(header_)), IsOkAndHolds(Eq(header_)));
}

TEST_F(LeaseTest, ParsesEachChangeAsSomethingElseOrNotAtAll) {
  for (const Mutation& m : test::BitFlipsAndTruncations(request_.opening_bytes())) {
    SCOPED_TRACE(m.description);
    const auto parsed = ParseLeaseOpening(m.bytes);
    if (!parsed.ok()) {
      EXPECT_THAT(parsed, HasReason(Reason::kRequestMalformed));
    } else {
      EXPECT_EQ(EncodeLeaseOpening(*parsed), m.bytes);
    }
  }
  for (const Mutation& m : test::BitFlipsAndTruncations(EncodeLeaseHeader(header_))) {
    SCOPED_TRACE(m.description);
    const auto parsed = ParseLeaseHeader(m.bytes);
    if (!parsed.ok()) {
      EXPECT_THAT(parsed, HasReason(Reason::kRequestMalformed));
    } else {
      EXPECT_EQ(EncodeLeaseHeader(*parsed), m.bytes);
    }
  }
}

TEST(BatchChainTest, AgreesOnBothSides) {
  const Digest32 opening{};
  BatchChain requester(opening);
  BatchChain gateway(opening);
  const std::vector<std::vector<std::uint32_t>> batches{{1, 2, 3}, {}, {3}, {3}};
  std::set<Digest32> heads{opening};
  for (const auto& rows : batches) {
    EXPECT_THAT(gateway.Accept(rows, requester.Extend(rows)), IsOk());
    EXPECT_EQ(gateway.head(), requester.head());
    EXPECT_TRUE(heads.insert(requester.head()).second);
  }
}

TEST(BatchChainTest, AcceptsNoOtherRowsNoOtherOrderAndNoGap) {
  const std::vector<std::uint32_t> first{1, 2};
  const std::vector<std::uint32_t> second{3};
  BatchChain requester(Digest32{});
  const Digest32 one = requester.Extend(first);
  const Digest32 two = requester.Extend(second);

  BatchChain gateway(Digest32{});
  EXPECT_THAT(gateway.Accept(second, two), HasReason(Reason::kSignatureInvalid));
  EXPECT_THAT(gateway.Accept(std::vector<std::uint32_t>{2, 1}, one),
              HasReason(Reason::kSignatureInvalid));
  EXPECT_THAT(gateway.Accept(first, ByteSpan(one).first(31)), HasReason(Reason::kSignatureInvalid));
  EXPECT_THAT(gateway.Accept(first, {}), HasReason(Reason::kSignatureInvalid));
  // None of these has moved it.
  EXPECT_THAT(gateway.Accept(first, one), IsOk());
  EXPECT_THAT(gateway.Accept(first, one), HasReason(Reason::kSignatureInvalid));
  EXPECT_THAT(gateway.Accept(second, two), IsOk());

  Digest32 another{};
  another[0] = std::byte{1};
  BatchChain elsewhere(another);
  EXPECT_THAT(elsewhere.Accept(first, one), HasReason(Reason::kSignatureInvalid));
}

// Every encoding of a point of order 1, 2, 4 or 8 on the curve or its twist: as RFC 7748 reads it,
// without the top bit, and with numbers that are not reduced.
TEST(RecipientKeyTest, IsNoPointOfLowOrder) {
  test::SeededCryptoRandom random;
  for (const std::string low :
       {"0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    Bytes bytes = FromHex(low).value();
    for (const std::byte top : {std::byte{0}, std::byte{0x80}}) {
      bytes.back() |= top;
      const auto key = IdFromBytes<X25519PublicKey>(bytes).value();
      EXPECT_FALSE(CanSealTo(key)) << Hex(bytes);
      EXPECT_THAT(LeaseIssuer::Issue(LeaseHeader(), key, random),
                  HasReason(Reason::kRequestMalformed))
          << Hex(bytes);
      // Its neighbours are keys like any other.
      bytes.front() ^= std::byte{0x10};
      EXPECT_TRUE(CanSealTo(IdFromBytes<X25519PublicKey>(bytes).value())) << Hex(bytes);
      bytes.front() ^= std::byte{0x10};
    }
  }
}

}  // namespace
}  // namespace holdfast::crypto
