// SPDX-License-Identifier: Apache-2.0
// The error vocabulary of the gateway.
//
// Every recoverable failure is an absl::Status (or StatusOr<T>) made by MakeError(), so that it
// carries exactly one Reason. A program may depend on the Reason and on the metadata; the message
// is for people and may change at any time.
//
// When to use  Something outside our control failed: input, peer, file, clock, library. For a
//              broken promise inside this process use HF_CHECK (base/check.h). For "not allowed"
//              use the decision types of policy/: a refusal is an answer, not an error.
// Threads      Every function may be called concurrently.
// Ownership    Everything is a value.
// Errors       None of these functions fails.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace holdfast {

// What went wrong, as seen by someone who has to react.
//
// Two failures share a Reason exactly if the caller should do the same thing about them. The names
// are wire format (ErrorInfo.reason): never renamed, never reused.
// proto/holdfast/v1/error_reason.proto lists the same names, and tests/proto compares the two.
enum class Reason {
  kInternal = 0,          // Our bug, or a failure that nobody outside can act on.
  kUnavailable,           // Try again later. Nothing was changed, or the outcome is unknown.
  kNotFound,              // No such thing, and the caller may know that.
  kAlreadyExists,         // The name is taken.
  kRequestMalformed,      // A field is missing, out of range or contradictory.
  kRequestTooLarge,       // A documented limit was exceeded. Nothing was done.
  kIdentityUnknown,       // The peer proved no identity that the agreement names.
  kMethodUnknown,         // There is no such method.
  kPermissionDenied,      // The identity is known and may not do this.
  kOverloaded,            // A queue or budget is full. Try again with back-off.
  kDeadlineTooLong,       // The call allows itself more time than the method grants.
  kTransferNotFound,      // No such transfer, and the caller may know that.
  kTransferState,         // The transfer is not in the state that this act needs.
  kHeld,                  // A hold covers what was asked for. Waiting is all one can do.
  kRecordNotReleasable,   // The record is expired, revoked, destroyed or not yet valid.
  kOrderRejected,         // A signed order says something that the rules do not allow.
  kOrderAlreadyAccepted,  // The same order was accepted before. It is in force.
  kSignatureInvalid,      // A signature does not verify under any key that may sign this.
  kAgreementInvalid,      // An agreement cannot be parsed or contradicts itself.
  kAgreementMismatch,     // Made for another exchange, or for another version of its agreement.
  kConfigInvalid,         // The daemon's own configuration cannot be used.
  kEnvelopeRejected,      // Did not open. Deliberately does not say why.
  kSuiteUnsupported,      // The envelope or agreement names a suite that is not built in.
  kStoreFailed,           // Reading or writing durable state failed.
  kStoreFull,             // No space is left. What was there is intact.
  kStoreCorrupt,          // Durable state is not what was written.
  kEpochUnknown,          // The keyslots do not hold the database's epoch: one of them is restored.
  kLedgerInconsistent,    // The ledger contradicts itself, its anchor or a checkpoint.
  kKeyslotFailed,         // A keyslot could not be read, staged or erased.
  kClockUntrusted,        // The time cannot be relied on, so nothing that needs it is done.
  kExchangeStopped,       // The exchange refuses to serve until someone looks at it.
  kExchangeNotFound,      // No such exchange, and the caller may know that.
  kAlreadyRunning,        // Another process has this state open.
  kBrakeOn,               // A brake of the agreement is on. A custodian decides.
  kLeaseEnded,            // The lease is over. Open another one.
  kNotWitnessed,          // Witnesses have not signed for too long: nothing is released.
  kShuttingDown,          // The daemon is about to exit. Try again when it is back.
};

// Returns every Reason once, in the order of their declaration.
std::span<const Reason> AllReasons();

// Returns the wire name of `reason`, such as "TRANSFER_NOT_FOUND".
std::string_view ReasonName(Reason reason);

// Returns the Reason whose wire name is `name`, or nullopt: a peer may be newer than we are.
std::optional<Reason> ReasonFromName(std::string_view name);

// Returns the canonical code to which `reason` always maps.
absl::StatusCode ReasonCode(Reason reason);

// Returns an error with `reason`.
//
// `message` is one sentence for a developer: lower case, no full stop, no secret bytes, and text
// from a peer only after EscapeForLog() (base/escape.h).
//
// Takes std::string and not std::string_view: Debian's absl has a string_view type of its own, and
// the two do not convert into each other.
[[nodiscard]] absl::Status MakeError(Reason reason, std::string message);

// Returns the reason of `status`, or nullopt if it is OK. A foreign status, not made by
// MakeError(), has reason kInternal: unknown means "do not explain".
std::optional<Reason> ReasonOf(const absl::Status& status);

// Returns `status` with `key` set to `value`; ErrorInfo.metadata carries both to the caller.
//
// Each part of a message that varies should be here too, so that no program parses a message.
// `value` is subject to the same rule as a message: no secrets, peers' text only escaped.
// REQUIRES: !status.ok(); `key` is 1 to 63 characters of [a-z0-9_] and starts with a letter.
[[nodiscard]] absl::Status AddMetadata(absl::Status status, std::string_view key,
                                       std::string value);

// Returns what AddMetadata() added to `status`; empty if it is OK.
std::map<std::string, std::string> MetadataOf(const absl::Status& status);

}  // namespace holdfast
