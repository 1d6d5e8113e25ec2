// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/transfer_watch.h"

#include <memory>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "daemon/rpc/transfer_facts.h"
#include "daemon/rpc/transfer_view.h"
#include "holdfast/v1/transfer_service.pb.h"

namespace holdfast::rpc {
namespace {

// Reads, compares with what was sent last, and sends; never two of them at a time.
class Watch final : public std::enable_shared_from_this<Watch> {
 public:
  Watch(const Hosted& hosted, Viewer viewer, std::string name, StreamWriter<v1::Transfer> writer)
      : hosted_(hosted),
        viewer_(std::move(viewer)),
        name_(std::move(name)),
        writer_(std::move(writer)) {}

  void Start(const Call& call) {
    // The handle is owned by the call, and the watch by the handle.
    auto handle = hosted_.exchange->watchers().Add([self = shared_from_this()] { self->Look(); });
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
        [self = shared_from_this()](const exchange::Core& core) -> exchange::Exchange::QueryReply {
          absl::StatusOr<const policy::Transfer*> transfer =
              VisibleTransfer(core.state, self->name_, self->viewer_);
          if (!transfer.ok()) {
            return [self, status = transfer.status()](const exchange::LedgerHead&) {
              self->writer_.Finish(status);
            };
          }
          v1::Transfer view = ViewOfTransfer(core.state, **transfer, self->viewer_);
          return [self, view = std::move(view)](const exchange::LedgerHead&) { self->Send(view); };
        },
        [self = shared_from_this()](const absl::Status& status) { self->writer_.Finish(status); });
  }

  void Send(const v1::Transfer& view) {
    std::string bytes = view.SerializeAsString();
    bool changed = false;
    bool again = false;
    {
      MutexLock lock(mutex_);
      changed = bytes != sent_;
      sent_ = std::move(bytes);
      busy_ = changed;
      again = again_;
    }
    if (!changed) {
      if (again) Look();
      return;
    }
    writer_.Write(view, ReplyToken([self = shared_from_this()](Delivery delivery) {
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
  const Viewer viewer_;
  const std::string name_;
  const StreamWriter<v1::Transfer> writer_;

  Mutex mutex_;
  std::string sent_ HF_GUARDED_BY(mutex_);
  bool busy_ HF_GUARDED_BY(mutex_) = false;
  bool again_ HF_GUARDED_BY(mutex_) = false;
};

}  // namespace

void RegisterWatch(const Directory& directory, MethodTable& table) {
  table.ServerStream<v1::GetTransferRequest, v1::Transfer>(
      "/holdfast.v1.TransferService/WatchTransfer",
      [&directory](const v1::GetTransferRequest& request, const Call& call,
                   StreamWriter<v1::Transfer> writer) {
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
        std::make_shared<Watch>(**hosted, *std::move(viewer), request.name(), std::move(writer))
            ->Start(call);
      });
}

}  // namespace holdfast::rpc
