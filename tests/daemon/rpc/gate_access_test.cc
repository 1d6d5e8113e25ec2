// SPDX-License-Identifier: Apache-2.0
// Who gets past the request gate.
#include <array>
#include <map>

#include "gmock/gmock.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"

#include "daemon/rpc/server.h"
#include "tests/daemon/rpc/door.h"
#include "tests/daemon/rpc/raw_call.h"

namespace holdfast::test {
namespace {

using testing::HasSubstr;

constexpr std::array kMethods = {kEcho, kOrder, kCount, kChat, kCheck, kWatch};

std::string PermissionOf(const std::string& method) {
  static const std::map<std::string, std::string> permissions = {
      {kEcho, "toy.echo"}, {kOrder, "toy.order"},    {kCount, "toy.count"},
      {kChat, "toy.chat"}, {kCheck, "health.check"}, {kWatch, "health.check"}};
  return permissions.at(method);
}

// How a call of `method` ends that is let in: OK, or open until it is cancelled.
grpc::Status Outcome(const std::shared_ptr<grpc::Channel>& channel, const std::string& method) {
  RawCall call(channel, method);
  call.Write(std::string());
  call.WritesDone();
  if (method == kWatch && call.Read().has_value()) {
    return grpc::Status::OK;
  }
  while (call.Read().has_value()) {
  }
  return call.Finish();
}

TEST(GateAccess, EachRoleMayCallExactlyTheMethodsOfItsPermissions) {
  Door door;
  const std::map<std::string, std::set<std::string>> roles = {
      {"spiffe://test/requester/ann", {"toy.echo", "toy.chat"}},
      {"spiffe://test/source/bob", {"toy.count"}},
      {"spiffe://test/counsel/cas", {"toy.order"}},
      {"spiffe://test/operator/dan", {"health.check"}},
      {"spiffe://test/auditor/eve", {}},
  };
  for (const auto& [id, permissions] : roles) {
    for (const auto& permission : permissions) door.authority.Grant(id, permission);
  }
  for (const auto& [id, permissions] : roles) {
    const auto channel = door.ConnectAs(id);
    for (const char* method : kMethods) {
      const grpc::Status status = Outcome(channel, method);
      const bool allowed = permissions.contains(PermissionOf(method));
      if (allowed) {
        EXPECT_TRUE(status.ok()) << id << " " << method << " " << status.error_message();
      } else {
        EXPECT_EQ(status.error_code(), grpc::PERMISSION_DENIED) << id << " " << method;
        EXPECT_EQ(ReasonIn(status), "PERMISSION_DENIED") << id << " " << method;
      }
    }
  }
  EXPECT_EQ(door.toy.seen.size(), 4u);  // What was refused reached no handler.
}

TEST(GateAccess, AStrangerOfTheSameAuthorityMayDoNothing) {
  Door door;
  const auto channel = door.ConnectAs("spiffe://test/requester/stranger");
  for (const char* method : kMethods) {
    EXPECT_EQ(ReasonIn(Outcome(channel, method)), "PERMISSION_DENIED") << method;
  }
  EXPECT_EQ(door.toy.seen.size(), 0u);
}

TEST(GateAccess, ACertificateWithTwoRolesIsNobody) {
  Door door;
  door.authority.Grant("spiffe://test/counsel/alice", "toy.echo");
  CertificateSpec spec;
  spec.uris = {kAlice, "spiffe://test/counsel/alice"};
  const auto channel = door.Connect(door.pki.Issue(spec));
  for (const char* method : kMethods) {
    const grpc::Status status = Outcome(channel, method);
    EXPECT_EQ(status.error_code(), grpc::UNAUTHENTICATED) << method;
    EXPECT_EQ(ReasonIn(status), "IDENTITY_UNKNOWN") << method;
  }
}

TEST(GateAccess, ACertificateWithoutASpiffeIdentityIsNobody) {
  Door door;
  CertificateSpec dns;
  dns.dns_names = {"alice.example"};
  CertificateSpec https;
  https.uris = {"https://test/requester/alice"};
  for (const CertificateSpec& spec : {CertificateSpec(), dns, https}) {
    EXPECT_EQ(ReasonIn(Outcome(door.Connect(door.pki.Issue(spec)), kEcho)), "IDENTITY_UNKNOWN");
  }
}

TEST(GateAccess, WithoutACertificateThereIsNoConnection) {
  Door door;
  const auto channel = door.ConnectAsNobody();
  for (const char* method : kMethods) {
    EXPECT_EQ(Outcome(channel, method).error_code(), grpc::UNAVAILABLE) << method;
  }
}

TEST(GateAccess, ACertificateOfAnotherAuthorityMakesNoConnection) {
  Door door;
  TestAuthority foreign("foreign authority");
  EXPECT_EQ(Outcome(door.Connect(foreign.IssueClient(kAlice)), kEcho).error_code(),
            grpc::UNAVAILABLE);
}

TEST(GateAccess, AnExpiredCertificateMakesNoConnection) {
  Door door;
  CertificateSpec spec;
  spec.uris = {kAlice};
  spec.valid_from = std::chrono::hours(-2);
  spec.valid_until = std::chrono::hours(-1);
  EXPECT_EQ(Outcome(door.Connect(door.pki.Issue(spec)), kEcho).error_code(), grpc::UNAVAILABLE);
}

TEST(GateAccess, AMethodThatDoesNotExistIsRefusedInOurWords) {
  Door door;
  const auto channel = door.Alice();
  for (const char* method :
       {"/holdfast.test.ToyService/Nothing", "/holdfast.test.BareService/Bare", "/x", "/",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/holdfast.test.ToyService/Echo/", "//holdfast.test.ToyService/Echo"}) {
    const grpc::Status status = Outcome(channel, method);
    EXPECT_EQ(status.error_code(), grpc::UNIMPLEMENTED) << method;
    EXPECT_EQ(ReasonIn(status), "METHOD_UNKNOWN") << method;
  }
  EXPECT_THAT(door.metrics.Text(), HasSubstr("method=\"unknown\""));
  EXPECT_THAT(door.metrics.Text(), testing::Not(HasSubstr("Reflection")));
}

TEST(GateAccess, TheExchangeThatTheCallerNamesIsAskedAbout) {
  Door door;
  const auto channel = door.Alice();
  RawCallOptions options;
  options.headers = {{"holdfast-exchange", "known"}};
  EXPECT_TRUE(CallUnary(channel, kEcho, ToyRequest(), nullptr, options).ok());
  options.headers = {{"holdfast-exchange", "other"}};
  EXPECT_EQ(ReasonIn(CallUnary(channel, kEcho, ToyRequest(), nullptr, options)),
            "EXCHANGE_NOT_FOUND");
  // Whoever has no permission anywhere learns nothing.
  EXPECT_EQ(ReasonIn(CallUnary(door.ConnectAs("spiffe://test/requester/nobody"), kEcho,
                               ToyRequest(), nullptr, options)),
            "PERMISSION_DENIED");
  // Whoever reads the other one would decide for another exchange.
  options.headers = {{"holdfast-exchange", "known"}, {"holdfast-exchange", "other"}};
  EXPECT_EQ(ReasonIn(CallUnary(channel, kEcho, ToyRequest(), nullptr, options)),
            "REQUEST_MALFORMED");
}

TEST(GateAccess, AHandlerSeesWhoCalls) {
  Door door;
  RawCallOptions options;
  options.headers = {{"holdfast-exchange", "known"}, {"holdfast-head", "12"}, {"other", "x"}};
  RawCall call(door.Alice(), kEcho, options);
  ToyRequest request;
  request.set_text("park");
  ASSERT_TRUE(call.Write(request));
  ASSERT_TRUE(call.WritesDone());
  const auto parked = door.toy.parked.Take();
  ASSERT_TRUE(parked.has_value());
  EXPECT_EQ(parked->call.peer(), kAlice);
  EXPECT_EQ(parked->call.member(), "alice");
  EXPECT_EQ(parked->call.exchange(), "known");
  EXPECT_EQ(parked->call.method(), kEcho);
  EXPECT_EQ(parked->call.Header("holdfast-head"), "12");
  EXPECT_EQ(parked->call.Header("other"), std::nullopt);
  EXPECT_FALSE(parked->call.ended());
  parked->respond.Reply(ToyResponse());
  EXPECT_TRUE(call.Finish().ok());
}

TEST(GateAccess, APermissionThatIsWithdrawnEndsAStreamAtItsNextMessage) {
  Door door;
  RawCall call(door.Alice(), kChat);
  ToyRequest request;
  request.set_text("one");
  ASSERT_TRUE(call.Write(request));
  ASSERT_TRUE(call.ReadToy().has_value());
  door.authority.Revoke(kAlice, "toy.chat");
  call.Write(request);
  EXPECT_EQ(call.Read(), std::nullopt);
  EXPECT_EQ(ReasonIn(call.Finish()), "PERMISSION_DENIED");
  EXPECT_EQ(door.toy.seen.size(), 1u);
}

TEST(GateAccess, APermissionThatIsWithdrawnEndsAServerStreamAtItsNextMessage) {
  Door door;
  RawCall call(door.Alice(), kCount);
  ToyRequest request;
  request.set_text("park");
  ASSERT_TRUE(call.Write(request));
  ASSERT_TRUE(call.WritesDone());
  const auto stream = door.toy.streams.Take();
  ASSERT_TRUE(stream.has_value());
  Inbox<rpc::Delivery> told;
  const auto token = [&] {
    return rpc::ReplyToken([&](rpc::Delivery delivery) { told.Put(delivery); });
  };
  stream->writer.Write(ToyResponse(), token());
  EXPECT_EQ(told.Take(), rpc::Delivery::kWritten);
  EXPECT_TRUE(call.Read().has_value());
  door.authority.Revoke(kAlice, "toy.count");
  stream->writer.Write(ToyResponse(), token());
  EXPECT_EQ(told.Take(), rpc::Delivery::kDropped);
  EXPECT_EQ(call.Read(), std::nullopt);
  EXPECT_EQ(ReasonIn(call.Finish()), "PERMISSION_DENIED");
}

TEST(GateAccess, StreamsOnWhichNothingHappensEndWhenTheGateIsTold) {
  Door door;
  const std::string bob = "spiffe://test/requester/bob";
  door.authority.Grant(bob, "toy.chat");
  const auto alice = door.Alice();
  ToyRequest park;
  park.set_text("park");
  RawCall watch(alice, kCount);
  ASSERT_TRUE(watch.Write(park));
  ASSERT_TRUE(watch.WritesDone());
  const auto stream = door.toy.streams.Take();
  ASSERT_TRUE(stream.has_value());
  const auto chat = [](RawCall& call) {
    ToyRequest request;
    request.set_text("one");
    return call.Write(request) && call.ReadToy().has_value();
  };
  RawCall hers(alice, kChat);
  RawCall his(door.ConnectAs(bob), kChat);
  ASSERT_TRUE(chat(hers));
  ASSERT_TRUE(chat(his));
  RawCall order(alice, kOrder);
  ASSERT_TRUE(order.Write(park));
  ASSERT_TRUE(order.WritesDone());
  const auto parked = door.toy.parked.Take();
  ASSERT_TRUE(parked.has_value());

  // Nobody lost anything yet: nothing ends.
  door.server->EndStreamsOfOthers();
  EXPECT_TRUE(chat(hers));
  for (const char* permission : {"toy.count", "toy.chat", "toy.order"}) {
    door.authority.Revoke(kAlice, permission);
  }
  door.server->EndStreamsOfOthers();
  EXPECT_EQ(ReasonIn(watch.Finish()), "PERMISSION_DENIED");
  EXPECT_EQ(ReasonIn(hers.Finish()), "PERMISSION_DENIED");
  EXPECT_TRUE(stream->call.ended());
  // Another's goes on; and whoever struck themselves off still hears that it was done.
  EXPECT_TRUE(chat(his));
  parked->respond.Reply(ToyResponse());
  EXPECT_TRUE(order.Finish().ok());
}

}  // namespace
}  // namespace holdfast::test
