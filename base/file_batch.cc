// SPDX-License-Identifier: Apache-2.0
#include "base/file_batch.h"

#include <memory>
#include <string_view>

#include "base/status_macros.h"

namespace holdfast {
namespace {

constexpr std::string_view kFresh = ".new";

}  // namespace

absl::Status FileBatch::Add(const std::string& path, ByteSpan bytes) {
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                      files_->Open(path + std::string(kFresh), OpenMode::kOpenOrCreate));
  HF_RETURN_IF_ERROR(file->Truncate(0));
  HF_RETURN_IF_ERROR(file->Append(bytes));
  HF_RETURN_IF_ERROR(file->Close());
  paths_.push_back(path);
  bytes_ += bytes.size();
  return absl::OkStatus();
}

absl::Status FileBatch::Commit() {
  if (paths_.empty()) return absl::OkStatus();
  HF_RETURN_IF_ERROR(files_->SyncAll(folder_));
  for (const std::string& path : paths_) {
    HF_RETURN_IF_ERROR(files_->Rename(path + std::string(kFresh), path));
  }
  paths_.clear();
  bytes_ = 0;
  return absl::OkStatus();
}

}  // namespace holdfast
