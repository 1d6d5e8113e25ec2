// SPDX-License-Identifier: Apache-2.0
// What text must not contain if people sign what they read.
//
// When to use  On text that is signed or that names a key: crypto/ and strict JSON
// (base/strict_json.h)
//              must agree on it. Names and addresses of people are compared in policy/.
// Threads      Every function may be called concurrently.
// Ownership    Values.
// Errors       None.
#pragma once

#include <optional>
#include <string_view>

namespace holdfast {

// Takes the first character off `text`. Returns nullopt, and takes nothing, if `text` is empty or
// does not begin with a character in UTF-8: shortest form, no surrogate, at most U+10FFFF.
std::optional<char32_t> TakeCodePoint(std::string_view& text);

bool IsUtf8(std::string_view text);

// Whether `text` has a character that Unicode calls white space.
// REQUIRES: IsUtf8(text).
bool HasUnicodeSpace(std::string_view text);

// Whether `text` has a character that shows nothing or reorders what is beside it: control
// characters, zero-width and bidirectional marks, tags. With them a signer could read something
// else than the program. REQUIRES: IsUtf8(text).
bool HasDeceptiveCharacter(std::string_view text);

}  // namespace holdfast
