// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/reactors.h"

#include <exception>

#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/proto_buffer_writer.h"

#include "base/check.h"
#include "base/error.h"
#include "daemon/observe/log.h"
#include "daemon/rpc/errors.h"

namespace holdfast::rpc::internal {
namespace {

bool IsClientsEnd(const absl::Status& status) {
  return status.code() == absl::StatusCode::kCancelled ||
         status.code() == absl::StatusCode::kDeadlineExceeded;
}

class Refusal final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Refusal(const absl::Status& status) { Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

absl::Status PermissionDenied() {
  return MakeError(Reason::kPermissionDenied, "the agreement does not let the caller do this");
}

absl::Status ShuttingDown() {
  return MakeError(Reason::kShuttingDown, "the daemon is about to stop");
}

google::protobuf::ArenaOptions Pending::Options(char* block) {
  google::protobuf::ArenaOptions options;
  options.initial_block = block;
  options.initial_block_size = kBlockBytes;
  return options;
}

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
