// SPDX-License-Identifier: Apache-2.0
// Files of signing keys: crypto/key_file.h.

#include "crypto/key_file.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "crypto/random.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;

// The least that the format allows: a test opens hundreds of files.
constexpr KeyFileCost kCheap{1, 8192};

WipedBuffer Words(std::string_view text) {
  Bytes bytes = ToBytes(text);
  return WipedBuffer::TakeFrom(bytes);
}

class KeyFileTest : public ::testing::Test {
 protected:
  std::string Protected() {
    const auto file = WriteKeyFile(key_, Words("correct horse"), kCheap, random_);
    EXPECT_THAT(file, IsOk());
    return ToString(file->Reveal());
  }
  std::string Unprotected() { return ToString(WriteUnprotectedKeyFile(key_)->Reveal()); }

  static std::string Replace(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }

  SystemRandom random_;
  const SigningKey key_ = *SigningKey::Generate(random_);
};

TEST_F(KeyFileTest, OpensWithItsPassphrase) {
  const std::string file = Protected();
  EXPECT_THAT(KeyFileProtectionOf(AsBytes(file)), IsOkAndHolds(KeyFileProtection::kPassphrase));
  EXPECT_THAT(UnverifiedPublicKeyOf(AsBytes(file)), IsOkAndHolds(key_.public_key()));
  const auto read = ReadKeyFile(AsBytes(file), Words("correct horse"));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->Sign(AsBytes("x")), key_.Sign(AsBytes("x")));
}

TEST_F(KeyFileTest, OpensWithoutOneIfItSaysSo) {
  const std::string file = Unprotected();
  EXPECT_THAT(KeyFileProtectionOf(AsBytes(file)), IsOkAndHolds(KeyFileProtection::kNone));
  const auto read = ReadKeyFile(AsBytes(file), WipedBuffer());
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->public_key(), key_.public_key());
}

TEST_F(KeyFileTest, StaysShutForEveryOtherPassphrase) {
  const std::string file = Protected();
  for (const char* words : {"", "correct", "correct horse ", "Correct horse"}) {
    EXPECT_THAT(ReadKeyFile(AsBytes(file), Words(words)), HasReason(Reason::kSignatureInvalid));
  }
}

TEST_F(KeyFileTest, IsRefusedAfterAnyDamage) {
  for (const std::string& file : {Protected(), Unprotected()}) {
    for (const test::Mutation& m : test::BitFlipsAndTruncations(AsBytes(file))) {
      EXPECT_FALSE(ReadKeyFile(m.bytes, Words("correct horse")).ok()) << m.description;
    }
    for (const test::Mutation& m : test::Extensions(AsBytes(file))) {
      EXPECT_FALSE(ReadKeyFile(m.bytes, Words("correct horse")).ok()) << m.description;
    }
  }
}

TEST_F(KeyFileTest, IsNotOpenedForMoreWorkThanTheLimit) {
  const std::string file = Protected();
  for (const auto& [from, to] :
       {std::pair("memory 8192", "memory 1073741825"), std::pair("memory 8192", "memory 8191"),
        std::pair("passes 1", "passes 17"), std::pair("passes 1", "passes 0")}) {
    EXPECT_THAT(ReadKeyFile(AsBytes(Replace(file, from, to)), Words("correct horse")),
                HasReason(Reason::kRequestTooLarge))
        << to;
  }
  EXPECT_THAT(ReadKeyFile(AsBytes(std::string(kMaxKeyFileBytes + 1, 'x')), WipedBuffer()),
              HasReason(Reason::kRequestTooLarge));
}

TEST_F(KeyFileTest, CannotBeMadeToNeedNoPassphrase) {
  const std::string file = Protected();
  EXPECT_FALSE(
      ReadKeyFile(AsBytes(Replace(file, "argon2id-xchacha20poly1305", "none")), WipedBuffer())
          .ok());
}

TEST_F(KeyFileTest, DoesNotVouchForAnotherPublicKey) {
  const SigningKey other = *SigningKey::Generate(random_);
  EXPECT_THAT(ReadKeyFile(AsBytes(Replace(Unprotected(), key_.public_key().ToBase64(),
                                          other.public_key().ToBase64())),
                          WipedBuffer()),
              HasReason(Reason::kSignatureInvalid));
}

TEST_F(KeyFileTest, HoldsTheSeedInNoReadableForm) {
  const std::string seed_line = Unprotected().substr(Unprotected().find("seed "));
  EXPECT_EQ(Protected().find(seed_line.substr(5, 20)), std::string::npos);
  EXPECT_NE(Protected(), Protected());  // Salt and nonce are fresh.
}

TEST_F(KeyFileTest, IsNotWrittenWithoutAPassphrase) {
  EXPECT_THAT(WriteKeyFile(key_, WipedBuffer(), kCheap, random_),
              HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(WriteKeyFile(key_, WipedBuffer(kMaxPassphraseBytes + 1), kCheap, random_),
              HasReason(Reason::kRequestMalformed));
}

TEST_F(KeyFileTest, PublicHalfIsOneLine) {
  for (const char* comment : {"", "counsel of the requester"}) {
    const std::string text = WritePublicKeyFile(key_.public_key(), comment);
    EXPECT_EQ(text.find('\n'), text.size() - 1);
    const auto read = ReadPublicKeyFile(text);
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(read->key, key_.public_key());
    EXPECT_EQ(read->comment, comment);
  }
}

TEST_F(KeyFileTest, PublicHalfIsAnotherOrNoneAfterAnyDamage) {
  const std::string text = WritePublicKeyFile(key_.public_key(), "me");
  for (const test::Mutation& m : test::BitFlipsAndTruncations(AsBytes(text))) {
    const auto read = ReadPublicKeyFile(AsText(m.bytes));
    if (!read.ok()) continue;
    EXPECT_EQ(WritePublicKeyFile(read->key, read->comment), AsText(m.bytes)) << m.description;
  }
  EXPECT_FALSE(ReadPublicKeyFile(text + text).ok());
}

}  // namespace
}  // namespace holdfast::crypto
