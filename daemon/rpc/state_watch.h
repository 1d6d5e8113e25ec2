// SPDX-License-Identifier: Apache-2.0
// A server stream of what something is now, and again whenever it has changed.
//
// When to use  By services whose streams tell a client of changes, so that nobody polls.
// Threads      Steps run on the executor and on gRPC's threads; `read` on the writer's.
// Ownership    Borrows the directory. A watch lives as long as its call.
// Errors       Those of `read`, and kExchangeStopped, end the stream.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

#include "base/mutex.h"
#include "daemon/rpc/directory.h"
#include "daemon/rpc/method_table.h"
#include "daemon/rpc/transfer_facts.h"

namespace holdfast::rpc {

// Reads, compares with what was sent last, and sends; never two of them at a time.
template <typename Response>
class StateWatch final : public std::enable_shared_from_this<StateWatch<Response>> {
 public:
  using Read = std::function<absl::StatusOr<Response>(const exchange::Core&)>;

  StateWatch(const Hosted& hosted, Read read, StreamWriter<Response> writer)
      : hosted_(hosted), read_(std::move(read)), writer_(std::move(writer)) {}

  void Start(const Call& call) {
    // The handle is owned by the call, and the watch by the handle.
    auto handle =
        hosted_.exchange->watchers().Add([self = this->shared_from_this()] { self->Look(); });
    call.OnEnd([handle]() mutable { handle.reset(); });
    Look();
  }

 private:
  void Look() {
    {
      MutexLock lock(mutex_);
      if (busy_) {
        again_ = true;
        return;
      }
      busy_ = true;
      again_ = false;
    }
    hosted_.exchange->Query(
        [self = this->shared_from_this()](
            const exchange::Core& core) -> exchange::Exchange::QueryReply {
          absl::StatusOr<Response> now = self->read_(core);
          if (!now.ok()) {
            return [self, status = now.status()](const exchange::LedgerHead&) {
              self->writer_.Finish(status);
            };
          }
          return [self, now = *std::move(now)](const exchange::LedgerHead&) { self->Send(now); };
        },
        [self = this->shared_from_this()](const absl::Status& status) {
          self->writer_.Finish(status);
        });
  }

  void Send(const Response& now) {
    std::string bytes = now.SerializeAsString();
    bool changed = false;
    bool again = false;
    {
      MutexLock lock(mutex_);
      changed = !sent_any_ || bytes != sent_;
      sent_any_ = true;
      sent_ = std::move(bytes);
      busy_ = changed;
      again = again_;
    }
    if (!changed) {
      if (again) Look();
      return;
    }
    writer_.Write(now, ReplyToken([self = this->shared_from_this()](Delivery delivery) {
                    if (delivery != Delivery::kWritten) return;
                    bool look_again = false;
                    {
                      MutexLock lock(self->mutex_);
                      self->busy_ = false;
                      look_again = self->again_;
                    }
                    if (look_again) self->Look();
                  }));
  }

  const Hosted& hosted_;
  const Read read_;
  const StreamWriter<Response> writer_;

  Mutex mutex_;
  std::string sent_ HF_GUARDED_BY(mutex_);
  bool sent_any_ HF_GUARDED_BY(mutex_) = false;
  bool busy_ HF_GUARDED_BY(mutex_) = false;
  bool again_ HF_GUARDED_BY(mutex_) = false;
};

// Registers a method whose stream is a StateWatch: `make(request, viewer)` returns its `read`.
template <typename Request, typename Response, typename Make>
void RegisterStateWatch(const Directory& directory, MethodTable& table, std::string_view path,
                        Make make) {
  table.ServerStream<Request, Response>(
      path,
      [&directory, make](const Request& request, const Call& call, StreamWriter<Response> writer) {
        const absl::StatusOr<const Hosted*> hosted = directory.Find(call);
        if (!hosted.ok()) {
          writer.Finish(hosted.status());
          return;
        }
        absl::StatusOr<Viewer> viewer = ViewerOf(**hosted, call);
        if (!viewer.ok()) {
          writer.Finish(viewer.status());
          return;
        }
        std::make_shared<StateWatch<Response>>(**hosted, make(request, *std::move(viewer)),
                                               std::move(writer))
            ->Start(call);
      });
}

}  // namespace holdfast::rpc
