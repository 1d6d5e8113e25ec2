// SPDX-License-Identifier: Apache-2.0
// What somebody can do about an error, in a sentence.
//
// Threads      May be called concurrently.
// Ownership    Values.
// Errors       None. An empty text means that there is nothing to add to the message.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace holdfast::cli {

// Returns the advice for `status`, with names from its metadata.
std::string HintFor(const absl::Status& status);

// Whether the same call may succeed later without anybody changing anything.
bool IsRetryable(const absl::Status& status);

}  // namespace holdfast::cli
