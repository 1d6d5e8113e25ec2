// SPDX-License-Identifier: Apache-2.0
// The draft of a qualified person's certification of an export as electronic evidence: what was
// verified is filled in, and what only a person can say is left open.
//
// When to use  Behind `holdfast ledger certify --template`. The draft is nobody's statement.
// Threads      Functions may be called concurrently.
// Ownership    Values.
// Errors       CheckpointDigest(): the file system's.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "evidence/verification.h"

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/ids.h"
#include "base/time.h"

namespace holdfast::evidence {

// Which copy the draft is about.
struct ExportInventory {
  std::string folder;
  ExchangeId exchange;
  Digest32 checkpoint_sha256{};  // Of the file `checkpoint`, which pins every entry.
  UnixMillis made_at;
};

absl::StatusOr<Digest32> CheckpointDigest(FileSystem& files, const std::string& folder);

// Returns the draft as text.
std::string CertificationTemplate(const Verification& verification,
                                  const ExportInventory& inventory);

}  // namespace holdfast::evidence
