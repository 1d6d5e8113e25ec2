// SPDX-License-Identifier: Apache-2.0
// Ed25519: crypto/ed25519.h.

#include "crypto/ed25519.h"

#include <fstream>
#include <string>
#include <type_traits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "base/bytes.h"
#include "crypto/random.h"
#include "tests/support/external_data.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;

static_assert(!std::is_copy_constructible_v<SigningKey>);
static_assert(std::is_nothrow_move_constructible_v<SigningKey>);
static_assert(!std::is_default_constructible_v<PublicKey>, "there is no key that means nobody");

SigningKey NewKey() {
  SystemRandom random;
  return *SigningKey::Generate(random);
}

SigningKey KeyOfSeed(std::string_view hex) {
  Bytes seed = *FromHex(hex);
  return *SigningKey::FromSeed(*SecretBytes::TakeFrom(seed));
}

// RFC 8032, section 7.1, tests 1 and 2.
TEST(Ed25519Test, MakesTheSignaturesOfTheStandard) {
  const SigningKey first =
      KeyOfSeed("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
  EXPECT_EQ(Hex(first.public_key().bytes()),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  EXPECT_EQ(Hex(first.Sign(ByteSpan())),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
  const SigningKey second =
      KeyOfSeed("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  EXPECT_EQ(Hex(second.public_key().bytes()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  EXPECT_EQ(Hex(second.Sign(*FromHex("72"))),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

TEST(Ed25519Test, VerifiesWhatItSignedAndNothingElse) {
  const SigningKey key = NewKey();
  const Bytes message = ToBytes("release nothing");
  const Signature signature = key.Sign(message);
  EXPECT_THAT(key.public_key().Verify(message, signature), IsOk());
  for (const test::Mutation& m : test::BitFlipsAndTruncations(signature)) {
    EXPECT_THAT(key.public_key().Verify(message, m.bytes), HasReason(Reason::kSignatureInvalid))
        << m.description;
  }
  for (const test::Mutation& m : test::BitFlipsAndTruncations(message)) {
    EXPECT_THAT(key.public_key().Verify(m.bytes, signature), HasReason(Reason::kSignatureInvalid))
        << m.description;
  }
  EXPECT_THAT(NewKey().public_key().Verify(message, signature),
              HasReason(Reason::kSignatureInvalid));
}

TEST(Ed25519Test, KeepsItsSeed) {
  const SigningKey key = NewKey();
  const auto copy = SigningKey::FromSeed(*key.DuplicateSeed());
  ASSERT_THAT(copy, IsOk());
  EXPECT_EQ(copy->public_key(), key.public_key());
  EXPECT_EQ(copy->Sign(AsBytes("x")), key.Sign(AsBytes("x")));
}

TEST(Ed25519Test, RefusesASeedOfAnotherLength) {
  for (const std::size_t size : {1u, 31u, 33u, 64u}) {
    EXPECT_THAT(SigningKey::FromSeed(*SecretBytes::Zeroed(size)),
                HasReason(Reason::kRequestMalformed));
  }
}

TEST(PublicKeyTest, ReadsWhatItWrote) {
  const PublicKey key = NewKey().public_key();
  EXPECT_THAT(PublicKey::FromBytes(key.bytes()), IsOkAndHolds(key));
  EXPECT_THAT(PublicKey::FromBase64(key.ToBase64()), IsOkAndHolds(key));
  EXPECT_EQ(key.id().value().substr(0, 8), "ed25519:");
  EXPECT_EQ(key.id().value().size(), 8u + 64u);
  EXPECT_NE(key.id(), NewKey().public_key().id());
}

TEST(PublicKeyTest, RefusesOtherLengthsAndOtherTexts) {
  const PublicKey key = NewKey().public_key();
  for (const test::Mutation& m : test::Truncations(key.bytes())) {
    EXPECT_THAT(PublicKey::FromBytes(m.bytes), HasReason(Reason::kRequestMalformed));
  }
  for (const test::Mutation& m : test::Extensions(key.bytes())) {
    EXPECT_THAT(PublicKey::FromBytes(m.bytes), HasReason(Reason::kRequestMalformed));
  }
  EXPECT_THAT(PublicKey::FromBase64(" " + key.ToBase64()), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(PublicKey::FromBase64(""), HasReason(Reason::kRequestMalformed));
}

// Each of these "keys" would verify a signature that anybody can make.
TEST(PublicKeyTest, RefusesPointsOfSmallOrderAndSecondSpellings) {
  for (const char* hex : {
           "0000000000000000000000000000000000000000000000000000000000000000",
           "0100000000000000000000000000000000000000000000000000000000000000",
           "0100000000000000000000000000000000000000000000000000000000000080",
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
           "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
           "0200000000000000000000000000000000000000000000000000000000000000",
       }) {
    EXPECT_THAT(PublicKey::FromBytes(*FromHex(hex)), HasReason(Reason::kRequestMalformed)) << hex;
  }
}

TEST(Ed25519Vectors, JudgeEveryPublishedCase) {
  const auto path = test::ExternalData("crypto/ed25519_test.json");
  if (!path) GTEST_SKIP() << test::kNoExternalData;
  std::ifstream file(*path);
  const auto json = nlohmann::json::parse(file);
  int cases = 0;
  for (const auto& group : json["testGroups"]) {
    const auto key = PublicKey::FromBytes(*FromHex(group["publicKey"]["pk"].get<std::string>()));
    for (const auto& test : group["tests"]) {
      const auto message = FromHex(test["msg"].get<std::string>());
      const auto signature = FromHex(test["sig"].get<std::string>());
      const bool holds = key.ok() && key->Verify(*message, *signature).ok();
      EXPECT_EQ(holds, test["result"] == "valid") << test["tcId"] << " " << test["comment"];
      ++cases;
    }
  }
  EXPECT_EQ(cases, json["numberOfTests"]);
}

}  // namespace
}  // namespace holdfast::crypto
