// SPDX-License-Identifier: Apache-2.0
// A whole ledger in a folder, in the layout of a C2SP tiled log: `checkpoint`, `tile/entries/...`
// and the tiles of hashes. docs/requesters.md#ledger-export.
//
// An entry of 65,535 bytes or more, which C2SP cannot write, has a length of 0xffff and a second,
// four-byte length; everything else is byte for byte C2SP.
//
// When to use  ExportWriter behind `holdfast ledger export`, ReadExport behind `ledger verify`:
// what is
//              read is not verified here, only well formed.
// Threads      Not safe for concurrent use.
// Ownership    Borrows the file system.
// Errors       The file system's; kStoreCorrupt for a bundle that nobody wrote.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/file_system.h"
#include "crypto/tiles.h"

namespace holdfast::client {

// The largest entry that is exported or read.
inline constexpr std::size_t kMaxExportedEntryBytes = std::size_t{1} << 20;

// Adds `entry` at the end of `bundle`.
void AppendEntry(Bytes& bundle, ByteSpan entry);

// Returns the entries of a bundle, borrowed from it. Errors: kStoreCorrupt.
absl::StatusOr<std::vector<ByteSpan>> ParseEntries(ByteSpan bundle);

class ExportWriter final {
 public:
  // `folder` must not exist, or be empty.
  static absl::StatusOr<ExportWriter> Create(FileSystem& files, std::string folder);

  // Appends the next entry.
  absl::Status Add(ByteSpan entry);

  std::uint64_t size() const { return tiles_.size(); }
  Digest32 Root() const { return tiles_.Root(); }

  // Writes what is open, and at last the checkpoint: a folder without one is no export.
  absl::Status Finish(std::string_view checkpoint);

 private:
  ExportWriter(FileSystem& files, std::string folder)
      : files_(&files), folder_(std::move(folder)) {}
  absl::Status Write(const std::string& path, ByteSpan bytes);
  absl::Status MakeFolders(const std::string& path);
  absl::Status WriteBundle(std::uint32_t width);

  FileSystem* files_;
  std::string folder_;
  crypto::TileBuilder tiles_;
  Bytes bundle_;
  std::uint32_t in_bundle_ = 0;
  std::uint64_t bundles_ = 0;
};

// Returns the checkpoint of an export, as it stands there.
absl::StatusOr<std::string> ReadExportCheckpoint(FileSystem& files, const std::string& folder);

// Calls `take` for each of the first `size` entries, in order.
absl::Status ReadExport(FileSystem& files, const std::string& folder, std::uint64_t size,
                        const std::function<absl::Status(std::uint64_t, ByteSpan)>& take);

}  // namespace holdfast::client
