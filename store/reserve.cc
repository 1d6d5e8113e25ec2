// SPDX-License-Identifier: Apache-2.0
#include "store/reserve.h"

#include <algorithm>
#include <cstddef>
#include <memory>

#include "base/bytes.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace holdfast::store {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

std::size_t SizeOfPiece(std::uint64_t left) {
  return static_cast<std::size_t>(std::min<std::uint64_t>(left, kPieceBytes));
}

// Bytes that no file system can leave out or squeeze: a hole is no reserve.
Bytes Incompressible(std::size_t size) {
  Bytes bytes(size);
  std::uint64_t state = 0;
  for (std::byte& b : bytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    b = static_cast<std::byte>(state >> 56);
  }
  return bytes;
}

}  // namespace

absl::StatusOr<bool> Reserve::IsWhole() {
  const absl::StatusOr<FileInfo> info = files_.Stat(path_);
  if (info.ok()) return info->size_bytes == bytes_;
  if (ReasonOf(info.status()) == Reason::kNotFound) return false;
  return info.status();
}

absl::Status Reserve::Fill() {
  const Bytes piece = Incompressible(SizeOfPiece(bytes_));
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files_.Open(path_, OpenMode::kCreateNew));
  for (std::uint64_t done = 0; done < bytes_;) {
    const std::size_t size = SizeOfPiece(bytes_ - done);
    HF_RETURN_IF_ERROR(file->WriteAt(done, ByteSpan(piece).first(size)));
    done += size;
  }
  // Until it is synced the file system may have promised the space and not found it.
  HF_RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

absl::Status Reserve::Restore() {
  if (bytes_ == 0) return absl::OkStatus();
  HF_ASSIGN_OR_RETURN(const bool whole, IsWhole());
  if (whole) return absl::OkStatus();
  HF_RETURN_IF_ERROR(Release());
  absl::Status filled = Fill();
  // What Fill() met is the error that matters.
  if (!filled.ok()) static_cast<void>(Release());
  return filled;
}

absl::Status Reserve::Release() {
  absl::Status removed = files_.Remove(path_);
  if (ReasonOf(removed) == Reason::kNotFound) return absl::OkStatus();
  return removed;
}

}  // namespace holdfast::store
