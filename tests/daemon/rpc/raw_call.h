// SPDX-License-Identifier: Apache-2.0
// A client's call, byte by byte, so that a test can send what no stub would.
//
// When to use  In tests of the request gate, for every shape of call.
// Threads      One thread an object; every function waits, for kPatience at most.
// Ownership    Cancels the call when it dies.
// Errors       Write() and WritesDone() return false once the server has ended the call.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "toy.pb.h"

namespace holdfast::test {

struct RawCallOptions {
  // Unset: for ever.
  std::optional<std::chrono::seconds> deadline = std::chrono::seconds(20);
  std::vector<std::pair<std::string, std::string>> headers;
  grpc_compression_algorithm compression = GRPC_COMPRESS_NONE;
};

class RawCall final {
 public:
  RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
          const RawCallOptions& options = {});
  RawCall(const RawCall&) = delete;
  RawCall& operator=(const RawCall&) = delete;
  ~RawCall();

  bool Write(const std::string& bytes);
  bool Write(const google::protobuf::Message& message) {
    return Write(message.SerializeAsString());
  }
  bool WritesDone();
  // The next message; nullopt if there is none.
  std::optional<std::string> Read();
  std::optional<ToyResponse> ReadToy();
  // Skips the messages that are left.
  grpc::Status Finish();
  void Cancel() { context_.TryCancel(); }

 private:
  bool Wait(int tag);

  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  grpc::ByteBuffer in_;
  grpc::Status status_;
  bool finished_ = false;
};

// One message there, then no more, and the status; the first message back goes to `response`.
grpc::Status CallUnary(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                       const ToyRequest& request, ToyResponse* response = nullptr,
                       const RawCallOptions& options = {});

// The ErrorInfo.reason of `status`; empty if there is none.
std::string ReasonIn(const grpc::Status& status);

}  // namespace holdfast::test
