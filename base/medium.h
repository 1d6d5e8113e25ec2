// SPDX-License-Identifier: Apache-2.0
// Which file systems are which medium, by the number with which the kernel names them.
//
// When to use  Behind PosixFileSystem::MediumOf(), and in its tests: no machine has all of them.
// Threads      May be called concurrently.
// Ownership    A value.
// Errors       None. What is not known is Medium::kUnknown.
#pragma once

#include <cstdint>

#include "base/file_system.h"

namespace holdfast {

// Returns the medium of a file system whose statfs() says `type`. Its upper half, which is the sign
// where the field is narrower than here, does not count.
Medium MediumOfType(std::int64_t type);

}  // namespace holdfast
