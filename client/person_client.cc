// SPDX-License-Identifier: Apache-2.0
#include "client/person_client.h"

#include "client/internal/connection.h"
#include "holdfast/v1/person_service.grpc.pb.h"

namespace holdfast::client {

absl::StatusOr<v1::IdentifyPersonResponse> PersonClient::Identify(
    const v1::IdentifyPersonRequest& person) {
  const auto stub = v1::PersonService::NewStub(channel_->connection().channel());
  return channel_->connection().Unary<v1::IdentifyPersonResponse>(
      [&](auto* context, auto* response) {
        return stub->IdentifyPerson(context, person, response);
      });
}

}  // namespace holdfast::client
