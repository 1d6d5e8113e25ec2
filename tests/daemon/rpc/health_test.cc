// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/health.h"

#include "grpc/health/v1/health.pb.h"
#include "gtest/gtest.h"

#include "tests/daemon/rpc/door.h"
#include "tests/daemon/rpc/raw_call.h"

namespace holdfast::test {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

HealthCheckRequest About(const std::string& service) {
  HealthCheckRequest request;
  request.set_service(service);
  return request;
}

HealthCheckResponse::ServingStatus Next(RawCall& call) {
  HealthCheckResponse response;
  const auto bytes = call.Read();
  if (!bytes.has_value() || !response.ParseFromString(*bytes)) {
    return HealthCheckResponse::UNKNOWN;
  }
  return response.status();
}

HealthCheckResponse::ServingStatus Check(Door& door, const std::string& service) {
  RawCall call(door.Alice(), kCheck);
  call.Write(About(service));
  call.WritesDone();
  return Next(call);
}

TEST(Health, SaysNoUntilItIsToldOtherwise) {
  Door door;
  EXPECT_EQ(Check(door, ""), HealthCheckResponse::NOT_SERVING);
  door.health.SetAll(rpc::Serving::kYes);
  EXPECT_EQ(Check(door, ""), HealthCheckResponse::SERVING);
  EXPECT_EQ(Check(door, "holdfast.test.ToyService"), HealthCheckResponse::SERVING);
  door.health.Set("holdfast.test.ToyService", rpc::Serving::kNo);
  EXPECT_EQ(Check(door, "holdfast.test.ToyService"), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check(door, "grpc.health.v1.Health"), HealthCheckResponse::SERVING);
}

TEST(Health, DoesNotKnowOtherServices) {
  Door door;
  RawCall call(door.Alice(), kCheck);
  call.Write(About("holdfast.v1.Nothing"));
  call.WritesDone();
  EXPECT_EQ(ReasonIn(call.Finish()), "NOT_FOUND");
  // The protocol keeps a watch open: the service may yet come.
  RawCall watch(door.Alice(), kWatch);
  watch.Write(About("holdfast.v1.Nothing"));
  watch.WritesDone();
  EXPECT_EQ(Next(watch), HealthCheckResponse::SERVICE_UNKNOWN);
}

TEST(Health, TellsEveryWatcherOfEveryChange) {
  Door door;
  RawCall first(door.Alice(), kWatch);
  RawCall second(door.Alice(), kWatch);
  for (RawCall* watch : {&first, &second}) {
    watch->Write(About(""));
    watch->WritesDone();
    EXPECT_EQ(Next(*watch), HealthCheckResponse::NOT_SERVING);
  }
  door.health.SetAll(rpc::Serving::kYes);
  EXPECT_EQ(Next(first), HealthCheckResponse::SERVING);
  EXPECT_EQ(Next(second), HealthCheckResponse::SERVING);
  // What does not change is not told.
  door.health.SetAll(rpc::Serving::kYes);
  door.health.Set("", rpc::Serving::kNo);
  // Both have been told before it changes again: who is slow is told of what is, not of what was.
  EXPECT_EQ(Next(first), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Next(second), HealthCheckResponse::NOT_SERVING);
  first.Cancel();
  door.health.Set("", rpc::Serving::kYes);
  EXPECT_EQ(Next(second), HealthCheckResponse::SERVING);
}

TEST(Health, IsForThoseWhoMayAskOnly) {
  Door door;
  RawCall call(door.ConnectAs("spiffe://test/operator/none"), kCheck);
  call.Write(About(""));
  call.WritesDone();
  EXPECT_EQ(ReasonIn(call.Finish()), "PERMISSION_DENIED");
}

}  // namespace
}  // namespace holdfast::test
