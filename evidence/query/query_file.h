// SPDX-License-Identifier: Apache-2.0
// An export as a SQLite file, for questions that nobody foresaw. docs/evidence.md#sqlite
//
// Like everything beside an export's log it was made from the log, and proves nothing by itself.
//
// When to use  Behind `holdfast ledger export --sqlite`. Not in the verifier, which links no
// SQLite. Threads      Each call uses one thread. Ownership    Borrows the file system. SQLite
// writes the file itself. Errors       kAlreadyExists; kLedgerInconsistent for entries that cannot
// be folded; kStoreFailed
//              and kStoreFull. What was begun is removed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"

#include "base/file_system.h"

namespace holdfast::evidence {

// Writes `path` from the export of `size` entries in `folder`. `progress` is called with the number
// of entries read.
absl::Status WriteQueryFile(FileSystem& files, const std::string& folder, std::uint64_t size,
                            const std::string& path,
                            const std::function<void(std::uint64_t)>& progress);

}  // namespace holdfast::evidence
