// SPDX-License-Identifier: Apache-2.0
#include "crypto/pseudonym.h"

#include "gtest/gtest.h"

#include "base/bytes.h"
#include "crypto/secret_bytes.h"
#include "tests/support/seeded_crypto_random.h"

namespace holdfast::crypto {
namespace {

TEST(PseudonymTest, IsTheSameForTheSamePersonUnderTheSameKeyAlone) {
  test::SeededCryptoRandom random;
  const SecretBytes key = SecretBytes::FromRandom(random, 32).value();
  const SecretBytes other = SecretBytes::FromRandom(random, 32).value();
  const Pseudonym ada = PseudonymOf(key, AsBytes("ada lovelace 1815-12-10"));
  EXPECT_EQ(PseudonymOf(key, AsBytes("ada lovelace 1815-12-10")), ada);
  EXPECT_NE(PseudonymOf(key, AsBytes("ada lovelace 1815-12-11")), ada);
  EXPECT_NE(PseudonymOf(other, AsBytes("ada lovelace 1815-12-10")), ada);
}

TEST(PseudonymTest, TakesAnyIdentityAnEmptyOneToo) {
  test::SeededCryptoRandom random;
  const SecretBytes key = SecretBytes::FromRandom(random, 32).value();
  EXPECT_NE(PseudonymOf(key, {}), Pseudonym());
  EXPECT_NE(PseudonymOf(key, Bytes(100'000)), PseudonymOf(key, Bytes(100'001)));
}

}  // namespace
}  // namespace holdfast::crypto
