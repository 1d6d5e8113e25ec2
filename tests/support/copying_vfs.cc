// SPDX-License-Identifier: Apache-2.0
#include "tests/support/copying_vfs.h"

#include <cstddef>
#include <new>

#include "base/check.h"

namespace holdfast::test {

// Stands behind the default VFS's own file, which stays what SQLite sees: so that only the methods
// that change something are ours.
struct CopyingVfs::OpenFile {
  CopyingVfs* vfs;
  std::string* path;
  const sqlite3_io_methods* inner;
  sqlite3_io_methods methods;
};

struct CopyingVfs::Methods {
  // What stands behind the default VFS's own file begins here.
  static OpenFile* Of(sqlite3_file* file) {
    return reinterpret_cast<OpenFile*>(reinterpret_cast<char*>(file) +
                                       RoundedUp(sqlite3_vfs_find(nullptr)->szOsFile));
  }
  static std::size_t RoundedUp(int bytes) {
    constexpr std::size_t kAlign = alignof(std::max_align_t);
    return (static_cast<std::size_t>(bytes) + kAlign - 1) / kAlign * kAlign;
  }

  static int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
                  int* out_flags) {
    CopyingVfs& self = *static_cast<CopyingVfs*>(vfs->pAppData);
    const int opened = self.inner_->xOpen(self.inner_, name, file, flags, out_flags);
    if (opened != SQLITE_OK) return opened;
    OpenFile* const open_file = new (Of(file)) OpenFile;
    open_file->vfs = &self;
    open_file->path = new std::string(name == nullptr ? "" : name);
    open_file->inner = file->pMethods;
    open_file->methods = *file->pMethods;
    open_file->methods.xWrite = &Write;
    open_file->methods.xTruncate = &Truncate;
    open_file->methods.xSync = &Sync;
    open_file->methods.xClose = &Close;
    file->pMethods = &open_file->methods;
    return SQLITE_OK;
  }

  static int Delete(sqlite3_vfs* vfs, const char* name, int sync_folder) {
    CopyingVfs& self = *static_cast<CopyingVfs*>(vfs->pAppData);
    self.history_.Remove(name);
    return self.inner_->xDelete(self.inner_, name, sync_folder);
  }

  static int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
    OpenFile* const open_file = Of(file);
    const bool fails = --open_file->vfs->good_writes_ < 0;
    const int written = fails ? size / 2 : size;
    open_file->vfs->history_.Write(
        *open_file->path, static_cast<std::uint64_t>(offset),
        {static_cast<const std::byte*>(data), static_cast<std::size_t>(written)});
    const int result = open_file->inner->xWrite(file, data, written, offset);
    return fails ? SQLITE_IOERR_WRITE : result;
  }

  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    OpenFile* const open_file = Of(file);
    open_file->vfs->history_.Truncate(*open_file->path, static_cast<std::uint64_t>(size));
    return open_file->inner->xTruncate(file, size);
  }

  static int Sync(sqlite3_file*, int) { return SQLITE_OK; }

  static int Close(sqlite3_file* file) {
    OpenFile* const open_file = Of(file);
    delete open_file->path;
    return open_file->inner->xClose(file);
  }
};

CopyingVfs::CopyingVfs(FileHistory& history)
    : history_(history),
      name_("copying-" + std::to_string(reinterpret_cast<std::uintptr_t>(this))),
      inner_(sqlite3_vfs_find(nullptr)),
      vfs_(*inner_) {
  // The default VFS's methods look at no field of the VFS but in xOpen, which gets the real one.
  vfs_.szOsFile = static_cast<int>(Methods::RoundedUp(inner_->szOsFile) + sizeof(OpenFile));
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.pNext = nullptr;
  vfs_.xOpen = &Methods::Open;
  vfs_.xDelete = &Methods::Delete;
  HF_CHECK(sqlite3_vfs_register(&vfs_, /*makeDflt=*/0) == SQLITE_OK);
}

CopyingVfs::~CopyingVfs() { sqlite3_vfs_unregister(&vfs_); }

}  // namespace holdfast::test
