// SPDX-License-Identifier: Apache-2.0
// gRPC, as this library uses it: a channel, contexts with deadlines, errors with reasons, retries.
//
// When to use  In the .cc files of client/ alone; no header outside of internal/ includes gRPC.
// Threads      May be used concurrently.
// Ownership    A Connection outlives the calls that it made contexts for.
// Errors       ToStatus() translates; nothing else fails.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/grpcpp.h"

#include "client/channel.h"

namespace holdfast::client::internal {

// Returns the error that the gateway, or gRPC, reported.
absl::Status ToStatus(const grpc::Status& status);

// Whether the same call may be made again now, because the failure is one that passes.
bool MayPass(const absl::Status& status);

// How long the gateway asks one to wait; zero if it does not say.
std::chrono::milliseconds RetryDelayOf(const absl::Status& status);

// Waits between two tries: longer each time, up to a total.
class Backoff final {
 public:
  // Borrows the options.
  explicit Backoff(const ChannelOptions& options) : options_(options), left_(options.retry_for) {}

  // Waits and returns true, or returns false at once if `error` does not pass or the total is used.
  bool WaitAfter(const absl::Status& error);

  // After progress the patience starts over.
  void Reset();

 private:
  const ChannelOptions& options_;
  std::chrono::milliseconds left_;
  std::chrono::milliseconds next_{50};
};

class Connection final {
 public:
  Connection(ChannelOptions options, std::shared_ptr<grpc::Channel> channel)
      : options_(std::move(options)), channel_(std::move(channel)) {}

  const ChannelOptions& options() const { return options_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // A context for a unary call.
  std::unique_ptr<grpc::ClientContext> UnaryContext() const;

  // A context for a stream, which has no deadline: progress is watched instead.
  std::unique_ptr<grpc::ClientContext> StreamContext() const;

  // Makes a unary call, again and again while its failures are of the kind that passes. All unary
  // calls of the API are safe to make twice.
  template <typename Response, typename Call>
  absl::StatusOr<Response> Unary(const Call& call) const {
    Backoff backoff(options_);
    for (;;) {
      Response response;
      const auto context = UnaryContext();
      const absl::Status status = ToStatus(call(context.get(), &response));
      if (status.ok()) return response;
      if (!backoff.WaitAfter(status)) return status;
    }
  }

 private:
  const ChannelOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace holdfast::client::internal
