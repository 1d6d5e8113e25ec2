// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/method_table.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/daemon/rpc/toy_service.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using rpc::MethodTable;
using testing::HasSubstr;
using testing::Not;

template <typename Request, typename Response>
rpc::UnaryHandler<Request, Response> Nothing() {
  return [](const Request&, const rpc::Call&, const rpc::Responder<Response>&) {};
}

TEST(MethodTable, WithEveryMethodOfItsServicesIsGood) {
  MethodTable table;
  ToyService toy;
  toy.Register(table);
  EXPECT_THAT(table.Check(), IsOk());
  EXPECT_EQ(table.ServiceNames(), std::vector<std::string>{"holdfast.test.ToyService"});
  EXPECT_EQ(table.LargestRequestBytes(), 1048576u);
}

TEST(MethodTable, NamesEachMethodThatLacksSomething) {
  MethodTable table;
  table.Unary<BareRequest, BareResponse>("/holdfast.test.BareService/Bare",
                                         Nothing<BareRequest, BareResponse>());
  const absl::Status status = table.Check();
  EXPECT_THAT(status, HasReason(Reason::kInternal));
  const std::string message(status.message());
  EXPECT_THAT(message, HasSubstr("/holdfast.test.BareService/Bare has no permission"));
  EXPECT_THAT(message, HasSubstr("/holdfast.test.BareService/Bare has no max_request_bytes"));
  EXPECT_THAT(message, HasSubstr("/holdfast.test.BareService/Barer has no handler"));
  EXPECT_THAT(message, Not(HasSubstr("/holdfast.test.BareService/Bare has no handler")));
}

TEST(MethodTable, NamesEachMethodWithoutAHandler) {
  MethodTable table;
  table.Unary<ToyRequest, ToyResponse>("/holdfast.test.ToyService/Echo",
                                       Nothing<ToyRequest, ToyResponse>());
  const absl::Status status = table.Check();
  for (const char* path : {"Order", "Count", "Chat"}) {
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("/holdfast.test.ToyService/" + std::string(path) + " has no handler"));
  }
}

TEST(MethodTable, TakesPermissionAndLimitFromTheDescriptor) {
  MethodTable table;
  ToyService toy;
  toy.Register(table);
  const rpc::Method* method = table.Find("/holdfast.test.ToyService/Count");
  ASSERT_NE(method, nullptr);
  EXPECT_EQ(method->permission, "toy.count");
  EXPECT_EQ(method->max_request_bytes, 256u);
  EXPECT_EQ(method->lane, rpc::Lane::kOrdinary);
  EXPECT_EQ(table.Find("/holdfast.test.ToyService/Order")->lane, rpc::Lane::kReserved);
  EXPECT_EQ(table.Find("/holdfast.test.ToyService/count"), nullptr);
}

using MethodTableDeathTest = testing::Test;

TEST(MethodTableDeathTest, RefusesAHandlerThatDoesNotFitTheDescriptor) {
  const auto handler = Nothing<ToyRequest, ToyResponse>();
  MethodTable table;
  EXPECT_DEATH((table.Unary<ToyRequest, ToyResponse>("/holdfast.test.ToyService/None", handler)),
               "check failed");
  EXPECT_DEATH((table.Unary<ToyRequest, ToyResponse>("/holdfast.test.ToyService/Chat", handler)),
               "check failed");
  EXPECT_DEATH((table.Unary<ToyRequest, ToyRequest>("/holdfast.test.ToyService/Echo",
                                                    Nothing<ToyRequest, ToyRequest>())),
               "check failed");
  table.Unary<ToyRequest, ToyResponse>("/holdfast.test.ToyService/Echo", handler);
  EXPECT_DEATH((table.Unary<ToyRequest, ToyResponse>("/holdfast.test.ToyService/Echo", handler)),
               "check failed");
}

}  // namespace
}  // namespace holdfast::test
