// SPDX-License-Identifier: Apache-2.0
// What the program tells the shell.
//
// When to use  Every command ends with one of these; `holdfast help exit-status` prints the table.
// Threads      Every function may be called concurrently.
// Ownership    Values.
// Errors       None.
#pragma once

#include <span>
#include <string_view>

#include "absl/status/status.h"

namespace holdfast::cli {

// Numbers are an interface: never changed, never used again for something else. From 64 on they are
// those of sysexits(3).
enum class ExitStatus : int {
  kDone = 0,            // Also when there was nothing to do.
  kDefectFound = 1,     // A check ran and found that something is wrong.
  kRefused = 10,        // By the agreement or the rules; asking again changes nothing.
  kHeld = 11,           // A court's hold covers it.
  kWaits = 12,          // For an approval, a second signature or a decision.
  kPartlyDone = 13,     // Done for some of what was asked for, not for all.
  kUsage = 64,          // The command line.
  kBadInput = 65,       // A file or value that was given.
  kUnreachable = 69,    // The gateway.
  kInternal = 70,       // A bug of ours.
  kDisk = 74,           // Reading or writing on this machine.
  kTryAgain = 75,       // Later: overload, a deadline, a gateway that is recovering.
  kNotPermitted = 77,   // For this identity.
  kConfiguration = 78,  // The profile, the agreement or the versions of the two programs.
};

struct ExitStatusText {
  ExitStatus status;
  std::string_view meaning;
};

// Returns every status once, in ascending order.
std::span<const ExitStatusText> AllExitStatuses();

// Returns the status that reports `status` (base/error.h).
ExitStatus ExitStatusOf(const absl::Status& status);

// Metadata keys that the client library sets, and that decide between two statuses.
//
// Set where no answer came, so that nobody knows of the gateway's state.
inline constexpr std::string_view kUnreachableKey = "unreachable";

// Set on what the gateway answered. Without it a failed store is this machine's disk.
inline constexpr std::string_view kGatewayKey = "gateway";

}  // namespace holdfast::cli
