// SPDX-License-Identifier: Apache-2.0
#include "evidence/export_folder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/checkpoint.h"
#include "crypto/merkle.h"
#include "crypto/signed_note.h"

namespace holdfast::evidence {
namespace {

constexpr std::size_t kShortLengthBytes = 2;
constexpr std::size_t kLongLengthBytes = 4;
constexpr std::size_t kLongMark = 0xFFFF;
constexpr std::size_t kMaxBundleBytes = std::size_t{64} << 20;  // As a chunk in the store.
constexpr std::size_t kBatchBytes = std::size_t{16} << 20;

void AppendLength(Bytes& out, std::size_t length, std::size_t bytes) {
  for (std::size_t i = bytes; i > 0; --i) {
    out.push_back(static_cast<std::byte>(length >> (8 * (i - 1))));
  }
}

std::size_t LengthOf(ByteSpan bytes) {
  std::size_t length = 0;
  for (const std::byte b : bytes) length = (length << 8) | std::to_integer<std::size_t>(b);
  return length;
}

absl::Status Corrupt(const std::string& what) {
  return MakeError(Reason::kStoreCorrupt, "the export " + what);
}

// The full tiles of an export.
class FolderTiles final : public crypto::TileSource {
 public:
  FolderTiles(FileSystem& files, const std::string& folder) : files_(files), folder_(folder) {}

  absl::StatusOr<Bytes> ReadTile(const crypto::TileId& id) override {
    return files_.ReadWhole(JoinPath(folder_, crypto::TilePath(id)), crypto::kFullTileBytes);
  }

 private:
  FileSystem& files_;
  const std::string& folder_;
};

}  // namespace

void AppendEntry(Bytes& bundle, ByteSpan entry) {
  HF_CHECK(!entry.empty() && entry.size() <= kMaxExportedEntryBytes);
  if (entry.size() < kLongMark) {
    AppendLength(bundle, entry.size(), kShortLengthBytes);
  } else {
    AppendLength(bundle, kLongMark, kShortLengthBytes);
    AppendLength(bundle, entry.size(), kLongLengthBytes);
  }
  bundle.insert(bundle.end(), entry.begin(), entry.end());
}

absl::StatusOr<std::vector<ByteSpan>> ParseEntries(ByteSpan bundle) {
  std::vector<ByteSpan> entries;
  while (!bundle.empty()) {
    if (entries.size() == crypto::kTileWidth) return Corrupt("has a bundle with too many entries");
    if (bundle.size() < kShortLengthBytes) return Corrupt("has a bundle that is cut off");
    std::size_t length = LengthOf(bundle.first(kShortLengthBytes));
    bundle = bundle.subspan(kShortLengthBytes);
    if (length == kLongMark) {
      if (bundle.size() < kLongLengthBytes) return Corrupt("has a bundle that is cut off");
      length = LengthOf(bundle.first(kLongLengthBytes));
      bundle = bundle.subspan(kLongLengthBytes);
      // One entry has one form.
      if (length < kLongMark) return Corrupt("has a short entry with a long length");
    }
    if (length == 0 || length > kMaxExportedEntryBytes) {
      return Corrupt("has an entry of a size that no entry has");
    }
    if (bundle.size() < length) return Corrupt("has a bundle that is cut off");
    entries.push_back(bundle.first(length));
    bundle = bundle.subspan(length);
  }
  return entries;
}

absl::StatusOr<ExportWriter> ExportWriter::Open(FileSystem& files, std::string folder) {
  ExportWriter writer(files, std::move(folder));
  const auto names = files.List(writer.folder_);
  if (!names.ok()) {
    if (ReasonOf(names.status()) != Reason::kNotFound) return names.status();
    HF_RETURN_IF_ERROR(writer.MakeFolders(writer.folder_));
    return writer;
  }
  if (names->empty()) return writer;
  if (std::find(names->begin(), names->end(), "tile") == names->end()) {
    return MakeError(Reason::kAlreadyExists, writer.folder_ + " is not empty, and no export");
  }
  HF_RETURN_IF_ERROR(writer.CountFullBundles());
  return writer;
}

absl::Status ExportWriter::CountFullBundles() {
  while (true) {
    const std::string path = JoinPath(folder_, crypto::EntriesPath(bundles_, crypto::kTileWidth));
    const auto bundle = files_->ReadWhole(path, kMaxBundleBytes);
    if (!bundle.ok()) {
      if (ReasonOf(bundle.status()) == Reason::kNotFound) return absl::OkStatus();
      return bundle.status();
    }
    const auto entries = ParseEntries(*bundle);
    if (!entries.ok()) return AddMetadata(entries.status(), "file", path);
    if (entries->size() != crypto::kTileWidth) {
      return AddMetadata(Corrupt("has a bundle with too few entries"), "file", path);
    }
    std::vector<Digest32> leaves(entries->size());
    crypto::LeafHashes(*entries, leaves);
    std::vector<crypto::Tile> full;
    tiles_.Append(leaves, full);
    ++bundles_;
    // Of the files of a batch that a loss of power interrupted any may be missing.
    std::erase_if(full, [this](const crypto::Tile& tile) {
      return files_->Stat(JoinPath(folder_, crypto::TilePath(tile.id))).ok();
    });
    HF_RETURN_IF_ERROR(WriteTiles(full));
  }
}

absl::Status ExportWriter::MakeFolders(const std::string& path) {
  if (files_->Stat(path).ok()) return absl::OkStatus();
  const std::string parent = ParentPath(path);
  if (parent != path && parent != "." && parent != "/") HF_RETURN_IF_ERROR(MakeFolders(parent));
  return files_->MakeDirectory(path);
}

absl::Status ExportWriter::Write(const std::string& path, ByteSpan bytes) {
  const std::string whole = JoinPath(folder_, path);
  HF_RETURN_IF_ERROR(MakeFolders(ParentPath(whole)));
  HF_RETURN_IF_ERROR(batch_.Add(whole, bytes));
  return batch_.bytes() < kBatchBytes ? absl::OkStatus() : batch_.Commit();
}

absl::Status ExportWriter::WriteTiles(const std::vector<crypto::Tile>& tiles) {
  for (const crypto::Tile& tile : tiles) {
    HF_RETURN_IF_ERROR(Write(crypto::TilePath(tile.id), tile.bytes));
  }
  return absl::OkStatus();
}

absl::Status ExportWriter::WriteBundle(std::uint32_t width) {
  HF_RETURN_IF_ERROR(Write(crypto::EntriesPath(bundles_, width), bundle_));
  ++bundles_;
  in_bundle_ = 0;
  bundle_.clear();
  return absl::OkStatus();
}

absl::Status ExportWriter::Add(ByteSpan entry) {
  if (entry.empty() || entry.size() > kMaxExportedEntryBytes) {
    return MakeError(Reason::kRequestTooLarge, "an entry is empty or too large");
  }
  AppendEntry(bundle_, entry);
  ++in_bundle_;
  const std::array<Digest32, 1> leaf = {crypto::LeafHash(entry)};
  std::vector<crypto::Tile> full;
  tiles_.Append(leaf, full);
  HF_RETURN_IF_ERROR(WriteTiles(full));
  return in_bundle_ == crypto::kTileWidth ? WriteBundle(in_bundle_) : absl::OkStatus();
}

absl::StatusOr<Digest32> ExportWriter::RootAt(std::uint64_t size) {
  if (size > tiles_.size()) {
    return MakeError(Reason::kLedgerInconsistent, "the export has fewer entries");
  }
  HF_RETURN_IF_ERROR(batch_.Commit());
  FolderTiles full(*files_, folder_);
  crypto::LiveTiles tiles(full, tiles_);
  crypto::TileReader nodes(tiles_.size(), tiles);
  return crypto::RootAt(size, nodes);
}

absl::Status ExportWriter::Finish(std::string_view checkpoint) {
  if (in_bundle_ > 0) HF_RETURN_IF_ERROR(WriteBundle(in_bundle_));
  HF_RETURN_IF_ERROR(WriteTiles(tiles_.PartialTiles()));
  HF_RETURN_IF_ERROR(batch_.Commit());
  // What the checkpoint covers has its names before it has its own.
  HF_RETURN_IF_ERROR(MakeFolders(folder_));
  HF_RETURN_IF_ERROR(files_->SyncAll(folder_));
  return ReplaceFile(*files_, JoinPath(folder_, std::string(kExportCheckpoint)),
                     AsBytes(checkpoint));
}

absl::Status CheckRoot(const ExportWriter& writer, std::string_view checkpoint) {
  HF_ASSIGN_OR_RETURN(const crypto::UnverifiedNote note, crypto::ParseNote(checkpoint));
  HF_ASSIGN_OR_RETURN(const crypto::Checkpoint claimed, crypto::ParseCheckpointText(note.text));
  if (claimed.size == writer.size() && claimed.root == writer.Root()) return absl::OkStatus();
  return AddMetadata(
      MakeError(Reason::kLedgerInconsistent,
                "what was exported is not what the checkpoint covers: the folder held another "
                "ledger, or the gateway shows two"),
      "rule", "ROOT");
}

absl::StatusOr<std::string> ReadExportCheckpoint(FileSystem& files, const std::string& folder) {
  HF_ASSIGN_OR_RETURN(const Bytes note,
                      files.ReadWhole(JoinPath(folder, kExportCheckpoint), crypto::kMaxNoteBytes));
  return ToString(note);
}

absl::StatusOr<std::vector<ByteSpan>> ReadBundle(FileSystem& files, const std::string& folder,
                                                 std::uint64_t size, std::uint64_t first,
                                                 Bytes& bytes) {
  HF_CHECK(first < size && first % crypto::kTileWidth == 0);
  const auto width =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(crypto::kTileWidth, size - first));
  const std::string path = JoinPath(folder, crypto::EntriesPath(first / crypto::kTileWidth, width));
  HF_ASSIGN_OR_RETURN(bytes, files.ReadWhole(path, kMaxBundleBytes));
  auto entries = ParseEntries(bytes);
  if (!entries.ok()) return AddMetadata(entries.status(), "file", path);
  if (entries->size() != width) {
    return AddMetadata(Corrupt("has a bundle with too few entries"), "file", path);
  }
  return entries;
}

absl::Status ReadExportUntil(FileSystem& files, const std::string& folder, std::uint64_t size,
                             std::uint64_t end,
                             const std::function<absl::Status(std::uint64_t, ByteSpan)>& take) {
  HF_CHECK(end <= size);
  std::uint64_t index = 0;
  while (index < end) {
    Bytes bytes;
    HF_ASSIGN_OR_RETURN(const std::vector<ByteSpan> entries,
                        ReadBundle(files, folder, size, index, bytes));
    for (const ByteSpan entry : entries) {
      if (index == end) break;
      HF_RETURN_IF_ERROR(take(index++, entry));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadExport(FileSystem& files, const std::string& folder, std::uint64_t size,
                        const std::function<absl::Status(std::uint64_t, ByteSpan)>& take) {
  return ReadExportUntil(files, folder, size, size, take);
}

}  // namespace holdfast::evidence
