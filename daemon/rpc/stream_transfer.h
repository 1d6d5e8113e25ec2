// SPDX-License-Identifier: Apache-2.0
// What the services with bidirectional streams share: how a session begins, and which transfer it
// is about.
//
// When to use  RegisterBidi() in place of MethodTable::Bidi for sessions that need an exchange and
//              its viewer; StreamTransfer in sessions about one transfer, PrepareBeside() in those
//              with chunks.
// Threads      A StreamTransfer may be used concurrently.
// Ownership    Sessions keep what they are given. The directory is borrowed.
// Errors       A stream whose exchange or caller is unknown fails at its first message.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

#include "base/error.h"
#include "base/mutex.h"
#include "daemon/exchange/executor.h"
#include "daemon/observe/log.h"
#include "daemon/rpc/method_table.h"
#include "daemon/rpc/transfer_facts.h"

namespace holdfast::rpc {

// The transfer that a stream is about: named in its first message, looked up once.
class StreamTransfer final {
 public:
  using Facts = std::shared_ptr<const TransferFacts>;

  // Calls `ready` with the facts: at once if they are known, otherwise on the executor. `name` may
  // be empty in later messages, and may not be another one.
  void With(const Hosted& hosted, const Viewer& viewer, std::string_view name,
            std::function<void(absl::StatusOr<Facts>)> ready,
            const std::shared_ptr<StreamTransfer>& self) {
    std::string wanted;
    Facts known;
    {
      MutexLock lock(mutex_);
      if (name_.empty()) name_ = std::string(name);
      known = facts_;
      wanted = name_;
    }
    if (!name.empty() && name != wanted) {
      ready(MakeError(Reason::kRequestMalformed, "a stream is about one transfer"));
    } else if (known != nullptr) {
      ready(known);
    } else {
      FindTransferFacts(hosted, wanted, viewer, [self, ready](absl::StatusOr<Facts> found) {
        if (found.ok()) {
          MutexLock lock(self->mutex_);
          self->facts_ = *found;
        }
        ready(std::move(found));
      });
    }
  }

 private:
  Mutex mutex_;
  std::string name_ HF_GUARDED_BY(mutex_);
  Facts facts_ HF_GUARDED_BY(mutex_);
};

// Refuses every message with the same error.
template <typename Request, typename Response>
class RefusingSession final : public BidiSession<Request, Response> {
 public:
  explicit RefusingSession(absl::Status why) : why_(std::move(why)) {}
  void OnRequest(const Request&, Responder<Response> respond) override { respond.Fail(why_); }

 private:
  const absl::Status why_;
};

// Has `work`, which judges and seals the chunk of one request, done on `executor`, side by side
// with what came before and comes after it on the same stream; answers go in order anyway. What it
// throws fails the request.
template <typename Response>
void PrepareBeside(exchange::Executor& executor, const Responder<Response>& respond,
                   std::function<void()> work) {
  executor.Post([respond, work = std::move(work)] {
    try {
      work();
    } catch (const std::exception&) {
      observe::Error("rpc", "handler_threw", "a handler threw an exception");
      respond.Fail(MakeError(Reason::kInternal, "the handler threw"));
    }
  });
}

// Registers a stream whose sessions are constructed as Session(hosted, viewer, call).
template <typename Request, typename Response, typename Session>
void RegisterBidi(const Directory& directory, MethodTable& table, std::string_view path) {
  table.Bidi<Request, Response>(
      path, [&directory](const Call& call) -> std::shared_ptr<BidiSession<Request, Response>> {
        const absl::StatusOr<const Hosted*> hosted = directory.Find(call);
        if (!hosted.ok()) {
          return std::make_shared<RefusingSession<Request, Response>>(hosted.status());
        }
        absl::StatusOr<Viewer> viewer = ViewerOf(**hosted, call);
        if (!viewer.ok()) {
          return std::make_shared<RefusingSession<Request, Response>>(viewer.status());
        }
        return std::make_shared<Session>(**hosted, *std::move(viewer), call);
      });
}

}  // namespace holdfast::rpc
