// SPDX-License-Identifier: Apache-2.0
// The algorithms of suite 1, over spans.
//
// When to use  Inside crypto/ alone: these take raw keys. This is the one place that names
//              libsodium's functions for them.
// Threads      Every function may be called concurrently.
// Ownership    Spans are borrowed for the call.
// Errors       OpenAead() alone fails.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace holdfast::crypto::internal {

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr std::size_t kNonceBytes = 24;
inline constexpr std::size_t kTagBytes = 16;

using KeySpan = std::span<const std::byte, kKeyBytes>;
using NonceSpan = std::span<const std::byte, kNonceBytes>;

// libsodium's view of our bytes.
inline const unsigned char* Raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}
inline unsigned char* Raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

// Fills `out` with BLAKE2b of `label` and then `parts`, all without separators: every part but the
// last has a fixed length, and no label begins with another one (tests/crypto checks that).
// REQUIRES: 16 <= out.size() <= 64.
void Hash(std::string_view label, std::initializer_list<ByteSpan> parts, std::span<std::byte> out);

// The same under a key.
void KeyedHash(KeySpan key, std::string_view label, std::initializer_list<ByteSpan> parts,
               std::span<std::byte> out);

// XChaCha20-Poly1305. `out` may be where `plaintext` is, and otherwise does not overlap it.
// REQUIRES: out.size() == plaintext.size() + kTagBytes.
void SealAead(KeySpan key, NonceSpan nonce, ByteSpan associated, ByteSpan plaintext,
              std::span<std::byte> out);

// Returns whether `sealed` is authentic; `out` then holds the plaintext, and zeros otherwise.
// REQUIRES: sealed.size() == out.size() + kTagBytes.
[[nodiscard]] bool OpenAead(KeySpan key, NonceSpan nonce, ByteSpan associated, ByteSpan sealed,
                            std::span<std::byte> out);

// One ChaCha20 block under `seed`, with nonce 0 and counter 0.
void ExpandSeed(KeySpan seed, std::span<std::byte, 64> out);

// Fills `out` with the ChaCha20 stream of `seed`, with nonce 0: random bytes in bulk. Each seed is
// used once.
void ExpandStream(KeySpan seed, std::span<std::byte> out);

// Takes time that depends on the sizes only. Different sizes are different.
bool EqualInConstantTime(ByteSpan a, ByteSpan b);

// Wipes some bytes at the end of the scope.
class WipeOnExit final {
 public:
  explicit WipeOnExit(std::span<std::byte> bytes) : bytes_(bytes) {}
  WipeOnExit(const WipeOnExit&) = delete;
  WipeOnExit& operator=(const WipeOnExit&) = delete;
  ~WipeOnExit();

 private:
  std::span<std::byte> bytes_;
};

}  // namespace holdfast::crypto::internal
