// SPDX-License-Identifier: Apache-2.0
// What the request gate refuses of those whom it knows.
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/limits.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/daemon/rpc/door.h"
#include "tests/daemon/rpc/raw_call.h"
#include "tests/support/mutations.h"

namespace holdfast::test {
namespace {

ToyRequest Padded(std::size_t bytes) {
  ToyRequest request;
  request.set_padding(std::string(bytes, 'x'));
  return request;
}

ToyRequest Saying(const std::string& text) {
  ToyRequest request;
  request.set_text(text);
  return request;
}

bool HasRetryInfo(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return false;
  for (const auto& detail : details.details()) {
    if (detail.Is<google::rpc::RetryInfo>()) return true;
  }
  return false;
}

TEST(GateLimits, AMessageOverTheMethodsLimitIsRefusedInOurWords) {
  Door door;
  const auto channel = door.Alice();
  // 1024 bytes with tag and length.
  EXPECT_TRUE(CallUnary(channel, kEcho, Padded(1021)).ok());
  const grpc::Status status = CallUnary(channel, kEcho, Padded(1022));
  EXPECT_EQ(status.error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonIn(status), "REQUEST_TOO_LARGE");
  // Each method has its own.
  EXPECT_TRUE(CallUnary(channel, kOrder, Padded(1022)).ok());
  EXPECT_EQ(ReasonIn(CallUnary(channel, kCount, Padded(300))), "REQUEST_TOO_LARGE");
  EXPECT_EQ(ReasonIn(CallUnary(channel, kCheck, Padded(300))), "REQUEST_TOO_LARGE");
}

TEST(GateLimits, AMessageFarOverEveryLimitIsStoppedByTheTransport) {
  Door door;
  RawCall call(door.Alice(), kChat);
  call.Write(std::string(std::size_t{4} << 20, 'x'));
  EXPECT_EQ(call.Read(), std::nullopt);
  EXPECT_EQ(call.Finish().error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_EQ(door.toy.seen.size(), 0u);
  EXPECT_TRUE(door.BecomesIdle());
}

TEST(GateLimits, ALargeMessageInAStreamEndsItAfterTheAnswersThatAreOwed) {
  Door door;
  RawCall call(door.Alice(), kChat);
  ASSERT_TRUE(call.Write(Saying("park")));
  const auto parked = door.toy.parked.Take();
  ASSERT_TRUE(parked.has_value());
  call.Write(std::string(1048577, 'x'));
  ToyResponse response;
  response.set_text("late");
  parked->respond.Reply(response);
  const auto answer = call.ReadToy();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->text(), "late");
  EXPECT_EQ(call.Read(), std::nullopt);
  EXPECT_EQ(ReasonIn(call.Finish()), "REQUEST_TOO_LARGE");
}

TEST(GateLimits, WhatDoesNotParseIsRefusedAndReachesNoHandler) {
  Door door;
  const auto channel = door.Alice();
  for (const char* method : {kEcho, kCount, kChat}) {
    RawCall call(channel, method);
    call.Write(std::string("\x0a\xff\xff\xff\xff\x0f", 6));
    call.WritesDone();
    EXPECT_EQ(call.Read(), std::nullopt) << method;
    const grpc::Status status = call.Finish();
    EXPECT_EQ(status.error_code(), grpc::INVALID_ARGUMENT) << method;
    EXPECT_EQ(ReasonIn(status), "REQUEST_MALFORMED") << method;
  }
  EXPECT_EQ(door.toy.seen.size(), 0u);
}

TEST(GateLimits, EveryDamagedRequestIsAnsweredOrRefusedAndNothingElse) {
  Door door;
  const auto channel = door.Alice();
  ToyRequest request = Saying("hello");
  request.set_count(3);
  const std::string whole = request.SerializeAsString();
  for (const auto& damaged : BitFlipsAndTruncations(AsBytes(whole))) {
    RawCall call(channel, kEcho);
    call.Write(ToString(damaged.bytes));
    call.WritesDone();
    const auto answer = call.Read();
    const grpc::Status status = call.Finish();
    EXPECT_EQ(answer.has_value(), status.ok());
    EXPECT_EQ(ReasonIn(status), status.ok() ? "" : "REQUEST_MALFORMED");
  }
}

TEST(GateLimits, ASecondMessageInAUnaryCallIsRefusedBeforeTheHandlerRuns) {
  Door door;
  for (const char* method : {kEcho, kCount}) {
    RawCall call(door.Alice(), method);
    call.Write(Saying("one"));
    call.Write(Saying("two"));
    call.WritesDone();
    EXPECT_EQ(call.Read(), std::nullopt);
    EXPECT_EQ(ReasonIn(call.Finish()), "REQUEST_MALFORMED") << method;
  }
  EXPECT_EQ(door.toy.seen.size(), 0u);
}

TEST(GateLimits, AUnaryCallWithoutAMessageIsRefused) {
  Door door;
  for (const char* method : {kEcho, kCount}) {
    RawCall call(door.Alice(), method);
    call.WritesDone();
    EXPECT_EQ(call.Read(), std::nullopt);
    EXPECT_EQ(ReasonIn(call.Finish()), "REQUEST_MALFORMED") << method;
  }
}

TEST(GateLimits, AStreamWithoutAMessageEndsWell) {
  Door door;
  RawCall call(door.Alice(), kChat);
  call.WritesDone();
  EXPECT_EQ(call.Read(), std::nullopt);
  EXPECT_TRUE(call.Finish().ok());
}

TEST(GateLimits, ADeadlineThatIsTooLongOrMissingIsRefusedForUnaryCallsOnly) {
  Door door;
  const auto channel = door.Alice();
  RawCallOptions options;
  options.deadline = std::chrono::seconds(60);
  EXPECT_TRUE(CallUnary(channel, kEcho, ToyRequest(), nullptr, options).ok());
  options.deadline = std::chrono::seconds(65);
  const grpc::Status status = CallUnary(channel, kEcho, ToyRequest(), nullptr, options);
  EXPECT_EQ(status.error_code(), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonIn(status), "DEADLINE_TOO_LONG");
  options.deadline = std::nullopt;
  EXPECT_EQ(ReasonIn(CallUnary(channel, kEcho, ToyRequest(), nullptr, options)),
            "DEADLINE_TOO_LONG");
  EXPECT_TRUE(CallUnary(channel, kCount, ToyRequest(), nullptr, options).ok());
  EXPECT_TRUE(CallUnary(channel, kChat, ToyRequest(), nullptr, options).ok());
}

TEST(GateLimits, AUnaryCallPastItsDeadlineGivesItsSlotBack) {
  Door door;
  RawCallOptions options;
  options.deadline = std::chrono::seconds(1);
  EXPECT_EQ(CallUnary(door.Alice(), kEcho, Saying("park"), nullptr, options).error_code(),
            grpc::DEADLINE_EXCEEDED);
  EXPECT_TRUE(door.BecomesIdle());
  const auto parked = door.toy.parked.Take();
  ASSERT_TRUE(parked.has_value());
  EXPECT_TRUE(parked->call.ended());
  EXPECT_EQ(parked->request->text(), "park");
  parked->respond.Reply(ToyResponse());
}

TEST(GateLimits, APeerWithTooManyCallsIsRefusedAndOthersAreNot) {
  rpc::ServerOptions options;
  options.gate.load.calls_per_peer = 3;
  Door door(options);
  const std::string bob = "spiffe://test/requester/bob";
  door.authority.Grant(bob, "toy.echo");
  const auto channel = door.Alice();
  std::vector<std::unique_ptr<RawCall>> open;
  for (int i = 0; i < 3; ++i) {
    open.push_back(std::make_unique<RawCall>(channel, kChat));
    ASSERT_TRUE(open.back()->Write(Saying("x")));
    ASSERT_TRUE(open.back()->ReadToy().has_value());
  }
  const grpc::Status status = CallUnary(channel, kEcho, ToyRequest());
  EXPECT_EQ(status.error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonIn(status), "OVERLOADED");
  EXPECT_TRUE(HasRetryInfo(status));
  // The same peer on another connection is the same peer.
  EXPECT_EQ(ReasonIn(CallUnary(door.Alice(), kEcho, ToyRequest())), "OVERLOADED");
  EXPECT_TRUE(CallUnary(door.ConnectAs(bob), kEcho, ToyRequest()).ok());
  // An order finds room all the same.
  EXPECT_TRUE(CallUnary(channel, kOrder, ToyRequest()).ok());
  open.clear();
  EXPECT_TRUE(door.BecomesIdle());
  EXPECT_TRUE(CallUnary(channel, kEcho, ToyRequest()).ok());
}

TEST(GateLimits, TheDaemonTakesSoManyCallsAndNoMore) {
  rpc::ServerOptions options;
  options.gate.load.calls_total = 2;
  Door door(options);
  const std::string bob = "spiffe://test/requester/bob";
  door.authority.Grant(bob, "toy.echo");
  const auto channel = door.Alice();
  std::vector<std::unique_ptr<RawCall>> open;
  for (int i = 0; i < 2; ++i) {
    open.push_back(std::make_unique<RawCall>(channel, kChat));
    ASSERT_TRUE(open.back()->Write(Saying("x")));
    ASSERT_TRUE(open.back()->ReadToy().has_value());
  }
  EXPECT_EQ(ReasonIn(CallUnary(door.ConnectAs(bob), kEcho, ToyRequest())), "OVERLOADED");
  EXPECT_TRUE(CallUnary(channel, kOrder, ToyRequest()).ok());
}

TEST(GateLimits, BytesInFlightAreGivenBackWhenTheAnswerIsWritten) {
  rpc::ServerOptions options;
  options.gate.load.bytes_in_flight = 700'000;
  Door door(options);
  const auto channel = door.Alice();
  RawCall first(channel, kChat);
  ToyRequest large = Padded(600'000);
  large.set_text("park");
  ASSERT_TRUE(first.Write(large));
  const auto parked = door.toy.parked.Take();
  ASSERT_TRUE(parked.has_value());
  EXPECT_GE(door.server->gate().bytes_in_flight(), 600'000u);

  RawCall second(channel, kChat);
  second.Write(large);
  EXPECT_EQ(second.Read(), std::nullopt);
  EXPECT_EQ(ReasonIn(second.Finish()), "OVERLOADED");
  // An order finds room all the same, and so does what fits.
  EXPECT_TRUE(CallUnary(channel, kOrder, Padded(2000)).ok());
  EXPECT_TRUE(CallUnary(channel, kEcho, Padded(1000)).ok());

  parked->respond.Reply(ToyResponse());
  ASSERT_TRUE(first.Read().has_value());
  ASSERT_TRUE(first.Write(large));
  const auto again = door.toy.parked.Take();
  ASSERT_TRUE(again.has_value());
  again->respond.Reply(ToyResponse());
  ASSERT_TRUE(first.Read().has_value());
  first.WritesDone();
  EXPECT_TRUE(first.Finish().ok());
  EXPECT_TRUE(door.BecomesIdle());
  EXPECT_EQ(door.server->gate().bytes_in_flight(), 0u);
}

TEST(GateLimits, ACompressedMessageIsRefused) {
  Door door;
  const auto channel = door.Alice();
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    RawCallOptions options;
    options.compression = algorithm;
    ToyRequest request = Padded(900);
    const grpc::Status status = CallUnary(channel, kEcho, request, nullptr, options);
    EXPECT_EQ(status.error_code(), grpc::UNIMPLEMENTED);
  }
  EXPECT_EQ(door.toy.seen.size(), 0u);
  EXPECT_TRUE(door.BecomesIdle());
}

TEST(GateLimits, HeadersThatAreTooLargeAreRefused) {
  Door door;
  RawCallOptions options;
  options.headers = {{"holdfast-exchange", std::string(20'000, 'k')}};
  EXPECT_FALSE(CallUnary(door.Alice(), kEcho, ToyRequest(), nullptr, options).ok());
  EXPECT_EQ(door.toy.seen.size(), 0u);
}

}  // namespace
}  // namespace holdfast::test
