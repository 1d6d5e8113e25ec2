// SPDX-License-Identifier: Apache-2.0
#include "tests/support/faulty_vfs.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <new>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/error.h"

namespace holdfast::test {
namespace {

constexpr std::size_t kSectorBytes = 512;

void Write(Bytes& content, std::uint64_t offset, ByteSpan bytes) {
  const auto begin = static_cast<std::size_t>(offset);
  if (content.size() < begin + bytes.size()) content.resize(begin + bytes.size());
  std::copy(bytes.begin(), bytes.end(), content.begin() + static_cast<std::ptrdiff_t>(begin));
}

Bytes ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return ToBytes(text);
}

void WriteFile(const std::string& path, ByteSpan bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  const std::string_view text = AsText(bytes);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  HF_CHECK(out.good());
}

}  // namespace

// Begins with what SQLite sees. The default VFS's own file follows it in the same memory.
struct FaultyVfs::OpenFile {
  sqlite3_file base;
  FaultyVfs* vfs;
  std::string* path;
  FileState* state;
  sqlite3_file* inner;
};

struct FaultyVfs::Methods {
  static OpenFile* Of(sqlite3_file* file) { return reinterpret_cast<OpenFile*>(file); }
  static FaultyVfs& Of(sqlite3_vfs* vfs) { return *static_cast<FaultyVfs*>(vfs->pAppData); }

  // Room for an OpenFile, so that what follows it is aligned.
  static constexpr std::size_t kOwnBytes = (sizeof(OpenFile) + alignof(std::max_align_t) - 1) /
                                           alignof(std::max_align_t) * alignof(std::max_align_t);

  static int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
                  int* out_flags) {
    FaultyVfs& self = Of(vfs);
    // Null: SQLite has not opened a file, so it must not close one.
    file->pMethods = nullptr;
    const std::string path = name == nullptr ? "" : name;
    const int fault = self.Next("open " + path, SQLITE_CANTOPEN);
    if (fault != SQLITE_OK) return fault;

    auto* inner = reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + kOwnBytes);
    FileState& state = self.Track(path);
    const int opened = self.inner_->xOpen(self.inner_, name, inner, flags, out_flags);
    if (opened != SQLITE_OK) return opened;
    OpenFile* open_file = Of(file);
    open_file->vfs = &self;
    open_file->path = new std::string(path);
    open_file->state = &state;
    open_file->inner = inner;
    file->pMethods = &kIoMethods;
    return SQLITE_OK;
  }

  static int Delete(sqlite3_vfs* vfs, const char* name, int sync_folder) {
    FaultyVfs& self = Of(vfs);
    const int fault = self.Next(std::string("delete ") + name, SQLITE_IOERR_DELETE);
    if (fault != SQLITE_OK) return fault;
    self.files_.erase(name);
    return self.inner_->xDelete(self.inner_, name, sync_folder);
  }

  static int Access(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
    return Of(vfs).inner_->xAccess(Of(vfs).inner_, name, flags, result);
  }
  static int FullPathname(sqlite3_vfs* vfs, const char* name, int size, char* out) {
    return Of(vfs).inner_->xFullPathname(Of(vfs).inner_, name, size, out);
  }
  static int Randomness(sqlite3_vfs* vfs, int size, char* out) {
    return Of(vfs).inner_->xRandomness(Of(vfs).inner_, size, out);
  }
  // Nobody else has the file open, so nothing changes while SQLite waits.
  static int Sleep(sqlite3_vfs*, int micros) { return micros; }
  static int CurrentTime(sqlite3_vfs* vfs, double* out) {
    return Of(vfs).inner_->xCurrentTime(Of(vfs).inner_, out);
  }
  static int GetLastError(sqlite3_vfs*, int, char*) { return 0; }
  static int CurrentTimeInt64(sqlite3_vfs* vfs, sqlite3_int64* out) {
    return Of(vfs).inner_->xCurrentTimeInt64(Of(vfs).inner_, out);
  }

  static int Close(sqlite3_file* file) {
    OpenFile* open_file = Of(file);
    delete open_file->path;
    return open_file->inner->pMethods->xClose(open_file->inner);
  }

  static int Read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
    OpenFile* open_file = Of(file);
    const int fault = open_file->vfs->Next("read " + *open_file->path, SQLITE_IOERR_READ);
    if (fault != SQLITE_OK) return fault;
    return open_file->inner->pMethods->xRead(open_file->inner, out, size, offset);
  }

  static int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
    OpenFile* open_file = Of(file);
    int fault = open_file->vfs->Next("write " + *open_file->path, SQLITE_IOERR_WRITE);
    if (fault == SQLITE_OK) fault = CheckQuota(open_file, offset + size);
    const int written = fault == SQLITE_OK ? size : size / 2;
    Change change;
    change.offset = static_cast<std::uint64_t>(offset);
    const auto* begin = static_cast<const std::byte*>(data);
    change.bytes.assign(begin, begin + written);
    if (fault != SQLITE_FULL && written > 0) {
      const int result =
          open_file->inner->pMethods->xWrite(open_file->inner, data, written, offset);
      if (result != SQLITE_OK) return result;
      open_file->state->pending.push_back(std::move(change));
    }
    return fault;
  }

  static int CheckQuota(OpenFile* file, sqlite3_int64 end) {
    sqlite3_int64 size = 0;
    const int result = file->inner->pMethods->xFileSize(file->inner, &size);
    if (result != SQLITE_OK || end <= size) return result;
    return file->vfs->IsOverQuota(static_cast<std::uint64_t>(end - size)) ? SQLITE_FULL : SQLITE_OK;
  }

  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    OpenFile* open_file = Of(file);
    const int fault = open_file->vfs->Next("truncate " + *open_file->path, SQLITE_IOERR_TRUNCATE);
    if (fault != SQLITE_OK) return fault;
    const int result = open_file->inner->pMethods->xTruncate(open_file->inner, size);
    if (result != SQLITE_OK) return result;
    Change change;
    change.is_truncation = true;
    change.offset = static_cast<std::uint64_t>(size);
    open_file->state->pending.push_back(std::move(change));
    return SQLITE_OK;
  }

  static int Sync(sqlite3_file* file, int) {
    OpenFile* open_file = Of(file);
    FileState& state = *open_file->state;
    ++open_file->vfs->syncs_;
    const int fault = open_file->vfs->Next("sync " + *open_file->path, SQLITE_IOERR_FSYNC);
    if (fault != SQLITE_OK) {
      open_file->vfs->ApplyByChance(state);
      return fault;
    }
    for (const Change& change : state.pending) {
      if (change.is_truncation) {
        state.durable.resize(static_cast<std::size_t>(change.offset));
      } else {
        test::Write(state.durable, change.offset, change.bytes);
      }
    }
    state.pending.clear();
    return SQLITE_OK;
  }

  static int FileSize(sqlite3_file* file, sqlite3_int64* size) {
    return Of(file)->inner->pMethods->xFileSize(Of(file)->inner, size);
  }
  static int Lock(sqlite3_file* file, int kind) {
    return Of(file)->inner->pMethods->xLock(Of(file)->inner, kind);
  }
  static int Unlock(sqlite3_file* file, int kind) {
    return Of(file)->inner->pMethods->xUnlock(Of(file)->inner, kind);
  }
  static int CheckReservedLock(sqlite3_file* file, int* out) {
    return Of(file)->inner->pMethods->xCheckReservedLock(Of(file)->inner, out);
  }
  static int FileControl(sqlite3_file* file, int operation, void* argument) {
    return Of(file)->inner->pMethods->xFileControl(Of(file)->inner, operation, argument);
  }
  static int SectorSize(sqlite3_file* file) {
    return Of(file)->inner->pMethods->xSectorSize(Of(file)->inner);
  }
  static int DeviceCharacteristics(sqlite3_file* file) {
    return Of(file)->inner->pMethods->xDeviceCharacteristics(Of(file)->inner);
  }
  static int ShmMap(sqlite3_file* file, int region, int size, int extend, void volatile** out) {
    OpenFile* open_file = Of(file);
    const int fault =
        open_file->vfs->Next("map the index of " + *open_file->path, SQLITE_IOERR_SHMSIZE);
    if (fault != SQLITE_OK) return fault;
    return open_file->inner->pMethods->xShmMap(open_file->inner, region, size, extend, out);
  }
  static int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
    return Of(file)->inner->pMethods->xShmLock(Of(file)->inner, offset, count, flags);
  }
  static void ShmBarrier(sqlite3_file* file) {
    Of(file)->inner->pMethods->xShmBarrier(Of(file)->inner);
  }
  static int ShmUnmap(sqlite3_file* file, int remove) {
    return Of(file)->inner->pMethods->xShmUnmap(Of(file)->inner, remove);
  }

  static const sqlite3_io_methods kIoMethods;
};

// Version 2: with the shared index of the log, without mapped reads.
const sqlite3_io_methods FaultyVfs::Methods::kIoMethods = {2,
                                                           &Close,
                                                           &Read,
                                                           &Write,
                                                           &Truncate,
                                                           &Sync,
                                                           &FileSize,
                                                           &Lock,
                                                           &Unlock,
                                                           &CheckReservedLock,
                                                           &FileControl,
                                                           &SectorSize,
                                                           &DeviceCharacteristics,
                                                           &ShmMap,
                                                           &ShmLock,
                                                           &ShmBarrier,
                                                           &ShmUnmap,
                                                           nullptr,
                                                           nullptr};

FaultyVfs::FaultyVfs(FaultPlan& plan, std::uint64_t seed)
    : plan_(plan),
      random_(seed),
      name_("faulty-" + std::to_string(reinterpret_cast<std::uintptr_t>(this))),
      inner_(sqlite3_vfs_find(nullptr)) {
  HF_CHECK(inner_ != nullptr && inner_->iVersion >= 2);
  vfs_.iVersion = 2;
  vfs_.szOsFile = static_cast<int>(Methods::kOwnBytes) + inner_->szOsFile;
  vfs_.mxPathname = inner_->mxPathname;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = &Methods::Open;
  vfs_.xDelete = &Methods::Delete;
  vfs_.xAccess = &Methods::Access;
  vfs_.xFullPathname = &Methods::FullPathname;
  vfs_.xRandomness = &Methods::Randomness;
  vfs_.xSleep = &Methods::Sleep;
  vfs_.xCurrentTime = &Methods::CurrentTime;
  vfs_.xGetLastError = &Methods::GetLastError;
  vfs_.xCurrentTimeInt64 = &Methods::CurrentTimeInt64;
  HF_CHECK(sqlite3_vfs_register(&vfs_, /*makeDflt=*/0) == SQLITE_OK);
}

FaultyVfs::~FaultyVfs() { sqlite3_vfs_unregister(&vfs_); }

void FaultyVfs::SetQuota(std::string folder, std::uint64_t bytes) {
  quota_folder_ = std::move(folder);
  quota_bytes_ = bytes;
}

void FaultyVfs::LosePower() {
  for (auto& [path, state] : files_) {
    ApplyByChance(state);
    WriteFile(path, state.durable);
    // It is in memory that the machine has lost.
    std::error_code ignored;
    std::filesystem::remove(path + "-shm", ignored);
  }
  files_.clear();
}

int FaultyVfs::Next(const std::string& operation, int io_error) {
  const absl::Status fault = plan_.Next(operation);
  if (fault.ok()) return SQLITE_OK;
  return ReasonOf(fault) == Reason::kStoreFull ? SQLITE_FULL : io_error;
}

bool FaultyVfs::IsOverQuota(std::uint64_t growth) const {
  if (quota_bytes_ == 0) return false;
  std::uint64_t total = growth;
  for (const auto& entry : std::filesystem::directory_iterator(quota_folder_)) {
    if (entry.is_regular_file()) total += entry.file_size();
  }
  return total > quota_bytes_;
}

FaultyVfs::FileState& FaultyVfs::Track(const std::string& path) {
  const auto [found, is_new] = files_.try_emplace(path);
  // What is there when it is first seen counts as synced.
  if (is_new) found->second.durable = ReadFile(path);
  return found->second;
}

void FaultyVfs::ApplyByChance(FileState& state) {
  // All and nothing are what a real disk does most of the time, and what chance would never do.
  const std::uint64_t way = random_.Below(3);
  const auto survives = [&] { return way == 0 || (way == 1 && random_.OneIn(2)); };
  for (const Change& change : state.pending) {
    if (change.is_truncation) {
      if (survives()) state.durable.resize(static_cast<std::size_t>(change.offset));
      continue;
    }
    for (std::size_t done = 0; done < change.bytes.size(); done += kSectorBytes) {
      if (!survives()) continue;
      const std::size_t size = std::min(kSectorBytes, change.bytes.size() - done);
      Write(state.durable, change.offset + done, ByteSpan(change.bytes).subspan(done, size));
    }
  }
  state.pending.clear();
}

}  // namespace holdfast::test
