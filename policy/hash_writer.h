// SPDX-License-Identifier: Apache-2.0
//
// Numbers and texts into a SHA-256, each so that nothing can be taken for something else.
//
// When to use  For digests over several fields that documents describe: numbers are big-endian, and
//              whatever has no fixed length is preceded by it.
// Threads      One thread.
// Ownership    Values.
// Errors       None.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "crypto/sha256.h"

namespace holdfast::policy {

class HashWriter final {
 public:
  HashWriter& U8(std::uint8_t value) { return Number(value, 1); }
  HashWriter& U16(std::uint16_t value) { return Number(value, 2); }
  HashWriter& U32(std::uint32_t value) { return Number(value, 4); }
  HashWriter& U64(std::uint64_t value) { return Number(value, 8); }

  // Of a length that the reader knows.
  HashWriter& Fixed(ByteSpan bytes) {
    if (bytes.size() > buffer_.size() - used_) Flush();
    if (bytes.size() > buffer_.size()) {
      hash_.Update(bytes);
      return *this;
    }
    for (const std::byte byte : bytes) buffer_[used_++] = byte;
    return *this;
  }

  // With its length, four bytes.
  HashWriter& Text(std::string_view text) {
    return U32(static_cast<std::uint32_t>(text.size())).Fixed(AsBytes(text));
  }

  Digest32 Finish() {
    Flush();
    return hash_.Finish();
  }

 private:
  HashWriter& Number(std::uint64_t value, unsigned bytes) {
    if (bytes > buffer_.size() - used_) Flush();
    for (unsigned i = bytes; i > 0; --i) {
      buffer_[used_++] = static_cast<std::byte>(value >> (8 * (i - 1)) & 0xff);
    }
    return *this;
  }

  void Flush() {
    hash_.Update(ByteSpan(buffer_.data(), used_));
    used_ = 0;
  }

  crypto::Sha256 hash_;
  std::array<std::byte, 4096> buffer_{};  // Small updates one by one cost more than the hash.
  std::size_t used_ = 0;
};

}  // namespace holdfast::policy
