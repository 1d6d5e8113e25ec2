// SPDX-License-Identifier: Apache-2.0
// A file that is written piece by piece, and is there wholly or not at all.
//
// When to use  For results that are too large for one buffer. Small files: Session::WriteFile().
// Threads      Not safe for concurrent use.
// Ownership    Borrows the file system.
// Errors       The file system's. What was begun and not finished is removed by the destructor.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/file_system.h"

namespace holdfast::cli {

class FileWriter final {
 public:
  // Begins a file of mode 0600 beside `path`, in place of what an attempt that was cut short left.
  static absl::StatusOr<std::unique_ptr<FileWriter>> Create(FileSystem& files,
                                                            const std::string& path);

  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  ~FileWriter();

  absl::Status Write(std::string_view text);

  // Makes all of it durable under its name, in place of what had that name.
  absl::Status Finish();

 private:
  FileWriter(FileSystem& files, std::string path, std::unique_ptr<File> file);
  absl::Status Flush();

  FileSystem& files_;
  const std::string path_;
  std::unique_ptr<File> file_;  // Null once finished.
  std::string buffer_;
};

}  // namespace holdfast::cli
