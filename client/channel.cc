// SPDX-License-Identifier: Apache-2.0
#include "client/channel.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <thread>
#include <utility>

#include <grpc/grpc.h>

#include "base/error.h"
#include "base/escape.h"
#include "client/internal/connection.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace holdfast::client {
namespace {

constexpr int kMaxMessageBytes = 16 << 20;
constexpr std::string_view kErrorDomain = "holdfast.dev";
constexpr char kExchangeHeader[] = "holdfast-exchange";
constexpr std::string_view kRetryKey = "retry_after_ms";

// Addresses are dialled as they are: a resolver has no business between two agencies' machines
// that name each other by address.
std::string Target(const std::string& server) {
  const bool is_ipv4 =
      server.find_first_not_of("0123456789.:") == std::string::npos && !server.empty();
  if (is_ipv4) return "ipv4:" + server;
  if (server.starts_with('[')) return "ipv6:" + server;
  return "dns:///" + server;
}

bool IsHostAndPort(const std::string& server) {
  const std::size_t colon = server.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  const std::string_view port = std::string_view(server).substr(colon + 1);
  return !port.empty() && port.size() <= 5 &&
         std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Reason ReasonForCode(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::ABORTED:
      return Reason::kUnavailable;
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::OUT_OF_RANGE:
      return Reason::kRequestMalformed;
    case grpc::StatusCode::NOT_FOUND:
      return Reason::kNotFound;
    case grpc::StatusCode::ALREADY_EXISTS:
      return Reason::kAlreadyExists;
    case grpc::StatusCode::PERMISSION_DENIED:
      return Reason::kPermissionDenied;
    case grpc::StatusCode::UNAUTHENTICATED:
      return Reason::kIdentityUnknown;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return Reason::kRequestTooLarge;
    case grpc::StatusCode::UNIMPLEMENTED:
      return Reason::kMethodUnknown;
    case grpc::StatusCode::OK:
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::DATA_LOSS:
    case grpc::StatusCode::DO_NOT_USE:
      return Reason::kInternal;
  }
  return Reason::kInternal;
}

// Metadata keys of a peer, as far as ours may look like.
bool IsKey(const std::string& key) {
  return !key.empty() && key.size() <= 63 && key.front() >= 'a' && key.front() <= 'z' &&
         std::all_of(key.begin(), key.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

}  // namespace

namespace internal {

absl::Status ToStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status details;
  if (!status.error_details().empty() && details.ParseFromString(status.error_details())) {
    absl::Status result;
    std::int64_t retry_ms = -1;
    for (const auto& detail : details.details()) {
      google::rpc::ErrorInfo info;
      google::rpc::RetryInfo retry;
      if (detail.Is<google::rpc::ErrorInfo>() && detail.UnpackTo(&info) &&
          info.domain() == kErrorDomain) {
        const Reason reason =
            ReasonFromName(info.reason()).value_or(ReasonForCode(status.error_code()));
        result = MakeError(reason, EscapeForLog(status.error_message(), 400));
        for (const auto& [key, value] : info.metadata()) {
          if (IsKey(key)) result = AddMetadata(result, key, EscapeForLog(value, 200));
        }
      } else if (detail.Is<google::rpc::RetryInfo>() && detail.UnpackTo(&retry)) {
        retry_ms = retry.retry_delay().seconds() * 1000 + retry.retry_delay().nanos() / 1'000'000;
      }
    }
    if (!result.ok()) {
      if (retry_ms >= 0) result = AddMetadata(result, kRetryKey, std::to_string(retry_ms));
      return AddMetadata(result, "gateway", "yes");
    }
  }
  const std::string text = EscapeForLog(status.error_message(), 400);
  absl::Status result = MakeError(ReasonForCode(status.error_code()), text);
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return AddMetadata(MakeError(Reason::kUnavailable, "the gateway cannot be reached: " + text),
                         "unreachable", "yes");
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return AddMetadata(MakeError(Reason::kUnavailable, "no answer came in time"), "deadline",
                         "yes");
    default:
      return AddMetadata(result, "gateway", "yes");
  }
}

bool MayPass(const absl::Status& status) {
  const auto reason = ReasonOf(status);
  if (!reason) return false;
  switch (*reason) {
    case Reason::kUnavailable:
      // A deadline is the caller's own wish.
      return !MetadataOf(status).contains("deadline");
    case Reason::kOverloaded:
    case Reason::kStoreFailed:
    case Reason::kExchangeStopped:
    case Reason::kShuttingDown:
      return true;
    case Reason::kInternal:
    case Reason::kNotFound:
    case Reason::kAlreadyExists:
    case Reason::kRequestMalformed:
    case Reason::kRequestTooLarge:
    case Reason::kIdentityUnknown:
    case Reason::kMethodUnknown:
    case Reason::kPermissionDenied:
    case Reason::kDeadlineTooLong:
    case Reason::kTransferNotFound:
    case Reason::kTransferState:
    case Reason::kHeld:
    case Reason::kRecordNotReleasable:
    case Reason::kOrderRejected:
    case Reason::kOrderAlreadyAccepted:
    case Reason::kSignatureInvalid:
    case Reason::kAgreementInvalid:
    case Reason::kAgreementMismatch:
    case Reason::kConfigInvalid:
    case Reason::kEnvelopeRejected:
    case Reason::kSuiteUnsupported:
    case Reason::kStoreFull:
    case Reason::kStoreCorrupt:
    case Reason::kEpochUnknown:
    case Reason::kLedgerInconsistent:
    case Reason::kKeyslotFailed:
    case Reason::kClockUntrusted:
    case Reason::kExchangeNotFound:
    case Reason::kAlreadyRunning:
    case Reason::kBrakeOn:
    case Reason::kLeaseEnded:
    case Reason::kNotWitnessed:
      return false;
  }
  return false;
}

std::chrono::milliseconds RetryDelayOf(const absl::Status& status) {
  const auto metadata = MetadataOf(status);
  const auto it = metadata.find(std::string(kRetryKey));
  if (it == metadata.end()) return std::chrono::milliseconds(0);
  std::int64_t delay = 0;  // Stays 0 if the text is no number.
  std::from_chars(it->second.data(), it->second.data() + it->second.size(), delay);
  return std::chrono::milliseconds(delay);
}

bool Backoff::WaitAfter(const absl::Status& error) {
  if (!MayPass(error)) return false;
  const std::chrono::milliseconds wait = std::max(next_, RetryDelayOf(error));
  if (wait > left_) return false;
  if (options_.on_retry) options_.on_retry(error);
  left_ -= wait;
  next_ = std::min(next_ * 2, std::chrono::milliseconds(2000));
  std::this_thread::sleep_for(wait);
  return true;
}

void Backoff::Reset() {
  left_ = options_.retry_for;
  next_ = std::chrono::milliseconds(50);
}

std::unique_ptr<grpc::ClientContext> Connection::UnaryContext() const {
  auto context = StreamContext();
  context->set_deadline(std::chrono::system_clock::now() + options_.timeout);
  return context;
}

std::unique_ptr<grpc::ClientContext> Connection::StreamContext() const {
  auto context = std::make_unique<grpc::ClientContext>();
  if (!options_.exchange.empty()) context->AddMetadata(kExchangeHeader, options_.exchange);
  return context;
}

}  // namespace internal

absl::StatusOr<std::shared_ptr<Channel>> Channel::Open(ChannelOptions options) {
  if (!IsHostAndPort(options.server)) {
    return MakeError(Reason::kConfigInvalid,
                     "the server must be HOST:PORT, not " + EscapeForLog(options.server));
  }
  if (options.certificate_pem.empty() || options.key_pem.empty() || options.ca_pem.empty()) {
    return MakeError(Reason::kConfigInvalid, "certificate, key and CA are all needed");
  }
  grpc::SslCredentialsOptions ssl;
  ssl.pem_root_certs = options.ca_pem;
  ssl.pem_private_key = options.key_pem;
  ssl.pem_cert_chain = options.certificate_pem;
  grpc::ChannelArguments arguments;
  if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  // Two identities in one process must never share a connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // The client's back-off is ours: the library's own would add up to minutes of silence.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  auto channel =
      grpc::CreateCustomChannel(Target(options.server), grpc::SslCredentials(ssl), arguments);
  // $GRPC_TRACE makes gRPC print what it sends before it is encrypted: people's data. It has been
  // read by now, and nothing has been sent.
  grpc_tracer_set_enabled("all", 0);
  return std::shared_ptr<Channel>(
      new Channel(std::make_unique<internal::Connection>(std::move(options), std::move(channel))));
}

// The library keeps a reference of its own for as long as there is a channel, so that the last
// channel of a process can wait for gRPC's threads: a program that ends while they still take a
// connection down leaves their memory, and whatever is in it, as it is.
Channel::Channel(std::unique_ptr<internal::Connection> connection)
    : connection_(std::move(connection)) {
  grpc_init();
}

Channel::~Channel() {
  connection_.reset();
  grpc_shutdown_blocking();
}

}  // namespace holdfast::client
