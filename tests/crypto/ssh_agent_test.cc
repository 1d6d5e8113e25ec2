// SPDX-License-Identifier: Apache-2.0
// Messages of the ssh-agent protocol: crypto/ssh_agent.h.
#include "crypto/ssh_agent.h"

#include <string>
#include <string_view>

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
using ::testing::ElementsAre;

// A big-endian number of four bytes, as RFC 4251 writes lengths.
std::string Number(std::size_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 0xff);
  return text;
}
std::string Text(std::string_view text) { return Number(text.size()) + std::string(text); }

class SshAgentTest : public ::testing::Test {
 protected:
  std::string Blob(std::string_view kind = "ssh-ed25519") const {
    return Text(kind) + Text(AsText(key_.public_key().bytes()));
  }
  std::string Identities() const {
    return "\x0c" + Number(2) + Text(Text("ssh-rsa") + Text("\x01") + Text("modulus")) +
           Text("old") + Text(Blob()) + Text("counsel");
  }
  std::string Signed() const {
    const Signature signature = key_.Sign(AsBytes("order"));
    return "\x0e" + Text(Text("ssh-ed25519") + Text(AsText(signature)));
  }

  SystemRandom random_;
  const SigningKey key_ = *SigningKey::Generate(random_);
};

TEST_F(SshAgentTest, AsksAsTheDraftSays) {
  EXPECT_EQ(AsText(AgentIdentitiesRequest()), Number(1) + "\x0b");
  const auto request = AgentSignRequest(key_.public_key(), AsBytes("order"));
  ASSERT_THAT(request, IsOk());
  const std::string body = "\x0d" + Text(Blob()) + Text("order") + Number(0);
  EXPECT_EQ(AsText(*request), Text(body));
}

TEST_F(SshAgentTest, DoesNotAskForMoreThanAnAgentTakes) {
  EXPECT_THAT(AgentSignRequest(key_.public_key(), Bytes(kMaxAgentMessageBytes)).status(),
              HasReason(Reason::kRequestTooLarge));
}

TEST_F(SshAgentTest, ReadsItsEd25519KeysAndLeavesOutTheRest) {
  EXPECT_THAT(ParseAgentIdentities(AsBytes(Identities())),
              IsOkAndHolds(ElementsAre(AgentIdentity{key_.public_key(), "counsel"})));
  EXPECT_THAT(ParseAgentIdentities(AsBytes("\x0c" + Number(0))), IsOkAndHolds(ElementsAre()));
}

TEST_F(SshAgentTest, ReadsASignatureThatVerifies) {
  const auto signature = ParseAgentSignature(AsBytes(Signed()));
  ASSERT_THAT(signature, IsOk());
  EXPECT_THAT(key_.public_key().Verify(AsBytes("order"), *signature), IsOk());
}

TEST_F(SshAgentTest, SaysThatItDeclined) {
  for (const auto& status : {ParseAgentIdentities(AsBytes("\x05")).status(),
                             ParseAgentSignature(AsBytes("\x05")).status()}) {
    EXPECT_THAT(status, HasReason(Reason::kPermissionDenied));
  }
}

TEST_F(SshAgentTest, NoDamagedSignatureVerifies) {
  for (const test::Mutation& m : test::BitFlipsAndTruncations(AsBytes(Signed()))) {
    const auto signature = ParseAgentSignature(m.bytes);
    EXPECT_FALSE(signature.ok() && key_.public_key().Verify(AsBytes("order"), *signature).ok())
        << m.description;
  }
  for (const test::Mutation& m : test::Extensions(AsBytes(Signed()))) {
    EXPECT_THAT(ParseAgentSignature(m.bytes).status(), HasReason(Reason::kRequestMalformed));
  }
}

TEST_F(SshAgentTest, DamagedIdentitiesAreRefusedOrOthers) {
  const auto good = ParseAgentIdentities(AsBytes(Identities()));
  std::size_t same = 0;
  for (const test::Mutation& m : test::BitFlips(AsBytes(Identities()))) {
    const auto read = ParseAgentIdentities(m.bytes);
    if (read.ok() && *read == *good) ++same;
  }
  // A flip inside of the RSA key's name, blob and comment is of no interest to us; all others are
  // noticed.
  const std::size_t foreign = std::string_view("ssh-rsa").size() + 1 +
                              std::string_view("modulus").size() + 4 * 3 +
                              std::string_view("old").size();
  EXPECT_LE(same, foreign * 8);
  for (const test::Mutation& m : test::Truncations(AsBytes(Identities()))) {
    EXPECT_FALSE(ParseAgentIdentities(m.bytes).ok()) << m.description;
  }
  for (const test::Mutation& m : test::Extensions(AsBytes(Identities()))) {
    EXPECT_FALSE(ParseAgentIdentities(m.bytes).ok()) << m.description;
  }
}

TEST_F(SshAgentTest, IsBounded) {
  EXPECT_THAT(AgentMessageBytes(AsBytes(Number(kMaxAgentMessageBytes))),
              IsOkAndHolds(kMaxAgentMessageBytes));
  EXPECT_THAT(AgentMessageBytes(AsBytes(Number(kMaxAgentMessageBytes + 1))).status(),
              HasReason(Reason::kRequestTooLarge));
  EXPECT_THAT(AgentMessageBytes(AsBytes(Number(0))).status(), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(ParseAgentIdentities(AsBytes("\x0c" + Number(kMaxAgentIdentities + 1))).status(),
              HasReason(Reason::kRequestTooLarge));
  EXPECT_THAT(ParseAgentIdentities(AsBytes("\x0c" + Number(1) + Number(0xffffffff))).status(),
              HasReason(Reason::kRequestMalformed));
}

TEST_F(SshAgentTest, ReadsAPublicHalfOfOpenSsh) {
  const std::string base64 = Base64(AsBytes(Blob()));
  for (const char* rest : {"", " me", " me@there\n"}) {
    EXPECT_THAT(ReadOpenSshPublicKey("ssh-ed25519 " + base64 + rest),
                IsOkAndHolds(key_.public_key()));
  }
  for (const std::string& bad :
       {"ssh-rsa " + base64, std::string("ssh-ed25519 "), "ssh-ed25519  " + base64, base64,
        "ssh-ed25519 " + Base64(AsBytes(Blob("ssh-rsa"))),
        "ssh-ed25519 " + Base64(AsBytes(Blob() + "x")), "ssh-ed25519 " + base64 + "\nmore"}) {
    EXPECT_THAT(ReadOpenSshPublicKey(bad).status(), HasReason(Reason::kRequestMalformed)) << bad;
  }
}

}  // namespace
}  // namespace holdfast::crypto
