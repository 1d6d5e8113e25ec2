// SPDX-License-Identifier: Apache-2.0
// Peers that misuse the transport.
#include <thread>

#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"

#include "tests/daemon/rpc/door.h"
#include "tests/daemon/rpc/raw_call.h"

namespace holdfast::test {
namespace {

ToyRequest Saying(const std::string& text) {
  ToyRequest request;
  request.set_text(text);
  return request;
}

TEST(Hostile, WhoPingsTooOftenIsCutOff) {
  Door door;
  const PemPair alice = door.pki.IssueClient(kAlice);
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 50);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  const auto channel = grpc::CreateCustomChannel(
      "ipv4:127.0.0.1:" + std::to_string(door.server->port()),
      grpc::SslCredentials({door.pki.certificate(), alice.key, alice.certificate}), arguments);
  RawCall call(channel, kChat);
  ASSERT_TRUE(call.Write(Saying("x")));
  ASSERT_TRUE(call.ReadToy().has_value());
  // Nothing more is said: the stream ends only because the connection does.
  EXPECT_EQ(call.Read(), std::nullopt);
  EXPECT_EQ(call.Finish().error_code(), grpc::UNAVAILABLE);
  EXPECT_TRUE(door.BecomesIdle());
}

TEST(Hostile, AConnectionEndsAtItsAgeAndTheNextOneIsAsGood) {
  rpc::ServerOptions options;
  options.max_connection_age = std::chrono::seconds(1);
  options.max_connection_grace = std::chrono::seconds(1);
  Door door(options);
  const auto channel = door.Alice();
  RawCall call(channel, kChat);
  ASSERT_TRUE(call.Write(Saying("x")));
  ASSERT_TRUE(call.ReadToy().has_value());
  EXPECT_EQ(call.Read(), std::nullopt);
  EXPECT_EQ(call.Finish().error_code(), grpc::UNAVAILABLE);
  EXPECT_TRUE(CallUnary(channel, kEcho, Saying("again")).ok());
}

TEST(Hostile, StreamsOverTheConnectionsLimitWait) {
  rpc::ServerOptions options;
  options.max_streams_per_connection = 4;
  Door door(options);
  const auto channel = door.Alice();
  std::vector<std::unique_ptr<RawCall>> open;
  for (int i = 0; i < 4; ++i) {
    open.push_back(std::make_unique<RawCall>(channel, kChat));
    ASSERT_TRUE(open.back()->Write(Saying("x")));
    ASSERT_TRUE(open.back()->ReadToy().has_value());
  }
  std::thread fifth([&] { EXPECT_TRUE(CallUnary(channel, kEcho, Saying("y")).ok()); });
  open.clear();
  fifth.join();
}

TEST(Hostile, ManyStreamsAtOnceAllEnd) {
  Door door;
  const auto channel = door.Alice();
  {
    std::vector<std::unique_ptr<RawCall>> open;
    for (int i = 0; i < 200; ++i) {
      open.push_back(std::make_unique<RawCall>(channel, kChat));
      open.back()->Write(Saying(i % 2 == 0 ? "park" : "now"));
    }
  }
  EXPECT_TRUE(door.BecomesIdle());
  EXPECT_EQ(door.server->gate().bytes_in_flight(), 0u + 6 * door.toy.parked.size());
}

}  // namespace
}  // namespace holdfast::test
