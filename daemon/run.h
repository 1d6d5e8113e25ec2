// SPDX-License-Identifier: Apache-2.0
// The life of the daemon from a configuration to the last call.
//
// When to use  By main, once a process.
// Threads      By the main thread, after BlockSignals().
// Ownership    Whatever is made is gone when it returns.
// Errors       What kept the daemon from serving. A stop by signal is success.
#pragma once

#include <string_view>

#include "absl/status/status.h"

#include "holdfast/config/v1/config.pb.h"

namespace holdfast::daemon {

// `boot_id` is what the service manager says of this run of the machine; may be empty.
absl::Status RunDaemon(const config::v1::Config& config, std::string_view boot_id);

}  // namespace holdfast::daemon
