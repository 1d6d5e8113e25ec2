// SPDX-License-Identifier: Apache-2.0
// What counsel and custodians ask and deliver: previews, lists, and signed orders.
//
// When to use  With a member's channel. An order is drafted and signed elsewhere: anybody may carry
//              one.
// Threads      Each call blocks until it is answered. Calls may be made concurrently.
// Ownership    Shares the channel.
// Errors       Those of the channel (client/channel.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "client/channel.h"
#include "holdfast/v1/disposal_service.pb.h"
#include "holdfast/v1/drill_service.pb.h"
#include "holdfast/v1/hold_service.pb.h"

namespace holdfast::client {

enum class LiftedHolds { kLeaveOut = 0, kInclude };

// Whether a stream that is watched goes on.
enum class Watching { kStop = 0, kGoOn };

class OrderClient final {
 public:
  explicit OrderClient(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}

  // Has a drill decided, and nothing done. Errors: those with which the order would be refused.
  absl::StatusOr<v1::RehearseOrderResponse> Rehearse(ByteSpan drill_dsse);

  // What goes into the next order of `person`.
  absl::StatusOr<v1::OrderContext> Context(const std::string& person);

  // Delivers an order. The same again gets its receipt again.
  absl::StatusOr<v1::SubmitOrderResponse> Submit(ByteSpan order_dsse);

  absl::StatusOr<v1::PreviewHoldResponse> PreviewHold(const v1::Scope& scope);
  absl::StatusOr<std::vector<v1::Hold>> ListHolds(LiftedHolds lifted);

  // One hold with its history. Errors: kNotFound.
  absl::StatusOr<v1::Hold> GetHold(const std::string& id);

  // Those in force of which an acknowledgement or a document is overdue.
  absl::StatusOr<std::vector<v1::Hold>> ListOverdueHolds();

  // Gives `take` the notices that nobody has acknowledged, and again whenever there are others,
  // until it has enough. Goes on after a break.
  absl::Status WatchNotices(const std::function<Watching(const v1::WatchNoticesResponse&)>& take);

  absl::StatusOr<std::vector<v1::Conflict>> ListConflicts();
  absl::StatusOr<v1::PreviewDisposalResponse> PreviewDisposal(const v1::Scope& scope);
  absl::StatusOr<std::vector<v1::Disposal>> ListDisposals();

 private:
  const std::shared_ptr<Channel> channel_;
};

}  // namespace holdfast::client
