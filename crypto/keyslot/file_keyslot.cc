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
#include "crypto/keyslot/internal/keyslot_folder.h"

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
constexpr std::size_t kPieceBytes = std::size_t{32} << 10;  // What is compared at a time.

static_assert(Keyslot::kRootKeyBytes == internal::kKeyBytes);

absl::Status Failed(const char* what) { return MakeError(Reason::kKeyslotFailed, what); }

using Claim = std::array<std::byte, kClaimBytes>;

Claim EncodeClaim(Epoch epoch) {
  Claim claim{};
  internal::Writer writer(claim);
  writer.Put(kMagic);
  writer.PutInteger(kVersion);
  writer.PutInteger(kSuite);
  writer.PutInteger(epoch.value());
  HF_CHECK(writer.full());
  return claim;
}

WipedBuffer DrawSeed(Random& random) {
  WipedBuffer seed(internal::kKeyBytes);
  random.Fill(seed.Mutable());
  return seed;
}

// Random bytes are stretched from 32: the kernel would take a millisecond for an area. Whoever
// lacks a part of an area still cannot compute it from the others.
WipedBuffer Stretch(const WipedBuffer& seed, std::size_t size) {
  WipedBuffer bytes(size);
  internal::ExpandStream(seed.Reveal().first<internal::kKeyBytes>(), bytes.Mutable());
  return bytes;
}

}  // namespace

FileKeyslot::FileKeyslot(FileSystem& files, std::string folder, std::unique_ptr<FileLock> lock,
                         Random& random)
    : files_(files),
      folder_(std::move(folder)),
      paths_{JoinPath(folder_, "area-0"), JoinPath(folder_, "area-1")},
      lock_(std::move(lock)),
      random_(random) {}

absl::StatusOr<std::unique_ptr<FileKeyslot>> FileKeyslot::Open(FileSystem& files,
                                                               const std::string& folder,
                                                               Random& random, MediumCheck check) {
  HF_RETURN_IF_ERROR(internal::MakeKeyslotFolder(files, folder));
  if (check == MediumCheck::kOverwritesInPlace) {
    const auto medium = files.MediumOf(folder);
    HF_RETURN_IF_ERROR(internal::KeyslotStatus(medium.status()));
    if (*medium != Medium::kLocal) {
      return Failed("the keyslot's folder is on a medium that does not overwrite in place");
    }
  }
  HF_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, internal::LockKeyslotFolder(files, folder));
  std::unique_ptr<FileKeyslot> slot(new FileKeyslot(files, folder, std::move(lock), random));
  HF_RETURN_IF_ERROR(slot->CreateMissingAreas());
  // Also if nothing was created now: an attempt before this one may have failed at just this.
  HF_RETURN_IF_ERROR(internal::KeyslotStatus(files.SyncDirectory(folder)));
  HF_RETURN_IF_ERROR(internal::KeyslotStatus(files.SyncDirectory(ParentPath(folder))));
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
      return internal::KeyslotStatus(info.status());
    }
    if (info.ok() && info->size_bytes > kAreaBytes) return Failed("an area has the wrong size");
    auto file = files_.Open(path, OpenMode::kOpenOrCreate);
    HF_RETURN_IF_ERROR(internal::KeyslotStatus(file.status()));
    WipedBuffer content = Stretch(DrawSeed(random_), kAreaBytes);
    Wipe(content.Mutable().first(kBodyOffset));
    HF_RETURN_IF_ERROR(internal::KeyslotStatus((*file)->WriteAt(0, content.Reveal())));
    HF_RETURN_IF_ERROR(internal::KeyslotStatus((*file)->Sync()));
    HF_RETURN_IF_ERROR(internal::KeyslotStatus((*file)->Close()));
  }
  return absl::OkStatus();
}

absl::StatusOr<WipedBuffer> FileKeyslot::ReadArea(std::size_t area, std::size_t offset,
                                                  std::size_t size) {
  auto file = files_.Open(paths_[area], OpenMode::kRead);
  HF_RETURN_IF_ERROR(internal::KeyslotStatus(file.status()));
  WipedBuffer bytes(size);
  const auto count = (*file)->ReadAt(offset, bytes.Mutable());
  HF_RETURN_IF_ERROR(internal::KeyslotStatus(count.status()));
  HF_RETURN_IF_ERROR(internal::KeyslotStatus((*file)->Close()));
  if (*count != size) return Failed("an area has the wrong size");
  return bytes;
}

absl::StatusOr<Epoch> FileKeyslot::ClaimOf(std::size_t area) {
  HF_ASSIGN_OR_RETURN(const WipedBuffer claim, ReadArea(area, 0, kClaimBytes));
  internal::Reader reader(claim.Reveal());
  if (!reader.TakeText(kMagic) || reader.TakeInteger<std::uint8_t>() != kVersion ||
      reader.TakeInteger<std::uint8_t>() != kSuite) {
    return Epoch(0);
  }
  return Epoch(reader.TakeInteger<std::uint64_t>());
}

absl::StatusOr<bool> FileKeyslot::Has(std::size_t area, std::size_t offset, ByteSpan bytes) {
  auto file = files_.Open(paths_[area], OpenMode::kRead);
  HF_RETURN_IF_ERROR(internal::KeyslotStatus(file.status()));
  // Piece by piece, which stays in the processor's cache.
  WipedBuffer piece(std::min(bytes.size(), kPieceBytes));
  bool same = true;
  for (; same && !bytes.empty(); bytes = bytes.subspan(piece.size())) {
    piece.Shrink(std::min(bytes.size(), piece.size()));
    const auto count = (*file)->ReadAt(offset, piece.Mutable());
    HF_RETURN_IF_ERROR(internal::KeyslotStatus(count.status()));
    if (*count != piece.size()) return Failed("an area has the wrong size");
    same = AsText(piece.Reveal()) == AsText(bytes.first(piece.size()));
    offset += piece.size();
  }
  HF_RETURN_IF_ERROR(internal::KeyslotStatus((*file)->Close()));
  return same;
}

absl::StatusOr<SecretBytes> FileKeyslot::OpenArea(std::size_t area, Epoch epoch) {
  HF_ASSIGN_OR_RETURN(const Hashed* const hashed, HashedAs(area));
  HF_ASSIGN_OR_RETURN(SecretBytes key, SecretBytes::Zeroed(kRootKeyBytes));
  const ByteSpan bytes = hashed->bytes.Reveal();
  if (!internal::OpenAead(SecretAccess::Read(hashed->key),
                          bytes.subspan<kNonceOffset, internal::kNonceBytes>(), EncodeClaim(epoch),
                          bytes.subspan(kSealedKeyOffset, kRootKeyBytes + internal::kTagBytes),
                          SecretAccess::Write(key))) {
    return MakeError(Reason::kNotFound, "the area does not open");
  }
  return key;
}

FileKeyslot::AreaKey FileKeyslot::HashOf(ByteSpan area) {
  AreaKey key;
  internal::Hash("holdfast/1/file-keyslot",
                 {area.subspan(kClaimBytes - 8, 8), area.subspan(kBodyOffset)},
                 SecretAccess::Write(key));
  return key;
}

absl::StatusOr<const FileKeyslot::Hashed*> FileKeyslot::HashedAs(std::size_t area) {
  Hashed& hashed = hashed_[area];
  if (!hashed.bytes.empty()) {
    HF_ASSIGN_OR_RETURN(const bool same, Has(area, 0, hashed.bytes.Reveal()));
    if (same) return &hashed;
  }
  HF_ASSIGN_OR_RETURN(hashed.bytes, ReadArea(area, 0, kAreaBytes));
  hashed.key = HashOf(hashed.bytes.Reveal());
  return &hashed;
}

std::shared_ptr<FileKeyslot::Drawn<FileKeyslot::Hashed>> FileKeyslot::DrawArea(Epoch epoch) {
  return std::make_shared<Drawn<Hashed>>(
      [epoch, seed = DrawSeed(random_), nonce = Draw<internal::kNonceBytes>(random_)] {
        Hashed area{Stretch(seed, kAreaBytes), {}};
        internal::Writer writer(area.bytes.Mutable().first(kSealedKeyOffset));
        writer.Put(EncodeClaim(epoch));
        writer.Put(nonce);
        HF_CHECK(writer.full());
        area.key = HashOf(area.bytes.Reveal());
        return area;
      });
}

std::shared_ptr<FileKeyslot::Drawn<WipedBuffer>> FileKeyslot::DrawNoise() {
  return std::make_shared<Drawn<WipedBuffer>>(
      [seed = DrawSeed(random_)] { return Stretch(seed, kAreaBytes - kClaimBytes); });
}

std::function<void()> FileKeyslot::Prepare(Epoch next) {
  HF_CHECK(next.value() != 0);
  const bool has_area = next_area_ != nullptr && next_area_epoch_ == next;
  if (has_area && next_noise_ != nullptr) return nullptr;
  if (!has_area) next_area_ = DrawArea(next);
  next_area_epoch_ = next;
  if (next_noise_ == nullptr) next_noise_ = DrawNoise();
  return [area = next_area_, noise = next_noise_] {
    area->Finish();
    noise->Finish();
  };
}

// After a failed sync nothing that is done through the old handle can be trusted, so each step has
// a handle of its own.
absl::Status FileKeyslot::WriteArea(std::size_t area, std::size_t offset, ByteSpan bytes,
                                    Durability durability) {
  auto file = files_.Open(paths_[area], OpenMode::kReadWrite);
  HF_RETURN_IF_ERROR(internal::KeyslotStatus(file.status()));
  HF_RETURN_IF_ERROR(internal::KeyslotStatus((*file)->WriteAt(offset, bytes)));
  if (durability == Durability::kSync) HF_RETURN_IF_ERROR(internal::KeyslotStatus((*file)->Sync()));
  return internal::KeyslotStatus((*file)->Close());
}

absl::Status FileKeyslot::EraseArea(std::size_t area) {
  hashed_[area] = {};
  // First all but the claim, so that an erasure which is cut short can be found and finished.
  std::shared_ptr<Drawn<WipedBuffer>> drawn = std::move(next_noise_);
  if (drawn == nullptr) drawn = DrawNoise();
  const WipedBuffer noise = drawn->Take();
  HF_RETURN_IF_ERROR(WriteArea(area, kClaimBytes, noise.Reveal(), Durability::kSync));
  HF_ASSIGN_OR_RETURN(const bool overwritten, Has(area, kClaimBytes, noise.Reveal()));
  if (!overwritten) return Failed("an area does not hold what it was overwritten with");
  // The key is gone. What follows only says that the area is free, which need not be durable: a
  // claim that comes back opens nothing, and Erase() removes it again.
  const std::array<std::byte, kBodyOffset> blank{};
  return WriteArea(area, 0, blank, Durability::kLater);
}

absl::Status FileKeyslot::Stage(Epoch epoch, const SecretBytes& key) {
  HF_CHECK(epoch.value() != 0 && key.size() == kRootKeyBytes);
  std::array<Epoch, kAreas> claims;
  std::size_t free = kAreas;
  for (std::size_t area = 0; area < kAreas; ++area) {
    HF_ASSIGN_OR_RETURN(claims[area], ClaimOf(area));
    if (claims[area].value() == 0) free = area;
  }
  // An area whose staging or erasing was cut short is as good as a free one, and better if it
  // claims this epoch: no two areas may. To find out costs a hash of it, so only where it matters.
  const bool none_is_free = free == kAreas;
  for (std::size_t area = 0; area < kAreas; ++area) {
    if (claims[area].value() == 0 || (claims[area] != epoch && !none_is_free)) continue;
    const auto held = OpenArea(area, claims[area]);
    if (held.ok() && claims[area] == epoch) {
      return MakeError(Reason::kAlreadyExists, "the keyslot holds that epoch already");
    }
    if (held.ok()) continue;
    if (ReasonOf(held.status()) != Reason::kNotFound) return held.status();
    free = area;
    if (claims[area] == epoch) break;
  }
  if (free == kAreas) return Failed("the keyslot holds two epochs already");

  // A second staging of the same epoch draws anew.
  std::shared_ptr<Drawn<Hashed>> drawn = std::move(next_area_);
  if (drawn == nullptr || next_area_epoch_ != epoch) drawn = DrawArea(epoch);
  Hashed& hashed = hashed_[free];
  hashed = drawn->Take();
  const auto bytes = hashed.bytes.Mutable();
  const ByteSpan view = bytes;
  internal::SealAead(SecretAccess::Read(hashed.key),
                     view.subspan<kNonceOffset, internal::kNonceBytes>(), EncodeClaim(epoch),
                     SecretAccess::Read(key),
                     bytes.subspan(kSealedKeyOffset, kRootKeyBytes + internal::kTagBytes));
  absl::Status staged = WriteArea(free, 0, view, Durability::kSync);
  if (staged.ok()) {
    // It opens only if every byte is what was written.
    const auto found = Read(epoch);
    if (found.ok() && ConstantTimeEquals(*found, key)) return absl::OkStatus();
    staged = Failed("a staged key cannot be read back");
  }
  // The first error is the caller's. If this fails too, the caller's Erase() will find it.
  (void)EraseArea(free);
  return staged;
}

absl::StatusOr<SecretBytes> FileKeyslot::Read(Epoch epoch) {
  for (std::size_t area = 0; area < kAreas; ++area) {
    HF_ASSIGN_OR_RETURN(const Epoch claim, ClaimOf(area));
    if (claim != epoch || claim.value() == 0) continue;
    auto key = OpenArea(area, epoch);
    if (key.ok() || ReasonOf(key.status()) != Reason::kNotFound) return key;
  }
  return MakeError(Reason::kNotFound, "the keyslot does not hold that epoch");
}

absl::Status FileKeyslot::Erase(Epoch epoch) {
  HF_CHECK(epoch.value() != 0);
  for (std::size_t area = 0; area < kAreas; ++area) {
    HF_ASSIGN_OR_RETURN(const Epoch claim, ClaimOf(area));
    if (claim == epoch) HF_RETURN_IF_ERROR(EraseArea(area));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Epoch>> FileKeyslot::List() {
  std::vector<Epoch> epochs;
  for (std::size_t area = 0; area < kAreas; ++area) {
    HF_ASSIGN_OR_RETURN(const Epoch claim, ClaimOf(area));
    if (claim.value() == 0) continue;
    const auto key = OpenArea(area, claim);
    if (key.ok()) {
      epochs.push_back(claim);
    } else if (ReasonOf(key.status()) != Reason::kNotFound) {
      return key.status();
    }
  }
  std::sort(epochs.begin(), epochs.end());
  return epochs;
}

}  // namespace holdfast::crypto
