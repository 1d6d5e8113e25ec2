// SPDX-License-Identifier: Apache-2.0
// Folders for tests whose files need not survive anything real.
//
// When to use  Where a loss is simulated, so that a sync of the real disk is only a wait.
// Threads      Call it before there are any.
// Ownership    None.
// Errors       None: where there is no such place the disk will do.
#pragma once

#include <filesystem>
#include <system_error>

#include <stdlib.h>

namespace holdfast::store {

// Lets each later TempDir be in memory.
inline void PutTempDirsIntoMemory() {
  constexpr char kMemory[] = "/dev/shm";
  std::error_code ignored;
  if (std::filesystem::is_directory(kMemory, ignored)) ::setenv("TMPDIR", kMemory, /*overwrite=*/1);
}

}  // namespace holdfast::store
