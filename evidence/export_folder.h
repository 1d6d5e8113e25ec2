// SPDX-License-Identifier: Apache-2.0
// A whole ledger in a folder, in the layout of a C2SP tiled log: `checkpoint`, `tile/entries/...`
// and the tiles of hashes. docs/evidence.md#export.
//
// An entry of 65,535 bytes or more, which C2SP cannot write, has a length of 0xffff and a second,
// four-byte length; everything else is byte for byte C2SP.
//
// When to use  ExportWriter behind `holdfast ledger export`, ReadExport behind `ledger verify`:
//              what is read is not verified here, only well formed.
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
#include "base/file_batch.h"
#include "base/file_system.h"
#include "crypto/tiles.h"

namespace holdfast::evidence {

// The largest entry that is exported or read.
inline constexpr std::size_t kMaxExportedEntryBytes = std::size_t{1} << 20;

// Adds `entry` at the end of `bundle`.
void AppendEntry(Bytes& bundle, ByteSpan entry);

// Returns the entries of a bundle, borrowed from it. Errors: kStoreCorrupt.
absl::StatusOr<std::vector<ByteSpan>> ParseEntries(ByteSpan bundle);

// Writes an export, or goes on with one that was cut short or has grown old: full bundles that are
// there are read again, and counted, and stay as they are. The caller compares Root() with the
// checkpoint's before Finish(): what was there may be of another ledger. The disk is waited for
// once for thousands of entries.
class ExportWriter final {
 public:
  // `folder` must not exist, be empty, or hold an export.
  // Errors: kAlreadyExists for a folder of other things; kStoreCorrupt for a damaged export.
  static absl::StatusOr<ExportWriter> Open(FileSystem& files, std::string folder);

  // Appends the entry with index size().
  absl::Status Add(ByteSpan entry);

  std::uint64_t size() const { return tiles_.size(); }
  Digest32 Root() const { return tiles_.Root(); }

  // The root of the first `size` entries, from the tiles in the folder.
  // Errors: kLedgerInconsistent, also for more than there are; those of the file system.
  absl::StatusOr<Digest32> RootAt(std::uint64_t size);

  // Writes what is open, and at last the checkpoint: a folder without one is no export.
  absl::Status Finish(std::string_view checkpoint);

 private:
  ExportWriter(FileSystem& files, std::string folder)
      : files_(&files), folder_(std::move(folder)), batch_(files, folder_) {}
  absl::Status CountFullBundles();
  absl::Status Write(const std::string& path, ByteSpan bytes);
  absl::Status WriteTiles(const std::vector<crypto::Tile>& tiles);
  absl::Status MakeFolders(const std::string& path);
  absl::Status WriteBundle(std::uint32_t width);

  FileSystem* files_;
  std::string folder_;
  FileBatch batch_;
  crypto::TileBuilder tiles_;
  Bytes bundle_;
  std::uint32_t in_bundle_ = 0;
  std::uint64_t bundles_ = 0;
};

// Checks that `checkpoint`, a note that nobody has verified, is of what `writer` has: what was
// there before may be of another ledger. Errors: kLedgerInconsistent.
absl::Status CheckRoot(const ExportWriter& writer, std::string_view checkpoint);

// The name of the checkpoint in an export.
inline constexpr std::string_view kExportCheckpoint = "checkpoint";

// Returns the checkpoint of an export, as it stands there.
absl::StatusOr<std::string> ReadExportCheckpoint(FileSystem& files, const std::string& folder);

// Reads the bundle of an export of `size` entries that begins with entry `first`, a multiple of
// crypto::kTileWidth, into `bytes`. Returns its entries, borrowed from there.
absl::StatusOr<std::vector<ByteSpan>> ReadBundle(FileSystem& files, const std::string& folder,
                                                 std::uint64_t size, std::uint64_t first,
                                                 Bytes& bytes);

// Calls `take` for the entries [0, `end`) of an export of `size` entries, in order.
// REQUIRES: end <= size.
absl::Status ReadExportUntil(FileSystem& files, const std::string& folder, std::uint64_t size,
                             std::uint64_t end,
                             const std::function<absl::Status(std::uint64_t, ByteSpan)>& take);

// The same for all of them.
absl::Status ReadExport(FileSystem& files, const std::string& folder, std::uint64_t size,
                        const std::function<absl::Status(std::uint64_t, ByteSpan)>& take);

}  // namespace holdfast::evidence
