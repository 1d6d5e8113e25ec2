// SPDX-License-Identifier: Apache-2.0
// Long-lived secret bytes: keys, and the seeds of key trees.
//
// When to use  Few values that live long. Each takes several pages and splits the kernel's
//              mappings, and about sixteen thousand of them exhaust a default kernel; for payloads
//              use WipedBuffer, for a key on a worker's stack WipedKey. Public data belongs in none
//              of them: if all bytes are "secret", none are protected.
// Memory       sodium_malloc(): guard pages, canary, left out of core dumps, and locked in memory
//              if RLIMIT_MEMLOCK allows (InitLibrary() probes for it). Wiped before it is released
//              or assigned over, and kept for the next secret. A damaged canary ends the process.
// Threads      Const members may be called concurrently.
// Ownership    Move-only. Duplicate() is the one way to a second copy, so that searching for that
//              word finds every copy of every key.
// Reading      Only crypto/ can read the bytes, through internal::SecretAccess; script/check_layers
//              keeps other folders from including it.
// Errors       The factories alone fail: kUnavailable if no guarded memory is left.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <memory>
#include <span>
#include <utility>

#include "absl/status/statusor.h"

namespace holdfast::crypto {

class Random;

namespace internal {
class SecretAccess;
}  // namespace internal

class SecretBytes final {
 public:
  // Returns `size` zero bytes. REQUIRES: size > 0.
  static absl::StatusOr<SecretBytes> Zeroed(std::size_t size);

  // Returns `size` bytes from `random`. REQUIRES: size > 0.
  static absl::StatusOr<SecretBytes> FromRandom(Random& random, std::size_t size);

  // Takes over the content of `source` and wipes it there, also on error.
  // REQUIRES: !source.empty().
  static absl::StatusOr<SecretBytes> TakeFrom(std::span<std::byte> source);

  SecretBytes(SecretBytes&& other) noexcept
      : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    data_ = std::move(other.data_);  // Releases, and thereby wipes, the old one.
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes() = default;

  // REQUIRES: was not moved from.
  absl::StatusOr<SecretBytes> Duplicate() const;

  // The size is not secret. Zero only after being moved from.
  std::size_t size() const { return size_; }

  // Takes time that depends on the sizes only.
  friend bool ConstantTimeEquals(const SecretBytes& a, const SecretBytes& b);

  // Deleted, because they would look right and be wrong.
  friend bool operator==(const SecretBytes&, const SecretBytes&) = delete;
  friend std::ostream& operator<<(std::ostream&, const SecretBytes&) = delete;

  // GoogleTest would otherwise print the raw object. Prints the size only.
  friend void PrintTo(const SecretBytes& secret, std::ostream* out);

 private:
  friend class internal::SecretAccess;

  struct Release {
    void operator()(std::byte* bytes) const noexcept;
  };

  SecretBytes(std::byte* bytes, std::size_t size) : data_(bytes), size_(size) {}

  std::unique_ptr<std::byte[], Release> data_;
  std::size_t size_;
};

bool ConstantTimeEquals(const SecretBytes& a, const SecretBytes& b);

}  // namespace holdfast::crypto
