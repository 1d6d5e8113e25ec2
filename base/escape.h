// SPDX-License-Identifier: Apache-2.0
// Text from a peer, made harmless for a log line, an error message or a terminal.
//
// When to use  Wherever text that we did not write ourselves is shown. Not for secrets or personal
//              data: escaping hides neither.
// Threads      May be called concurrently.
// Ownership    A value.
// Errors       None.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast {

// Returns `text` with everything but printable ASCII, and quotes and backslashes, written as \xHH,
// cut after `max_bytes` bytes of `text` ("..." then shows that something is missing).
std::string EscapeForLog(std::string_view text, std::size_t max_bytes = 80);

}  // namespace holdfast
