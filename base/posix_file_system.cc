// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/check.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/file_system.h"
#include "base/medium.h"
#include "base/status_macros.h"

namespace holdfast {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

// Not in linux/magic.h.
constexpr std::uint32_t kZfsMagic = 0x2fc12fc1;
constexpr std::uint32_t kBcachefsMagic = 0xca451a4e;

Reason ReasonForErrno(int error) {
  switch (error) {
    case ENOENT:
      return Reason::kNotFound;
    case EEXIST:
    case ENOTEMPTY:
      return Reason::kAlreadyExists;
    case ENOSPC:
    case EDQUOT:
      return Reason::kStoreFull;
    case EWOULDBLOCK:
      return Reason::kAlreadyRunning;
    default:
      return Reason::kStoreFailed;
  }
}

absl::Status FileError(Reason reason, const char* operation, const std::string& path,
                       std::string cause) {
  const std::string file = EscapeForLog(path, 256);
  absl::Status status =
      MakeError(reason, std::string("cannot ") + operation + " " + file + ": " + cause);
  status = AddMetadata(std::move(status), "operation", operation);
  status = AddMetadata(std::move(status), "file", file);
  return AddMetadata(std::move(status), "cause", std::move(cause));
}

absl::Status ErrnoError(int error, const char* operation, const std::string& path) {
  return FileError(ReasonForErrno(error), operation, path, std::generic_category().message(error));
}

// Calls `function` again for as long as a signal interrupts it.
template <typename Function>
auto Retry(Function function) {
  while (true) {
    const auto result = function();
    if (result != -1 || errno != EINTR) return result;
  }
}

class Descriptor final {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

absl::StatusOr<Descriptor> OpenDescriptor(const std::string& path, int flags) {
  Descriptor fd(Retry([&] { return ::open(path.c_str(), flags | O_CLOEXEC, kFileMode); }));
  if (fd.get() < 0) return ErrnoError(errno, "open", path);
  return fd;
}

absl::StatusOr<std::uint64_t> RegularSize(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return ErrnoError(errno, "stat", path);
  if (!S_ISREG(info.st_mode)) {
    return FileError(Reason::kStoreFailed, "open", path, "not a regular file");
  }
  return static_cast<std::uint64_t>(info.st_size);
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  absl::Status Append(ByteSpan bytes) override {
    HF_ASSIGN_OR_RETURN(const std::uint64_t end, Size());
    return WriteAt(end, bytes);
  }

  absl::Status WriteAt(std::uint64_t offset, ByteSpan bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = Retry([&] {
        return ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      });
      if (written < 0) return ErrnoError(errno, "write", path_);
      offset += static_cast<std::uint64_t>(written);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::size_t> ReadAt(std::uint64_t offset, std::span<std::byte> out) override {
    std::size_t total = 0;
    while (total < out.size()) {
      const ssize_t count = Retry([&] {
        return ::pread(fd_.get(), out.data() + total, out.size() - total,
                       static_cast<off_t>(offset + total));
      });
      if (count < 0) return ErrnoError(errno, "read", path_);
      if (count == 0) break;
      total += static_cast<std::size_t>(count);
    }
    return total;
  }

  absl::Status Truncate(std::uint64_t size) override {
    HF_ASSIGN_OR_RETURN(const std::uint64_t present, Size());
    HF_CHECK(size <= present);
    if (Retry([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) != 0) {
      return ErrnoError(errno, "truncate", path_);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::uint64_t> Size() override { return RegularSize(fd_.get(), path_); }

  absl::Status Sync() override {
    // fdatasync(): the bytes and the size, which is what the promise is about. fsync() would also
    // wait for the journal because of the times, which nobody reads.
    // Not in Retry(): a sync that was cut short may have dropped the pages that it had not written.
    if (::fdatasync(fd_.get()) != 0) return ErrnoError(errno, "sync", path_);
    return absl::OkStatus();
  }

  absl::Status Close() override {
    const int fd = fd_.Release();
    // Not in Retry() either: on Linux the descriptor is gone whatever close() returns.
    if (fd >= 0 && ::close(fd) != 0) return ErrnoError(errno, "close", path_);
    return absl::OkStatus();
  }

 private:
  Descriptor fd_;
  const std::string path_;
};

class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  const Descriptor fd_;  // Closing it releases the lock.
};

int FlagsOf(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kCreateNew:
      return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::kOpenOrCreate:
      return O_RDWR | O_CREAT;
  }
  HF_CHECK(false);
  return 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<File>> PosixFileSystem::Open(const std::string& path,
                                                            OpenMode mode) {
  // O_NONBLOCK, or opening a pipe by mistake would wait for ever. It changes nothing for a file.
  HF_ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(path, FlagsOf(mode) | O_NOFOLLOW | O_NONBLOCK));
  HF_RETURN_IF_ERROR(RegularSize(fd.get(), path).status());
  return std::make_unique<PosixFile>(std::move(fd), path);
}

absl::StatusOr<Bytes> PosixFileSystem::ReadWhole(const std::string& path, std::size_t max_bytes) {
  HF_ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(path, O_RDONLY | O_NONBLOCK));
  HF_ASSIGN_OR_RETURN(const std::uint64_t size, RegularSize(fd.get(), path));
  if (size > max_bytes) {
    return FileError(Reason::kRequestTooLarge, "read", path, "the file is too large");
  }
  // One byte more than there should be, to notice a file that grows.
  Bytes bytes(static_cast<std::size_t>(size) + 1);
  PosixFile file(std::move(fd), path);
  HF_ASSIGN_OR_RETURN(const std::size_t count, file.ReadAt(0, bytes));
  if (count > size) {
    return FileError(Reason::kStoreFailed, "read", path, "the file grew meanwhile");
  }
  bytes.resize(count);
  return bytes;
}

absl::Status PosixFileSystem::Rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return ErrnoError(errno, "rename", from);
  return absl::OkStatus();
}

absl::Status PosixFileSystem::Remove(const std::string& path) {
  if (::unlink(path.c_str()) == 0) return absl::OkStatus();
  if (errno != EISDIR) return ErrnoError(errno, "remove", path);
  if (::rmdir(path.c_str()) != 0) return ErrnoError(errno, "remove", path);
  return absl::OkStatus();
}

absl::Status PosixFileSystem::MakeDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), kDirectoryMode) != 0) return ErrnoError(errno, "make", path);
  return absl::OkStatus();
}

absl::Status PosixFileSystem::SyncDirectory(const std::string& path) {
  HF_ASSIGN_OR_RETURN(const Descriptor fd, OpenDescriptor(path, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return ErrnoError(errno, "sync", path);
  return absl::OkStatus();
}

absl::Status PosixFileSystem::SyncAll(const std::string& path) {
  HF_ASSIGN_OR_RETURN(const Descriptor fd, OpenDescriptor(path, O_RDONLY | O_DIRECTORY));
  if (::syncfs(fd.get()) != 0) return ErrnoError(errno, "sync", path);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> PosixFileSystem::List(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), &::closedir);
  if (folder == nullptr) return ErrnoError(errno, "list", path);
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr) break;
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  if (errno != 0) return ErrnoError(errno, "list", path);
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<FileInfo> PosixFileSystem::Stat(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return ErrnoError(errno, "stat", path);
  FileInfo result;
  result.permissions = static_cast<std::uint32_t>(info.st_mode & 0777);
  if (S_ISREG(info.st_mode)) {
    result.kind = FileKind::kRegular;
    result.size_bytes = static_cast<std::uint64_t>(info.st_size);
  } else if (S_ISDIR(info.st_mode)) {
    result.kind = FileKind::kDirectory;
  }
  return result;
}

absl::StatusOr<std::unique_ptr<FileLock>> PosixFileSystem::Lock(const std::string& path) {
  HF_ASSIGN_OR_RETURN(Descriptor fd,
                      OpenDescriptor(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK));
  HF_RETURN_IF_ERROR(RegularSize(fd.get(), path).status());
  // flock() and not fcntl(): fcntl() lets the same process in twice, and any close() in it that
  // happens to be of this file would drop the lock.
  if (Retry([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) != 0) {
    return ErrnoError(errno, "lock", path);
  }
  return std::make_unique<PosixFileLock>(std::move(fd));
}

Medium MediumOfType(std::int64_t type) {
  switch (static_cast<std::uint32_t>(type)) {
    case EXT4_SUPER_MAGIC:
    case XFS_SUPER_MAGIC:
      return Medium::kLocal;
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
      return Medium::kMemory;
    case BTRFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:  // Log-structured: it never overwrites in place either.
    case NILFS_SUPER_MAGIC:
    case kZfsMagic:
    case kBcachefsMagic:
      return Medium::kCopyOnWrite;
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
    case AFS_SUPER_MAGIC:
    case CEPH_SUPER_MAGIC:
    case V9FS_MAGIC:
    case FUSE_SUPER_MAGIC:
      return Medium::kNetwork;
    case OVERLAYFS_SUPER_MAGIC:
      return Medium::kOverlay;
    default:
      return Medium::kUnknown;
  }
}

absl::StatusOr<Medium> PosixFileSystem::MediumOf(const std::string& path) {
  struct statfs info {};
  if (Retry([&] { return ::statfs(path.c_str(), &info); }) != 0) {
    return ErrnoError(errno, "stat", path);
  }
  return MediumOfType(info.f_type);
}

}  // namespace holdfast
