// SPDX-License-Identifier: Apache-2.0
// Published test data that is not part of this repository.
//
//   const auto folder = ExternalData("crypto");
//   if (!folder) GTEST_SKIP() << kNoExternalData;
//
// It is looked for in $HOLDFAST_TEST_DATA, and then in ../shared/data beside the repository.
//
// When to use  For vectors that others published and that we may not, or need not, redistribute. A
//              fact that a test cannot do without is a vector of our own in tests/vectors.
// Threads      May be called concurrently.
// Ownership    Values.
// Errors       None: what is not there is skipped, in words that script/test counts.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace holdfast::test {

inline constexpr std::string_view kNoExternalData = "SKIPPED: no external test data";

// Returns the path of `name` (a file or a folder, relative), or nullopt if there is none.
std::optional<std::filesystem::path> ExternalData(std::string_view name);

}  // namespace holdfast::test
