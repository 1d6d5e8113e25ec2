// SPDX-License-Identifier: Apache-2.0
// People by who they are: what the ledger calls them.
//
// When to use  With a counsel's or custodian's channel.
// Threads      Each call blocks until it is answered. Calls may be made concurrently.
// Ownership    Shares the channel. An identity is personal data: keep it no longer than needed.
// Errors       Those of the channel (client/channel.h).
#pragma once

#include <memory>
#include <utility>

#include "absl/status/statusor.h"

#include "client/channel.h"
#include "holdfast/v1/person_service.pb.h"

namespace holdfast::client {

class PersonClient final {
 public:
  explicit PersonClient(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}

  // The person's pseudonyms. It is in the ledger that they were asked for.
  absl::StatusOr<v1::IdentifyPersonResponse> Identify(const v1::IdentifyPersonRequest& person);

 private:
  const std::shared_ptr<Channel> channel_;
};

}  // namespace holdfast::client
