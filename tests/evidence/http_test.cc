// SPDX-License-Identifier: Apache-2.0
// As much of HTTP as a witness needs: evidence/http.h.
#include "evidence/http.h"

#include <atomic>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "tests/support/status_matchers.h"

namespace holdfast::evidence {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::chrono::seconds kTimeout{20};

class HttpTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = HttpServer::Listen("127.0.0.1:0");
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
    thread_ = std::thread([this] {
      static_cast<void>(server_->Serve(
          "/add-checkpoint", 100,
          [](std::string_view body) -> HttpAnswer {
            return {body == "conflict" ? 409 : 200, "text/plain", "got " + std::string(body)};
          },
          [this] { return stop_.load(); }));
    });
  }

  void TearDown() override {
    stop_ = true;
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

  // Sends bytes as they are, closes its side, and returns all that comes.
  std::string Raw(const std::string& request) const {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(send(socket, request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
    shutdown(socket, SHUT_WR);
    std::string answer;
    char buffer[4096];
    for (ssize_t got; (got = recv(socket, buffer, sizeof(buffer), 0)) > 0;) {
      answer.append(buffer, static_cast<std::size_t>(got));
    }
    close(socket);
    return answer;
  }

  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
  std::atomic<bool> stop_ = false;
};

TEST_F(HttpTest, PostsAndIsAnswered) {
  const auto answer = HttpPost(url(), "/add-checkpoint", "body", kTimeout);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "got body");
  EXPECT_EQ(answer->content_type, "text/plain");
  EXPECT_EQ(HttpPost(url() + "/", "/add-checkpoint", "conflict", kTimeout)->status, 409);
  EXPECT_EQ(HttpPost(url(), "/add-checkpoint", "", kTimeout)->body, "got ");
  EXPECT_EQ(HttpPost(url(), "/add-checkpoint", std::string(100, 'x'), kTimeout)->status, 200);
}

TEST_F(HttpTest, AnswersWhatItDoesNotTake) {
  EXPECT_EQ(HttpPost(url(), "/other", "body", kTimeout)->status, 404);
  EXPECT_EQ(HttpPost(url() + "/below", "/add-checkpoint", "body", kTimeout)->status, 404);
  EXPECT_EQ(HttpPost(url(), "/add-checkpoint", std::string(101, 'x'), kTimeout)->status, 413);
  const std::string post = "POST /add-checkpoint HTTP/1.1\r\n";
  EXPECT_THAT(Raw("GET /add-checkpoint HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(Raw(post + "Host: x\r\n\r\n"), StartsWith("HTTP/1.1 411 "));
  EXPECT_THAT(Raw(post + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 411 "));
  EXPECT_THAT(Raw(post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc"),
              StartsWith("HTTP/1.1 411 "));
  EXPECT_THAT(Raw(post + "Content-Length: -1\r\n\r\n"), StartsWith("HTTP/1.1 411 "));
  EXPECT_THAT(Raw(post + "content-length:3 \r\n\r\nabcdef"), HasSubstr("got abc"));
  EXPECT_THAT(Raw(post + "Content-Length: 9\r\n\r\nabc"), StartsWith("HTTP/1.1 400 "));
  for (const char* bad : {"", "\r\n\r\n", "x\r\n\r\n", "POST\r\n\r\n",
                          "POST /add-checkpoint\r\n\r\n", "POST  HTTP/1.1\r\n\r\n"}) {
    EXPECT_THAT(Raw(bad), StartsWith("HTTP/1.1 4")) << bad;
  }
  EXPECT_THAT(Raw(post + std::string(20'000, 'h')), StartsWith("HTTP/1.1 413 "));
  // And it still serves.
  EXPECT_EQ(HttpPost(url(), "/add-checkpoint", "body", kTimeout)->status, 200);
}

TEST(HttpClientTest, SaysWhatIsWrongWithAnAddress) {
  for (const char* url : {"https://127.0.0.1:1", "127.0.0.1:1", "http://", "http://:1", "http:///x",
                          "http://a b:1"}) {
    EXPECT_THAT(HttpPost(url, "/x", "", kTimeout), HasReason(Reason::kRequestMalformed)) << url;
  }
  EXPECT_THAT(HttpPost("http://127.0.0.1:1", "/x", "", kTimeout), HasReason(Reason::kUnavailable));
  EXPECT_THAT(HttpServer::Listen("nowhere"), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(HttpServer::Listen("localhost:0"), HasReason(Reason::kRequestMalformed));
}

}  // namespace
}  // namespace holdfast::evidence
