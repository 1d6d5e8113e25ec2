// SPDX-License-Identifier: Apache-2.0
#include "crypto/keyslot/internal/keyslot_folder.h"

#include "base/error.h"
#include "base/status_macros.h"

namespace holdfast::crypto::internal {
namespace {

constexpr std::size_t kMaxSecretBytes = 256;

}  // namespace

absl::Status KeyslotStatus(const absl::Status& status) {
  if (status.ok() || ReasonOf(status) == Reason::kKeyslotFailed) return status;
  if (ReasonOf(status) == Reason::kAlreadyRunning) {
    return MakeError(Reason::kKeyslotFailed, "the keyslot is open in another process");
  }
  return MakeError(Reason::kKeyslotFailed, std::string(status.message()));
}

absl::Status MakeKeyslotFolder(FileSystem& files, const std::string& folder) {
  auto info = files.Stat(folder);
  if (!info.ok() && ReasonOf(info.status()) == Reason::kNotFound) {
    HF_RETURN_IF_ERROR(KeyslotStatus(files.MakeDirectory(folder)));
    info = files.Stat(folder);
  }
  HF_RETURN_IF_ERROR(KeyslotStatus(info.status()));
  if (info->kind != FileKind::kDirectory) {
    return MakeError(Reason::kKeyslotFailed, "the keyslot's path is not a folder");
  }
  if ((info->permissions & 0077) != 0) {
    return MakeError(Reason::kKeyslotFailed,
                     "others than the owner may enter the keyslot's folder");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<FileLock>> LockKeyslotFolder(FileSystem& files,
                                                            const std::string& folder) {
  auto lock = files.Lock(JoinPath(folder, "lock"));
  HF_RETURN_IF_ERROR(KeyslotStatus(lock.status()));
  return lock;
}

absl::StatusOr<WipedBuffer> ReadSecretFile(FileSystem& files, const std::string& path) {
  const auto info = files.Stat(path);
  HF_RETURN_IF_ERROR(KeyslotStatus(info.status()));
  // The group's bits are also where systemd's access list for the daemon's user shows.
  if (info->kind != FileKind::kRegular || (info->permissions & 0007) != 0) {
    return MakeError(Reason::kKeyslotFailed, "others may read " + path);
  }
  auto file = files.Open(path, OpenMode::kRead);
  HF_RETURN_IF_ERROR(KeyslotStatus(file.status()));
  WipedBuffer secret(kMaxSecretBytes);
  const auto count = (*file)->ReadAt(0, secret.Mutable());
  HF_RETURN_IF_ERROR(KeyslotStatus(count.status()));
  if (*count == kMaxSecretBytes) return MakeError(Reason::kKeyslotFailed, path + " is too long");
  std::size_t size = *count;
  while (size > 0 && (secret.Reveal()[size - 1] == std::byte{'\n'} ||
                      secret.Reveal()[size - 1] == std::byte{'\r'})) {
    --size;
  }
  secret.Shrink(size);
  return secret;
}

}  // namespace holdfast::crypto::internal
