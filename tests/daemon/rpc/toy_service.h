// SPDX-License-Identifier: Apache-2.0
// The handlers of ToyService, which do what a request's text says, and let a test hold a request
// back.
//
//   "park"    the responder goes into the inbox; the test answers
//   "forget"  the responder is dropped
//   "throw"   the handler throws
//   "held"    fails with kHeld and metadata
//   others    are answered at once with the same text
//
// When to use  In tests of the request gate.
// Threads      The handlers run on gRPC's threads, the rest on the test's.
// Ownership    Must outlive the server.
// Errors       Take() gives up after ten seconds.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "toy.pb.h"

#include "base/error.h"
#include "base/mutex.h"
#include "daemon/rpc/method_table.h"

namespace holdfast::test {

inline constexpr std::chrono::seconds kPatience{10};

// A queue between gRPC's threads and a test.
template <typename T>
class Inbox final {
 public:
  void Put(T item) {
    MutexLock lock(mutex_);
    items_.push_back(std::move(item));
    changed_.NotifyAll();
  }

  std::optional<T> Take() {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    MutexLock lock(mutex_);
    while (items_.empty()) {
      if (std::chrono::steady_clock::now() >= deadline) return std::nullopt;
      changed_.WaitFor(mutex_, std::chrono::milliseconds(100));
    }
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

  std::size_t size() {
    MutexLock lock(mutex_);
    return items_.size();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::deque<T> items_ HF_GUARDED_BY(mutex_);
};

// A request that waits for the test. `request` is alive as long as `respond` is.
struct Parked {
  const ToyRequest* request;
  rpc::Call call;
  rpc::Responder<ToyResponse> respond;
};

// A server stream that the test writes to.
struct ParkedStream {
  const ToyRequest* request;
  rpc::Call call;
  rpc::StreamWriter<ToyResponse> writer;
};

class ToyService final {
 public:
  Inbox<Parked> parked;
  Inbox<ParkedStream> streams;
  // The text of each request that reached a handler.
  Inbox<std::string> seen;

  void Register(rpc::MethodTable& table) {
    const auto echo = [this](const ToyRequest& request, const rpc::Call& call,
                             const rpc::Responder<ToyResponse>& respond) {
      Handle(request, call, respond);
    };
    table.Unary<ToyRequest, ToyResponse>("/holdfast.test.ToyService/Echo", echo);
    table.Unary<ToyRequest, ToyResponse>("/holdfast.test.ToyService/Order", echo,
                                         rpc::Lane::kReserved);
    table.ServerStream<ToyRequest, ToyResponse>(
        "/holdfast.test.ToyService/Count", [this](const ToyRequest& request, const rpc::Call& call,
                                                  const rpc::StreamWriter<ToyResponse>& writer) {
          seen.Put(request.text());
          if (request.text() == "park") {
            streams.Put({&request, call, writer});
          } else if (request.text() != "forget") {
            Count(writer, 0, request.count());
          }
        });
    table.Bidi<ToyRequest, ToyResponse>(
        "/holdfast.test.ToyService/Chat",
        [this](const rpc::Call& call) { return std::make_shared<Session>(*this, call); });
  }

 private:
  class Session final : public rpc::BidiSession<ToyRequest, ToyResponse> {
   public:
    Session(ToyService& service, rpc::Call call) : service_(service), call_(std::move(call)) {}
    void OnRequest(const ToyRequest& request, rpc::Responder<ToyResponse> respond) override {
      service_.Handle(request, call_, respond);
    }

   private:
    ToyService& service_;
    const rpc::Call call_;  // A session that knows its call must not keep it alive.
  };

  void Handle(const ToyRequest& request, const rpc::Call& call,
              const rpc::Responder<ToyResponse>& respond) {
    seen.Put(request.text());
    if (request.text() == "park") {
      parked.Put({&request, call, respond});
    } else if (request.text() == "throw") {
      throw std::runtime_error("as asked");
    } else if (request.text() == "held") {
      respond.Fail(AddMetadata(MakeError(Reason::kHeld, "a hold covers it"), "matter", "m-1"));
    } else if (request.text() != "forget") {
      ToyResponse response;
      response.set_text(request.text());
      respond.Reply(response);
    }
  }

  static void Count(const rpc::StreamWriter<ToyResponse>& writer, std::uint32_t next,
                    std::uint32_t end) {
    if (next == end) {
      writer.Finish(absl::OkStatus());
      return;
    }
    ToyResponse response;
    response.set_number(next);
    writer.Write(response, rpc::ReplyToken([writer, next, end](rpc::Delivery delivery) {
                   if (delivery == rpc::Delivery::kWritten) Count(writer, next + 1, end);
                 }));
  }
};

}  // namespace holdfast::test
