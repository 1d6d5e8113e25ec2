// SPDX-License-Identifier: Apache-2.0
#include "tests/support/file_history.h"

#include <algorithm>
#include <map>
#include <utility>

namespace holdfast::test {

void FileHistory::Add(Change change) {
  const MutexLock lock(mutex_);
  changes_.push_back(std::move(change));
}

void FileHistory::Write(const std::string& path, std::uint64_t offset, ByteSpan bytes) {
  Add({Change::Kind::kWrite, path, {}, offset, ToBytes(bytes)});
}

void FileHistory::Truncate(const std::string& path, std::uint64_t size) {
  Add({Change::Kind::kTruncate, path, {}, size, {}});
}

void FileHistory::Rename(const std::string& from, const std::string& to) {
  Add({Change::Kind::kRename, from, to, 0, {}});
}

void FileHistory::Remove(const std::string& path) { Add({Change::Kind::kRemove, path, {}, 0, {}}); }

std::vector<FileHistory::Change> FileHistory::changes() const {
  const MutexLock lock(mutex_);
  return changes_;
}

void FileHistory::ForEachVersion(
    const std::function<void(const std::string& path, ByteSpan content)>& version) const {
  std::map<std::string, Bytes> files;
  for (const Change& change : changes()) {
    Bytes& content = files[change.path];
    const auto offset = static_cast<std::size_t>(change.offset);
    switch (change.kind) {
      case Change::Kind::kWrite:
        if (content.size() < offset + change.bytes.size()) {
          content.resize(offset + change.bytes.size());
        }
        std::copy(change.bytes.begin(), change.bytes.end(),
                  content.begin() + static_cast<std::ptrdiff_t>(offset));
        version(change.path, content);
        break;
      case Change::Kind::kTruncate:
        content.resize(offset);
        version(change.path, content);
        break;
      case Change::Kind::kRename:
        files[change.to] = std::exchange(content, {});
        files.erase(change.path);
        break;
      case Change::Kind::kRemove:
        files.erase(change.path);
        break;
    }
  }
}

}  // namespace holdfast::test
