// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/stream_transfer.h"

#include <future>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"

#include "base/error.h"
#include "daemon/exchange/executor.h"
#include "holdfast/v1/transfer_service.pb.h"
#include "tests/support/status_matchers.h"

namespace holdfast::rpc {
namespace {

using test::HasReason;
using Response = v1::SubmitSubjectsResponse;

// Keeps what became of one request.
class Sink final : public internal::ReplySink {
 public:
  void Reply(const google::protobuf::Message&, ReplyToken) override {
    outcome_.set_value(absl::OkStatus());
  }
  void Fail(absl::Status status) override { outcome_.set_value(std::move(status)); }
  absl::Status outcome() { return outcome_.get_future().get(); }

 private:
  std::promise<absl::Status> outcome_;
};

// Would wait for ever if one were prepared after the other.
TEST(PrepareBesideTest, ChunksOfOneStreamArePreparedSideBySide) {
  exchange::Executor executor(2);
  std::promise<void> second_runs;
  const auto first = std::make_shared<Sink>();
  const auto second = std::make_shared<Sink>();
  const Responder<Response> answer_first(first);
  const Responder<Response> answer_second(second);
  PrepareBeside<Response>(executor, answer_first, [&] {
    second_runs.get_future().wait();
    answer_first.Reply(Response());
  });
  PrepareBeside<Response>(executor, answer_second, [&] {
    second_runs.set_value();
    answer_second.Reply(Response());
  });
  EXPECT_TRUE(first->outcome().ok());
  EXPECT_TRUE(second->outcome().ok());
}

TEST(PrepareBesideTest, WhatThrowsFailsItsRequestAndNoOther) {
  exchange::Executor executor(1);
  const auto first = std::make_shared<Sink>();
  const auto second = std::make_shared<Sink>();
  PrepareBeside<Response>(executor, Responder<Response>(first),
                          [] { throw std::runtime_error("what nobody may see"); });
  const Responder<Response> answer(second);
  PrepareBeside<Response>(executor, answer, [&] { answer.Reply(Response()); });
  const absl::Status failed = first->outcome();
  EXPECT_THAT(failed, HasReason(Reason::kInternal));
  EXPECT_EQ(failed.message().find("nobody"), std::string_view::npos);
  EXPECT_TRUE(second->outcome().ok());
}

}  // namespace
}  // namespace holdfast::rpc
