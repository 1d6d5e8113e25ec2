// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"

#include "base/check.h"

namespace holdfast {
namespace {

constexpr char kReasonUrl[] = "holdfast.dev/reason";
// Followed by the key: one payload for each item needs no encoding of our own.
constexpr std::string_view kMetadataUrl = "holdfast.dev/metadata/";

struct Row {
  Reason reason;
  std::string_view name;
  absl::StatusCode code;
};

using Code = absl::StatusCode;

constexpr std::array kRows = {
    Row{Reason::kInternal, "INTERNAL", Code::kInternal},
    Row{Reason::kUnavailable, "UNAVAILABLE", Code::kUnavailable},
    Row{Reason::kNotFound, "NOT_FOUND", Code::kNotFound},
    Row{Reason::kAlreadyExists, "ALREADY_EXISTS", Code::kAlreadyExists},
    Row{Reason::kRequestMalformed, "REQUEST_MALFORMED", Code::kInvalidArgument},
    Row{Reason::kRequestTooLarge, "REQUEST_TOO_LARGE", Code::kResourceExhausted},
    Row{Reason::kIdentityUnknown, "IDENTITY_UNKNOWN", Code::kUnauthenticated},
    Row{Reason::kMethodUnknown, "METHOD_UNKNOWN", Code::kUnimplemented},
    Row{Reason::kPermissionDenied, "PERMISSION_DENIED", Code::kPermissionDenied},
    Row{Reason::kOverloaded, "OVERLOADED", Code::kResourceExhausted},
    Row{Reason::kDeadlineTooLong, "DEADLINE_TOO_LONG", Code::kInvalidArgument},
    Row{Reason::kTransferNotFound, "TRANSFER_NOT_FOUND", Code::kNotFound},
    Row{Reason::kTransferState, "TRANSFER_STATE", Code::kFailedPrecondition},
    Row{Reason::kHeld, "HELD", Code::kFailedPrecondition},
    Row{Reason::kRecordNotReleasable, "RECORD_NOT_RELEASABLE", Code::kFailedPrecondition},
    Row{Reason::kOrderRejected, "ORDER_REJECTED", Code::kFailedPrecondition},
    Row{Reason::kOrderAlreadyAccepted, "ORDER_ALREADY_ACCEPTED", Code::kAlreadyExists},
    Row{Reason::kSignatureInvalid, "SIGNATURE_INVALID", Code::kUnauthenticated},
    Row{Reason::kAgreementInvalid, "AGREEMENT_INVALID", Code::kFailedPrecondition},
    Row{Reason::kAgreementMismatch, "AGREEMENT_MISMATCH", Code::kFailedPrecondition},
    Row{Reason::kConfigInvalid, "CONFIG_INVALID", Code::kFailedPrecondition},
    Row{Reason::kEnvelopeRejected, "ENVELOPE_REJECTED", Code::kInvalidArgument},
    Row{Reason::kSuiteUnsupported, "SUITE_UNSUPPORTED", Code::kUnimplemented},
    Row{Reason::kStoreFailed, "STORE_FAILED", Code::kUnavailable},
    Row{Reason::kStoreFull, "STORE_FULL", Code::kUnavailable},
    Row{Reason::kStoreCorrupt, "STORE_CORRUPT", Code::kDataLoss},
    Row{Reason::kEpochUnknown, "EPOCH_UNKNOWN", Code::kFailedPrecondition},
    Row{Reason::kLedgerInconsistent, "LEDGER_INCONSISTENT", Code::kDataLoss},
    Row{Reason::kKeyslotFailed, "KEYSLOT_FAILED", Code::kUnavailable},
    Row{Reason::kClockUntrusted, "CLOCK_UNTRUSTED", Code::kUnavailable},
    Row{Reason::kExchangeStopped, "EXCHANGE_STOPPED", Code::kUnavailable},
    Row{Reason::kExchangeNotFound, "EXCHANGE_NOT_FOUND", Code::kNotFound},
    Row{Reason::kAlreadyRunning, "ALREADY_RUNNING", Code::kFailedPrecondition},
    Row{Reason::kBrakeOn, "BRAKE_ON", Code::kFailedPrecondition},
    Row{Reason::kLeaseEnded, "LEASE_ENDED", Code::kFailedPrecondition},
    Row{Reason::kNotWitnessed, "NOT_WITNESSED", Code::kUnavailable},
    Row{Reason::kShuttingDown, "SHUTTING_DOWN", Code::kUnavailable},
};

constexpr bool RowsFollowTheEnum() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].reason) != i) return false;
  }
  return kRows.size() == static_cast<std::size_t>(Reason::kShuttingDown) + 1;
}
static_assert(RowsFollowTheEnum());

const Row& RowOf(Reason reason) {
  const auto index = static_cast<std::size_t>(reason);
  HF_CHECK(index < kRows.size());
  return kRows[index];
}

absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

bool IsMetadataKey(std::string_view key) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !key.empty() && key.size() <= 63 && is_letter(key.front()) &&
         std::all_of(key.begin(), key.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace

std::span<const Reason> AllReasons() {
  static constexpr auto kReasons = [] {
    std::array<Reason, kRows.size()> reasons{};
    for (std::size_t i = 0; i < kRows.size(); ++i) reasons[i] = kRows[i].reason;
    return reasons;
  }();
  return kReasons;
}

std::string_view ReasonName(Reason reason) { return RowOf(reason).name; }

std::optional<Reason> ReasonFromName(std::string_view name) {
  const auto* row =
      std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.name == name; });
  if (row == kRows.end()) return std::nullopt;
  return row->reason;
}

absl::StatusCode ReasonCode(Reason reason) { return RowOf(reason).code; }

absl::Status MakeError(Reason reason, std::string message) {
  const Row& row = RowOf(reason);
  absl::Status status(row.code, message);
  status.SetPayload(kReasonUrl, absl::Cord(ToAbsl(row.name)));
  return status;
}

std::optional<Reason> ReasonOf(const absl::Status& status) {
  if (status.ok()) return std::nullopt;
  const auto payload = status.GetPayload(kReasonUrl);
  if (!payload.has_value()) return Reason::kInternal;
  return ReasonFromName(std::string(*payload)).value_or(Reason::kInternal);
}

absl::Status AddMetadata(absl::Status status, std::string_view key, std::string value) {
  HF_CHECK(!status.ok());
  HF_CHECK(IsMetadataKey(key));
  std::string url(kMetadataUrl);
  url += key;
  status.SetPayload(url, absl::Cord(std::move(value)));
  return status;
}

std::map<std::string, std::string> MetadataOf(const absl::Status& status) {
  std::map<std::string, std::string> metadata;
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& value) {
    const std::string_view name(url.data(), url.size());
    if (!name.starts_with(kMetadataUrl)) return;
    metadata.emplace(name.substr(kMetadataUrl.size()), std::string(value));
  });
  return metadata;
}

}  // namespace holdfast
