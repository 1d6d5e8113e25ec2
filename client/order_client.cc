// SPDX-License-Identifier: Apache-2.0
#include "client/order_client.h"

#include "base/status_macros.h"
#include "client/internal/connection.h"
#include "client/internal/pull.h"
#include "holdfast/v1/disposal_service.grpc.pb.h"
#include "holdfast/v1/drill_service.grpc.pb.h"
#include "holdfast/v1/hold_service.grpc.pb.h"

namespace holdfast::client {

absl::StatusOr<v1::OrderContext> OrderClient::Context(const std::string& person) {
  v1::GetOrderContextRequest request;
  request.set_person(person);
  const auto stub = v1::OrderService::NewStub(channel_->connection().channel());
  return channel_->connection().Unary<v1::OrderContext>([&](auto* context, auto* response) {
    return stub->GetOrderContext(context, request, response);
  });
}

absl::StatusOr<v1::SubmitOrderResponse> OrderClient::Submit(ByteSpan order_dsse) {
  v1::SubmitOrderRequest request;
  request.set_order_dsse(ToString(order_dsse));
  const auto stub = v1::OrderService::NewStub(channel_->connection().channel());
  return channel_->connection().Unary<v1::SubmitOrderResponse>(
      [&](auto* context, auto* response) { return stub->SubmitOrder(context, request, response); });
}

absl::StatusOr<v1::RehearseOrderResponse> OrderClient::Rehearse(ByteSpan drill_dsse) {
  v1::RehearseOrderRequest request;
  request.set_drill_dsse(ToString(drill_dsse));
  const auto stub = v1::DrillService::NewStub(channel_->connection().channel());
  return channel_->connection().Unary<v1::RehearseOrderResponse>(
      [&](auto* context, auto* response) {
        return stub->RehearseOrder(context, request, response);
      });
}

absl::StatusOr<v1::PreviewHoldResponse> OrderClient::PreviewHold(const v1::Scope& scope) {
  v1::PreviewHoldRequest request;
  *request.mutable_scope() = scope;
  const auto stub = v1::HoldService::NewStub(channel_->connection().channel());
  return channel_->connection().Unary<v1::PreviewHoldResponse>(
      [&](auto* context, auto* response) { return stub->PreviewHold(context, request, response); });
}

absl::StatusOr<std::vector<v1::Hold>> OrderClient::ListHolds(LiftedHolds lifted) {
  v1::ListHoldsRequest request;
  request.set_include_lifted(lifted == LiftedHolds::kInclude);
  const auto stub = v1::HoldService::NewStub(channel_->connection().channel());
  HF_ASSIGN_OR_RETURN(
      const v1::ListHoldsResponse response,
      channel_->connection().Unary<v1::ListHoldsResponse>(
          [&](auto* context, auto* answer) { return stub->ListHolds(context, request, answer); }));
  return std::vector<v1::Hold>(response.holds().begin(), response.holds().end());
}

absl::StatusOr<v1::Hold> OrderClient::GetHold(const std::string& id) {
  v1::GetHoldRequest request;
  request.set_id(id);
  const auto stub = v1::HoldService::NewStub(channel_->connection().channel());
  return channel_->connection().Unary<v1::Hold>(
      [&](auto* context, auto* response) { return stub->GetHold(context, request, response); });
}

absl::StatusOr<std::vector<v1::Hold>> OrderClient::ListOverdueHolds() {
  v1::ListHoldsRequest request;
  request.set_overdue(true);
  const auto stub = v1::HoldService::NewStub(channel_->connection().channel());
  HF_ASSIGN_OR_RETURN(
      const v1::ListHoldsResponse response,
      channel_->connection().Unary<v1::ListHoldsResponse>(
          [&](auto* context, auto* answer) { return stub->ListHolds(context, request, answer); }));
  return std::vector<v1::Hold>(response.holds().begin(), response.holds().end());
}

absl::Status OrderClient::WatchNotices(
    const std::function<Watching(const v1::WatchNoticesResponse&)>& take) {
  const v1::WatchNoticesRequest request;
  const auto stub = v1::HoldService::NewStub(channel_->connection().channel());
  return internal::Pull<v1::WatchNoticesResponse>(
      channel_->connection(),
      [&](grpc::ClientContext* context) { return stub->WatchNotices(context, request); },
      [&](v1::WatchNoticesResponse& now) -> absl::StatusOr<internal::Pulled> {
        return take(now) == Watching::kGoOn ? internal::Pulled::kMore : internal::Pulled::kEnough;
      });
}

absl::StatusOr<std::vector<v1::Conflict>> OrderClient::ListConflicts() {
  const v1::ListConflictsRequest request;
  const auto stub = v1::DisposalService::NewStub(channel_->connection().channel());
  HF_ASSIGN_OR_RETURN(
      const v1::ListConflictsResponse response,
      channel_->connection().Unary<v1::ListConflictsResponse>([&](auto* context, auto* answer) {
        return stub->ListConflicts(context, request, answer);
      }));
  return std::vector<v1::Conflict>(response.conflicts().begin(), response.conflicts().end());
}

absl::StatusOr<v1::PreviewDisposalResponse> OrderClient::PreviewDisposal(const v1::Scope& scope) {
  v1::PreviewDisposalRequest request;
  *request.mutable_scope() = scope;
  const auto stub = v1::DisposalService::NewStub(channel_->connection().channel());
  return channel_->connection().Unary<v1::PreviewDisposalResponse>(
      [&](auto* context, auto* response) {
        return stub->PreviewDisposal(context, request, response);
      });
}

absl::StatusOr<std::vector<v1::Disposal>> OrderClient::ListDisposals() {
  const v1::ListDisposalsRequest request;
  const auto stub = v1::DisposalService::NewStub(channel_->connection().channel());
  HF_ASSIGN_OR_RETURN(
      const v1::ListDisposalsResponse response,
      channel_->connection().Unary<v1::ListDisposalsResponse>([&](auto* context, auto* answer) {
        return stub->ListDisposals(context, request, answer);
      }));
  return std::vector<v1::Disposal>(response.disposals().begin(), response.disposals().end());
}

}  // namespace holdfast::client
