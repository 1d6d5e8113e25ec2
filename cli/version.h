// SPDX-License-Identifier: Apache-2.0
// The version of the program, from the build.
//
// Threads      A constant.
// Ownership    None.
// Errors       None.
#pragma once

#include <string_view>

namespace holdfast::cli {

extern const std::string_view kVersion;

}  // namespace holdfast::cli
