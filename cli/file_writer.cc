// SPDX-License-Identifier: Apache-2.0
#include "cli/file_writer.h"

#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace holdfast::cli {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

std::string Unfinished(const std::string& path) { return path + ".unfinished"; }

}  // namespace

absl::StatusOr<std::unique_ptr<FileWriter>> FileWriter::Create(FileSystem& files,
                                                               const std::string& path) {
  const absl::Status removed = files.Remove(Unfinished(path));
  if (!removed.ok() && ReasonOf(removed) != Reason::kNotFound) return removed;
  HF_ASSIGN_OR_RETURN(std::unique_ptr<File> file,
                      files.Open(Unfinished(path), OpenMode::kCreateNew));
  return std::unique_ptr<FileWriter>(new FileWriter(files, path, std::move(file)));
}

FileWriter::FileWriter(FileSystem& files, std::string path, std::unique_ptr<File> file)
    : files_(files), path_(std::move(path)), file_(std::move(file)) {}

FileWriter::~FileWriter() {
  if (file_ == nullptr) return;
  file_.reset();
  // Nobody can be told if this fails too; the next attempt removes it.
  (void)files_.Remove(Unfinished(path_));
}

absl::Status FileWriter::Write(std::string_view text) {
  buffer_ += text;
  return buffer_.size() < kBufferBytes ? absl::OkStatus() : Flush();
}

absl::Status FileWriter::Flush() {
  HF_RETURN_IF_ERROR(file_->Append(AsBytes(buffer_)));
  buffer_.clear();
  return absl::OkStatus();
}

absl::Status FileWriter::Finish() {
  HF_RETURN_IF_ERROR(Flush());
  HF_RETURN_IF_ERROR(file_->Sync());
  HF_RETURN_IF_ERROR(file_->Close());
  HF_RETURN_IF_ERROR(files_.Rename(Unfinished(path_), path_));
  file_.reset();
  return files_.SyncDirectory(ParentPath(path_));
}

}  // namespace holdfast::cli
