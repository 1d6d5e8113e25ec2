// SPDX-License-Identifier: Apache-2.0
#include "tests/support/memory_file_system.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace holdfast::test {
namespace {

std::string NameOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// One spelling for each path: "a//b/" and "./a/b" are both "a/b".
std::string Normal(const std::string& path) {
  std::string normal = path.starts_with('/') ? "/" : "";
  std::size_t begin = 0;
  while (begin < path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    begin = end + 1;
    if (part.empty() || part == ".") continue;
    if (!normal.empty() && normal.back() != '/') normal += '/';
    normal += part;
  }
  return normal.empty() ? "." : normal;
}

absl::Status NoSuch(const std::string& path) {
  return MakeError(Reason::kNotFound, "no such file or folder: " + path);
}

}  // namespace

struct MemoryFileSystem::Inode {
  Bytes live;
  Bytes durable;
};

// Both maps lead from a name to a file, or to nullptr for a folder inside this one.
struct MemoryFileSystem::Folder {
  std::map<std::string, std::shared_ptr<Inode>> live;
  std::map<std::string, std::shared_ptr<Inode>> durable;
};

class MemoryFileSystem::MemoryFile final : public File {
 public:
  MemoryFile(MemoryFileSystem& disk, std::shared_ptr<Inode> inode, OpenMode mode,
             std::uint64_t process)
      : disk_(disk), inode_(std::move(inode)), mode_(mode), process_(process) {}

  absl::Status Append(ByteSpan bytes) override {
    MutexLock lock(disk_.mutex_);
    HF_RETURN_IF_ERROR(CheckUsable());
    return Write(inode_->live.size(), bytes);
  }

  absl::Status WriteAt(std::uint64_t offset, ByteSpan bytes) override {
    MutexLock lock(disk_.mutex_);
    HF_RETURN_IF_ERROR(CheckUsable());
    return Write(offset, bytes);
  }

  absl::StatusOr<std::size_t> ReadAt(std::uint64_t offset, std::span<std::byte> out) override {
    MutexLock lock(disk_.mutex_);
    HF_RETURN_IF_ERROR(CheckUsable());
    if (offset >= inode_->live.size()) return std::size_t{0};
    const std::size_t begin = static_cast<std::size_t>(offset);
    const std::size_t count = std::min(out.size(), inode_->live.size() - begin);
    std::copy_n(inode_->live.begin() + static_cast<std::ptrdiff_t>(begin), count, out.begin());
    return count;
  }

  absl::Status Truncate(std::uint64_t size) override {
    MutexLock lock(disk_.mutex_);
    HF_RETURN_IF_ERROR(CheckUsable());
    HF_CHECK(size <= inode_->live.size());
    inode_->live.resize(static_cast<std::size_t>(size));
    return absl::OkStatus();
  }

  absl::StatusOr<std::uint64_t> Size() override {
    MutexLock lock(disk_.mutex_);
    HF_RETURN_IF_ERROR(CheckUsable());
    return std::uint64_t{inode_->live.size()};
  }

  absl::Status Sync() override {
    MutexLock lock(disk_.mutex_);
    HF_RETURN_IF_ERROR(CheckUsable());
    inode_->durable = inode_->live;
    disk_.synced_.push_back(inode_->durable);
    return absl::OkStatus();
  }

  absl::Status Close() override {
    open_ = false;
    return absl::OkStatus();
  }

 private:
  absl::Status CheckUsable() const HF_REQUIRES(disk_.mutex_) {
    HF_CHECK(open_);
    if (process_ == disk_.process_) return absl::OkStatus();
    return MakeError(Reason::kStoreFailed, "the process that opened this file is gone");
  }

  absl::Status Write(std::uint64_t offset, ByteSpan bytes) HF_REQUIRES(disk_.mutex_) {
    if (mode_ == OpenMode::kRead) {
      return MakeError(Reason::kStoreFailed, "the file was opened for reading");
    }
    const std::size_t begin = static_cast<std::size_t>(offset);
    if (inode_->live.size() < begin + bytes.size()) inode_->live.resize(begin + bytes.size());
    std::copy(bytes.begin(), bytes.end(),
              inode_->live.begin() + static_cast<std::ptrdiff_t>(begin));
    return absl::OkStatus();
  }

  MemoryFileSystem& disk_;
  const std::shared_ptr<Inode> inode_;
  const OpenMode mode_;
  const std::uint64_t process_;
  bool open_ = true;
};

class MemoryFileSystem::MemoryLock final : public FileLock {
 public:
  MemoryLock(MemoryFileSystem& disk, std::string path, std::uint64_t process)
      : disk_(disk), path_(std::move(path)), process_(process) {}
  ~MemoryLock() override {
    MutexLock lock(disk_.mutex_);
    if (process_ == disk_.process_) disk_.locked_.erase(path_);
  }

 private:
  MemoryFileSystem& disk_;
  const std::string path_;
  const std::uint64_t process_;
};

MemoryFileSystem::MemoryFileSystem() {
  folders_["."];
  folders_["/"];
}

MemoryFileSystem::~MemoryFileSystem() = default;

MemoryFileSystem::Folder* MemoryFileSystem::FolderOf(const std::string& path) {
  const auto folder = folders_.find(Normal(ParentPath(path)));
  return folder == folders_.end() ? nullptr : &folder->second;
}

std::shared_ptr<MemoryFileSystem::Inode> MemoryFileSystem::Find(const std::string& path) {
  const Folder* folder = FolderOf(path);
  if (folder == nullptr) return nullptr;
  const auto entry = folder->live.find(NameOf(path));
  return entry == folder->live.end() ? nullptr : entry->second;
}

absl::StatusOr<std::unique_ptr<File>> MemoryFileSystem::Open(const std::string& given,
                                                             OpenMode mode) {
  const std::string path = Normal(given);
  MutexLock lock(mutex_);
  if (folders_.contains(path))
    return MakeError(Reason::kStoreFailed, "not a regular file: " + path);
  Folder* folder = FolderOf(path);
  if (folder == nullptr) return NoSuch(path);
  std::shared_ptr<Inode> inode = Find(path);
  const bool creates = mode == OpenMode::kCreateNew || mode == OpenMode::kOpenOrCreate;
  if (inode == nullptr && !creates) return NoSuch(path);
  if (inode != nullptr && mode == OpenMode::kCreateNew) {
    return MakeError(Reason::kAlreadyExists, "there is already a file " + path);
  }
  if (inode == nullptr) {
    inode = std::make_shared<Inode>();
    folder->live[NameOf(path)] = inode;
  }
  return std::make_unique<MemoryFile>(*this, std::move(inode), mode, process_);
}

absl::StatusOr<Bytes> MemoryFileSystem::ReadWhole(const std::string& path, std::size_t max_bytes) {
  MutexLock lock(mutex_);
  const std::shared_ptr<Inode> inode = Find(Normal(path));
  if (inode == nullptr) return NoSuch(path);
  if (inode->live.size() > max_bytes) {
    return MakeError(Reason::kRequestTooLarge, "the file is too large: " + path);
  }
  return inode->live;
}

absl::Status MemoryFileSystem::Rename(const std::string& given_from, const std::string& given_to) {
  const std::string from = Normal(given_from);
  const std::string to = Normal(given_to);
  MutexLock lock(mutex_);
  // Folders are never renamed by us, and a half-right model of that would be worse than none.
  HF_CHECK(!folders_.contains(from) && !folders_.contains(to));
  const std::shared_ptr<Inode> inode = Find(from);
  Folder* target = FolderOf(to);
  if (inode == nullptr || target == nullptr) return NoSuch(from);
  target->live[NameOf(to)] = inode;
  if (from != to) FolderOf(from)->live.erase(NameOf(from));
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Remove(const std::string& given) {
  const std::string path = Normal(given);
  MutexLock lock(mutex_);
  Folder* parent = FolderOf(path);
  if (parent == nullptr || !parent->live.contains(NameOf(path))) return NoSuch(path);
  if (const auto folder = folders_.find(path); folder != folders_.end()) {
    if (!folder->second.live.empty()) {
      return MakeError(Reason::kAlreadyExists, "the folder is not empty: " + path);
    }
    folders_.erase(folder);
  }
  parent->live.erase(NameOf(path));
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::MakeDirectory(const std::string& given) {
  const std::string path = Normal(given);
  MutexLock lock(mutex_);
  if (folders_.contains(path) || Find(path) != nullptr) {
    return MakeError(Reason::kAlreadyExists, "already there: " + path);
  }
  Folder* parent = FolderOf(path);
  if (parent == nullptr) return NoSuch(path);
  parent->live[NameOf(path)] = nullptr;
  folders_[path];
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::SyncDirectory(const std::string& path) {
  MutexLock lock(mutex_);
  const auto folder = folders_.find(Normal(path));
  if (folder == folders_.end()) return NoSuch(path);
  folder->second.durable = folder->second.live;
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::SyncAll(const std::string& path) {
  MutexLock lock(mutex_);
  if (!folders_.contains(Normal(path))) return NoSuch(path);
  for (auto& [name, folder] : folders_) {
    for (const auto& [file, inode] : folder.live) {
      if (inode == nullptr || inode->durable == inode->live) continue;
      inode->durable = inode->live;
      synced_.push_back(inode->durable);
    }
    folder.durable = folder.live;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> MemoryFileSystem::List(const std::string& path) {
  MutexLock lock(mutex_);
  const auto folder = folders_.find(Normal(path));
  if (folder == folders_.end()) return NoSuch(path);
  std::vector<std::string> names;
  for (const auto& [name, inode] : folder->second.live) names.push_back(name);
  return names;
}

absl::StatusOr<FileInfo> MemoryFileSystem::Stat(const std::string& given) {
  const std::string path = Normal(given);
  MutexLock lock(mutex_);
  if (folders_.contains(path)) {
    return FileInfo{.kind = FileKind::kDirectory, .size_bytes = 0, .permissions = 0700};
  }
  const std::shared_ptr<Inode> inode = Find(path);
  if (inode == nullptr) return NoSuch(path);
  return FileInfo{
      .kind = FileKind::kRegular, .size_bytes = inode->live.size(), .permissions = 0600};
}

absl::StatusOr<std::unique_ptr<FileLock>> MemoryFileSystem::Lock(const std::string& given) {
  const std::string path = Normal(given);
  MutexLock lock(mutex_);
  Folder* folder = FolderOf(path);
  if (folder == nullptr) return NoSuch(path);
  if (Find(path) == nullptr) folder->live[NameOf(path)] = std::make_shared<Inode>();
  if (!locked_.insert(path).second) {
    return MakeError(Reason::kAlreadyRunning, "the lock is taken: " + path);
  }
  return std::make_unique<MemoryLock>(*this, path, process_);
}

absl::StatusOr<Medium> MemoryFileSystem::MediumOf(const std::string& path) {
  MutexLock lock(mutex_);
  if (!folders_.contains(Normal(path)) && Find(Normal(path)) == nullptr) return NoSuch(path);
  return medium_;
}

void MemoryFileSystem::Preload(const std::string& given, ByteSpan bytes) {
  const std::string path = Normal(given);
  MutexLock lock(mutex_);
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string folder = path.substr(0, slash);
    Folder* parent = FolderOf(folder);
    parent->live[NameOf(folder)] = nullptr;
    parent->durable[NameOf(folder)] = nullptr;
    folders_[folder];
  }
  const auto inode = std::make_shared<Inode>();
  inode->live = ToBytes(bytes);
  inode->durable = inode->live;
  synced_.push_back(inode->durable);
  Folder* folder = FolderOf(path);
  folder->live[NameOf(path)] = inode;
  folder->durable[NameOf(path)] = inode;
}

void MemoryFileSystem::LoseUnsyncedWrites() { Crash(Unsynced::kGone); }

void MemoryFileSystem::TearUnsyncedWrites() { Crash(Unsynced::kHalfWritten); }

void MemoryFileSystem::KillProcess() {
  MutexLock lock(mutex_);
  ++process_;
  locked_.clear();
}

void MemoryFileSystem::Crash(Unsynced unsynced) {
  MutexLock lock(mutex_);
  ++process_;
  locked_.clear();
  // Folders whose own name was not durable are gone with all that is in them.
  std::map<std::string, Folder> survivors;
  for (auto& [path, folder] : folders_) {
    if (path != "." && path != "/") {
      const auto parent = survivors.find(Normal(ParentPath(path)));
      if (parent == survivors.end() || !parent->second.durable.contains(NameOf(path))) continue;
    }
    folder.live = folder.durable;
    survivors.emplace(path, std::move(folder));
  }
  folders_ = std::move(survivors);
  for (auto& [path, folder] : folders_) {
    for (auto& [name, inode] : folder.live) {
      if (inode == nullptr) continue;
      if (unsynced == Unsynced::kHalfWritten && inode->live != inode->durable) {
        // The front half is new and the rest is old: what a crash between two pages leaves.
        const std::size_t half = inode->live.size() / 2;
        Bytes torn(inode->live.begin(), inode->live.begin() + static_cast<std::ptrdiff_t>(half));
        if (inode->durable.size() > half) {
          torn.insert(torn.end(), inode->durable.begin() + static_cast<std::ptrdiff_t>(half),
                      inode->durable.end());
        }
        inode->durable = std::move(torn);
      }
      inode->live = inode->durable;
    }
  }
}

std::vector<Bytes> MemoryFileSystem::EverythingEverSynced() const {
  MutexLock lock(mutex_);
  return synced_;
}

void MemoryFileSystem::SetMedium(Medium medium) {
  MutexLock lock(mutex_);
  medium_ = medium;
}

}  // namespace holdfast::test
