// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.h"

#include "base/status_macros.h"

namespace holdfast {

std::string JoinPath(std::string_view folder, std::string_view name) {
  std::string path(folder);
  if (path.empty() || path.back() != '/') path.push_back('/');
  path += name;
  return path;
}

std::string ParentPath(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  if (slash == 0) return "/";
  return std::string(path.substr(0, slash));
}

absl::Status ReplaceFile(FileSystem& files, const std::string& path, ByteSpan bytes) {
  const std::string fresh = path + ".new";
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.Open(fresh, OpenMode::kOpenOrCreate));
  HF_RETURN_IF_ERROR(file->Truncate(0));
  HF_RETURN_IF_ERROR(file->Append(bytes));
  HF_RETURN_IF_ERROR(file->Sync());
  HF_RETURN_IF_ERROR(file->Close());
  HF_RETURN_IF_ERROR(files.Rename(fresh, path));
  return files.SyncDirectory(ParentPath(path));
}

}  // namespace holdfast
