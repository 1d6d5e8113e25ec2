// SPDX-License-Identifier: Apache-2.0
#include "tests/daemon/rpc/raw_call.h"

#include <cstdint>

#include "base/check.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/daemon/rpc/toy_service.h"

namespace holdfast::test {
namespace {

constexpr int kStart = 1;
constexpr int kWrite = 2;
constexpr int kWritesDone = 3;
constexpr int kRead = 4;
constexpr int kFinish = 5;

void* Tag(int tag) { return reinterpret_cast<void*>(static_cast<std::intptr_t>(tag)); }

}  // namespace

RawCall::RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                 const RawCallOptions& options) {
  if (options.deadline.has_value()) {
    context_.set_deadline(std::chrono::system_clock::now() + *options.deadline);
  }
  for (const auto& [name, value] : options.headers) context_.AddMetadata(name, value);
  context_.set_compression_algorithm(options.compression);
  stream_ = grpc::GenericStub(channel).PrepareCall(&context_, method, &queue_);
  stream_->StartCall(Tag(kStart));
  Wait(kStart);
}

RawCall::~RawCall() {
  context_.TryCancel();
  if (!finished_) Finish();
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

bool RawCall::Wait(int tag) {
  void* done = nullptr;
  bool ok = false;
  do {
    const auto next = queue_.AsyncNext(&done, &ok, std::chrono::system_clock::now() + kPatience);
    // A second operation of the same kind would now be misuse: nothing can go on.
    HF_CHECK(next == grpc::CompletionQueue::GOT_EVENT);
  } while (done != Tag(tag));
  return ok;
}

bool RawCall::Write(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer buffer(&slice, 1);
  stream_->Write(buffer, Tag(kWrite));
  return Wait(kWrite);
}

bool RawCall::WritesDone() {
  stream_->WritesDone(Tag(kWritesDone));
  return Wait(kWritesDone);
}

std::optional<std::string> RawCall::Read() {
  stream_->Read(&in_, Tag(kRead));
  if (!Wait(kRead)) return std::nullopt;
  std::vector<grpc::Slice> slices;
  HF_CHECK(in_.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

std::optional<ToyResponse> RawCall::ReadToy() {
  const auto bytes = Read();
  ToyResponse response;
  if (!bytes.has_value() || !response.ParseFromString(*bytes)) return std::nullopt;
  return response;
}

grpc::Status RawCall::Finish() {
  if (!finished_) {
    finished_ = true;
    // The status comes after the messages.
    while (Read().has_value()) {
    }
    stream_->Finish(&status_, Tag(kFinish));
    HF_CHECK(Wait(kFinish));
  }
  return status_;
}

grpc::Status CallUnary(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                       const ToyRequest& request, ToyResponse* response,
                       const RawCallOptions& options) {
  RawCall call(channel, method, options);
  call.Write(request);
  call.WritesDone();
  const auto answer = call.ReadToy();
  if (answer.has_value() && response != nullptr) *response = *answer;
  return call.Finish();
}

std::string ReasonIn(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return {};
  for (const auto& detail : details.details()) {
    google::rpc::ErrorInfo info;
    if (detail.UnpackTo(&info) && info.domain() == "holdfast.dev") return info.reason();
  }
  return {};
}

}  // namespace holdfast::test
