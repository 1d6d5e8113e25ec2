// SPDX-License-Identifier: Apache-2.0
// The cryptographic library's start, and whether this process can lock memory.
//
// When to use  Once in each program, before anything else of crypto/, so that a broken machine is
//              noticed at start and not at the first key. The factories of secrets call it too.
// Threads      May be called concurrently; the work is done once.
// Ownership    Values.
// Errors       kInternal if the library does not start.
#pragma once

#include "absl/status/statusor.h"

namespace holdfast::crypto {

enum class MemoryLocking {
  kUnavailable = 0,  // Secrets may reach the swap device. Say so, or refuse to start.
  kAvailable,
};

struct LibraryState {
  // Whether a guarded page could be locked when the process started. libsodium does not report a
  // failed lock, so this probe is all that one can know.
  MemoryLocking memory_locking = MemoryLocking::kUnavailable;
};

absl::StatusOr<LibraryState> InitLibrary();

}  // namespace holdfast::crypto
