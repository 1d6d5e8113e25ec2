// SPDX-License-Identifier: Apache-2.0
// The one door: every call of every method passes here, and nothing else is registered.
//
// In this order: who calls (exactly one spiffe URI in a verified certificate), which method, may
// the caller use it, a slot, a deadline that is not too long; then, for each message: may the
// caller still, is it small enough, is there room for its bytes, is it of the method's type. Only
// then the handler.
//
// When to use  By Server, once. Never register a generated service beside it.
// Threads      gRPC calls it from many threads. Drain() and the others from any.
// Ownership    Owns the method table. Borrows the authority and the metrics. Must outlive the gRPC
//              server; the destructor waits until the last call is gone.
// Errors       A refused call ends with the status that rpc/errors.h makes of the reason.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "grpcpp/generic/async_generic_service.h"

#include "base/mutex.h"
#include "daemon/observe/log_limiter.h"
#include "daemon/observe/metrics.h"
#include "daemon/rpc/authority.h"
#include "daemon/rpc/connections.h"
#include "daemon/rpc/limits.h"
#include "daemon/rpc/method_table.h"
#include "daemon/rpc/reactors.h"

namespace holdfast::rpc {

struct GateOptions {
  LoadLimits load;
  // The longest time that a unary call may give itself. A call without a deadline gives itself
  // for ever, which is longer.
  std::chrono::seconds max_unary_deadline{60};
};

class RequestGate final : public grpc::CallbackGenericService, private internal::GateServices {
 public:
  // REQUIRES: table.Check().ok().
  RequestGate(MethodTable table, const Authority& authority, observe::Metrics& metrics,
              const GateOptions& options);
  ~RequestGate() override;

  // From now on new calls are refused with kShuttingDown, and streams end as soon as every request
  // that was read is answered.
  void Drain();

  // Ends each stream whose caller may not use its method any more, without waiting for its next
  // message. To be called when permissions were withdrawn. A unary call ends by itself.
  void EndStreamsOfOthers();

  std::size_t calls() const { return load_->calls(); }
  std::size_t bytes_in_flight() const { return load_->bytes(); }
  const MethodTable& table() const { return table_; }

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) final;
  absl::StatusOr<std::shared_ptr<internal::CallCore>> Admit(
      grpc::GenericCallbackServerContext* context, internal::Caller& caller, const Method** method);

  bool Allows(const internal::Caller& caller, const Method& method) const override;
  std::vector<std::string> NoticesFor(const internal::Caller& caller) const override;
  std::shared_ptr<Load> load() override { return load_; }
  internal::Connections& connections() override { return *connections_; }
  void OnCallDone(internal::CallCore* core, const absl::Status& status) override;
  std::vector<std::shared_ptr<internal::CallCore>> Running() HF_REQUIRES(mutex_);
  void Report(const internal::Caller& caller, const Method* method, const absl::Status& status,
              std::chrono::nanoseconds duration);

  const MethodTable table_;
  const Authority& authority_;
  observe::Metrics& metrics_;
  const GateOptions options_;
  const std::shared_ptr<Load> load_;
  const std::shared_ptr<internal::Connections> connections_ = internal::Connections::Create();
  std::atomic<std::uint64_t> next_request_id_{1};
  observe::LogLimiter refusals_{50, std::chrono::seconds(1)};

  Mutex mutex_;
  CondVar idle_;
  bool draining_ HF_GUARDED_BY(mutex_) = false;
  std::map<internal::CallCore*, std::weak_ptr<internal::CallCore>> running_ HF_GUARDED_BY(mutex_);
};

}  // namespace holdfast::rpc
