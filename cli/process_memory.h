// SPDX-License-Identifier: Apache-2.0
// Whether bytes lie in another process's memory, as whoever may read that memory finds out.
//
// When to use  In drills: what a gateway destroyed must not be in its memory either.
// Threads      Functions may be called concurrently.
// Ownership    Values. What is read is wiped.
// Errors       kPermissionDenied where the system does not let this process read that memory;
//              kNotFound for a process that is gone; kStoreFailed for everything else.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <sys/types.h>

#include "absl/status/statusor.h"

#include "base/bytes.h"

namespace holdfast::cli {

struct MemorySearch {
  std::vector<bool> found;       // Of each pattern.
  std::uint64_t bytes_read = 0;  // Mappings that cannot be read, such as a device's, are left out.
};

// Looks for each of `patterns`, none of them empty, in all that `process` has mapped. The process
// goes on meanwhile: what moves may be missed.
absl::StatusOr<MemorySearch> SearchMemory(pid_t process, std::span<const ByteSpan> patterns);

}  // namespace holdfast::cli
