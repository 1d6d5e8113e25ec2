// SPDX-License-Identifier: Apache-2.0
#include "crypto/keyslot/file_keyslot.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/internal/primitives.h"
#include "crypto/internal/secret_access.h"
#include "crypto/internal/wire.h"

namespace holdfast::crypto {
namespace {

using internal::SecretAccess;

constexpr std::string_view kMagic = "HFK1";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kSuite = 1;

// Magic, version, suite, epoch.
constexpr std::size_t kClaimBytes = 6 + 8;
constexpr std::size_t kNonceOffset = kClaimBytes;
constexpr std::size_t kSealedKeyOffset = kNonceOffset + internal::kNonceBytes;
constexpr std::size_t kBodyOffset = kSealedKeyOffset + Keyslot::kRootKeyBytes + internal::kTagBytes;

static_assert(Keyslot::kRootKeyBytes == internal::kKeyBytes);

// Says what failed for the operator, and nothing that depends on a key.
absl::Status Failed(const char* what) { return MakeError(Reason::kKeyslotFailed, what); }

// The files' errors become the slot's: whoever waits for a keyslot does the same about all of them.
absl::Status Translate(const absl::Status& status) {
  if (status.ok()) return status;
  return MakeError(Reason::kKeyslotFailed, std::string(status.message()));
}

// The hash of an area's random bytes, which opens the root key before them.
class AreaKey final {
 public:
  explicit AreaKey(ByteSpan area) {
    internal::Hash("holdfast/1/file-keyslot",
                   {area.subspan(kClaimBytes - 8, 8), area.subspan(kBodyOffset)}, bytes_);
  }
  AreaKey(const AreaKey&) = delete;
  AreaKey& operator=(const AreaKey&) = delete;
  ~AreaKey() { Wipe(bytes_); }

  internal::KeySpan span() const { return bytes_; }

 private:
  std::array<std::byte, internal::kKeyBytes> bytes_{};
};

}  // namespace

FileKeyslot::FileKeyslot(FileSystem& files, std::string folder, Random& random)
    : files_(files),
      folder_(std::move(folder)),
      paths_{JoinPath(folder_, "area-0"), JoinPath(folder_, "area-1")},
      random_(random) {}

absl::StatusOr<std::unique_ptr<FileKeyslot>> FileKeyslot::Open(FileSystem& files,
                                                               const std::string& folder,
                                                               Random& random, MediumCheck check) {
  auto info = files.Stat(folder);
  if (!info.ok() && ReasonOf(info.status()) == Reason::kNotFound) {
    HF_RETURN_IF_ERROR(Translate(files.MakeDirectory(folder)));
    info = files.Stat(folder);
  }
  HF_RETURN_IF_ERROR(Translate(info.status()));
  if (info->kind != FileKind::kDirectory) return Failed("the keyslot's path is not a folder");
  if ((info->permissions & 0077) != 0) {
    return Failed("others than the owner may enter the keyslot's folder");
  }
  if (check == MediumCheck::kOverwritesInPlace) {
    const auto medium = files.MediumOf(folder);
    HF_RETURN_IF_ERROR(Translate(medium.status()));
    if (*medium != Medium::kLocal) {
      return Failed("the keyslot's folder is on a medium that does not overwrite in place");
    }
  }
  std::unique_ptr<FileKeyslot> slot(new FileKeyslot(files, folder, random));
  HF_RETURN_IF_ERROR(slot->CreateMissingAreas());
  // Also if nothing was created now: an attempt before this one may have failed at just this.
  HF_RETURN_IF_ERROR(Translate(files.SyncDirectory(folder)));
  HF_RETURN_IF_ERROR(Translate(files.SyncDirectory(ParentPath(folder))));
  return slot;
}

absl::Status FileKeyslot::CreateMissingAreas() {
  for (const std::string& path : paths_) {
    const auto info = files_.Stat(path);
    if (info.ok() && (info->kind != FileKind::kRegular || (info->permissions & 0077) != 0)) {
      return Failed("an area of the keyslot is not a file that only its owner may read");
    }
    // Shorter only if its making was cut short: a whole area never changes its size.
    if (info.ok() && info->size_bytes == kAreaBytes) continue;
    if (!info.ok() && ReasonOf(info.status()) != Reason::kNotFound) {
      return Translate(info.status());
    }
    if (info.ok() && info->size_bytes > kAreaBytes) return Failed("an area has the wrong size");
    auto file = files_.Open(path, OpenMode::kOpenOrCreate);
    HF_RETURN_IF_ERROR(Translate(file.status()));
    WipedBuffer content = RandomBytes(kAreaBytes);
    Wipe(content.Mutable().first(kBodyOffset));
    HF_RETURN_IF_ERROR(Translate((*file)->WriteAt(0, content.Reveal())));
    HF_RETURN_IF_ERROR(Translate((*file)->Sync()));
    HF_RETURN_IF_ERROR(Translate((*file)->Close()));
  }
  return absl::OkStatus();
}

// Stretched from 32 bytes: the kernel would take a millisecond for an area. Whoever lacks a part of
// an area still cannot compute it from the others.
WipedBuffer FileKeyslot::RandomBytes(std::size_t size) {
  auto seed = Draw<internal::kKeyBytes>(random_);
  const internal::WipeOnExit wipe(seed);
  WipedBuffer bytes(size);
  internal::ExpandStream(seed, bytes.Mutable());
  return bytes;
}

absl::StatusOr<WipedBuffer> FileKeyslot::ReadArea(std::size_t area) {
  auto file = files_.Open(paths_[area], OpenMode::kRead);
  HF_RETURN_IF_ERROR(Translate(file.status()));
  WipedBuffer bytes(kAreaBytes);
  const auto count = (*file)->ReadAt(0, bytes.Mutable());
  HF_RETURN_IF_ERROR(Translate(count.status()));
  HF_RETURN_IF_ERROR(Translate((*file)->Close()));
  if (*count != kAreaBytes) return Failed("an area has the wrong size");
  return bytes;
}

absl::StatusOr<FileKeyslot::Area> FileKeyslot::LookAt(std::size_t area) {
  HF_ASSIGN_OR_RETURN(const WipedBuffer buffer, ReadArea(area));
  const ByteSpan bytes = buffer.Reveal();
  Area result{.claims = Epoch(0), .key = Failed("the area does not open")};
  internal::Reader reader(bytes.first(kClaimBytes));
  if (!reader.TakeText(kMagic) || reader.TakeInteger<std::uint8_t>() != kVersion ||
      reader.TakeInteger<std::uint8_t>() != kSuite) {
    return result;
  }
  result.claims = Epoch(reader.TakeInteger<std::uint64_t>());
  HF_ASSIGN_OR_RETURN(SecretBytes key, SecretBytes::Zeroed(kRootKeyBytes));
  if (internal::OpenAead(AreaKey(bytes).span(),
                         bytes.subspan<kNonceOffset, internal::kNonceBytes>(),
                         bytes.first(kClaimBytes),
                         bytes.subspan(kSealedKeyOffset, kRootKeyBytes + internal::kTagBytes),
                         SecretAccess::Write(key))) {
    result.key = std::move(key);
  }
  return result;
}

// Writes, syncs, and reads back through a handle of its own: after a failed sync nothing that is
// read through the old one can be trusted.
absl::Status FileKeyslot::Overwrite(std::size_t area, std::size_t offset, ByteSpan bytes) {
  auto file = files_.Open(paths_[area], OpenMode::kReadWrite);
  HF_RETURN_IF_ERROR(Translate(file.status()));
  HF_RETURN_IF_ERROR(Translate((*file)->WriteAt(offset, bytes)));
  HF_RETURN_IF_ERROR(Translate((*file)->Sync()));
  HF_RETURN_IF_ERROR(Translate((*file)->Close()));
  HF_ASSIGN_OR_RETURN(const WipedBuffer found, ReadArea(area));
  if (!internal::EqualInConstantTime(found.Reveal().subspan(offset, bytes.size()), bytes)) {
    return Failed("an area does not hold what was written to it");
  }
  return absl::OkStatus();
}

absl::Status FileKeyslot::EraseArea(std::size_t area) {
  // First all but the claim, so that an erasure which is cut short can be found and finished.
  const WipedBuffer noise = RandomBytes(kAreaBytes - kClaimBytes);
  HF_RETURN_IF_ERROR(Overwrite(area, kClaimBytes, noise.Reveal()));
  const std::array<std::byte, kBodyOffset> blank{};
  return Overwrite(area, 0, blank);
}

absl::Status FileKeyslot::Stage(Epoch epoch, const SecretBytes& key) {
  HF_CHECK(epoch.value() != 0 && key.size() == kRootKeyBytes);
  std::size_t free = kAreas;
  for (std::size_t area = 0; area < kAreas; ++area) {
    HF_ASSIGN_OR_RETURN(const Area found, LookAt(area));
    if (!found.held()) {
      free = area;
    } else if (found.claims == epoch) {
      return MakeError(Reason::kAlreadyExists, "the keyslot holds that epoch already");
    }
  }
  if (free == kAreas) return Failed("the keyslot holds two epochs already");

  WipedBuffer content = RandomBytes(kAreaBytes);
  const auto bytes = content.Mutable();
  internal::Writer writer(bytes.first(kSealedKeyOffset));
  writer.Put(kMagic);
  writer.PutInteger(kVersion);
  writer.PutInteger(kSuite);
  writer.PutInteger(epoch.value());
  writer.Put(Draw<internal::kNonceBytes>(random_));
  HF_CHECK(writer.full());
  const ByteSpan view = bytes;
  internal::SealAead(AreaKey(view).span(), view.subspan<kNonceOffset, internal::kNonceBytes>(),
                     view.first(kClaimBytes), SecretAccess::Read(key),
                     bytes.subspan(kSealedKeyOffset, kRootKeyBytes + internal::kTagBytes));
  absl::Status written = Overwrite(free, 0, view);
  if (written.ok()) {
    const auto found = LookAt(free);
    if (found.ok() && found->held() && found->claims == epoch &&
        ConstantTimeEquals(*found->key, key)) {
      return absl::OkStatus();
    }
    written = Failed("a staged key cannot be read back");
  }
  // The first error is the caller's. If this fails too, the caller's Erase() will find it.
  (void)EraseArea(free);
  return written;
}

absl::StatusOr<SecretBytes> FileKeyslot::Read(Epoch epoch) {
  for (std::size_t area = 0; area < kAreas; ++area) {
    HF_ASSIGN_OR_RETURN(Area found, LookAt(area));
    if (found.held() && found.claims == epoch) return std::move(found.key);
  }
  return MakeError(Reason::kNotFound, "the keyslot does not hold that epoch");
}

absl::Status FileKeyslot::Erase(Epoch epoch) {
  HF_CHECK(epoch.value() != 0);
  for (std::size_t area = 0; area < kAreas; ++area) {
    HF_ASSIGN_OR_RETURN(const Area found, LookAt(area));
    if (found.claims == epoch) HF_RETURN_IF_ERROR(EraseArea(area));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Epoch>> FileKeyslot::List() {
  std::vector<Epoch> epochs;
  for (std::size_t area = 0; area < kAreas; ++area) {
    HF_ASSIGN_OR_RETURN(const Area found, LookAt(area));
    if (found.held()) epochs.push_back(found.claims);
  }
  std::sort(epochs.begin(), epochs.end());
  return epochs;
}

}  // namespace holdfast::crypto
