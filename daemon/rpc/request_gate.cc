// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/request_gate.h"

#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "daemon/observe/log.h"

namespace holdfast::rpc {
namespace {

// Clocks tick between the client's call and ours.
constexpr std::chrono::seconds kDeadlineTolerance{1};
constexpr std::string_view kHeaderPrefix = "holdfast-";

// Exactly one spiffe URI, or nobody. The library leaves the property out when there are two, so a
// certificate with two roles has none.
std::string PeerOf(const grpc::ServerContextBase& context) {
  const auto auth = context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return {};
  const auto ids = auth->FindPropertyValues("peer_spiffe_id");
  return ids.size() == 1 ? std::string(ids[0].data(), ids[0].size()) : std::string();
}

// Errors: kRequestMalformed, if a header of ours is there twice: it would be ours to choose one.
absl::Status ReadHeaders(const grpc::ServerContextBase& context, internal::Caller& caller) {
  for (const auto& [name_ref, value_ref] : context.client_metadata()) {
    const std::string_view name(name_ref.data(), name_ref.size());
    if (!name.starts_with(kHeaderPrefix)) continue;
    const bool is_new =
        caller.headers.emplace(std::string(name), std::string(value_ref.data(), value_ref.size()))
            .second;
    if (!is_new) return MakeError(Reason::kRequestMalformed, "a header of ours is there twice");
  }
  const auto exchange = caller.headers.find(kExchangeHeader);
  if (exchange != caller.headers.end()) caller.exchange = exchange->second;
  return absl::OkStatus();
}

// Not absl::StatusCodeToString(): what a client sees is a gRPC code, by gRPC's name.
std::string_view CodeName(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return "OK";
    case absl::StatusCode::kCancelled:
      return "CANCELLED";
    case absl::StatusCode::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case absl::StatusCode::kDeadlineExceeded:
      return "DEADLINE_EXCEEDED";
    case absl::StatusCode::kNotFound:
      return "NOT_FOUND";
    case absl::StatusCode::kAlreadyExists:
      return "ALREADY_EXISTS";
    case absl::StatusCode::kPermissionDenied:
      return "PERMISSION_DENIED";
    case absl::StatusCode::kResourceExhausted:
      return "RESOURCE_EXHAUSTED";
    case absl::StatusCode::kFailedPrecondition:
      return "FAILED_PRECONDITION";
    case absl::StatusCode::kAborted:
      return "ABORTED";
    case absl::StatusCode::kOutOfRange:
      return "OUT_OF_RANGE";
    case absl::StatusCode::kUnimplemented:
      return "UNIMPLEMENTED";
    case absl::StatusCode::kUnavailable:
      return "UNAVAILABLE";
    case absl::StatusCode::kDataLoss:
      return "DATA_LOSS";
    case absl::StatusCode::kUnauthenticated:
      return "UNAUTHENTICATED";
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDoNotUseReservedForFutureExpansionUseDefaultInSwitchInstead_:
      break;
  }
  return "INTERNAL";
}

bool EndedByClient(const absl::Status& status) {
  return status.code() == absl::StatusCode::kCancelled ||
         status.code() == absl::StatusCode::kDeadlineExceeded;
}

}  // namespace

RequestGate::RequestGate(MethodTable table, const Authority& authority, observe::Metrics& metrics,
                         const GateOptions& options)
    : table_(std::move(table)),
      authority_(authority),
      metrics_(metrics),
      options_(options),
      load_(Load::Create(options.load)) {
  HF_CHECK(table_.Check().ok());
}

RequestGate::~RequestGate() {
  MutexLock lock(mutex_);
  while (!running_.empty()) idle_.Wait(mutex_);
}

void RequestGate::Drain() {
  std::vector<std::shared_ptr<internal::CallCore>> running;
  {
    MutexLock lock(mutex_);
    draining_ = true;
    running = Running();
  }
  for (const auto& core : running) core->Drain();
}

void RequestGate::EndStreamsOfOthers() {
  std::vector<std::shared_ptr<internal::CallCore>> running;
  {
    MutexLock lock(mutex_);
    running = Running();
  }
  for (const auto& core : running) core->EndUnlessAllowed();
}

std::vector<std::shared_ptr<internal::CallCore>> RequestGate::Running() {
  std::vector<std::shared_ptr<internal::CallCore>> running;
  running.reserve(running_.size());
  for (const auto& entry : running_) {
    if (auto core = entry.second.lock()) running.push_back(std::move(core));
  }
  return running;
}

grpc::ServerGenericBidiReactor* RequestGate::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  internal::Caller caller;
  caller.request_id = next_request_id_.fetch_add(1, std::memory_order_relaxed);
  const Method* method = nullptr;
  auto core = Admit(context, caller, &method);
  if (!core.ok()) {
    Report(caller, method, core.status(), std::chrono::nanoseconds(0));
    return internal::MakeRefusal(core.status());
  }
  (*core)->Begin();
  metrics_.RpcActive(static_cast<std::int64_t>(load_->calls()));
  return core->get();
}

absl::StatusOr<std::shared_ptr<internal::CallCore>> RequestGate::Admit(
    grpc::GenericCallbackServerContext* context, internal::Caller& caller, const Method** method) {
  caller.peer = PeerOf(*context);
  if (caller.peer.empty()) {
    return MakeError(Reason::kIdentityUnknown,
                     "the certificate does not name exactly one spiffe identity");
  }
  *method = table_.Find(context->method());
  if (*method == nullptr) return MakeError(Reason::kMethodUnknown, "there is no such method");
  caller.method = (*method)->path;
  const absl::Status headers = ReadHeaders(*context, caller);
  if (!headers.ok()) return headers;
  switch (authority_.Ask(caller.peer, (*method)->permission, caller.exchange)) {
    case Access::kDenied:
      return MakeError(Reason::kPermissionDenied, "the agreement does not let the caller do this");
    case Access::kExchangeUnknown:
      return MakeError(Reason::kExchangeNotFound,
                       "the call names no exchange of this daemon that the caller belongs to");
    case Access::kAllowed:
      break;
  }
  caller.member = authority_.MemberOf(caller.peer, caller.exchange);
  auto slot = load_->TakeSlot(caller.peer, (*method)->lane);
  if (!slot.ok()) return slot.status();
  const bool unary = (*method)->unary != nullptr;
  const auto latest =
      std::chrono::system_clock::now() + options_.max_unary_deadline + kDeadlineTolerance;
  if (unary && context->deadline() > latest) {
    return AddMetadata(
        MakeError(Reason::kDeadlineTooLong, "a unary call needs a deadline, and a shorter one"),
        "max_seconds", std::to_string(options_.max_unary_deadline.count()));
  }
  auto core = internal::MakeCall(*this, **method, caller, context, *std::move(slot));
  MutexLock lock(mutex_);
  if (draining_) return MakeError(Reason::kShuttingDown, "the daemon is about to stop");
  running_.emplace(core.get(), core);
  return core;
}

bool RequestGate::Allows(const internal::Caller& caller, const Method& method) const {
  return authority_.Ask(caller.peer, method.permission, caller.exchange) == Access::kAllowed;
}

std::vector<std::string> RequestGate::NoticesFor(const internal::Caller& caller) const {
  return authority_.NoticesFor(caller.member, caller.exchange);
}

void RequestGate::OnCallDone(internal::CallCore* core, const absl::Status& status) {
  Report(core->caller(), &core->method(), status,
         std::chrono::steady_clock::now() - core->started());
  metrics_.RpcActive(static_cast<std::int64_t>(load_->calls()));
  metrics_.RpcBytesInFlight(static_cast<std::int64_t>(load_->bytes()));
  MutexLock lock(mutex_);
  running_.erase(core);
  if (running_.empty()) idle_.NotifyAll();
}

void RequestGate::Report(const internal::Caller& caller, const Method* method,
                         const absl::Status& status, std::chrono::nanoseconds duration) {
  // A method that does not exist is named by the peer, and so is no label.
  const std::string_view path = method == nullptr ? "unknown" : std::string_view(method->path);
  const std::string_view code = CodeName(status);
  metrics_.RpcDone(path, code, duration);
  const double seconds = std::chrono::duration<double>(duration).count();
  if (status.ok() || EndedByClient(status)) {
    if (!observe::LogEnabled(observe::Level::kDebug)) return;
    observe::Debug("rpc", "call_done", "a call is over",
                   {{"request_id", caller.request_id},
                    {"rpc", path},
                    {"peer", caller.peer},
                    {"code", code},
                    {"duration_s", seconds}});
    return;
  }
  const Reason reason = ReasonOf(status).value_or(Reason::kInternal);
  metrics_.Refused(ReasonName(reason));
  const auto left_out = refusals_.Admit();
  if (!left_out.has_value()) return;
  const bool ours = reason == Reason::kInternal;
  observe::Log(ours ? observe::Level::kError : observe::Level::kInfo, "rpc", "call_refused",
               "a call was refused",
               {{"request_id", caller.request_id},
                {"rpc", path},
                {"peer", caller.peer},
                {"code", code},
                {"reason", ReasonName(reason)},
                {"duration_s", seconds},
                {"left_out", *left_out}});
}

}  // namespace holdfast::rpc
