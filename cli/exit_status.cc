// SPDX-License-Identifier: Apache-2.0
#include "cli/exit_status.h"

#include <array>
#include <string>

#include "base/error.h"

namespace holdfast::cli {
namespace {

constexpr std::array kTable = {
    ExitStatusText{ExitStatus::kDone, "done, also when there was nothing to do"},
    ExitStatusText{ExitStatus::kDefectFound, "a check ran and found a defect"},
    ExitStatusText{ExitStatus::kRefused, "refused by the agreement or the rules"},
    ExitStatusText{ExitStatus::kHeld, "a court's hold covers it"},
    ExitStatusText{ExitStatus::kWaits, "waits for an approval, a second signature or a decision"},
    ExitStatusText{ExitStatus::kPartlyDone, "done for some, not for all"},
    ExitStatusText{ExitStatus::kUsage, "the command line is wrong"},
    ExitStatusText{ExitStatus::kBadInput, "a file or value that was given is wrong"},
    ExitStatusText{ExitStatus::kUnreachable, "the gateway cannot be reached or does not serve"},
    ExitStatusText{ExitStatus::kInternal, "a bug in holdfast; please report it"},
    ExitStatusText{ExitStatus::kDisk, "reading or writing on this machine failed"},
    ExitStatusText{ExitStatus::kTryAgain, "try again later: overload, a deadline, a recovery"},
    ExitStatusText{ExitStatus::kNotPermitted, "not permitted for this identity"},
    ExitStatusText{ExitStatus::kConfiguration, "profile, agreement or versions do not fit"},
};

}  // namespace

std::span<const ExitStatusText> AllExitStatuses() { return kTable; }

ExitStatus ExitStatusOf(const absl::Status& status) {
  const auto reason = ReasonOf(status);
  if (!reason) return ExitStatus::kDone;
  const auto metadata = MetadataOf(status);
  const bool from_gateway = metadata.contains(std::string(kGatewayKey));
  switch (*reason) {
    case Reason::kInternal:
      return ExitStatus::kInternal;
    case Reason::kUnavailable:
      return metadata.contains(std::string(kUnreachableKey)) ? ExitStatus::kUnreachable
                                                             : ExitStatus::kTryAgain;
    case Reason::kNotFound:
    case Reason::kAlreadyExists:
    case Reason::kRequestMalformed:
    case Reason::kRequestTooLarge:
    case Reason::kTransferNotFound:
    case Reason::kSuiteUnsupported:
      return ExitStatus::kBadInput;
    case Reason::kDeadlineTooLong:
      return ExitStatus::kUsage;
    case Reason::kIdentityUnknown:
    case Reason::kPermissionDenied:
      return ExitStatus::kNotPermitted;
    case Reason::kTransferState:
    case Reason::kRecordNotReleasable:
    case Reason::kOrderRejected:
    case Reason::kOrderAlreadyAccepted:
      return ExitStatus::kRefused;
    case Reason::kHeld:
      return ExitStatus::kHeld;
    case Reason::kBrakeOn:
      return ExitStatus::kWaits;
    case Reason::kSignatureInvalid:
    case Reason::kEnvelopeRejected:
    case Reason::kLedgerInconsistent:
    case Reason::kAgreementInvalid:
      return ExitStatus::kDefectFound;
    case Reason::kMethodUnknown:
    case Reason::kAgreementMismatch:
    case Reason::kConfigInvalid:
    case Reason::kExchangeNotFound:
      return ExitStatus::kConfiguration;
    case Reason::kEpochUnknown:
      return ExitStatus::kUnreachable;
    case Reason::kStoreFailed:
    case Reason::kStoreFull:
      return from_gateway ? ExitStatus::kTryAgain : ExitStatus::kDisk;
    case Reason::kStoreCorrupt:
      return from_gateway ? ExitStatus::kUnreachable : ExitStatus::kDisk;
    case Reason::kOverloaded:
    case Reason::kKeyslotFailed:
    case Reason::kClockUntrusted:
    case Reason::kExchangeStopped:
    case Reason::kAlreadyRunning:
    case Reason::kLeaseEnded:
    case Reason::kNotWitnessed:
    case Reason::kShuttingDown:
      return ExitStatus::kTryAgain;
  }
  return ExitStatus::kInternal;
}

}  // namespace holdfast::cli
