// SPDX-License-Identifier: Apache-2.0
// X25519 as libsodium computes it for the sealed boxes of leases, against published vectors.
#include <array>
#include <fstream>
#include <string>

#include <sodium.h>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "base/bytes.h"
#include "crypto/library.h"
#include "tests/support/external_data.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using Bytes32 = std::array<unsigned char, 32>;

Bytes32 FromHexOrDie(const std::string& text) {
  const Bytes bytes = FromHex(text).value();
  Bytes32 array{};
  EXPECT_EQ(bytes.size(), array.size());
  for (std::size_t i = 0; i < array.size(); ++i)
    array[i] = std::to_integer<unsigned char>(bytes[i]);
  return array;
}

TEST(WycheproofTest, AgreesAboutX25519) {
  const auto path = test::ExternalData("crypto/x25519_test.json");
  if (!path) GTEST_SKIP() << test::kNoExternalData;
  ASSERT_THAT(InitLibrary(), test::IsOk());
  std::ifstream in(*path);
  const auto vectors = nlohmann::json::parse(in);
  int agreed = 0;
  int refused = 0;
  for (const auto& group : vectors["testGroups"]) {
    for (const auto& test : group["tests"]) {
      SCOPED_TRACE(test["tcId"].dump());
      const Bytes32 secret = FromHexOrDie(test["private"]);
      const Bytes32 point = FromHexOrDie(test["public"]);
      const Bytes32 expected = FromHexOrDie(test["shared"]);
      Bytes32 shared{};
      if (expected == Bytes32{}) {
        // A shared secret that everybody knows: LeaseIssuer relies on this error.
        EXPECT_NE(crypto_scalarmult(shared.data(), secret.data(), point.data()), 0);
        ++refused;
      } else {
        EXPECT_EQ(crypto_scalarmult(shared.data(), secret.data(), point.data()), 0);
        EXPECT_EQ(shared, expected);
        ++agreed;
      }
    }
  }
  EXPECT_GT(agreed, 400);
  EXPECT_GT(refused, 10);
}

}  // namespace
}  // namespace holdfast::crypto
