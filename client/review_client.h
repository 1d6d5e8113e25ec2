// SPDX-License-Identifier: Apache-2.0
// What a custodian asks about doubtful cases. What becomes of one is a signed order, which goes the
// way of all orders (client/order_client.h).
//
// When to use  With a custodian's channel.
// Threads      Each call blocks until it is answered. Calls may be made concurrently.
// Ownership    Shares the channel. A shown case is personal data: keep it no longer than needed.
// Errors       Those of the channel (client/channel.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "client/channel.h"
#include "holdfast/v1/review_service.pb.h"

namespace holdfast::client {

class ReviewClient final {
 public:
  explicit ReviewClient(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}

  // One page of the cases that wait.
  absl::StatusOr<v1::ListReviewCasesResponse> List(const v1::ListReviewCasesRequest& request);

  // Shows a case. It is in the ledger that it was shown.
  absl::StatusOr<v1::ReviewCase> Show(const std::string& transfer, std::uint32_t row);

  // Runs a row's verdict again.
  absl::StatusOr<v1::RerunVerdictResponse> Rerun(const std::string& transfer, std::uint32_t row);

 private:
  const std::shared_ptr<Channel> channel_;
};

}  // namespace holdfast::client
