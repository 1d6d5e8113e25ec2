// SPDX-License-Identifier: Apache-2.0
#include "client/review_client.h"

#include "client/internal/connection.h"
#include "holdfast/v1/review_service.grpc.pb.h"

namespace holdfast::client {

absl::StatusOr<v1::ListReviewCasesResponse> ReviewClient::List(
    const v1::ListReviewCasesRequest& request) {
  const auto stub = v1::ReviewService::NewStub(channel_->connection().channel());
  return channel_->connection().Unary<v1::ListReviewCasesResponse>(
      [&](auto* context, auto* response) {
        return stub->ListReviewCases(context, request, response);
      });
}

absl::StatusOr<v1::ReviewCase> ReviewClient::Show(const std::string& transfer, std::uint32_t row) {
  v1::ShowReviewCaseRequest request;
  request.set_transfer(transfer);
  request.set_row(row);
  const auto stub = v1::ReviewService::NewStub(channel_->connection().channel());
  return channel_->connection().Unary<v1::ReviewCase>([&](auto* context, auto* response) {
    return stub->ShowReviewCase(context, request, response);
  });
}

absl::StatusOr<v1::RerunVerdictResponse> ReviewClient::Rerun(const std::string& transfer,
                                                             std::uint32_t row) {
  v1::RerunVerdictRequest request;
  request.set_transfer(transfer);
  request.set_row(row);
  const auto stub = v1::ReviewService::NewStub(channel_->connection().channel());
  return channel_->connection().Unary<v1::RerunVerdictResponse>([&](auto* context, auto* response) {
    return stub->RerunVerdict(context, request, response);
  });
}

}  // namespace holdfast::client
