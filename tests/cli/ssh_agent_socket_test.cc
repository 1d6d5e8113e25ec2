// SPDX-License-Identifier: Apache-2.0
// Agents that behave, and agents that do not: cli/ssh_agent_socket.h.
// tests/integration/journey/signing_test.py has the real one.
#include "cli/ssh_agent_socket.h"

#include <algorithm>
#include <functional>
#include <string>
#include <thread>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::cli {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;

std::string Number(std::size_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 0xff);
  return text;
}
std::string Text(std::string_view text) { return Number(text.size()) + std::string(text); }

std::string SignResponse(const crypto::Signature& signature) {
  return Text("\x0e" + Text(Text("ssh-ed25519") + Text(AsText(signature))));
}

// Answers one connection: reads a whole request, writes `answer` in pieces of `piece` bytes, and
// hangs up.
class OneAnswer final {
 public:
  OneAnswer(const std::string& path, std::string answer, std::size_t piece = 4096) {
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), std::begin(address.sun_path));
    unlink(path.c_str());
    HF_CHECK(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    HF_CHECK(listen(listener, 1) == 0);
    thread_ = std::thread([listener, answer = std::move(answer), piece] {
      const int peer = accept(listener, nullptr, nullptr);
      std::string request(4, '\0');
      HF_CHECK(recv(peer, request.data(), 4, MSG_WAITALL) == 4);
      std::size_t size = 0;
      for (const char c : request) size = size << 8 | static_cast<unsigned char>(c);
      request.resize(size);
      HF_CHECK(recv(peer, request.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size));
      for (std::size_t at = 0; at < answer.size(); at += piece) {
        const std::size_t count = std::min(piece, answer.size() - at);
        if (send(peer, answer.data() + at, count, MSG_NOSIGNAL) < 0) break;
      }
      close(peer);
      close(listener);
    });
  }
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;
  ~OneAnswer() { thread_.join(); }

 private:
  std::thread thread_;
};

class SshAgentSocketTest : public ::testing::Test {
 protected:
  absl::Status SignAgainst(std::string answer, std::size_t piece = 4096) {
    const OneAnswer agent(path_, std::move(answer), piece);
    return socket_.Sign(key_.public_key(), AsBytes("order")).status();
  }

  crypto::SystemRandom random_;
  const crypto::SigningKey key_ = *crypto::SigningKey::Generate(random_);
  test::TempDir folder_;
  const std::string path_ = folder_.File("agent");
  const SshAgentSocket socket_{path_};
};

TEST_F(SshAgentSocketTest, TakesASignatureHoweverItIsCutUp) {
  const std::string answer = SignResponse(key_.Sign(AsBytes("order")));
  EXPECT_THAT(SignAgainst(answer), IsOk());
  EXPECT_THAT(SignAgainst(answer, 1), IsOk());
}

TEST_F(SshAgentSocketTest, RefusesASignatureThatDoesNotVerify) {
  EXPECT_THAT(SignAgainst(SignResponse(key_.Sign(AsBytes("another order")))),
              HasReason(Reason::kSignatureInvalid));
  const auto other = crypto::SigningKey::Generate(random_);
  EXPECT_THAT(SignAgainst(SignResponse(other->Sign(AsBytes("order")))),
              HasReason(Reason::kSignatureInvalid));
}

TEST_F(SshAgentSocketTest, SaysWhatAnAgentDidInPlaceOfSigning) {
  EXPECT_THAT(SignAgainst(Text("\x05")), HasReason(Reason::kPermissionDenied));
  EXPECT_THAT(SignAgainst(""), HasReason(Reason::kUnavailable));
  EXPECT_THAT(SignAgainst(Number(100) + "half"), HasReason(Reason::kUnavailable));
  EXPECT_THAT(SignAgainst(Number(0)), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(SignAgainst(Number(0xffffffff)), HasReason(Reason::kRequestTooLarge));
  EXPECT_THAT(SignAgainst(Text("\x0c" + Number(0))), HasReason(Reason::kRequestMalformed));
}

TEST_F(SshAgentSocketTest, SaysThatNoAgentIsThere) {
  for (const std::string& path : {std::string(), folder_.File("nobody"), std::string(200, 'x')}) {
    EXPECT_THAT(SshAgentSocket(path).Identities().status(), HasReason(Reason::kUnavailable));
  }
}

TEST_F(SshAgentSocketTest, DoesNotWaitForEver) {
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path_.begin(), path_.end(), std::begin(address.sun_path));
  ASSERT_EQ(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  EXPECT_THAT(SshAgentSocket(path_, std::chrono::milliseconds(20)).Identities().status(),
              HasReason(Reason::kUnavailable));
  close(listener);
}

}  // namespace
}  // namespace holdfast::cli
