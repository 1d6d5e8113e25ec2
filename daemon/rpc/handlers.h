// SPDX-License-Identifier: Apache-2.0
// The three shapes of a handler behind the request gate: unary, server stream, bidirectional
// stream.
//
//   table.Unary<GetExchangeRequest, Exchange>("/holdfast.v1.LedgerService/GetExchange",
//       [&](const GetExchangeRequest& request, const Call& call, Responder<Exchange> respond) {
//         respond.Reply(Describe());      // now, or later from any thread
//       });
//
// When to use  To serve a method; register it in a MethodTable. Handlers never see gRPC.
// Threads      A handler runs on one of gRPC's threads and must not wait there (about 1 ms of
// work).
//              Responder and StreamWriter may be used from any thread at any time.
// Ownership    A request lives until its Responder (or StreamWriter) has given its last answer or
// its
//              last copy is gone, also if the client went away long before. A message given to
//              Reply() or Write() is serialised before the function returns, and not kept.
// Errors       Fail(status) sends status with its reason and metadata (rpc/errors.h). An answer to
// a
//              call that has ended is dropped, and its token settles as kDropped. A responder whose
//              last copy goes away unused answers INTERNAL.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"

#include "daemon/rpc/call.h"
#include "daemon/rpc/encoded_message.h"
#include "daemon/rpc/reply_token.h"
#include "google/protobuf/message.h"

namespace holdfast::rpc {

namespace internal {

// Where the answer to one request goes. The first answer counts; a second one is dropped.
class ReplySink {
 public:
  ReplySink() = default;
  ReplySink(const ReplySink&) = delete;
  ReplySink& operator=(const ReplySink&) = delete;
  virtual ~ReplySink() = default;
  virtual void Reply(const google::protobuf::Message& reply, ReplyToken token) = 0;
  virtual void Fail(absl::Status status) = 0;
};

// Where the messages of a server stream go.
class StreamSink {
 public:
  StreamSink() = default;
  StreamSink(const StreamSink&) = delete;
  StreamSink& operator=(const StreamSink&) = delete;
  virtual ~StreamSink() = default;
  virtual void Write(const google::protobuf::Message& message, ReplyToken token) = 0;
  virtual void Write(EncodedMessage message, ReplyToken token) = 0;
  virtual void Finish(absl::Status status) = 0;
};

}  // namespace internal

// Answers one request, once. Copies answer the same request.
template <typename Response>
class Responder final {
 public:
  explicit Responder(std::shared_ptr<internal::ReplySink> sink) : sink_(std::move(sink)) {}

  // Sends `reply`. `token` learns when it has left, or that it never will.
  void Reply(const Response& reply, ReplyToken token = ReplyToken()) const {
    sink_->Reply(reply, std::move(token));
  }

  // Refuses the request. In a bidirectional stream the answers to earlier requests are sent first,
  // then the stream ends with `status`: what concerns one row only belongs into the reply.
  // REQUIRES: !status.ok().
  void Fail(absl::Status status) const { sink_->Fail(std::move(status)); }

 private:
  std::shared_ptr<internal::ReplySink> sink_;
};

// Sends the messages of a server stream, one at a time.
template <typename Response>
class StreamWriter final {
 public:
  explicit StreamWriter(std::shared_ptr<internal::StreamSink> sink) : sink_(std::move(sink)) {}

  // Sends `message`. When `token` settles as kWritten the client has made room and the next message
  // may be written; when it settles as kDropped the stream is over. The caller's permission is
  // asked again; if it is gone, the stream ends with PERMISSION_DENIED and the message is dropped.
  // REQUIRES: the token of the message before has settled. (A message too early ends the stream.)
  void Write(const Response& message, ReplyToken token) const {
    sink_->Write(message, std::move(token));
  }

  // The same, of a message whose bytes exist already.
  void Write(EncodedMessage message, ReplyToken token) const {
    sink_->Write(std::move(message), std::move(token));
  }

  // Ends the stream: OK, or why it broke off. Every stream must be finished; if the last copy of
  // the writer goes away before that, the stream ends with INTERNAL.
  void Finish(absl::Status status) const { sink_->Finish(std::move(status)); }

 private:
  std::shared_ptr<internal::StreamSink> sink_;
};

template <typename Request, typename Response>
using UnaryHandler = std::function<void(const Request&, const Call&, Responder<Response>)>;

template <typename Request, typename Response>
using ServerStreamHandler =
    std::function<void(const Request&, const Call&, StreamWriter<Response>)>;

// The server's end of one bidirectional stream: one answer for each request.
//
// Up to kMaxMessagesInFlight requests of a stream may be unanswered; then nothing more is read.
// Answers leave in the order of the requests, in whatever order they are given.
template <typename Request, typename Response>
class BidiSession {
 public:
  BidiSession() = default;
  BidiSession(const BidiSession&) = delete;
  BidiSession& operator=(const BidiSession&) = delete;
  virtual ~BidiSession() = default;

  // One request. Never called twice at the same time for one stream, and in the order in which the
  // client sent; may be called while earlier ones are unanswered, and not after the stream's end
  // was noticed.
  virtual void OnRequest(const Request& request, Responder<Response> respond) = 0;
};

// Called once a stream, before its first request. The session is released when the stream has
// ended: work that may outlive the stream holds a shared_ptr of its own. Use Call::OnEnd() to learn
// of the end.
template <typename Request, typename Response>
using BidiFactory =
    std::function<std::shared_ptr<BidiSession<Request, Response>>(const Call& call)>;

}  // namespace holdfast::rpc
