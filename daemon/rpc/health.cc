// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/health.h"

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "grpc/health/v1/health.pb.h"

#include "base/check.h"
#include "base/error.h"
#include "base/mutex.h"

namespace holdfast::rpc {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using ServingStatus = HealthCheckResponse::ServingStatus;

ServingStatus ToWire(Serving serving) {
  return serving == Serving::kYes ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

HealthCheckResponse ResponseOf(ServingStatus status) {
  HealthCheckResponse response;
  response.set_status(status);
  return response;
}

}  // namespace

class Health::Impl final : public std::enable_shared_from_this<Impl> {
 public:
  void Know(const std::string& service) {
    MutexLock lock(mutex_);
    services_.emplace(service, Serving::kNo);
  }

  std::optional<ServingStatus> Find(const std::string& service) const {
    MutexLock lock(mutex_);
    const auto found = services_.find(service);
    if (found == services_.end()) return std::nullopt;
    return ToWire(found->second);
  }

  void Watch(const std::string& service, const Call& call,
             StreamWriter<HealthCheckResponse> writer) {
    std::uint64_t id = 0;
    {
      MutexLock lock(mutex_);
      id = next_id_++;
      watchers_.emplace(id, Watcher{service, std::move(writer), std::nullopt, false});
    }
    call.OnEnd([weak = weak_from_this(), id] {
      if (const auto self = weak.lock()) self->Forget(id);
    });
    Tell(id);
  }

  void Set(std::string_view service, Serving serving) {
    {
      MutexLock lock(mutex_);
      const auto found = services_.find(service);
      HF_CHECK(found != services_.end());
      found->second = serving;
    }
    TellAll();
  }

  void SetAll(Serving serving) {
    {
      MutexLock lock(mutex_);
      for (auto& entry : services_) entry.second = serving;
    }
    TellAll();
  }

 private:
  struct Watcher {
    std::string service;
    StreamWriter<HealthCheckResponse> writer;
    std::optional<ServingStatus> told;
    bool writing = false;
  };

  void Forget(std::uint64_t id) {
    std::optional<StreamWriter<HealthCheckResponse>> last;  // Dies without the lock.
    MutexLock lock(mutex_);
    const auto found = watchers_.find(id);
    if (found == watchers_.end()) return;
    last = std::move(found->second.writer);
    watchers_.erase(found);
  }

  void TellAll() {
    std::vector<std::uint64_t> ids;
    {
      MutexLock lock(mutex_);
      for (const auto& entry : watchers_) ids.push_back(entry.first);
    }
    for (const std::uint64_t id : ids) Tell(id);
  }

  // Sends what the watcher does not know yet, one message at a time.
  void Tell(std::uint64_t id) {
    std::optional<StreamWriter<HealthCheckResponse>> writer;
    HealthCheckResponse response;
    {
      MutexLock lock(mutex_);
      const auto found = watchers_.find(id);
      if (found == watchers_.end() || found->second.writing) return;
      Watcher& watcher = found->second;
      const auto service = services_.find(watcher.service);
      // The protocol wants an answer and an open stream for a service that may yet come.
      const ServingStatus status = service == services_.end() ? HealthCheckResponse::SERVICE_UNKNOWN
                                                              : ToWire(service->second);
      if (watcher.told == status) return;
      watcher.told = status;
      watcher.writing = true;
      writer = watcher.writer;
      response = ResponseOf(status);
    }
    writer->Write(response, ReplyToken([weak = weak_from_this(), id](Delivery delivery) {
                    const auto self = weak.lock();
                    if (self == nullptr || delivery == Delivery::kDropped) return;
                    self->Written(id);
                  }));
  }

  void Written(std::uint64_t id) {
    {
      MutexLock lock(mutex_);
      const auto found = watchers_.find(id);
      if (found == watchers_.end()) return;
      found->second.writing = false;
    }
    Tell(id);
  }

  mutable Mutex mutex_;
  std::map<std::string, Serving, std::less<>> services_ HF_GUARDED_BY(mutex_);
  std::uint64_t next_id_ HF_GUARDED_BY(mutex_) = 0;
  std::map<std::uint64_t, Watcher> watchers_ HF_GUARDED_BY(mutex_);
};

Health::Health() : impl_(std::make_shared<Impl>()) {}
Health::~Health() = default;

void Health::Register(MethodTable* table) {
  impl_->Know("");
  table->Unary<HealthCheckRequest, HealthCheckResponse>(
      "/grpc.health.v1.Health/Check", [impl = impl_](const HealthCheckRequest& request, const Call&,
                                                     Responder<HealthCheckResponse> respond) {
        const auto status = impl->Find(request.service());
        if (status.has_value()) {
          respond.Reply(ResponseOf(*status));
        } else {
          respond.Fail(MakeError(Reason::kNotFound, "there is no such service"));
        }
      });
  table->ServerStream<HealthCheckRequest, HealthCheckResponse>(
      "/grpc.health.v1.Health/Watch",
      [impl = impl_](const HealthCheckRequest& request, const Call& call,
                     StreamWriter<HealthCheckResponse> writer) {
        impl->Watch(request.service(), call, std::move(writer));
      });
  for (const std::string& service : table->ServiceNames()) impl_->Know(service);
}

void Health::Set(std::string_view service, Serving serving) { impl_->Set(service, serving); }
void Health::SetAll(Serving serving) { impl_->SetAll(serving); }

}  // namespace holdfast::rpc
