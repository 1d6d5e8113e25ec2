// SPDX-License-Identifier: Apache-2.0
//
// Calls that answer one request with a stream.
#include "base/error.h"
#include "daemon/rpc/reactors.h"

namespace holdfast::rpc::internal {
namespace {

// Lends the message's bytes to gRPC, which frees them.
grpc::ByteBuffer BufferOf(EncodedMessage message) {
  std::vector<grpc::Slice> slices;
  for (EncodedMessage::Part& part : message.TakeParts()) {
    auto* kept = new EncodedMessage::Part(std::move(part));
    slices.emplace_back(
        kept->bytes.data() + kept->from, kept->bytes.size() - kept->from,
        [](void* done) { delete static_cast<EncodedMessage::Part*>(done); }, kept);
  }
  return grpc::ByteBuffer(slices.data(), slices.size());
}

// The handler's end of a server stream. Keeps the request alive.
class StreamTicket final : public StreamSink {
 public:
  StreamTicket(std::shared_ptr<StreamingCall> call, std::shared_ptr<Pending> pending)
      : call_(std::move(call)), pending_(std::move(pending)) {}
  ~StreamTicket() override {
    call_->End(MakeError(Reason::kInternal, "the handler did not finish the stream"));
  }
  void Write(const google::protobuf::Message& message, ReplyToken token) override {
    call_->Write(message, std::move(token));
  }
  void Write(EncodedMessage message, ReplyToken token) override {
    call_->Write(std::move(message), std::move(token));
  }
  void Finish(absl::Status status) override { call_->End(std::move(status)); }

 private:
  const std::shared_ptr<StreamingCall> call_;
  const std::shared_ptr<Pending> pending_;
};

}  // namespace

void StreamingCall::Drain() { Fail(ShuttingDown()); }

void StreamingCall::Write(const google::protobuf::Message& message, ReplyToken token) {
  if (ended()) return;
  grpc::ByteBuffer bytes;
  Load::Share share;
  absl::Status status = Serialize(message, &bytes, &share);
  Send(std::move(status), std::move(bytes), std::move(share), std::move(token));
}

void StreamingCall::Write(EncodedMessage message, ReplyToken token) {
  if (ended()) return;
  grpc::ByteBuffer bytes = BufferOf(std::move(message));
  Load::Share share = CountBytes(bytes);
  Send(absl::OkStatus(), std::move(bytes), std::move(share), std::move(token));
}

void StreamingCall::Send(absl::Status status, grpc::ByteBuffer bytes, Load::Share share,
                         ReplyToken token) {
  Afterwards after;
  MutexLock lock(mutex_);
  if (!ended_ && writing_) {
    status = MakeError(Reason::kInternal, "a message before the last one was written");
    CutLocked(std::move(status), after);
  } else if (!ended_ && !status.ok()) {
    FinishLocked(std::move(status), after);
  } else if (!ended_ && !AllowedStill()) {
    FinishLocked(PermissionDenied(), after);
  } else if (!ended_) {
    WriteLocked(std::move(bytes), std::move(share), std::move(token));
    return;
  }
  after.Settle(std::move(token), Delivery::kDropped);
}

void StreamingCall::End(absl::Status status) {
  Afterwards after;
  MutexLock lock(mutex_);
  if (!ended_) FinishSoonLocked(std::move(status), after);
}

void StreamingCall::OnMessage() {
  absl::StatusOr<std::shared_ptr<Pending>> accepted = Accept(nullptr);
  Afterwards after;
  MutexLock lock(mutex_);
  if (ended_) return;
  if (!accepted.ok()) {
    FinishLocked(std::move(accepted).status(), after);
  } else if (pending_ != nullptr) {
    after.Release(*std::move(accepted));
    FinishLocked(MakeError(Reason::kRequestMalformed, "a second message in the request"), after);
  } else {
    pending_ = *std::move(accepted);
    ReadLocked();
  }
}

void StreamingCall::OnHalfClose() {
  std::shared_ptr<Pending> pending;
  {
    Afterwards after;
    MutexLock lock(mutex_);
    if (ended_) return;
    if (pending_ == nullptr) {
      FinishLocked(MakeError(Reason::kRequestMalformed, "the call has no message"), after);
      return;
    }
    pending = std::move(pending_);
  }
  const void* request = pending->request;
  method().server_stream(
      request, Call(shared_from_this()),
      std::make_shared<StreamTicket>(std::static_pointer_cast<StreamingCall>(shared_from_this()),
                                     std::move(pending)));
}

void StreamingCall::OnWritten(bool ok, Afterwards& after) {
  // The token has told the handler; the next message is up to it.
  static_cast<void>(ok);
  static_cast<void>(after);
}

void StreamingCall::DropUnsent(Afterwards& after) {
  if (pending_ != nullptr) after.Release(std::move(pending_));
}

void StreamingCall::LetGo() {}

}  // namespace holdfast::rpc::internal
