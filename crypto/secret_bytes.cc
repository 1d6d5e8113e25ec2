// SPDX-License-Identifier: Apache-2.0
#include "crypto/secret_bytes.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <iterator>
#include <ostream>

#include <sodium.h>

#include "base/check.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "crypto/internal/primitives.h"
#include "crypto/library.h"
#include "crypto/random.h"
#include "crypto/wiped_buffer.h"

namespace holdfast::crypto {
namespace {

// A secret ends where its block ends, so that the byte after it is in the guard page. Before it, in
// the same block: what a release has to know, and a canary that it looks at, since a block that is
// kept does not come to the one of sodium_free().
struct Header {
  std::uint64_t secret_bytes;
  std::uint64_t block_bytes;
  std::uint64_t canary;
};

std::uint64_t Canary() {
  static const std::uint64_t canary = [] {
    std::uint64_t drawn = 0;
    randombytes_buf(&drawn, sizeof(drawn));
    return drawn;
  }();
  return canary;
}

// Guarded blocks that were wiped and released, for the next secrets. To make one and to let it go
// is ten system calls, which change what the whole process has mapped; a change of the epoch would
// do it some fifteen times while somebody waits.
class Spares final {
 public:
  // Whole pages, but for sodium_malloc()'s own canary.
  static std::size_t BlockFor(std::size_t secret_bytes) {
    const std::size_t pages = (secret_bytes + sizeof(Header) + kCanaryBytes - 1) / kPageBytes + 1;
    return pages * kPageBytes - kCanaryBytes;
  }

  // Takes the smallest block that has `bytes` and not twice as many, and sets `bytes` to what it
  // has; null if there is none.
  std::byte* Take(std::size_t& bytes) {
    const MutexLock lock(mutex_);
    auto best = blocks_.end();
    for (auto block = blocks_.begin(); block != blocks_.end(); ++block) {
      if (block->bytes < bytes || block->bytes >= 2 * bytes) continue;
      if (best == blocks_.end() || block->bytes < best->bytes) best = block;
    }
    if (best == blocks_.end()) return nullptr;
    bytes = best->bytes;
    std::byte* const memory = best->memory;
    kept_bytes_ -= best->bytes;
    blocks_.erase(best);
    return memory;
  }

  // Keeps a block, and lets the oldest go that are too many. REQUIRES: it was wiped.
  void Give(std::byte* memory, std::size_t bytes) {
    const MutexLock lock(mutex_);
    blocks_.push_back({memory, bytes});
    kept_bytes_ += bytes;
    while (blocks_.size() > kMostBlocks || kept_bytes_ > kMostBytes) {
      kept_bytes_ -= blocks_.front().bytes;
      sodium_free(blocks_.front().memory);
      blocks_.pop_front();
    }
  }

 private:
  static constexpr std::size_t kPageBytes = 4096;
  static constexpr std::size_t kCanaryBytes = 16;
  static constexpr std::size_t kMostBlocks = 64;
  static constexpr std::size_t kMostBytes = std::size_t{1} << 20;  // Of RLIMIT_MEMLOCK.

  struct Block {
    std::byte* memory;
    std::size_t bytes;
  };

  Mutex mutex_;
  std::deque<Block> blocks_ HF_GUARDED_BY(mutex_);
  std::size_t kept_bytes_ HF_GUARDED_BY(mutex_) = 0;
};

// Never destroyed: a secret may be released at any time before the process ends.
Spares& AllSpares() {
  static Spares& spares = *new Spares;
  return spares;
}

}  // namespace

void SecretBytes::Release::operator()(std::byte* bytes) const noexcept {
  Header header{};
  std::memcpy(&header, bytes - sizeof(header), sizeof(header));
  HF_CHECK(header.canary == Canary());
  Wipe({bytes, header.secret_bytes});
  AllSpares().Give(bytes + header.secret_bytes - header.block_bytes, header.block_bytes);
}

absl::StatusOr<SecretBytes> SecretBytes::Zeroed(std::size_t size) {
  HF_CHECK(size > 0);
  // Without it sodium_malloc() has no canary.
  HF_RETURN_IF_ERROR(InitLibrary().status());
  std::size_t block = Spares::BlockFor(size);
  std::byte* memory = AllSpares().Take(block);
  if (memory == nullptr) memory = static_cast<std::byte*>(sodium_malloc(block));
  if (memory == nullptr) return MakeError(Reason::kUnavailable, "no guarded memory is left");
  std::byte* const bytes = memory + block - size;
  const Header header{size, block, Canary()};
  std::memcpy(bytes - sizeof(header), &header, sizeof(header));
  std::fill_n(bytes, size, std::byte{0});
  return SecretBytes(bytes, size);
}

absl::StatusOr<SecretBytes> SecretBytes::FromRandom(Random& random, std::size_t size) {
  HF_ASSIGN_OR_RETURN(SecretBytes secret, Zeroed(size));
  random.Fill({secret.data_.get(), secret.size_});
  return secret;
}

absl::StatusOr<SecretBytes> SecretBytes::TakeFrom(std::span<std::byte> source) {
  const internal::WipeOnExit wipe(source);
  HF_ASSIGN_OR_RETURN(SecretBytes secret, Zeroed(source.size()));
  std::copy(source.begin(), source.end(), secret.data_.get());
  return secret;
}

absl::StatusOr<SecretBytes> SecretBytes::Duplicate() const {
  HF_ASSIGN_OR_RETURN(SecretBytes copy, Zeroed(size_));
  std::copy_n(data_.get(), size_, copy.data_.get());
  return copy;
}

bool ConstantTimeEquals(const SecretBytes& a, const SecretBytes& b) {
  return internal::EqualInConstantTime({a.data_.get(), a.size_}, {b.data_.get(), b.size_});
}

void PrintTo(const SecretBytes& secret, std::ostream* out) {
  *out << secret.size() << " secret bytes";
}

}  // namespace holdfast::crypto
