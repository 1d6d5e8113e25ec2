// SPDX-License-Identifier: Apache-2.0
// What a call is made of once the request gate has let it in: one reactor for each shape.
//
// When to use  Inside rpc/ only: by the request gate (to make one) and by Call (to look at it).
// Threads      gRPC's reactions and the handlers' answers come from any thread; every change of
//              state is made under the call's one mutex. gRPC is called under it too, which is
//              safe: it never runs a reaction inside of such a call. Handlers, tokens and callbacks
//              run without it.
// Ownership    A CallCore owns itself from Begin() until gRPC's OnDone(); Call, responders and
//              writers hold further references, and find a dead call afterwards.
// Errors       None. Whatever goes wrong ends the call with a status.
//
// Invariants
//   (1) Finish() is called once, and never while a write is outstanding.
//   (2) Once ended_ is true no further message is started.
//   (3) After done_ is true neither gRPC's reactor nor its context is touched.
//   (4) Every token settles exactly once, outside of the mutex.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/support/byte_buffer.h"

#include "base/mutex.h"
#include "daemon/rpc/call.h"
#include "daemon/rpc/connections.h"
#include "daemon/rpc/handlers.h"
#include "daemon/rpc/limits.h"
#include "daemon/rpc/method_table.h"
#include "google/protobuf/arena.h"

namespace holdfast::rpc::internal {

// Who called, read once from the certificate and the request's headers.
struct Caller {
  std::string method;  // The path, which outlives the method table.
  std::string peer;
  std::string member;
  std::string exchange;
  std::uint64_t request_id = 0;
  std::map<std::string, std::string, std::less<>> headers;
};

// What ends a call of somebody who lost the permission meanwhile, and of a daemon that stops.
absl::Status PermissionDenied();
absl::Status ShuttingDown();

class CallCore;

// What every call needs from the gate. Outlives every call.
class GateServices {
 public:
  GateServices() = default;
  GateServices(const GateServices&) = delete;
  GateServices& operator=(const GateServices&) = delete;
  virtual ~GateServices() = default;

  virtual bool Allows(const Caller& caller, const Method& method) const = 0;
  virtual std::vector<std::string> NoticesFor(const Caller& caller) const = 0;
  virtual std::shared_ptr<Load> load() = 0;
  virtual Connections& connections() = 0;
  // The call's end, for logs and metrics. `status` is what the client should have seen.
  virtual void OnCallDone(CallCore* core, const absl::Status& status) = 0;
};

// A request and its way through the handler.
struct Pending {
  enum class State { kWaiting, kAnswered, kFailed };

  Pending() : arena(Options(block.data())) {}
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  static google::protobuf::ArenaOptions Options(char* block);

  // Enough for most requests, so that a stream that reuses it allocates nothing for a message.
  static constexpr std::size_t kBlockBytes = std::size_t{4} << 10;
  std::vector<char> block = std::vector<char>(kBlockBytes);
  google::protobuf::Arena arena;
  const void* request = nullptr;  // As the method reads it, in the arena.
  Load::Share share;

  State state = State::kWaiting;
  grpc::ByteBuffer reply;
  Load::Share reply_share;
  ReplyToken token;
  absl::Status failure;
};

// What has to happen once the mutex is free again. Declared before the lock, so destroyed after it.
class Afterwards {
 public:
  Afterwards() = default;
  Afterwards(const Afterwards&) = delete;
  Afterwards& operator=(const Afterwards&) = delete;
  ~Afterwards() {
    for (auto& entry : tokens_) entry.first.Settle(entry.second);
  }
  void Settle(ReplyToken token, Delivery delivery) {
    if (token.pending()) tokens_.emplace_back(std::move(token), delivery);
  }
  void Release(std::shared_ptr<Pending> pending) { released_.push_back(std::move(pending)); }

 private:
  std::vector<std::pair<ReplyToken, Delivery>> tokens_;
  std::vector<std::shared_ptr<Pending>> released_;
};

// The part that all shapes share: reading, one write at a time, and the end.
class CallCore : public grpc::ServerGenericBidiReactor,
                 public std::enable_shared_from_this<CallCore> {
 public:
  CallCore(GateServices& gate, const Method& method, Caller caller,
           grpc::CallbackServerContext* context, Load::Slot slot);
  CallCore(const CallCore&) = delete;
  CallCore& operator=(const CallCore&) = delete;

  // Takes the reference that OnDone() gives back, and starts to read.
  void Begin();

  const Caller& caller() const { return caller_; }
  const Method& method() const { return method_; }
  std::chrono::steady_clock::time_point started() const { return started_; }

  bool ended() const;
  void AddEndCallback(std::function<void()> callback);
  void Cut(absl::Status why);
  Connections& connections() const { return gate_.connections(); }
  // The daemon stops: ends a stream as soon as no answer is owed. A unary call goes on.
  virtual void Drain() = 0;
  // Ends a stream whose caller may not use it any more. A unary call goes on.
  void EndUnlessAllowed();

 protected:
  // Reactions of the shapes, called under the mutex or without it as said.
  virtual void OnMessage() = 0;    // Without. Accept() takes the message.
  virtual void OnHalfClose() = 0;  // Without.
  virtual void OnWritten(bool ok, Afterwards& after) HF_REQUIRES(mutex_) = 0;
  virtual void DropUnsent(Afterwards& after) HF_REQUIRES(mutex_) = 0;
  // The last reaction: lets go of what might refer back to the call. Without.
  virtual void LetGo() = 0;

  // Checks what arrived in in_ and parses it. Errors: what the call must end with.
  absl::StatusOr<std::shared_ptr<Pending>> Accept(std::shared_ptr<Pending> spare);
  void ReadLocked() HF_REQUIRES(mutex_);
  void WriteLocked(grpc::ByteBuffer bytes, Load::Share share, ReplyToken token) HF_REQUIRES(mutex_);
  // The last message and OK in one step. No token: gRPC does not say what became of the message.
  void WriteAndFinishLocked(grpc::ByteBuffer bytes, Load::Share share, Afterwards& after)
      HF_REQUIRES(mutex_);
  void FinishLocked(absl::Status status, Afterwards& after) HF_REQUIRES(mutex_);
  // FinishLocked() now, or when the write that is under way is over.
  void FinishSoonLocked(absl::Status status, Afterwards& after) HF_REQUIRES(mutex_);
  // The same, but takes the write back that is under way.
  void CutLocked(absl::Status why, Afterwards& after) HF_REQUIRES(mutex_);
  void Fail(absl::Status status);
  bool AllowedStill() const { return gate_.Allows(caller_, method_); }
  // Runs code of a handler, which may throw what a library of its throws; that fails the call.
  void RunHandler(const std::function<void()>& handler);
  // Errors: kInternal, if `message` is too large for protobuf.
  absl::Status Serialize(const google::protobuf::Message& message, grpc::ByteBuffer* bytes,
                         Load::Share* share);
  Load::Share CountBytes(const grpc::ByteBuffer& bytes) const {
    return load_->CountBytes(bytes.Length());
  }
  bool ClientIsGone() const { return context_->IsCancelled(); }

  mutable Mutex mutex_;
  // True while a read is outstanding or its message is being handled: one at a time.
  bool reading_ HF_GUARDED_BY(mutex_) = false;
  bool half_closed_ HF_GUARDED_BY(mutex_) = false;
  bool writing_ HF_GUARDED_BY(mutex_) = false;
  bool ended_ HF_GUARDED_BY(mutex_) = false;
  bool finished_ HF_GUARDED_BY(mutex_) = false;
  bool done_ HF_GUARDED_BY(mutex_) = false;

  GateServices& gate_;

 private:
  void OnReadDone(bool ok) final;
  void OnWriteDone(bool ok) final;
  void OnCancel() final;
  void OnDone() final;
  void RunEndCallbacks();
  // Tells the caller of holds that touch it. Before the call's last step.
  void AddNoticesLocked() HF_REQUIRES(mutex_);
  absl::Status EndedByClient() const;

  const Method& method_;
  const Caller caller_;
  grpc::CallbackServerContext* const context_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  const std::shared_ptr<Load> load_;
  Load::Slot slot_;
  std::shared_ptr<CallCore> self_;
  grpc::ByteBuffer in_;  // Owned by the read, and by whoever handles what it brought.

  grpc::ByteBuffer out_ HF_GUARDED_BY(mutex_);
  Load::Share out_share_ HF_GUARDED_BY(mutex_);
  ReplyToken out_token_ HF_GUARDED_BY(mutex_);
  // Of the first message with a token on; null if there was none.
  std::shared_ptr<Connection> connection_ HF_GUARDED_BY(mutex_);
  std::uint64_t begun_ HF_GUARDED_BY(mutex_) = 0;  // See Connection::Begin().
  std::optional<absl::Status> final_ HF_GUARDED_BY(mutex_);
  absl::Status outcome_ HF_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> end_callbacks_ HF_GUARDED_BY(mutex_);
};

// Unary calls and bidirectional streams: answers in the order of the requests.
class AnsweringCall final : public CallCore {
 public:
  using CallCore::CallCore;

  void Drain() override;
  void Answer(const std::shared_ptr<Pending>& pending, const google::protobuf::Message& reply,
              ReplyToken token);
  void Refuse(const std::shared_ptr<Pending>& pending, absl::Status status);

 private:
  void OnMessage() override;
  void OnHalfClose() override;
  void OnWritten(bool ok, Afterwards& after) override HF_REQUIRES(mutex_);
  void DropUnsent(Afterwards& after) override HF_REQUIRES(mutex_);
  void LetGo() override;
  void OnUnaryMessage(std::shared_ptr<Pending> pending);
  void OnStreamMessage(std::shared_ptr<Pending> pending);
  void PumpLocked(Afterwards& after) HF_REQUIRES(mutex_);
  void ReadMoreLocked() HF_REQUIRES(mutex_);

  std::deque<std::shared_ptr<Pending>> queue_ HF_GUARDED_BY(mutex_);
  std::size_t queued_bytes_ HF_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<Pending> spare_ HF_GUARDED_BY(mutex_);
  bool draining_ HF_GUARDED_BY(mutex_) = false;
  // A request in the queue was refused, so nothing more is read.
  bool doomed_ HF_GUARDED_BY(mutex_) = false;
  std::unique_ptr<AnySession> session_;  // Touched by the reader only, and by LetGo().
};

// Server streams: one request, then the handler writes.
class StreamingCall final : public CallCore {
 public:
  using CallCore::CallCore;

  void Drain() override;
  void Write(const google::protobuf::Message& message, ReplyToken token);
  void Write(EncodedMessage message, ReplyToken token);
  void End(absl::Status status);

 private:
  // Sends `bytes`, or ends the stream with the error.
  void Send(absl::Status status, grpc::ByteBuffer bytes, Load::Share share, ReplyToken token);
  void OnMessage() override;
  void OnHalfClose() override;
  void OnWritten(bool ok, Afterwards& after) override HF_REQUIRES(mutex_);
  void DropUnsent(Afterwards& after) override HF_REQUIRES(mutex_);
  void LetGo() override;

  std::shared_ptr<Pending> pending_ HF_GUARDED_BY(mutex_);
};

// Makes the reactor for `method`'s shape; Begin() is still to be called.
std::shared_ptr<CallCore> MakeCall(GateServices& gate, const Method& method, Caller caller,
                                   grpc::CallbackServerContext* context, Load::Slot slot);

// Refuses a call: one Finish, nothing is read.
grpc::ServerGenericBidiReactor* MakeRefusal(const absl::Status& status);

}  // namespace holdfast::rpc::internal
