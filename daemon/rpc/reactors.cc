// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/reactors.h"

#include <exception>

#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/proto_buffer_writer.h"

#include "base/check.h"
#include "base/error.h"
#include "base/limits.h"
#include "daemon/observe/log.h"
#include "daemon/rpc/errors.h"

namespace holdfast::rpc::internal {
namespace {

absl::Status PermissionDenied() {
  return MakeError(Reason::kPermissionDenied, "the agreement does not let the caller do this");
}

absl::Status ShuttingDown() {
  return MakeError(Reason::kShuttingDown, "the daemon is about to stop");
}

bool IsClientsEnd(const absl::Status& status) {
  return status.code() == absl::StatusCode::kCancelled ||
         status.code() == absl::StatusCode::kDeadlineExceeded;
}

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

class Refusal final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Refusal(const absl::Status& status) { Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

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

google::protobuf::ArenaOptions Pending::Options(char* block) {
  google::protobuf::ArenaOptions options;
  options.initial_block = block;
  options.initial_block_size = kBlockBytes;
  return options;
}

// ---- CallCore

CallCore::CallCore(GateServices& gate, const Method& method, Caller caller,
                   grpc::CallbackServerContext* context, Load::Slot slot)
    : gate_(gate),
      method_(method),
      caller_(std::move(caller)),
      context_(context),
      load_(gate.load()),
      slot_(std::move(slot)) {}

void CallCore::Begin() {
  self_ = shared_from_this();
  MutexLock lock(mutex_);
  ReadLocked();
}

bool CallCore::ended() const {
  MutexLock lock(mutex_);
  return ended_;
}

void CallCore::AddEndCallback(std::function<void()> callback) {
  {
    MutexLock lock(mutex_);
    if (!ended_) {
      end_callbacks_.push_back(std::move(callback));
      return;
    }
  }
  callback();
}

void CallCore::Cut(absl::Status why) {
  Afterwards after;
  MutexLock lock(mutex_);
  CutLocked(std::move(why), after);
}

void CallCore::EndUnlessAllowed() {
  if (method_.unary == nullptr && !AllowedStill()) Fail(PermissionDenied());
}

void CallCore::Fail(absl::Status status) {
  Afterwards after;
  MutexLock lock(mutex_);
  FinishSoonLocked(std::move(status), after);
}

absl::StatusOr<std::shared_ptr<Pending>> CallCore::Accept(std::shared_ptr<Pending> spare) {
  // A stream may be open for minutes, so what the agreement says is asked for each message.
  if (!AllowedStill()) return PermissionDenied();
  const std::size_t bytes = in_.Length();
  if (bytes > method_.max_request_bytes) {
    return AddMetadata(
        MakeError(Reason::kRequestTooLarge, "the message is over the method's limit"), "max_bytes",
        std::to_string(method_.max_request_bytes));
  }
  absl::StatusOr<Load::Share> share = load_->TakeBytes(bytes, method_.lane);
  if (!share.ok()) return share.status();
  const auto pending = spare != nullptr ? std::move(spare) : std::make_shared<Pending>();
  pending->share = *std::move(share);
  grpc::ProtoBufferReader reader(&in_);
  pending->request = method_.read(reader, bytes, pending->arena);
  if (pending->request == nullptr || !reader.status().ok()) {
    return MakeError(Reason::kRequestMalformed, "the message is not of the method's type");
  }
  in_.Clear();
  return pending;
}

absl::Status CallCore::Serialize(const google::protobuf::Message& message, grpc::ByteBuffer* bytes,
                                 Load::Share* share) {
  bool owned = false;
  const grpc::Status status =
      grpc::GenericSerialize<grpc::ProtoBufferWriter, google::protobuf::Message>(message, bytes,
                                                                                 &owned);
  if (!status.ok()) return MakeError(Reason::kInternal, "a reply cannot be serialised");
  *share = CountBytes(*bytes);
  return absl::OkStatus();
}

void CallCore::RunHandler(const std::function<void()>& handler) {
  try {
    handler();
  } catch (const std::exception&) {
    observe::Error("rpc", "handler_threw", "a handler threw an exception",
                   {{"rpc", method_.path}, {"request_id", caller_.request_id}});
    Fail(MakeError(Reason::kInternal, "the handler threw"));
  }
}

void CallCore::ReadLocked() {
  reading_ = !ended_;
  if (reading_) StartRead(&in_);
}

void CallCore::WriteLocked(grpc::ByteBuffer bytes, Load::Share share, ReplyToken token) {
  HF_DCHECK(!writing_ && !ended_);
  grpc::WriteOptions options;
  if (token.pending()) {
    // Whoever asks wants to know that the kernel has it, and not that it waits in a buffer of ours.
    options.set_write_through();
    if (connection_ == nullptr) connection_ = gate_.connections().Of(context_->peer());
    if (connection_ != nullptr) begun_ = connection_->Begin();
  }
  writing_ = true;
  out_ = std::move(bytes);
  out_share_ = std::move(share);
  out_token_ = std::move(token);
  StartWrite(&out_, options);
}

void CallCore::WriteAndFinishLocked(grpc::ByteBuffer bytes, Load::Share share, Afterwards& after) {
  HF_DCHECK(!writing_ && !finished_);
  ended_ = true;
  finished_ = true;
  AddNoticesLocked();
  out_ = std::move(bytes);
  out_share_ = std::move(share);
  DropUnsent(after);
  StartWriteAndFinish(&out_, grpc::WriteOptions(), grpc::Status::OK);
}

void CallCore::FinishLocked(absl::Status status, Afterwards& after) {
  HF_DCHECK(!writing_ && !finished_);
  ended_ = true;
  finished_ = true;
  DropUnsent(after);
  AddNoticesLocked();
  Finish(IsClientsEnd(status) ? grpc::Status::CANCELLED : ToGrpcStatus(status));
  outcome_ = std::move(status);
}

void CallCore::AddNoticesLocked() {
  for (const std::string& notice : gate_.NoticesFor(caller_)) {
    context_->AddTrailingMetadata(std::string(kNoticeTrailer), notice);
  }
}

void CallCore::FinishSoonLocked(absl::Status status, Afterwards& after) {
  if (finished_ || final_.has_value()) return;
  if (!writing_) {
    FinishLocked(std::move(status), after);
    return;
  }
  ended_ = true;
  final_ = std::move(status);
  DropUnsent(after);
}

void CallCore::CutLocked(absl::Status why, Afterwards& after) {
  if (finished_) return;
  const bool writing = writing_;
  const bool with_token = out_token_.pending();
  final_.reset();
  FinishSoonLocked(std::move(why), after);
  if (!writing) return;
  // The message that waits for room at the client comes back as not written. What waits for room in
  // the network does not come back, so that way out is closed.
  context_->TryCancel();
  if (with_token && connection_ != nullptr) connection_->Abort();
}

absl::Status CallCore::EndedByClient() const {
  if (context_->deadline() <= std::chrono::system_clock::now()) {
    return absl::DeadlineExceededError("");
  }
  return absl::CancelledError("");
}

void CallCore::OnReadDone(bool ok) {
  {
    MutexLock lock(mutex_);
    if (!ok) {
      reading_ = false;
      half_closed_ = true;
    }
    if (ended_) return;
  }
  if (ok) {
    RunHandler([this] { OnMessage(); });
  } else if (!ClientIsGone()) {
    RunHandler([this] { OnHalfClose(); });
  }
}

void CallCore::OnWriteDone(bool ok) {
  Afterwards after;
  MutexLock lock(mutex_);
  writing_ = false;
  if (out_token_.pending() && connection_ != nullptr) {
    if (ok) {
      connection_->Written(begun_);
    } else {
      connection_->Dropped();
    }
  }
  after.Settle(std::move(out_token_), ok ? Delivery::kWritten : Delivery::kDropped);
  out_.Clear();
  out_share_ = Load::Share();
  if (finished_) return;
  if (final_.has_value()) {
    FinishLocked(*std::move(final_), after);
  } else if (!ok || ended_) {
    FinishLocked(EndedByClient(), after);
  } else {
    OnWritten(ok, after);
  }
}

void CallCore::OnCancel() {
  {
    Afterwards after;
    MutexLock lock(mutex_);
    ended_ = true;
    DropUnsent(after);
    if (!writing_ && !finished_) {
      FinishLocked(final_.has_value() ? *std::move(final_) : EndedByClient(), after);
    }
  }
  RunEndCallbacks();
}

void CallCore::OnDone() {
  const std::shared_ptr<CallCore> self = std::move(self_);
  absl::Status outcome;
  {
    Afterwards after;
    MutexLock lock(mutex_);
    done_ = true;
    ended_ = true;
    DropUnsent(after);
    out_.Clear();
    out_share_ = Load::Share();
    outcome = outcome_;
    // The last step of a call that went well is not reported otherwise.
    if (outcome.ok() && ClientIsGone()) outcome = EndedByClient();
  }
  RunEndCallbacks();
  LetGo();
  { const Load::Slot given_back = std::move(slot_); }
  gate_.OnCallDone(this, outcome);
}

void CallCore::RunEndCallbacks() {
  std::vector<std::function<void()>> callbacks;
  {
    MutexLock lock(mutex_);
    callbacks.swap(end_callbacks_);
  }
  for (const auto& callback : callbacks) callback();
}

// ---- AnsweringCall

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

// ---- StreamingCall

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

// ---- making one

std::shared_ptr<CallCore> MakeCall(GateServices& gate, const Method& method, Caller caller,
                                   grpc::CallbackServerContext* context, Load::Slot slot) {
  if (method.server_stream != nullptr) {
    return std::make_shared<StreamingCall>(gate, method, std::move(caller), context,
                                           std::move(slot));
  }
  return std::make_shared<AnsweringCall>(gate, method, std::move(caller), context, std::move(slot));
}

grpc::ServerGenericBidiReactor* MakeRefusal(const absl::Status& status) {
  return new Refusal(status);
}

}  // namespace holdfast::rpc::internal
