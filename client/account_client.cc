// SPDX-License-Identifier: Apache-2.0
#include "client/account_client.h"

#include "client/internal/connection.h"
#include "holdfast/v1/account_service.grpc.pb.h"

namespace holdfast::client {

absl::StatusOr<v1::ReadAccountResponse> AccountClient::Read(std::uint64_t ledger_index,
                                                            const std::string& page_token) {
  v1::ReadAccountRequest request;
  request.set_ledger_index(ledger_index);
  request.set_page_token(page_token);
  const auto stub = v1::AccountService::NewStub(channel_->connection().channel());
  return channel_->connection().Unary<v1::ReadAccountResponse>(
      [&](auto* context, auto* response) { return stub->ReadAccount(context, request, response); });
}

}  // namespace holdfast::client
