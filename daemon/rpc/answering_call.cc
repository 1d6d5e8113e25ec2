// SPDX-License-Identifier: Apache-2.0
//
// Calls and streams that answer each request once.
#include "base/check.h"
#include "base/error.h"
#include "base/limits.h"
#include "daemon/rpc/reactors.h"

namespace holdfast::rpc::internal {
namespace {

// The handler's end of one request. Its destructor notices a handler that forgot to answer.
class Ticket final : public ReplySink {
 public:
  Ticket(std::shared_ptr<AnsweringCall> call, std::shared_ptr<Pending> pending)
      : call_(std::move(call)), pending_(std::move(pending)) {}
  ~Ticket() override {
    call_->Refuse(pending_, MakeError(Reason::kInternal, "the handler gave no answer"));
  }
  void Reply(const google::protobuf::Message& reply, ReplyToken token) override {
    call_->Answer(pending_, reply, std::move(token));
  }
  void Fail(absl::Status status) override { call_->Refuse(pending_, std::move(status)); }

 private:
  const std::shared_ptr<AnsweringCall> call_;
  const std::shared_ptr<Pending> pending_;
};

}  // namespace

void AnsweringCall::Drain() {
  if (method().bidi == nullptr) return;
  Afterwards after;
  MutexLock lock(mutex_);
  draining_ = true;
  PumpLocked(after);
}

void AnsweringCall::Answer(const std::shared_ptr<Pending>& pending,
                           const google::protobuf::Message& reply, ReplyToken token) {
  if (ended()) return;
  grpc::ByteBuffer bytes;
  Load::Share share;
  absl::Status status = Serialize(reply, &bytes, &share);
  if (!status.ok()) {
    Refuse(pending, std::move(status));
    return;
  }
  Afterwards after;
  MutexLock lock(mutex_);
  if (ended_ || pending->state != Pending::State::kWaiting) {
    after.Settle(std::move(token), Delivery::kDropped);
    return;
  }
  pending->state = Pending::State::kAnswered;
  pending->reply = std::move(bytes);
  pending->reply_share = std::move(share);
  pending->token = std::move(token);
  PumpLocked(after);
}

void AnsweringCall::Refuse(const std::shared_ptr<Pending>& pending, absl::Status status) {
  HF_CHECK(!status.ok());
  Afterwards after;
  MutexLock lock(mutex_);
  if (ended_ || pending->state != Pending::State::kWaiting) return;
  pending->state = Pending::State::kFailed;
  pending->failure = std::move(status);
  doomed_ = true;
  PumpLocked(after);
}

void AnsweringCall::OnMessage() {
  std::shared_ptr<Pending> spare;
  {
    MutexLock lock(mutex_);
    spare = std::move(spare_);
  }
  absl::StatusOr<std::shared_ptr<Pending>> accepted = Accept(std::move(spare));
  std::shared_ptr<Pending> pending;
  if (accepted.ok()) {
    pending = *std::move(accepted);
  } else {
    pending = std::make_shared<Pending>();
    pending->state = Pending::State::kFailed;
    pending->failure = std::move(accepted).status();
  }
  if (method().bidi == nullptr) {
    OnUnaryMessage(std::move(pending));
  } else {
    OnStreamMessage(std::move(pending));
  }
}

void AnsweringCall::OnUnaryMessage(std::shared_ptr<Pending> pending) {
  Afterwards after;
  MutexLock lock(mutex_);
  if (ended_) return;
  if (!queue_.empty()) {
    FinishLocked(MakeError(Reason::kRequestMalformed, "a second message in a unary call"), after);
    return;
  }
  queue_.push_back(std::move(pending));
  PumpLocked(after);
  // The handler starts when it is certain that there is no second message.
  ReadLocked();
}

void AnsweringCall::OnStreamMessage(std::shared_ptr<Pending> pending) {
  {
    Afterwards after;
    MutexLock lock(mutex_);
    if (ended_) return;
    queued_bytes_ += pending->share.bytes();
    queue_.push_back(pending);
    if (pending->state == Pending::State::kFailed) {
      // Answers to earlier requests go first. Nothing more is read.
      doomed_ = true;
      PumpLocked(after);
      return;
    }
  }
  if (session_ == nullptr) session_ = method().bidi(Call(shared_from_this()));
  const void* request = pending->request;
  session_->OnRequest(
      request, std::make_shared<Ticket>(std::static_pointer_cast<AnsweringCall>(shared_from_this()),
                                        std::move(pending)));
  MutexLock lock(mutex_);
  reading_ = false;
  ReadMoreLocked();
}

void AnsweringCall::OnHalfClose() {
  std::shared_ptr<Pending> pending;
  {
    Afterwards after;
    MutexLock lock(mutex_);
    if (ended_) return;
    if (method().bidi != nullptr) {
      PumpLocked(after);
      return;
    }
    if (queue_.empty()) {
      FinishLocked(MakeError(Reason::kRequestMalformed, "the call has no message"), after);
      return;
    }
    pending = queue_.front();
  }
  const void* request = pending->request;
  method().unary(
      request, Call(shared_from_this()),
      std::make_shared<Ticket>(std::static_pointer_cast<AnsweringCall>(shared_from_this()),
                               std::move(pending)));
}

void AnsweringCall::PumpLocked(Afterwards& after) {
  if (writing_ || ended_) return;
  const bool unary = method().bidi == nullptr;
  if (queue_.empty()) {
    if (draining_) {
      FinishLocked(ShuttingDown(), after);
    } else if (half_closed_ && !unary) {
      FinishLocked(absl::OkStatus(), after);
    }
    return;
  }
  Pending& front = *queue_.front();
  switch (front.state) {
    case Pending::State::kWaiting:
      return;
    case Pending::State::kFailed:
      FinishLocked(std::move(front.failure), after);
      return;
    case Pending::State::kAnswered:
      if (unary && !front.token.pending()) {
        WriteAndFinishLocked(std::move(front.reply), std::move(front.reply_share), after);
      } else {
        WriteLocked(std::move(front.reply), std::move(front.reply_share), std::move(front.token));
      }
      return;
  }
}

void AnsweringCall::OnWritten(bool ok, Afterwards& after) {
  HF_DCHECK(ok);
  if (method().bidi == nullptr) {
    FinishLocked(absl::OkStatus(), after);
    return;
  }
  std::shared_ptr<Pending> front = std::move(queue_.front());
  queue_.pop_front();
  queued_bytes_ -= front->share.bytes();
  front->share = Load::Share();
  // If a responder still refers to the request it is left alone; whoever drops it last frees it.
  if (spare_ == nullptr && front.use_count() == 1) {
    front->arena.Reset();
    front->request = nullptr;
    front->state = Pending::State::kWaiting;
    spare_ = std::move(front);
  } else {
    after.Release(std::move(front));
  }
  PumpLocked(after);
  ReadMoreLocked();
}

void AnsweringCall::ReadMoreLocked() {
  if (ended_ || reading_ || half_closed_ || doomed_ || draining_) return;
  if (queue_.size() >= kMaxMessagesInFlight || queued_bytes_ >= kMaxStreamBytesInFlight) return;
  ReadLocked();
}

void AnsweringCall::DropUnsent(Afterwards& after) {
  for (auto& pending : queue_) {
    after.Settle(std::move(pending->token), Delivery::kDropped);
    after.Release(std::move(pending));
  }
  queue_.clear();
  queued_bytes_ = 0;
}

void AnsweringCall::LetGo() { session_.reset(); }

}  // namespace holdfast::rpc::internal
