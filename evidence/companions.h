// SPDX-License-Identifier: Apache-2.0
// What lies in an export beside the log itself, for people and for programs that do not know the
// schema: README.md, events.jsonl, agreement, keys, orders, SHA256SUMS. docs/evidence.md#export.
//
// All of it is made from the entries alone, so that nobody has to believe it: `holdfast ledger
// verify` reads only the log.
//
// When to use  After ExportWriter::Finish.
// Threads      Each call uses one thread.
// Ownership    Borrows the file system.
// Errors       The file system's; kLedgerInconsistent for entries that cannot be folded. What was
//              written before an error is replaced by the next call.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"

#include "base/file_system.h"

namespace holdfast::evidence {

// Removes what an earlier call wrote, if anything: it says nothing of entries that came since.
absl::Status RemoveCompanions(FileSystem& files, const std::string& folder);

absl::Status WriteCompanions(FileSystem& files, const std::string& folder, std::uint64_t size,
                             const std::function<void(std::uint64_t)>& progress);

}  // namespace holdfast::evidence
