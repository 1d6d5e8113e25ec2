// SPDX-License-Identifier: Apache-2.0
#include "cli/hints.h"

#include <map>

#include "base/error.h"
#include "cli/exit_status.h"

namespace holdfast::cli {
namespace {

using Metadata = std::map<std::string, std::string>;

std::string Value(const Metadata& metadata, const std::string& key) {
  const auto it = metadata.find(key);
  return it == metadata.end() ? std::string() : it->second;
}

std::string OrderHint(const Metadata& metadata) {
  const std::string refusal = Value(metadata, "refusal");
  const std::string again = "draft another one: `holdfast order context` shows what it needs";
  return refusal.empty() ? again : "the rule that refused it is " + refusal + "; " + again;
}

}  // namespace

std::string HintFor(const absl::Status& status) {
  const auto reason = ReasonOf(status);
  if (!reason) return {};
  const Metadata metadata = MetadataOf(status);
  switch (*reason) {
    case Reason::kInternal:
      return "this is a bug; please report it with the command and its output";
    case Reason::kUnavailable:
      return metadata.contains(std::string(kUnreachableKey))
                 ? "is holdfastd running there, and do certificate, key and CA of the profile fit?"
                 : "try again in a moment";
    case Reason::kNotFound:
    case Reason::kAlreadyExists:
    case Reason::kRequestMalformed:
      return {};
    case Reason::kRequestTooLarge:
      return "send less at a time";
    case Reason::kIdentityUnknown:
      return "the certificate must carry exactly one spiffe:// URI, of a member that the agreement "
             "names; `holdfast pki issue` makes one for a test";
    case Reason::kMethodUnknown:
      return "client and gateway are of different versions: compare `holdfast --version` and "
             "`holdfast status`";
    case Reason::kPermissionDenied: {
      const std::string refusal = Value(metadata, "refusal");
      if (refusal == "DELEGATION_NOT_IN_FORCE" || refusal == "SAFEGUARD_NOT_IN_FORCE") {
        return "the agreement names no such document that is in force: its principals have to";
      }
      return "the agreement does not let this identity do that: use another --profile";
    }
    case Reason::kOverloaded:
      return "the gateway is busy: try again in a moment";
    case Reason::kDeadlineTooLong:
      return "give a shorter --timeout";
    case Reason::kTransferNotFound:
      return "`holdfast transfer list` shows those that you may see";
    case Reason::kTransferState:
      return "`holdfast transfer show` tells the state that it is in";
    case Reason::kHeld: {
      const std::string matter = Value(metadata, "matter");
      return "a court's hold stops it" + (matter.empty() ? "" : ", matter " + matter) +
             "; nothing but its lifting helps: ask your counsel";
    }
    case Reason::kRecordNotReleasable:
      return "expired, revoked and destroyed keys are never released again";
    case Reason::kOrderRejected:
      return OrderHint(metadata);
    case Reason::kOrderAlreadyAccepted:
      return "it is in force; nothing needs to be done";
    case Reason::kSignatureInvalid:
      return "sign with the key that the agreement lists for this member";
    case Reason::kAgreementInvalid:
      return "`holdfast agreement check FILE` says what is wrong, with line numbers";
    case Reason::kAgreementMismatch:
      return "put the signed agreement of this exchange in place, and its id into the profile";
    case Reason::kConfigInvalid:
      return {};
    case Reason::kEnvelopeRejected:
      return "the envelope was altered, or belongs to another record or exchange: collect it again";
    case Reason::kSuiteUnsupported:
      return "a newer holdfast may read it";
    case Reason::kStoreFailed:
    case Reason::kStoreFull:
    case Reason::kStoreCorrupt:
      return metadata.contains(std::string(kGatewayKey))
                 ? "the gateway's disk: its operator has to look; asking again does no harm"
                 : "check the path, its permissions and the free space";
    case Reason::kEpochUnknown:
      return "the gateway's database and keyslot do not belong together: docs/operations.md";
    case Reason::kLedgerInconsistent:
      return "keep both checkpoints and call an auditor: the ledger was rolled back or forked";
    case Reason::kKeyslotFailed:
      return "the gateway's keyslot: its operator has to look";
    case Reason::kClockUntrusted:
      return "the gateway does not trust its clock: docs/operations.md; holds still work";
    case Reason::kExchangeStopped:
      return "the exchange is stopped; `holdfast status` and the gateway's log say why";
    case Reason::kExchangeNotFound:
      return "check server and exchange in the profile";
    case Reason::kAlreadyRunning:
      return "another process uses it: wait for it, or stop it";
    case Reason::kBrakeOn:
      return "a custodian has to decide: `holdfast transfer show` tells why";
    case Reason::kLeaseEnded:
      return "ask again: a new lease is opened";
    case Reason::kNotWitnessed:
      return "the gateway's operator has to reach its witnesses: `holdfast status` says which; "
             "holds "
             "still work";
    case Reason::kShuttingDown:
      return "try again when the gateway is back";
  }
  return {};
}

bool IsRetryable(const absl::Status& status) {
  const ExitStatus exit = ExitStatusOf(status);
  return exit == ExitStatus::kTryAgain ||
         (exit == ExitStatus::kUnreachable && ReasonOf(status) == Reason::kUnavailable);
}

}  // namespace holdfast::cli
