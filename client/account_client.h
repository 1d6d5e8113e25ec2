// SPDX-License-Identifier: Apache-2.0
// What a custodian reads about one person, once an order of its own has opened the account. The
// order goes the way of all orders (client/order_client.h).
//
// When to use  With a custodian's channel.
// Threads      Each call blocks until it is answered. Calls may be made concurrently.
// Ownership    Shares the channel.
// Errors       Those of the channel (client/channel.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

#include "client/channel.h"
#include "holdfast/v1/account_service.pb.h"

namespace holdfast::client {

class AccountClient final {
 public:
  explicit AccountClient(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}

  // One page of the account that the order at `ledger_index` opened.
  absl::StatusOr<v1::ReadAccountResponse> Read(std::uint64_t ledger_index,
                                               const std::string& page_token);

 private:
  std::shared_ptr<Channel> channel_;
};

}  // namespace holdfast::client
