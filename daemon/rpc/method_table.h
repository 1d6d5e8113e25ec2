// SPDX-License-Identifier: Apache-2.0
// Every method that the daemon serves, with its permission, its limits and its handler.
//
// When to use  Each service registers its handlers here at start; the table then goes to the
// Server.
//              There is no other way to be called.
// Threads      Registration by one thread. Immutable once the server has it: Find() is then called
//              concurrently.
// Ownership    Owns the handlers, and so whatever they own. What they borrow must outlive the
// server. Errors       A registration that contradicts the service's descriptor is our bug:
// HF_CHECK. Check()
//              names what is missing, with kInternal.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "daemon/rpc/handlers.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/zero_copy_stream.h"

namespace holdfast::rpc {

// Which share of slots and bytes a method draws on. Orders are never refused because releases have
// used everything up: a hold must find room.
enum class Lane {
  kOrdinary = 0,
  kReserved,
};

namespace internal {

class AnySession {
 public:
  AnySession() = default;
  AnySession(const AnySession&) = delete;
  AnySession& operator=(const AnySession&) = delete;
  virtual ~AnySession() = default;
  // REQUIRES: the request is what the method's ReadRequest returned.
  virtual void OnRequest(const void* request, std::shared_ptr<ReplySink> sink) = 0;
};

// Reads a request of `bytes` bytes into `arena`. nullptr if it is none of the method's type.
using ReadRequest = const void* (*)(google::protobuf::io::ZeroCopyInputStream& in,
                                    std::size_t bytes, google::protobuf::Arena& arena);

// A request may also be a view that is read from the bytes of its Request::Message.
template <typename Request>
concept RequestView = requires(std::string_view bytes, google::protobuf::Arena& arena) {
  typename Request::Message;
  { Request::Read(bytes, arena) } -> std::same_as<const Request*>;
};

// The message that a request's type is, or views.
template <typename Request>
struct MessageOf {
  using Type = Request;
};
template <RequestView Request>
struct MessageOf<Request> {
  using Type = typename Request::Message;
};

// The `bytes` bytes that `in` has, in the arena.
std::string_view ReadAll(google::protobuf::io::ZeroCopyInputStream& in, std::size_t bytes,
                         google::protobuf::Arena& arena);

template <typename Request>
const void* Read(google::protobuf::io::ZeroCopyInputStream& in, std::size_t bytes,
                 google::protobuf::Arena& arena) {
  if constexpr (RequestView<Request>) {
    return Request::Read(ReadAll(in, bytes, arena), arena);
  } else {
    auto* message = google::protobuf::Arena::CreateMessage<Request>(&arena);
    return message->ParseFromZeroCopyStream(&in) ? message : nullptr;
  }
}

using AnyUnary = std::function<void(const void*, const Call&, std::shared_ptr<ReplySink>)>;
using AnyServerStream = std::function<void(const void*, const Call&, std::shared_ptr<StreamSink>)>;
using AnyBidi = std::function<std::unique_ptr<AnySession>(const Call&)>;

}  // namespace internal

// One method. Exactly one of the three handlers is set.
struct Method {
  std::string path;  // "/holdfast.v1.KeyService/ReleaseKeys"
  const google::protobuf::MethodDescriptor* descriptor = nullptr;
  internal::ReadRequest read = nullptr;
  std::string permission;
  std::size_t max_request_bytes = 0;
  Lane lane = Lane::kOrdinary;
  internal::AnyUnary unary;
  internal::AnyServerStream server_stream;
  internal::AnyBidi bidi;
};

class MethodTable final {
 public:
  MethodTable() = default;
  MethodTable(MethodTable&&) = default;
  MethodTable& operator=(MethodTable&&) = default;

  // Each registers `handler` for `path`, such as "/holdfast.v1.KeyService/ReleaseKeys", and with it
  // the whole service: every method of the service then needs a handler.
  // `Request` is the message, or a view of it (internal::RequestView).
  // REQUIRES: the service is in the message's file; the types and the shape are those of its
  // descriptor; the path is not registered yet.
  template <typename Request, typename Response>
  void Unary(std::string_view path, UnaryHandler<Request, Response> handler,
             Lane lane = Lane::kOrdinary) {
    Method method = Describe<Request>(path, Response::descriptor(), lane);
    method.unary = [handler = std::move(handler)](const void* request, const Call& call,
                                                  std::shared_ptr<internal::ReplySink> sink) {
      handler(*static_cast<const Request*>(request), call, Responder<Response>(std::move(sink)));
    };
    Add(std::move(method));
  }

  template <typename Request, typename Response>
  void ServerStream(std::string_view path, ServerStreamHandler<Request, Response> handler,
                    Lane lane = Lane::kOrdinary) {
    Method method = Describe<Request>(path, Response::descriptor(), lane);
    method.server_stream = [handler = std::move(handler)](
                               const void* request, const Call& call,
                               std::shared_ptr<internal::StreamSink> sink) {
      handler(*static_cast<const Request*>(request), call, StreamWriter<Response>(std::move(sink)));
    };
    Add(std::move(method));
  }

  template <typename Request, typename Response>
  void Bidi(std::string_view path, BidiFactory<Request, Response> factory,
            Lane lane = Lane::kOrdinary) {
    Method method = Describe<Request>(path, Response::descriptor(), lane);
    method.bidi = [factory = std::move(factory)](const Call& call) {
      return std::make_unique<TypedSession<Request, Response>>(factory(call));
    };
    Add(std::move(method));
  }

  // OK if every method of every registered service has a permission, a limit and a handler.
  // Otherwise kInternal, naming each method that lacks one.
  absl::Status Check() const;

  // The method of `path`, or nullptr. Borrowed from the table.
  const Method* Find(std::string_view path) const;

  // The registered services' full names, sorted.
  std::vector<std::string> ServiceNames() const;
  // The registered methods by path.
  const std::map<std::string, Method, std::less<>>& methods() const { return methods_; }
  // The largest of the methods' limits.
  std::size_t LargestRequestBytes() const;

 private:
  template <typename Request, typename Response>
  class TypedSession final : public internal::AnySession {
   public:
    explicit TypedSession(std::shared_ptr<BidiSession<Request, Response>> session)
        : session_(std::move(session)) {}
    void OnRequest(const void* request, std::shared_ptr<internal::ReplySink> sink) override {
      session_->OnRequest(*static_cast<const Request*>(request),
                          Responder<Response>(std::move(sink)));
    }

   private:
    std::shared_ptr<BidiSession<Request, Response>> session_;
  };

  template <typename Request>
  static Method Describe(std::string_view path, const google::protobuf::Descriptor* response,
                         Lane lane) {
    Method method =
        Describe(path, internal::MessageOf<Request>::Type::descriptor(), response, lane);
    method.read = internal::Read<Request>;
    return method;
  }
  static Method Describe(std::string_view path, const google::protobuf::Descriptor* request,
                         const google::protobuf::Descriptor* response, Lane lane);
  void Add(Method method);

  std::map<std::string, Method, std::less<>> methods_;
  std::map<std::string, const google::protobuf::ServiceDescriptor*, std::less<>> services_;
};

}  // namespace holdfast::rpc
