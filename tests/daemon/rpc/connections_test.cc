// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/connections.h"

#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace holdfast::rpc::internal {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kNoPatience{0};
constexpr milliseconds kShort{50};
constexpr milliseconds kForEver{600'000};

// One TCP connection over loopback. Ours is the daemon's end.
class Pair {
 public:
  explicit Pair(int family = AF_INET) {
    const int listener = socket(family, SOCK_STREAM, 0);
    sockaddr_storage address{};
    socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (family == AF_INET) {
      auto& v4 = reinterpret_cast<sockaddr_in&>(address);
      v4.sin_family = AF_INET;
      v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
      auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
      v6.sin6_family = AF_INET6;
      v6.sin6_addr = in6addr_loopback;
    }
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener, raw, size), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    EXPECT_EQ(getsockname(listener, raw, &size), 0);
    theirs_ = socket(family, SOCK_STREAM, 0);
    const int small = 4096;
    setsockopt(theirs_, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    EXPECT_EQ(connect(theirs_, raw, size), 0);
    ours_ = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    EXPECT_GE(ours_, 0);
    close(listener);
    EXPECT_EQ(getsockname(theirs_, raw, &size), 0);
    peer_ = family == AF_INET
                ? "ipv4:127.0.0.1:" +
                      std::to_string(ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port))
                : "ipv6:%5B::1%5D:" +
                      std::to_string(ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port));
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    close(ours_);
    Hang();
  }

  const std::string& peer() const { return peer_; }

  // Sends until the kernel takes no more. Returns how many bytes it took.
  std::size_t Fill() const {
    const std::vector<char> block(65536);
    std::size_t sent = 0;
    for (;;) {
      const ssize_t some = send(ours_, block.data(), block.size(), MSG_NOSIGNAL);
      if (some < 0) return sent;
      sent += static_cast<std::size_t>(some);
    }
  }

  // Reads until nothing comes any more. Returns how many bytes came.
  std::size_t Read() const {
    std::vector<char> block(65536);
    std::size_t read = 0;
    pollfd wait{theirs_, POLLIN, 0};
    while (poll(&wait, 1, 100) > 0) {
      const ssize_t some = recv(theirs_, block.data(), block.size(), 0);
      if (some <= 0) break;
      read += static_cast<std::size_t>(some);
    }
    return read;
  }

  void Hang() {
    if (theirs_ >= 0) close(theirs_);
    theirs_ = -1;
  }

  bool connected() const {
    char byte = 0;
    return send(ours_, &byte, 0, MSG_NOSIGNAL) == 0 &&
           ConnectedSockets().contains(*ParsePeer(peer_));
  }

 private:
  int ours_ = -1;
  int theirs_ = -1;
  std::string peer_;
};

class ConnectionsTest : public ::testing::Test {
 protected:
  // Whether `done` was called before WhenSent() returned.
  bool IsSentNow(milliseconds patience) {
    auto called = std::make_shared<bool>(false);
    connections_->WhenSent(patience, [called] { *called = true; });
    return *called;
  }

  void WaitUntilSent(milliseconds patience) {
    auto done = std::make_shared<std::promise<void>>();
    connections_->WhenSent(patience, [done] { done->set_value(); });
    done->get_future().wait();
  }

  const std::shared_ptr<Connections> connections_ = Connections::Create();
};

TEST_F(ConnectionsTest, ThereIsNothingToWaitForWithoutConnections) {
  EXPECT_TRUE(IsSentNow(kForEver));
}

TEST_F(ConnectionsTest, AConnectionWithNothingOnItsWayIsNotWaitedFor) {
  const Pair pair;
  connections_->Of(pair.peer());
  EXPECT_TRUE(IsSentNow(kForEver));
  EXPECT_TRUE(pair.connected());
}

TEST_F(ConnectionsTest, WhatTheOtherMachineTookIsWaitedForAndTheConnectionGoesOn) {
  const Pair pair;
  connections_->Of(pair.peer());
  const std::size_t sent = pair.Fill();
  auto done = std::make_shared<std::promise<void>>();
  connections_->WhenSent(kForEver, [done] { done->set_value(); });
  std::future<void> future = done->get_future();
  EXPECT_EQ(future.wait_for(kShort), std::future_status::timeout);
  EXPECT_EQ(pair.Read(), sent);
  future.wait();
  EXPECT_TRUE(pair.connected());
}

TEST_F(ConnectionsTest, WhatNobodyTakesIsThrownAwayWithItsConnection) {
  for (const int family : {AF_INET, AF_INET6}) {
    const Pair pair(family);
    connections_->Of(pair.peer());
    const std::size_t sent = pair.Fill();
    WaitUntilSent(kShort);
    EXPECT_FALSE(pair.connected());
    // What had come to the other machine has come.
    EXPECT_LT(pair.Read(), sent / 2);
  }
}

TEST_F(ConnectionsTest, OtherConnectionsOfTheProcessAreLeftAlone) {
  const Pair carries;
  const Pair other;
  connections_->Of(carries.peer());
  const std::size_t sent = other.Fill();
  carries.Fill();
  WaitUntilSent(kNoPatience);
  EXPECT_FALSE(carries.connected());
  EXPECT_TRUE(other.connected());
  EXPECT_EQ(other.Read(), sent);
}

TEST_F(ConnectionsTest, AConnectionThatIsGoneIsNotWaitedFor) {
  Pair pair;
  connections_->Of(pair.peer());
  pair.Fill();
  pair.Hang();
  pair.Fill();
  WaitUntilSent(kForEver);
}

TEST_F(ConnectionsTest, APartOfADroppedMessageIsTakenForOnItsWay) {
  const Pair pair;
  const std::shared_ptr<Connection> connection = connections_->Of(pair.peer());
  connection->Dropped();
  EXPECT_TRUE(connection->may_hold_a_part());
  WaitUntilSent(kShort);
  EXPECT_FALSE(pair.connected());
}

TEST_F(ConnectionsTest, AMessageThatWasBegunAfterADroppedOneCarriesItAway) {
  const Pair pair;
  const std::shared_ptr<Connection> connection = connections_->Of(pair.peer());
  const std::uint64_t before = connection->Begin();
  connection->Dropped();
  connection->Written(before);  // Says nothing of what was dropped meanwhile.
  EXPECT_TRUE(connection->may_hold_a_part());
  const std::uint64_t after = connection->Begin();
  connection->Written(after);
  EXPECT_FALSE(connection->may_hold_a_part());
  connection->Written(before);  // Late, and still true of what came after.
  EXPECT_FALSE(connection->may_hold_a_part());
  EXPECT_TRUE(IsSentNow(kForEver));
  EXPECT_TRUE(pair.connected());
}

TEST_F(ConnectionsTest, OneAddressIsOneConnectionAndIsForgottenWhenNothingUsesIt) {
  std::shared_ptr<Connection> kept;
  {
    const Pair pair;
    kept = connections_->Of(pair.peer());
    EXPECT_EQ(connections_->Of(pair.peer()), kept);
  }
  EXPECT_TRUE(IsSentNow(kNoPatience));
  EXPECT_EQ(connections_->size(), 1U);
  kept.reset();
  EXPECT_TRUE(IsSentNow(kNoPatience));
  EXPECT_EQ(connections_->size(), 0U);
}

TEST_F(ConnectionsTest, ASocketThatWasFoundBeforeIsWaitedForAgain) {
  const Pair pair;
  connections_->Of(pair.peer());
  EXPECT_TRUE(IsSentNow(kForEver));
  pair.Fill();
  WaitUntilSent(kShort);
  EXPECT_FALSE(pair.connected());
}

TEST_F(ConnectionsTest, ADescriptorThatIsAnotherConnectionsByNowIsNotTakenForTheOldOne) {
  std::shared_ptr<Connection> old;
  {
    const Pair pair;
    old = connections_->Of(pair.peer());
    EXPECT_TRUE(IsSentNow(kForEver));
  }
  const Pair pair;  // Has the descriptors of the one before.
  connections_->Of(pair.peer());
  EXPECT_TRUE(IsSentNow(kForEver));
  EXPECT_TRUE(pair.connected());
  pair.Fill();
  WaitUntilSent(kShort);
  EXPECT_FALSE(pair.connected());
  old.reset();
  EXPECT_TRUE(IsSentNow(kNoPatience));
  EXPECT_EQ(connections_->size(), 0U);
}

TEST_F(ConnectionsTest, ManyThatCameAndWentTakeNoRoom) {
  for (int port = 1; port <= 10'000; ++port) {
    connections_->Of("ipv4:192.0.2.1:" + std::to_string(port));
  }
  EXPECT_LT(connections_->size(), 100U);
}

TEST(ParsePeerTest, BothFamiliesAreReadAndAMappedAddressIsThePlainOne) {
  const auto plain = ParsePeer("ipv4:192.0.2.1:5000");
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(ntohs(plain->port), 5000);
  EXPECT_EQ(ParsePeer("ipv6:%5B::ffff:192.0.2.1%5D:5000"), plain);
  EXPECT_EQ(ParsePeer("ipv6:[::ffff:192.0.2.1]:5000"), plain);
  EXPECT_EQ(ParsePeer("ipv6:%5Bfe80::1%25eth0%5D:5000"), ParsePeer("ipv6:[fe80::1]:5000"));
  EXPECT_NE(ParsePeer("ipv4:192.0.2.1:5001"), plain);
  EXPECT_NE(ParsePeer("ipv4:192.0.2.2:5000"), plain);
}

TEST(ParsePeerTest, WhatIsNoAddressIsNone) {
  for (const char* peer : {"", "unix:/tmp/socket", "unknown", "ipv4:", "ipv4:192.0.2.1", "ipv4:1:2",
                           "ipv4:192.0.2.1:", "ipv4:192.0.2.1:65536", "ipv4:192.0.2.1:5000x",
                           "ipv6:[zz]:5000", "inproc:x:1"}) {
    EXPECT_FALSE(ParsePeer(peer).has_value()) << peer;
  }
}

}  // namespace
}  // namespace holdfast::rpc::internal
