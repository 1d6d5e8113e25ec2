// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/errors.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace holdfast::rpc {
namespace {

constexpr char kDomain[] = "holdfast.dev";
// Trailers of all sorts may have 8 KiB together (the clients' default limit), and base64 takes a
// third.
constexpr std::size_t kMaxMessageBytes = 512;
constexpr std::size_t kMaxMetadataBytes = 256;
constexpr std::size_t kMaxMetadataItems = 8;

// How long to wait before the same call may succeed; nullopt where waiting does not help, or
// somebody has to act first.
std::optional<std::chrono::milliseconds> RetryDelay(Reason reason) {
  using std::chrono::milliseconds;
  switch (reason) {
    case Reason::kOverloaded:
      return milliseconds(200);
    case Reason::kUnavailable:
    case Reason::kStoreFailed:
    case Reason::kExchangeStopped:
    case Reason::kShuttingDown:
      return milliseconds(1000);
    case Reason::kStoreFull:
    case Reason::kKeyslotFailed:
    case Reason::kClockUntrusted:
    case Reason::kNotWitnessed:
      return milliseconds(30'000);
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
    case Reason::kStoreCorrupt:
    case Reason::kEpochUnknown:
    case Reason::kLedgerInconsistent:
    case Reason::kExchangeNotFound:
    case Reason::kAlreadyRunning:
    case Reason::kBrakeOn:
    case Reason::kLeaseEnded:
      return std::nullopt;
  }
  return std::nullopt;
}

std::string Bounded(std::string text, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    text.resize(max_bytes - 3);
    text += "...";
  }
  return text;
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const Reason reason = ReasonOf(status).value_or(Reason::kInternal);
  const bool ours = reason != Reason::kInternal;
  const auto code = static_cast<grpc::StatusCode>(ReasonCode(reason));
  const std::string message =
      ours ? Bounded(std::string(status.message()), kMaxMessageBytes) : "internal error";

  google::rpc::Status details;
  details.set_code(static_cast<int>(code));
  details.set_message(message);
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(ReasonName(reason)));
  info.set_domain(kDomain);
  if (ours) {
    for (const auto& [key, value] : MetadataOf(status)) {
      if (info.metadata_size() == kMaxMetadataItems) break;
      (*info.mutable_metadata())[key] = Bounded(value, kMaxMetadataBytes);
    }
  }
  details.add_details()->PackFrom(info);
  if (const auto delay = RetryDelay(reason)) {
    google::rpc::RetryInfo retry;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(*delay);
    retry.mutable_retry_delay()->set_seconds(seconds.count());
    retry.mutable_retry_delay()->set_nanos(
        static_cast<std::int32_t>(std::chrono::nanoseconds(*delay - seconds).count()));
    details.add_details()->PackFrom(retry);
  }
  return grpc::Status(code, message, details.SerializeAsString());
}

}  // namespace holdfast::rpc
