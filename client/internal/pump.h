// SPDX-License-Identifier: Apache-2.0
// A bidirectional stream on which every request gets one answer, in order: many requests are under
// way, and a stream that breaks is opened again with what was not answered yet.
//
// When to use  For SubmitSubjects, DepositRecords and ReleaseKeys.
// Threads      Run() blocks. It reads on a thread of its own, which calls `answer`; `next` and
//              `encode` are called on the caller's. Several pumps may share their functions only
//              if these are safe for it.
// Ownership    Borrows the connection for the call.
// Errors       The first error of `next`, of `answer`, or of the stream that does not pass.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/error.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "client/internal/connection.h"
#include "client/internal/wire.h"

namespace holdfast::client::internal {

// What came of the first exchange on a stream.
enum class Greeting {
  kStreamEnded = 0,  // The gateway ended it; its status says why.
  kDone,
};

template <typename Request, typename Response>
struct PumpFunctions {
  using Stream = ByteStream<Response>;

  // Opens the stream.
  std::function<std::unique_ptr<Stream>(grpc::ClientContext*)> open;

  // Returns the next request, or nothing at the end.
  std::function<absl::StatusOr<std::optional<Request>>()> next;

  // Takes the answer to a request.
  std::function<absl::Status(const Request&, const Response&)> answer;

  // Exchanges what comes first on every new stream. May be empty.
  std::function<absl::StatusOr<Greeting>(Stream&)> greet;

  // Returns a request's bytes for the stream on which it is about to be sent.
  std::function<grpc::ByteBuffer(const Request&)> encode;

  // Whether the stream may be opened again after this error; MayPass() if empty.
  std::function<bool(const absl::Status&)> may_resume;
};

template <typename Request, typename Response>
class Pump final {
 public:
  using Functions = PumpFunctions<Request, Response>;

  Pump(const Connection& connection, const Functions& functions, std::size_t window)
      : connection_(connection), functions_(functions), window_(window) {}
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  absl::Status Run() {
    Backoff backoff(connection_.options());
    for (;;) {
      progressed_ = false;
      const absl::Status status = RunStream();
      if (status.ok() || failed_for_good_) return status;
      // Whoever makes progress may fail as often as the network likes.
      if (progressed_) backoff.Reset();
      const bool may_resume = functions_.may_resume && functions_.may_resume(status);
      if (!backoff.WaitAfter(may_resume ? MakeError(Reason::kUnavailable, "again") : status)) {
        return status;
      }
    }
  }

 private:
  using Stream = typename Functions::Stream;

  absl::Status RunStream() {
    const std::unique_ptr<grpc::ClientContext> context = connection_.StreamContext();
    const std::unique_ptr<Stream> stream = functions_.open(context.get());
    if (functions_.greet) {
      const absl::StatusOr<Greeting> greeting = functions_.greet(*stream);
      if (!greeting.ok()) {
        failed_for_good_ = true;
        context->TryCancel();
        (void)stream->Finish();
        return greeting.status();
      }
      if (*greeting == Greeting::kStreamEnded) {
        HF_RETURN_IF_ERROR(ToStatus(stream->Finish()));
        return MakeError(Reason::kUnavailable, "the gateway ended the stream too early");
      }
    }
    {
      const MutexLock lock(mutex_);
      sent_ = 0;
      reading_ = true;
    }
    std::thread reader([&] { ReadAll(*stream, *context); });
    const absl::Status written = WriteAll(*stream);
    if (written.ok()) {
      stream->WritesDone();
    } else {
      context->TryCancel();
    }
    reader.join();
    const absl::Status finished = ToStatus(stream->Finish());
    failed_for_good_ = !written.ok() || !answer_error_.ok();
    if (!written.ok()) return written;
    HF_RETURN_IF_ERROR(answer_error_);
    HF_RETURN_IF_ERROR(finished);
    const MutexLock lock(mutex_);
    if (ended_ && unanswered_.empty()) return absl::OkStatus();
    return MakeError(Reason::kUnavailable, "the gateway ended the stream too early");
  }

  // Sends what was not answered on an earlier stream, and then what is new.
  absl::Status WriteAll(Stream& stream) {
    for (;;) {
      std::shared_ptr<const Request> request;
      {
        const MutexLock lock(mutex_);
        while (reading_ && sent_ >= window_) changed_.Wait(mutex_);
        if (!reading_) return absl::OkStatus();
        if (sent_ < unanswered_.size()) request = unanswered_[sent_];
      }
      if (request == nullptr) {
        if (ended_) return absl::OkStatus();
        HF_ASSIGN_OR_RETURN(std::optional<Request> next, functions_.next());
        if (!next) {
          ended_ = true;
          return absl::OkStatus();
        }
        request = std::make_shared<const Request>(*std::move(next));
        const MutexLock lock(mutex_);
        unanswered_.push_back(request);
      }
      const grpc::ByteBuffer bytes = functions_.encode(*request);
      {
        const MutexLock lock(mutex_);
        ++sent_;
      }
      if (!stream.Write(bytes)) return absl::OkStatus();
    }
  }

  void ReadAll(Stream& stream, grpc::ClientContext& context) {
    Response response;
    while (stream.Read(&response)) {
      std::shared_ptr<const Request> request;
      {
        const MutexLock lock(mutex_);
        if (sent_ > 0) request = unanswered_.front();
      }
      const absl::Status taken =
          request != nullptr
              ? functions_.answer(*request, response)
              : MakeError(Reason::kInternal, "the gateway answered what nobody had asked");
      if (!taken.ok()) {
        answer_error_ = taken;
        context.TryCancel();
        break;
      }
      const MutexLock lock(mutex_);
      unanswered_.pop_front();
      --sent_;
      progressed_ = true;
      changed_.NotifyAll();
    }
    const MutexLock lock(mutex_);
    reading_ = false;
    changed_.NotifyAll();
  }

  const Connection& connection_;
  const Functions& functions_;
  const std::size_t window_;

  Mutex mutex_;
  CondVar changed_;
  std::deque<std::shared_ptr<const Request>> unanswered_ HF_GUARDED_BY(mutex_);
  std::size_t sent_ HF_GUARDED_BY(mutex_) = 0;  // Of these, on the present stream.
  bool reading_ HF_GUARDED_BY(mutex_) = false;

  // Touched by the reader's thread while it runs, and by Run()'s while it does not.
  absl::Status answer_error_;
  bool progressed_ = false;

  // Of Run()'s thread.
  bool ended_ = false;
  bool failed_for_good_ = false;
};

// Runs `streams` pumps side by side until all requests are answered. `answer` is called by one
// thread at a time, `next` by several at once. The first error stops all of them.
template <typename Request, typename Response>
absl::Status RunPumps(const Connection& connection, const PumpFunctions<Request, Response>& shared,
                      std::size_t streams, std::size_t window) {
  Mutex answer_mutex;
  Mutex error_mutex;
  absl::Status first_error;
  const auto failed = [&] {
    const MutexLock lock(error_mutex);
    return !first_error.ok();
  };
  PumpFunctions<Request, Response> functions = shared;
  functions.next = [&]() -> absl::StatusOr<std::optional<Request>> {
    if (failed()) return std::optional<Request>();
    return shared.next();
  };
  functions.answer = [&](const Request& request, const Response& response) {
    const MutexLock lock(answer_mutex);
    return shared.answer(request, response);
  };
  const auto run = [&] {
    const absl::Status status = Pump<Request, Response>(connection, functions, window).Run();
    const MutexLock lock(error_mutex);
    if (first_error.ok()) first_error = status;
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < streams; ++i) others.emplace_back(run);
  run();
  for (std::thread& thread : others) thread.join();
  return first_error;
}

}  // namespace holdfast::client::internal
