// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/errors.h"

#include <optional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace holdfast::test {
namespace {

using rpc::ToGrpcStatus;

template <typename Detail>
std::optional<Detail> DetailOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), static_cast<int>(status.error_code()));
  EXPECT_EQ(details.message(), status.error_message());
  std::optional<Detail> found;
  for (const auto& any : details.details()) {
    Detail detail;
    if (!any.UnpackTo(&detail)) continue;
    EXPECT_FALSE(found.has_value());
    found = detail;
  }
  return found;
}

TEST(ToGrpcStatus, OfOkIsOkWithoutDetails) {
  const grpc::Status status = ToGrpcStatus(absl::OkStatus());
  EXPECT_TRUE(status.ok());
  EXPECT_TRUE(status.error_details().empty());
}

TEST(ToGrpcStatus, OfEveryReasonHasItsCodeAndItsName) {
  for (const Reason reason : AllReasons()) {
    const grpc::Status status = ToGrpcStatus(MakeError(reason, "what went wrong"));
    EXPECT_EQ(static_cast<int>(status.error_code()), static_cast<int>(ReasonCode(reason)));
    const auto info = DetailOf<google::rpc::ErrorInfo>(status);
    ASSERT_TRUE(info.has_value()) << ReasonName(reason);
    EXPECT_EQ(info->domain(), "holdfast.dev");
    EXPECT_EQ(info->reason(), ReasonName(reason));
    EXPECT_EQ(status.error_message(),
              reason == Reason::kInternal ? "internal error" : "what went wrong");
  }
}

TEST(ToGrpcStatus, TellsWhenToTryAgainExactlyWhereWaitingHelps) {
  for (const Reason reason : AllReasons()) {
    const grpc::Status status = ToGrpcStatus(MakeError(reason, "x"));
    const bool helps =
        reason == Reason::kOverloaded || ReasonCode(reason) == absl::StatusCode::kUnavailable;
    const auto retry = DetailOf<google::rpc::RetryInfo>(status);
    EXPECT_EQ(retry.has_value(), helps) << ReasonName(reason);
    if (retry.has_value()) {
      EXPECT_GT(retry->retry_delay().seconds() * 1'000'000'000 + retry->retry_delay().nanos(), 0);
    }
  }
}

TEST(ToGrpcStatus, CarriesMetadata) {
  const auto info = DetailOf<google::rpc::ErrorInfo>(ToGrpcStatus(
      AddMetadata(AddMetadata(MakeError(Reason::kHeld, "held"), "matter", "m-1"), "row", "7")));
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->metadata().size(), 2u);
  EXPECT_EQ(info->metadata().at("matter"), "m-1");
  EXPECT_EQ(info->metadata().at("row"), "7");
}

TEST(ToGrpcStatus, HidesWhatWasNotMeantForAPeer) {
  const absl::Status foreign = absl::NotFoundError("/secret/path");
  const absl::Status bug = AddMetadata(MakeError(Reason::kInternal, "/secret/path"), "a", "b");
  for (const absl::Status& error : {foreign, bug}) {
    const grpc::Status status = ToGrpcStatus(error);
    EXPECT_EQ(status.error_code(), grpc::INTERNAL);
    EXPECT_EQ(status.error_message(), "internal error");
    const auto info = DetailOf<google::rpc::ErrorInfo>(status);
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->reason(), "INTERNAL");
    EXPECT_TRUE(info->metadata().empty());
  }
}

TEST(ToGrpcStatus, FitsIntoTheTrailersOfAClientWithDefaults) {
  absl::Status error = MakeError(Reason::kOrderRejected, std::string(100'000, 'm'));
  for (int i = 0; i < 50; ++i) {
    error = AddMetadata(std::move(error), "key" + std::to_string(i), std::string(100'000, 'v'));
  }
  const grpc::Status status = ToGrpcStatus(error);
  EXPECT_EQ(status.error_message().size(), 512u);
  // 8 KiB for all trailers; base64 makes four bytes of three.
  EXPECT_LT(status.error_message().size() + status.error_details().size() * 4 / 3, 6000u);
}

}  // namespace
}  // namespace holdfast::test
