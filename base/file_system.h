// SPDX-License-Identifier: Apache-2.0
// The few things that are done with files, behind a seam.
//
// When to use  For every durable file of ours but SQLite's own. What is written through this
//              interface can be tested against a disk that fails and a machine that loses power
//              (tests/support/). Not for configuration that a library reads by itself.
// Threads      A FileSystem may be used concurrently. A File may not.
// Ownership    Files and locks belong to the caller; the FileSystem must outlive them.
// Errors       kNotFound and kAlreadyExists for names; kStoreFull for a disk or quota without
//              space; kAlreadyRunning for a lock that is taken; kRequestTooLarge where a size is
//              bounded; kStoreFailed for everything else. Metadata: operation, file, cause.
//
// What survives a loss of power, and no more than this:
//   (1) the bytes of a file at its last successful Sync();
//   (2) the names in a folder at its last successful SyncDirectory();
//   (3) a Rename() happens wholly or not at all;
//   (4) all bytes and names that were there at the last successful SyncAll().
// After a Sync() that failed nothing is known about the file: do not try again, recover.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/bytes.h"

namespace holdfast {

enum class OpenMode {
  kRead = 0,      // The file exists.
  kReadWrite,     // The file exists.
  kCreateNew,     // The file does not exist. Reads and writes.
  kOpenOrCreate,  // Reads and writes, from what is there.
};

// What a folder is stored on, as far as it matters to us.
enum class Medium {
  kUnknown = 0,  // Not recognised: treat it as unsuitable.
  kLocal,        // Overwrites in place, and a sync reaches the device.
  kMemory,       // Gone when the machine stops.
  kCopyOnWrite,  // Keeps old bytes after they were overwritten.
  kNetwork,      // Locks and syncs cannot be relied on.
  kOverlay,      // A layer of a container over something that is not known.
};

enum class FileKind { kOther = 0, kRegular, kDirectory };

struct FileInfo {
  FileKind kind = FileKind::kOther;
  std::uint64_t size_bytes = 0;   // Of a regular file.
  std::uint32_t permissions = 0;  // The nine bits of owner, group and others.
};

// An open file. Closing it in the destructor loses the error, so writers call Close().
class File {
 public:
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File() = default;

  // Writes all of `bytes` at the end, or fails with an unknown part of them written.
  virtual absl::Status Append(ByteSpan bytes) = 0;

  // Writes all of `bytes` from `offset` on, or fails with an unknown part of them written. A gap
  // that this leaves before `offset` reads as zeros.
  virtual absl::Status WriteAt(std::uint64_t offset, ByteSpan bytes) = 0;

  // Reads from `offset` on until `out` is full or the file ends. Returns how many bytes there were.
  virtual absl::StatusOr<std::size_t> ReadAt(std::uint64_t offset, std::span<std::byte> out) = 0;

  // Cuts the file to its first `size` bytes. REQUIRES: it has as many.
  virtual absl::Status Truncate(std::uint64_t size) = 0;

  virtual absl::StatusOr<std::uint64_t> Size() = 0;

  // Makes the bytes durable (1).
  virtual absl::Status Sync() = 0;

  // Does nothing the second time. Does not sync.
  virtual absl::Status Close() = 0;
};

// A lock on a file that no second process, and no second holder in this one, can take. Released by
// its destructor and by the end of the process.
class FileLock {
 public:
  FileLock() = default;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  FileSystem() = default;
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;
  virtual ~FileSystem() = default;

  // Opens a regular file. What it creates is readable by its owner alone. A symbolic link as the
  // last part of `path` is refused: state is never somewhere else than it seems.
  virtual absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;

  // Returns the whole content of a regular file; follows links.
  // Errors: kRequestTooLarge if there is more than `max_bytes`.
  virtual absl::StatusOr<Bytes> ReadWhole(const std::string& path, std::size_t max_bytes) = 0;

  // Gives `from` the name `to`, in place of what had that name.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;

  // Removes a file or an empty folder.
  virtual absl::Status Remove(const std::string& path) = 0;

  // Makes a folder that only its owner may enter.
  virtual absl::Status MakeDirectory(const std::string& path) = 0;

  // Makes the names in a folder durable (2).
  virtual absl::Status SyncDirectory(const std::string& path) = 0;

  // Makes durable (4) whatever anybody has written so far to the file system that the folder `path`
  // is on: one wait for many files, and for what other programs are writing there.
  virtual absl::Status SyncAll(const std::string& path) = 0;

  // Returns the names in a folder, sorted, without "." and "..".
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;

  // Follows links.
  virtual absl::StatusOr<FileInfo> Stat(const std::string& path) = 0;

  // Takes the lock that `path` stands for, and creates that file if need be. Does not wait.
  // Errors: kAlreadyRunning if it is taken.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;

  virtual absl::StatusOr<Medium> MediumOf(const std::string& path) = 0;
};

// The real one.
class PosixFileSystem final : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  absl::StatusOr<Bytes> ReadWhole(const std::string& path, std::size_t max_bytes) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status MakeDirectory(const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::Status SyncAll(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::StatusOr<FileInfo> Stat(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override;
  absl::StatusOr<Medium> MediumOf(const std::string& path) override;
};

// Returns `folder` and `name` with one slash between them.
std::string JoinPath(std::string_view folder, std::string_view name);

// Returns the folder that `path` is in; "." if it names none, "/" for what is in the root.
std::string ParentPath(std::string_view path);

// Gives `path` the content `bytes`, durably, wholly or not at all: a new file beside it is written,
// synced and renamed over it. A left-over of an attempt that was cut short is overwritten.
// Errors: as above. If the last step, the sync of the folder, fails, either content may survive.
absl::Status ReplaceFile(FileSystem& files, const std::string& path, ByteSpan bytes);

}  // namespace holdfast
