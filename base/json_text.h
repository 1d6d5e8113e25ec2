// SPDX-License-Identifier: Apache-2.0
// Text as a JSON string.
//
// When to use  In writers of JSON that nobody signs. What is signed is rendered by its own schema.
// Threads      May be called concurrently.
// Ownership    Values.
// Errors       None.
#pragma once

#include <string>
#include <string_view>

namespace holdfast {

// Returns `text` as a JSON string, with its quotes. If it is not UTF-8, each byte that is not ASCII
// becomes U+FFFD.
std::string JsonQuote(std::string_view text);

}  // namespace holdfast
