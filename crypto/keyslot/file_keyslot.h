// SPDX-License-Identifier: Apache-2.0
// A keyslot in two files: the kind that needs no hardware. docs/key-tree.md, "File keyslot".
//
// Each of the two areas is 256 KiB of random bytes, whose hash opens the root key that stands in
// front of them. A medium that loses any one of its blocks, or an eraser that reaches any one of
// them, destroys the key; someone who wants it back needs all of them. Areas are overwritten in
// place, synced and read back; they never grow, shrink or move.
//
// When to use  Where there is no TPM and no HSM. It cannot do more than the medium: flash that
// keeps
//              blocks it replaced, a snapshot or an image of the whole disk bring an old key back.
//              That is what ErasureClass::kMedium says.
// Threads      Not safe for concurrent use.
// Ownership    Borrows file system and random source; both must outlive it.
// Errors       kKeyslotFailed throughout; see crypto/keyslot/keyslot.h.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/file_system.h"
#include "base/ids.h"
#include "crypto/keyslot/keyslot.h"
#include "crypto/random.h"
#include "crypto/secret_bytes.h"
#include "crypto/wiped_buffer.h"
#include "crypto/wiped_key.h"

namespace holdfast::crypto {

class FileKeyslot final : public Keyslot {
 public:
  static constexpr std::size_t kAreaBytes = std::size_t{256} << 10;
  static constexpr std::chrono::milliseconds kEraseInterval{1000};

  enum class MediumCheck {
    kOverwritesInPlace = 0,  // Refuses what keeps old bytes, and what is not known.
    kNoneForTests,           // Erases nothing that can be relied on.
  };

  // Opens the slot in `folder`, and makes folder and areas where they do not exist yet; the folder
  // that it lies in must. The files have mode 0600, the folder 0700, and beside them only `lock` is
  // touched.
  // Errors: kKeyslotFailed  also if the medium copies on write, is a network's or is not known, if
  //                         others than the owner may read, and if the slot is open already.
  static absl::StatusOr<std::unique_ptr<FileKeyslot>> Open(
      FileSystem& files, const std::string& folder, Random& random,
      MediumCheck check = MediumCheck::kOverwritesInPlace);

  absl::Status Stage(Epoch epoch, const SecretBytes& key) override;
  absl::StatusOr<SecretBytes> Read(Epoch epoch) override;
  absl::Status Erase(Epoch epoch) override;
  absl::StatusOr<std::vector<Epoch>> List() override;
  std::string_view kind() const override { return "file"; }
  ErasureClass erasure_class() const override { return ErasureClass::kMedium; }
  std::chrono::milliseconds erase_interval() const override { return kEraseInterval; }
  std::function<void()> Prepare(Epoch next) override;

 private:
  static constexpr std::size_t kAreas = 2;

  enum class Durability { kSync = 0, kLater };

  struct AreaKeyTag {
    static constexpr bool kMayBeKept = false;
  };
  using AreaKey = WipedKey<AreaKeyTag>;

  FileKeyslot(FileSystem& files, std::string folder, std::unique_ptr<FileLock> lock,
              Random& random);

  // An area's bytes, and their hash with its epoch, which opens the root key that stands in them.
  struct Hashed {
    WipedBuffer bytes;  // Empty if nothing was hashed.
    AreaKey key;
  };

  // Random bytes of which only the seed was drawn. The rest is done by whoever comes first, and who
  // comes meanwhile waits for that.
  template <typename T>
  class Drawn {
   public:
    explicit Drawn(absl::AnyInvocable<T()> stretch) : stretch_(std::move(stretch)) {}

    void Finish() {
      std::call_once(once_, [this] {
        value_ = stretch_();
        stretch_ = nullptr;
      });
    }

    // REQUIRES: called once.
    T Take() {
      Finish();
      return std::move(value_);
    }

   private:
    std::once_flag once_;
    absl::AnyInvocable<T()> stretch_;
    T value_;
  };

  absl::Status CreateMissingAreas();

  // All of an area but the sealed key.
  std::shared_ptr<Drawn<Hashed>> DrawArea(Epoch epoch);

  // What an area is overwritten with behind its claim.
  std::shared_ptr<Drawn<WipedBuffer>> DrawNoise();

  // Returns `size` bytes of an area from `offset` on.
  absl::StatusOr<WipedBuffer> ReadArea(std::size_t area, std::size_t offset, std::size_t size);

  // Reads an area from `offset` on, and returns whether it has just these bytes there.
  absl::StatusOr<bool> Has(std::size_t area, std::size_t offset, ByteSpan bytes);

  // Returns the epoch that an area says it holds, whether or not it opens; 0 if it is free.
  absl::StatusOr<Epoch> ClaimOf(std::size_t area);

  // Returns the root key in an area that claims `epoch`.
  // Errors: kNotFound if it does not open: staging or erasing it was cut short, or it is damaged.
  absl::StatusOr<SecretBytes> OpenArea(std::size_t area, Epoch epoch);

  // The hash of an area's random bytes and its epoch, which opens the root key before them.
  static AreaKey HashOf(ByteSpan area);

  // Reads an area and hashes it. What was hashed last is kept until the area is erased or staged
  // anew: an epoch change looks at the same bytes four times, and to compare them costs a tenth of
  // hashing them. They are worth what the root key is, which is in memory as well.
  absl::StatusOr<const Hashed*> HashedAs(std::size_t area);

  absl::Status WriteArea(std::size_t area, std::size_t offset, ByteSpan bytes,
                         Durability durability);
  absl::Status EraseArea(std::size_t area);
  FileSystem& files_;
  const std::string folder_;
  const std::array<std::string, kAreas> paths_;
  const std::unique_ptr<FileLock> lock_;
  Random& random_;

  std::array<Hashed, kAreas> hashed_;

  // What an epoch change needs that has nothing to do with its key, if that was prepared. Each
  // serves once.
  std::shared_ptr<Drawn<Hashed>> next_area_;
  Epoch next_area_epoch_;
  std::shared_ptr<Drawn<WipedBuffer>> next_noise_;
};

}  // namespace holdfast::crypto
