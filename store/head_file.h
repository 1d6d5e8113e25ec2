// SPDX-License-Identifier: Apache-2.0
// The note of the ledger's size and root beside the database.
//
// Whoever puts an older database back without this file, or this file without the database, is
// noticed at the next start. It proves nothing against someone who replaces both: that is what the
// keyslot's epoch is for.
//
//   holdfast-head-v1 00000000000000001234 (64 hex digits) and a line feed
//
// When to use  By SqliteStore, after each group.
// Threads      Used by one thread at a time.
// Ownership    Borrows the FileSystem.
// Errors       Those of the FileSystem. What is not legible is no note: a loss of power may leave
//              zeros, and must not keep a ledger from starting that is itself intact.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/file_system.h"
#include "store/store.h"

namespace holdfast::store {

std::string FormatHead(const LedgerHead& head);

// Returns nullopt for what FormatHead() does not make.
std::optional<LedgerHead> ParseHead(std::string_view text);

class HeadFile final {
 public:
  // Opens the note, or creates it empty.
  static absl::StatusOr<HeadFile> Open(FileSystem& files, const std::string& path);

  // What it said when it was opened.
  const std::optional<LedgerHead>& at_open() const { return at_open_; }

  // Writes over the note in place, without a sync: it is one sector, and a note that lags behind is
  // as true as before.
  absl::Status Write(const LedgerHead& head);

 private:
  HeadFile(std::unique_ptr<File> file, std::optional<LedgerHead> at_open)
      : file_(std::move(file)), at_open_(at_open) {}

  std::unique_ptr<File> file_;
  std::optional<LedgerHead> at_open_;
};

}  // namespace holdfast::store
