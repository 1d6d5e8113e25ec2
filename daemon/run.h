// SPDX-License-Identifier: Apache-2.0
// The life of the daemon from a configuration to the last call.
//
// When to use  By main, once a process.
// Threads      By the main thread, after BlockSignals().
// Ownership    Whatever is made is gone when it returns.
// Errors       What kept the daemon from serving. A stop by signal is success.
#pragma once

#include "absl/status/status.h"

#include "holdfast/config/v1/config.pb.h"

namespace holdfast::daemon {

absl::Status RunDaemon(const config::v1::Config& config);

}  // namespace holdfast::daemon
