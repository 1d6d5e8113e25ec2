// SPDX-License-Identifier: Apache-2.0
#include "tests/support/copying_file_system.h"

#include <utility>

#include "base/status_macros.h"

namespace holdfast::test {
namespace {

class CopyingFile final : public File {
 public:
  CopyingFile(std::unique_ptr<File> inner, FileHistory& history, std::string path)
      : inner_(std::move(inner)), history_(history), path_(std::move(path)) {}

  absl::Status Append(ByteSpan bytes) override {
    HF_ASSIGN_OR_RETURN(const std::uint64_t end, inner_->Size());
    history_.Write(path_, end, bytes);
    return inner_->Append(bytes);
  }
  absl::Status WriteAt(std::uint64_t offset, ByteSpan bytes) override {
    history_.Write(path_, offset, bytes);
    return inner_->WriteAt(offset, bytes);
  }
  absl::StatusOr<std::size_t> ReadAt(std::uint64_t offset, std::span<std::byte> out) override {
    return inner_->ReadAt(offset, out);
  }
  absl::Status Truncate(std::uint64_t size) override {
    HF_RETURN_IF_ERROR(inner_->Truncate(size));
    history_.Truncate(path_, size);
    return absl::OkStatus();
  }
  absl::StatusOr<std::uint64_t> Size() override { return inner_->Size(); }
  absl::Status Sync() override { return inner_->Sync(); }
  absl::Status Close() override { return inner_->Close(); }

 private:
  const std::unique_ptr<File> inner_;
  FileHistory& history_;
  const std::string path_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<File>> CopyingFileSystem::Open(const std::string& path,
                                                              OpenMode mode) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<File> file, inner_.Open(path, mode));
  return std::make_unique<CopyingFile>(std::move(file), history_, path);
}

absl::StatusOr<Bytes> CopyingFileSystem::ReadWhole(const std::string& path, std::size_t max_bytes) {
  return inner_.ReadWhole(path, max_bytes);
}

absl::Status CopyingFileSystem::Rename(const std::string& from, const std::string& to) {
  HF_RETURN_IF_ERROR(inner_.Rename(from, to));
  history_.Rename(from, to);
  return absl::OkStatus();
}

absl::Status CopyingFileSystem::Remove(const std::string& path) {
  HF_RETURN_IF_ERROR(inner_.Remove(path));
  history_.Remove(path);
  return absl::OkStatus();
}

absl::Status CopyingFileSystem::MakeDirectory(const std::string& path) {
  return inner_.MakeDirectory(path);
}

absl::Status CopyingFileSystem::SyncDirectory(const std::string& path) {
  return inner_.SyncDirectory(path);
}

absl::Status CopyingFileSystem::SyncAll(const std::string& path) { return inner_.SyncAll(path); }

absl::StatusOr<std::vector<std::string>> CopyingFileSystem::List(const std::string& path) {
  return inner_.List(path);
}

absl::StatusOr<FileInfo> CopyingFileSystem::Stat(const std::string& path) {
  return inner_.Stat(path);
}

absl::StatusOr<std::unique_ptr<FileLock>> CopyingFileSystem::Lock(const std::string& path) {
  return inner_.Lock(path);
}

absl::StatusOr<Medium> CopyingFileSystem::MediumOf(const std::string& path) {
  return inner_.MediumOf(path);
}

}  // namespace holdfast::test
