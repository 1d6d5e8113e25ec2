// SPDX-License-Identifier: Apache-2.0
#include "client/internal/wire.h"

#include <utility>

namespace holdfast::client::internal {

grpc::ByteBuffer Lend(std::shared_ptr<std::string> bytes) {
  using Kept = std::shared_ptr<std::string>;
  auto* kept = new Kept(std::move(bytes));
  const grpc::Slice slice((*kept)->data(), (*kept)->size(),
                          [](void* done) { delete static_cast<Kept*>(done); }, kept);
  return grpc::ByteBuffer(&slice, 1);
}

grpc::ByteBuffer Encode(const google::protobuf::MessageLite& message) {
  return Lend(std::make_shared<std::string>(message.SerializeAsString()));
}

}  // namespace holdfast::client::internal
