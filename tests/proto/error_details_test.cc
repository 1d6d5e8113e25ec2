// SPDX-License-Identifier: Apache-2.0
// The bytes of google.rpc's error details, written out by hand: what other people's clients read.
#include <string>

#include "gtest/gtest.h"

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace holdfast::test {
namespace {

// A field of wire type 2.
std::string Field(int number, const std::string& value) {
  return std::string(1, static_cast<char>(number << 3 | 2)) +
         std::string(1, static_cast<char>(value.size())) + value;
}

TEST(ErrorDetails, ErrorInfoHasTheWireFormThatClientsKnow) {
  google::rpc::ErrorInfo info;
  info.set_reason("HELD");
  info.set_domain("holdfast.dev");
  (*info.mutable_metadata())["matter"] = "m-1";
  EXPECT_EQ(info.SerializeAsString(), Field(1, "HELD") + Field(2, "holdfast.dev") +
                                          Field(3, Field(1, "matter") + Field(2, "m-1")));
  EXPECT_EQ(info.GetDescriptor()->full_name(), "google.rpc.ErrorInfo");
}

TEST(ErrorDetails, RetryInfoHasTheWireFormThatClientsKnow) {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(1);
  retry.mutable_retry_delay()->set_nanos(2);
  EXPECT_EQ(retry.SerializeAsString(), Field(1, std::string("\x08\x01\x10\x02", 4)));
  EXPECT_EQ(retry.GetDescriptor()->full_name(), "google.rpc.RetryInfo");
}

TEST(ErrorDetails, StatusHasTheWireFormThatClientsKnow) {
  google::rpc::ErrorInfo info;
  info.set_reason("HELD");
  google::rpc::Status status;
  status.set_code(9);
  status.set_message("held");
  status.add_details()->PackFrom(info);
  EXPECT_EQ(status.SerializeAsString(),
            std::string("\x08\x09", 2) + Field(2, "held") +
                Field(3, Field(1, "type.googleapis.com/google.rpc.ErrorInfo") +
                             Field(2, Field(1, "HELD"))));
}

}  // namespace
}  // namespace holdfast::test
