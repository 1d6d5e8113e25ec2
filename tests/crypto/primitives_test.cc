// SPDX-License-Identifier: Apache-2.0
// The algorithms of suite 1: known answers, and that no two uses of a key can be taken for each
// other.
#include "crypto/internal/primitives.h"

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "base/bytes.h"
#include "tests/support/external_data.h"

namespace holdfast::crypto::internal {
namespace {

using ::testing::Each;

Bytes FromHexOrDie(const std::string& text) { return FromHex(text).value(); }

// RFC 8439, section 2.3.2, gives a block with another nonce; its first test vector (appendix A.1)
// is the block of an all-zero key, nonce and counter, as here.
TEST(PrimitivesTest, ExpandsASeedAsRfc8439Says) {
  const std::array<std::byte, 32> seed{};
  std::array<std::byte, 64> children{};
  ExpandSeed(seed, children);
  EXPECT_EQ(Hex(children),
            "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
            "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
}

// RFC 7693, appendix A, is the unkeyed hash of "abc" in 64 bytes.
TEST(PrimitivesTest, HashesAsRfc7693Says) {
  std::array<std::byte, 64> hash{};
  Hash("a", {AsBytes("b"), AsBytes("c")}, hash);
  EXPECT_EQ(Hex(hash),
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
            "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
}

TEST(PrimitivesTest, ComparesSizesToo) {
  EXPECT_TRUE(EqualInConstantTime({}, {}));
  EXPECT_TRUE(EqualInConstantTime(AsBytes("ab"), AsBytes("ab")));
  EXPECT_FALSE(EqualInConstantTime(AsBytes("ab"), AsBytes("a")));
  EXPECT_FALSE(EqualInConstantTime(AsBytes("ab"), AsBytes("ac")));
}

TEST(PrimitivesTest, WipesAtTheEndOfTheScope) {
  Bytes bytes = ToBytes("secret");
  { const WipeOnExit wipe(bytes); }
  EXPECT_THAT(bytes, Each(std::byte{0}));
}

// Labels are followed by other bytes without a separator, so none may be the beginning of another.
TEST(PrimitivesTest, HasNoLabelThatBeginsWithAnother) {
  std::set<std::string> labels;
  const std::regex label("\"(holdfast/1/[^\"]*)\"");
  const std::filesystem::path source = std::filesystem::path(HF_SOURCE_DIR) / "crypto";
  for (const auto& file : std::filesystem::recursive_directory_iterator(source)) {
    if (file.path().extension() != ".cc") continue;
    std::ifstream in(file.path());
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    for (std::sregex_iterator match(text.begin(), text.end(), label), end; match != end; ++match) {
      // One place for each: two that share a label could be taken for one another.
      EXPECT_TRUE(labels.insert((*match)[1].str()).second) << (*match)[1].str();
    }
  }
  EXPECT_GE(labels.size(), 13u);
  const std::string* before = nullptr;
  for (const std::string& each : labels) {
    // In sorted order a beginning stands right before what it begins.
    if (before != nullptr) {
      EXPECT_FALSE(each.starts_with(*before)) << *before << " and " << each;
    }
    before = &each;
  }
}

TEST(WycheproofTest, AgreesAboutXChaCha20Poly1305) {
  const auto path = test::ExternalData("crypto/xchacha20_poly1305_test.json");
  if (!path) GTEST_SKIP() << test::kNoExternalData;
  std::ifstream in(*path);
  const auto vectors = nlohmann::json::parse(in);
  int sealed_alike = 0;
  int refused = 0;
  for (const auto& group : vectors["testGroups"]) {
    // Other nonce sizes are not XChaCha20's; our type does not admit them.
    if (group["ivSize"] != 192) continue;
    for (const auto& test : group["tests"]) {
      SCOPED_TRACE(test["tcId"].dump());
      const Bytes key = FromHexOrDie(test["key"]);
      const Bytes nonce = FromHexOrDie(test["iv"]);
      const Bytes associated = FromHexOrDie(test["aad"]);
      const Bytes plaintext = FromHexOrDie(test["msg"]);
      Bytes sealed = FromHexOrDie(test["ct"]);
      const Bytes tag = FromHexOrDie(test["tag"]);
      sealed.insert(sealed.end(), tag.begin(), tag.end());
      const KeySpan key_span(key.data(), kKeyBytes);
      const NonceSpan nonce_span(nonce.data(), kNonceBytes);
      ASSERT_EQ(key.size(), kKeyBytes);
      ASSERT_EQ(nonce.size(), kNonceBytes);
      ASSERT_GE(sealed.size(), kTagBytes);

      Bytes opened(sealed.size() - kTagBytes, std::byte{0xaa});
      const bool authentic = OpenAead(key_span, nonce_span, associated, sealed, opened);
      EXPECT_EQ(authentic, test["result"] == "valid");
      if (!authentic) {
        EXPECT_THAT(opened, Each(std::byte{0}));
        ++refused;
        continue;
      }
      EXPECT_EQ(opened, plaintext);
      Bytes again(plaintext.size() + kTagBytes);
      SealAead(key_span, nonce_span, associated, plaintext, again);
      EXPECT_EQ(again, sealed);
      // In place, as envelopes are sealed.
      Bytes in_place = plaintext;
      in_place.resize(plaintext.size() + kTagBytes);
      SealAead(key_span, nonce_span, associated, ByteSpan(in_place).first(plaintext.size()),
               in_place);
      EXPECT_EQ(in_place, sealed);
      ++sealed_alike;
    }
  }
  EXPECT_GT(sealed_alike, 100);
  EXPECT_GT(refused, 20);
}

}  // namespace
}  // namespace holdfast::crypto::internal
