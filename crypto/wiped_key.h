// SPDX-License-Identifier: Apache-2.0
// A 32-byte key that lives for one operation, on the stack of whoever works with it.
//
// When to use  For keys of which there are millions: leaf seeds, record keys, page keys. A few keys
//              that stay are SecretBytes.
// Memory       Inside the object, wiped when it is destroyed, assigned over or moved from. Neither
//              locked nor guarded, and left in no container.
// Threads      Const members may be called concurrently.
// Ownership    Move-only.
// Reading      Only crypto/ can, through internal::SecretAccess. The one exception is a record key
//              that its reader wants to keep: RevealForKeeping().
// Errors       None.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <ostream>
#include <span>

#include "base/bytes.h"
#include "crypto/wiped_buffer.h"

namespace holdfast::crypto {

namespace internal {
class SecretAccess;
}  // namespace internal

template <typename Tag>
class WipedKey final {
 public:
  static constexpr std::size_t kBytes = 32;

  // All zero: seals nothing and opens nothing that was sealed under a random key.
  WipedKey() = default;

  // Takes over the content of `source` and wipes it there.
  static WipedKey TakeFrom(std::span<std::byte, kBytes> source) {
    WipedKey key;
    std::copy(source.begin(), source.end(), key.bytes_.begin());
    Wipe(source);
    return key;
  }

  WipedKey(WipedKey&& other) noexcept : bytes_(other.bytes_) { Wipe(other.bytes_); }
  WipedKey& operator=(WipedKey&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      Wipe(other.bytes_);
    }
    return *this;
  }
  WipedKey(const WipedKey&) = delete;
  WipedKey& operator=(const WipedKey&) = delete;
  ~WipedKey() { Wipe(bytes_); }

  // The key itself, for a requester who stores it where they answer for it. Nothing that the
  // gateway runs calls this.
  ByteSpan RevealForKeeping() const requires(Tag::kMayBeKept) { return bytes_; }

  friend bool operator==(const WipedKey&, const WipedKey&) = delete;
  friend std::ostream& operator<<(std::ostream&, const WipedKey&) = delete;
  friend void PrintTo(const WipedKey&, std::ostream* out) { *out << "a key"; }

 private:
  friend class internal::SecretAccess;

  std::array<std::byte, kBytes> bytes_{};
};

struct LeafSeedTag {
  static constexpr bool kMayBeKept = false;
};
struct RecordKeyTag {
  static constexpr bool kMayBeKept = true;
};
struct PageKeyTag {
  static constexpr bool kMayBeKept = false;
};

// What one leaf of a segment's key tree holds.
using LeafSeed = WipedKey<LeafSeedTag>;

// What opens one envelope: R in docs/envelope-format.md. A lease carries it.
using RecordKey = WipedKey<RecordKeyTag>;

// What opens one image of one segment page.
using PageKey = WipedKey<PageKeyTag>;

}  // namespace holdfast::crypto
