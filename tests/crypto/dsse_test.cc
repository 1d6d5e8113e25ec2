// SPDX-License-Identifier: Apache-2.0
// DSSE envelopes: crypto/dsse.h.

#include "crypto/dsse.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "crypto/random.h"
#include "crypto/sha256.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using ::holdfast::test::BytesAre;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;
using ::testing::ElementsAre;

constexpr std::string_view kPayload = "{\"matter\": \"1:26-cv-00001\"}\n";

class DsseTest : public ::testing::Test {
 protected:
  UnverifiedDsse Signed() { return *SignDsse(kOrderPayloadType, AsBytes(kPayload), alice_); }

  // Returns a good envelope's text with the first `from` replaced.
  std::string With(const std::string& from, const std::string& to) {
    std::string text = RenderDsse(Signed());
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }

  absl::StatusOr<OpenedDsse> Open(std::string_view text) {
    return OpenDsse(text, kOrderPayloadType, lookup_);
  }

  SystemRandom random_;
  const SigningKey alice_ = *SigningKey::Generate(random_);
  const SigningKey bob_ = *SigningKey::Generate(random_);
  const SigningKey mallory_ = *SigningKey::Generate(random_);
  const KeyLookup lookup_ = LookupIn(std::vector{alice_.public_key(), bob_.public_key()});
};

TEST_F(DsseTest, EncodesAsTheSpecificationDoes) {
  EXPECT_THAT(DssePreAuthEncoding("http://example.com/HelloWorld", AsBytes("hello world")),
              BytesAre("DSSEv1 29 http://example.com/HelloWorld 11 hello world"));
  EXPECT_THAT(DssePreAuthEncoding("t", ByteSpan()), BytesAre("DSSEv1 1 t 0 "));
}

TEST_F(DsseTest, OpensWhatWasSigned) {
  const auto opened = Open(RenderDsse(Signed()));
  ASSERT_THAT(opened, IsOk());
  EXPECT_THAT(opened->payload, BytesAre(kPayload));
  EXPECT_THAT(opened->signers, ElementsAre(alice_.public_key()));
  EXPECT_EQ(opened->payload_digest, Sha256Of(AsBytes(kPayload)));
}

TEST_F(DsseTest, CarriesASecondSignature) {
  UnverifiedDsse envelope = Signed();
  ASSERT_THAT(AddDsseSignature(envelope, bob_), IsOk());
  EXPECT_THAT(AddDsseSignature(envelope, alice_), HasReason(Reason::kAlreadyExists));
  const auto opened = Open(RenderDsse(envelope));
  ASSERT_THAT(opened, IsOk());
  EXPECT_THAT(opened->signers, ElementsAre(alice_.public_key(), bob_.public_key()));
  std::swap(envelope.signatures[0], envelope.signatures[1]);
  EXPECT_THAT(Open(RenderDsse(envelope))->signers,
              ElementsAre(bob_.public_key(), alice_.public_key()));
}

TEST_F(DsseTest, IsReadBackAsItWasWritten) {
  UnverifiedDsse envelope = Signed();
  ASSERT_THAT(AddDsseSignature(envelope, bob_), IsOk());
  EXPECT_THAT(ParseDsse(RenderDsse(envelope)), IsOkAndHolds(envelope));
}

TEST_F(DsseTest, IsRefusedAfterAnyFlippedBitAndAnyTruncation) {
  const std::string text = RenderDsse(Signed());
  for (const test::Mutation& m : test::BitFlips(AsBytes(text))) {
    EXPECT_FALSE(Open(AsText(m.bytes)).ok()) << m.description;
  }
  for (const test::Mutation& m : test::Truncations(AsBytes(text))) {
    // Without the last line feed it is the same JSON.
    if (m.bytes.size() + 1 == text.size()) continue;
    EXPECT_FALSE(Open(AsText(m.bytes)).ok()) << m.description;
  }
}

TEST_F(DsseTest, DoesNotMindTheOrderOfMembers) {
  const UnverifiedDsse envelope = Signed();
  const std::string text = "{\"signatures\":[{\"sig\":\"" + Base64(envelope.signatures[0].bytes) +
                           "\",\"keyid\":\"" + envelope.signatures[0].key.value() +
                           "\"}],\"payload\":\"" + Base64(envelope.payload) +
                           "\",\"payloadType\":\"" + envelope.payload_type + "\"}";
  EXPECT_THAT(ParseDsse(text), IsOkAndHolds(envelope));
  EXPECT_THAT(Open(text), IsOk());
}

TEST_F(DsseTest, RefusesUnknownMissingAndDoubleMembers) {
  const std::string type = "\"payloadType\": \"" + std::string(kOrderPayloadType) + "\",";
  for (const std::string& text : {
           With(type, ""),
           With(type, type + type),
           With(type, type + "\"extra\": 1,"),
           With("\"payload\"", "\"Payload\""),
           With("\"sig\"", "\"cert\": \"\", \"sig\""),
           With("\"sig\"", "\"sigs\""),
           With("\"signatures\": [", "\"signatures\": [1,"),
           With("\"signatures\": [", "\"signatures\": [[],"),
           With("{\n  \"payloadType\"", "[{\n  \"payloadType\""),
           With("\"" + std::string(kOrderPayloadType) + "\"", "7"),
           With("\"ed25519:", "\"ED25519:"),
           With("\"ed25519:", "\"p256:"),
           With("\"ed25519:", "\""),
           RenderDsse(Signed()) + "{}",
           RenderDsse(Signed()) + RenderDsse(Signed()),
           "\xef\xbb\xbf" + RenderDsse(Signed()),
           std::string("{}"),
           std::string("[]"),
           std::string("\"\""),
           std::string(),
       }) {
    EXPECT_THAT(Open(text), HasReason(Reason::kRequestMalformed)) << text;
  }
}

TEST_F(DsseTest, RefusesAnEnvelopeWithoutSignatures) {
  UnverifiedDsse envelope = Signed();
  envelope.signatures.clear();
  EXPECT_THAT(Open(RenderDsse(envelope)), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(VerifyDsse(envelope, kOrderPayloadType, lookup_),
              HasReason(Reason::kRequestMalformed));
}

TEST_F(DsseTest, RefusesTwoSignaturesByOneKey) {
  UnverifiedDsse envelope = Signed();
  envelope.signatures.push_back(envelope.signatures[0]);
  EXPECT_THAT(Open(RenderDsse(envelope)), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(VerifyDsse(envelope, kOrderPayloadType, lookup_),
              HasReason(Reason::kRequestMalformed));
}

TEST_F(DsseTest, IsSpoiltByASignatureThatNobodyMayMake) {
  UnverifiedDsse envelope = Signed();
  ASSERT_THAT(AddDsseSignature(envelope, mallory_), IsOk());
  EXPECT_THAT(Open(RenderDsse(envelope)), HasReason(Reason::kSignatureInvalid));
}

TEST_F(DsseTest, IsSpoiltByAWrongSignatureBesideAGoodOne) {
  UnverifiedDsse envelope = Signed();
  ASSERT_THAT(AddDsseSignature(envelope, bob_), IsOk());
  envelope.signatures[1].bytes = envelope.signatures[0].bytes;
  EXPECT_THAT(Open(RenderDsse(envelope)), HasReason(Reason::kSignatureInvalid));
}

TEST_F(DsseTest, BindsThePayloadType) {
  EXPECT_THAT(OpenDsse(RenderDsse(Signed()), kAgreementPayloadType, lookup_),
              HasReason(Reason::kRequestMalformed));
  UnverifiedDsse envelope = Signed();
  envelope.payload_type = std::string(kAgreementPayloadType);
  EXPECT_THAT(VerifyDsse(envelope, kAgreementPayloadType, lookup_),
              HasReason(Reason::kSignatureInvalid));
}

TEST_F(DsseTest, DoesNotTrustALookupThatReturnsAnotherKey) {
  UnverifiedDsse envelope = *SignDsse(kOrderPayloadType, AsBytes(kPayload), mallory_);
  envelope.signatures[0].key = alice_.public_key().id();
  const PublicKey wrong = mallory_.public_key();
  EXPECT_THAT(VerifyDsse(envelope, kOrderPayloadType,
                         [&wrong](const KeyId&) { return std::optional<PublicKey>(wrong); }),
              HasReason(Reason::kSignatureInvalid));
}

TEST_F(DsseTest, TakesTheLargestPayloadAndNoByteMore) {
  Bytes payload(kMaxDssePayloadBytes, std::byte{'x'});
  const auto envelope = SignDsse(kOrderPayloadType, payload, alice_);
  ASSERT_THAT(envelope, IsOk());
  EXPECT_THAT(Open(RenderDsse(*envelope)), IsOk());
  payload.push_back(std::byte{'x'});
  EXPECT_THAT(SignDsse(kOrderPayloadType, payload, alice_), HasReason(Reason::kRequestTooLarge));
  UnverifiedDsse larger = *envelope;
  larger.payload = payload;
  EXPECT_THAT(ParseDsse(RenderDsse(larger)), HasReason(Reason::kRequestTooLarge));
  EXPECT_THAT(ParseDsse(std::string(kMaxDsseBytes + 1, ' ')), HasReason(Reason::kRequestTooLarge));
}

TEST_F(DsseTest, TakesSixteenSignaturesAndNoMore) {
  UnverifiedDsse envelope = Signed();
  std::vector<PublicKey> keys{alice_.public_key()};
  while (envelope.signatures.size() < kMaxDsseSignatures) {
    const SigningKey key = *SigningKey::Generate(random_);
    ASSERT_THAT(AddDsseSignature(envelope, key), IsOk());
    keys.push_back(key.public_key());
  }
  EXPECT_THAT(OpenDsse(RenderDsse(envelope), kOrderPayloadType, LookupIn(keys)), IsOk());
  EXPECT_THAT(AddDsseSignature(envelope, mallory_), HasReason(Reason::kRequestTooLarge));
  envelope.signatures.push_back({mallory_.public_key().id(), Signature{}});
  EXPECT_THAT(ParseDsse(RenderDsse(envelope)), HasReason(Reason::kRequestMalformed));
}

TEST_F(DsseTest, DoesNotSignUnderABadPayloadType) {
  for (const std::string& type : {std::string(), std::string("a b"), std::string("a\n"),
                                  std::string(201, 'a'), std::string("\xc3\xa4")}) {
    EXPECT_THAT(SignDsse(type, AsBytes(kPayload), alice_), HasReason(Reason::kRequestMalformed));
  }
}

}  // namespace
}  // namespace holdfast::crypto
