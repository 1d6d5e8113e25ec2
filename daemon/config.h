// SPDX-License-Identifier: Apache-2.0
// The daemon's configuration: one textproto file (holdfast.config.v1.Config).
//
// When to use  By main, once. What comes out is complete and free of contradictions, but nothing
// has
//              been opened yet: a file that it names may be missing.
// Threads      May be called concurrently.
// Ownership    Values.
// Errors       kConfigInvalid. Its message has one line a fault, "FILE:LINE:COLUMN: what".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "base/file_system.h"
#include "holdfast/config/v1/config.pb.h"

namespace holdfast::daemon {

inline constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

// Reads and checks `text`. `name` stands for the file in messages. Unknown fields are refused: a
// misspelt limit would otherwise not limit.
absl::StatusOr<config::v1::Config> ParseConfig(std::string_view text, std::string_view name);

absl::StatusOr<config::v1::Config> LoadConfig(FileSystem& files, const std::string& path);

// Every field with its type and its comment in the schema.
std::string ConfigReference();

}  // namespace holdfast::daemon
