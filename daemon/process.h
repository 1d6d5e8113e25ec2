// SPDX-License-Identifier: Apache-2.0
// What the process does about itself: no traces on disk, and signals as events.
//
// When to use  By main, before anything secret is read and before any thread starts.
// Threads      HardenProcess() and BlockSignals() before there are others; WaitForSignal() by one.
// Ownership    The settings last as long as the process.
// Errors       HardenProcess(): kInternal, if a limit that we need cannot be set.
#pragma once

#include <chrono>
#include <optional>

#include "absl/status/status.h"

namespace holdfast::daemon {

// No core dumps, no tracing by processes of the same user, files readable by their owner alone.
// Memory is locked where no limit on it stands in the way; otherwise only what crypto/ locks
// itself.
absl::Status HardenProcess();

enum class Signal { kStop, kReload };

// Takes the signals out of the hands of every thread that starts later.
void BlockSignals();

// Returns the next signal, or nullopt after `timeout`.
std::optional<Signal> WaitForSignal(std::chrono::milliseconds timeout);

}  // namespace holdfast::daemon
