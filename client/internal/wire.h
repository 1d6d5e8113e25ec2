// SPDX-License-Identifier: Apache-2.0
// Requests that are bytes already, on streams whose answers are messages.
//
// When to use  In internal/pump.h and what uses it: a request may be sent again, and is made into
//              bytes once.
// Threads      As gRPC's streams: one thread writes, another may read.
// Ownership    Lend() shares the bytes with gRPC until it has sent them.
// Errors       None.
#pragma once

#include <memory>
#include <string>

#include "grpcpp/grpcpp.h"
#include "grpcpp/impl/rpc_method.h"
#include "grpcpp/support/sync_stream.h"

#include "client/internal/connection.h"
#include "google/protobuf/message_lite.h"

namespace holdfast::client::internal {

template <typename Response>
using ByteStream = grpc::ClientReaderWriter<grpc::ByteBuffer, Response>;

// Opens the stream of `service`'s `method`: what the generated stub does, with requests as bytes.
template <typename Service, typename Response>
std::unique_ptr<ByteStream<Response>> OpenByteStream(const Connection& connection,
                                                     const std::string& method,
                                                     grpc::ClientContext* context) {
  const std::string path = std::string("/") + Service::service_full_name() + "/" + method;
  const std::shared_ptr<grpc::ChannelInterface> channel = connection.channel();
  const grpc::internal::RpcMethod rpc(path.c_str(), grpc::internal::RpcMethod::BIDI_STREAMING,
                                      channel);
  return std::unique_ptr<ByteStream<Response>>(
      grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, Response>::Create(channel.get(),
                                                                                    rpc, context));
}

// The bytes themselves, without a copy. gRPC does not change them.
grpc::ByteBuffer Lend(std::shared_ptr<std::string> bytes);

// The message's bytes.
grpc::ByteBuffer Encode(const google::protobuf::MessageLite& message);

}  // namespace holdfast::client::internal
