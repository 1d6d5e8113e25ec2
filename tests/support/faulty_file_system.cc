// SPDX-License-Identifier: Apache-2.0
#include "tests/support/faulty_file_system.h"

#include <utility>

#include "base/status_macros.h"

namespace holdfast::test {
namespace {

class FaultyFile final : public File {
 public:
  FaultyFile(std::unique_ptr<File> inner, FaultPlan& plan, std::string path)
      : inner_(std::move(inner)), plan_(plan), path_(std::move(path)) {}

  absl::Status Append(ByteSpan bytes) override {
    const absl::Status fault = plan_.Next("append to " + path_);
    if (fault.ok()) return inner_->Append(bytes);
    (void)inner_->Append(bytes.first(bytes.size() / 2));
    return fault;
  }

  absl::Status WriteAt(std::uint64_t offset, ByteSpan bytes) override {
    const absl::Status fault = plan_.Next("write to " + path_);
    if (fault.ok()) return inner_->WriteAt(offset, bytes);
    (void)inner_->WriteAt(offset, bytes.first(bytes.size() / 2));
    return fault;
  }

  absl::StatusOr<std::size_t> ReadAt(std::uint64_t offset, std::span<std::byte> out) override {
    HF_RETURN_IF_ERROR(plan_.Next("read from " + path_));
    return inner_->ReadAt(offset, out);
  }

  absl::Status Truncate(std::uint64_t size) override {
    HF_RETURN_IF_ERROR(plan_.Next("truncate " + path_));
    return inner_->Truncate(size);
  }

  absl::StatusOr<std::uint64_t> Size() override {
    HF_RETURN_IF_ERROR(plan_.Next("size of " + path_));
    return inner_->Size();
  }

  absl::Status Sync() override {
    HF_RETURN_IF_ERROR(plan_.Next("sync " + path_));
    return inner_->Sync();
  }

  absl::Status Close() override {
    HF_RETURN_IF_ERROR(plan_.Next("close " + path_));
    return inner_->Close();
  }

 private:
  const std::unique_ptr<File> inner_;
  FaultPlan& plan_;
  const std::string path_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<File>> FaultyFileSystem::Open(const std::string& path,
                                                             OpenMode mode) {
  HF_RETURN_IF_ERROR(plan_.Next("open " + path));
  HF_ASSIGN_OR_RETURN(std::unique_ptr<File> file, inner_.Open(path, mode));
  return std::make_unique<FaultyFile>(std::move(file), plan_, path);
}

absl::StatusOr<Bytes> FaultyFileSystem::ReadWhole(const std::string& path, std::size_t max_bytes) {
  HF_RETURN_IF_ERROR(plan_.Next("read " + path));
  return inner_.ReadWhole(path, max_bytes);
}

absl::Status FaultyFileSystem::Rename(const std::string& from, const std::string& to) {
  HF_RETURN_IF_ERROR(plan_.Next("rename " + from));
  return inner_.Rename(from, to);
}

absl::Status FaultyFileSystem::Remove(const std::string& path) {
  HF_RETURN_IF_ERROR(plan_.Next("remove " + path));
  return inner_.Remove(path);
}

absl::Status FaultyFileSystem::MakeDirectory(const std::string& path) {
  HF_RETURN_IF_ERROR(plan_.Next("make folder " + path));
  return inner_.MakeDirectory(path);
}

absl::Status FaultyFileSystem::SyncDirectory(const std::string& path) {
  HF_RETURN_IF_ERROR(plan_.Next("sync folder " + path));
  return inner_.SyncDirectory(path);
}

absl::Status FaultyFileSystem::SyncAll(const std::string& path) {
  HF_RETURN_IF_ERROR(plan_.Next("sync all of " + path));
  return inner_.SyncAll(path);
}

absl::StatusOr<std::vector<std::string>> FaultyFileSystem::List(const std::string& path) {
  HF_RETURN_IF_ERROR(plan_.Next("list " + path));
  return inner_.List(path);
}

absl::StatusOr<FileInfo> FaultyFileSystem::Stat(const std::string& path) {
  HF_RETURN_IF_ERROR(plan_.Next("stat " + path));
  return inner_.Stat(path);
}

absl::StatusOr<std::unique_ptr<FileLock>> FaultyFileSystem::Lock(const std::string& path) {
  HF_RETURN_IF_ERROR(plan_.Next("lock " + path));
  return inner_.Lock(path);
}

absl::StatusOr<Medium> FaultyFileSystem::MediumOf(const std::string& path) {
  HF_RETURN_IF_ERROR(plan_.Next("medium of " + path));
  return inner_.MediumOf(path);
}

}  // namespace holdfast::test
