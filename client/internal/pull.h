// SPDX-License-Identifier: Apache-2.0
// A stream of messages from the gateway, which is opened again where it broke off.
//
// When to use  For FetchSubjects, CollectEnvelopes and ReadEntries.
// Threads      Blocks; `take` is called on the same thread.
// Ownership    Borrows everything for the call.
// Errors       The first error of `take`, or of the stream that does not pass.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"

#include "client/internal/connection.h"

namespace holdfast::client::internal {

enum class Pulled { kMore = 0, kEnough };

// `open` begins where the last message that `take` took ended: the caller keeps that position.
template <typename Response>
absl::Status Pull(
    const Connection& connection,
    const std::function<std::unique_ptr<grpc::ClientReader<Response>>(grpc::ClientContext*)>& open,
    const std::function<absl::StatusOr<Pulled>(Response&)>& take) {
  Backoff backoff(connection.options());
  for (;;) {
    const std::unique_ptr<grpc::ClientContext> context = connection.StreamContext();
    const auto stream = open(context.get());
    Response response;
    bool progressed = false;
    while (stream->Read(&response)) {
      const absl::StatusOr<Pulled> taken = take(response);
      if (!taken.ok() || *taken == Pulled::kEnough) {
        context->TryCancel();
        (void)stream->Finish();
        return taken.status();
      }
      progressed = true;
    }
    const absl::Status status = ToStatus(stream->Finish());
    if (status.ok()) return status;
    if (progressed) backoff.Reset();
    if (!backoff.WaitAfter(status)) return status;
  }
}

}  // namespace holdfast::client::internal
