// SPDX-License-Identifier: Apache-2.0
// Short-lived secret bytes: a payload in memory.
//
// When to use  For what a subject or a record says, from the parser to the seal and from the seal
// to
//              the reader. Many of them may live at a time. Keys belong in SecretBytes or WipedKey.
// Memory       The heap, wiped before it is released and before it is assigned over. Neither locked
//              nor guarded.
// Threads      Const members may be called concurrently.
// Ownership    Move-only.
// Reading      Reveal(), so that searching for that word finds every reader of a plaintext.
// Errors       None; a process without memory ends.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <memory>
#include <span>
#include <utility>

#include "base/bytes.h"

namespace holdfast::crypto {

// Overwrites `bytes` in a way that the compiler keeps.
void Wipe(std::span<std::byte> bytes);

class WipedBuffer final {
 public:
  // No bytes.
  WipedBuffer() = default;

  // `size` zero bytes.
  explicit WipedBuffer(std::size_t size);

  // Takes over the content of `source` and wipes it there.
  static WipedBuffer TakeFrom(std::span<std::byte> source);

  WipedBuffer(WipedBuffer&& other) noexcept
      : data_(std::move(other.data_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  WipedBuffer& operator=(WipedBuffer&& other) noexcept;
  WipedBuffer(const WipedBuffer&) = delete;
  WipedBuffer& operator=(const WipedBuffer&) = delete;
  ~WipedBuffer();

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // The bytes, borrowed: valid until this buffer is moved from, assigned or destroyed.
  ByteSpan Reveal() const { return {data_.get(), size_}; }

  // The same, to write to.
  std::span<std::byte> Mutable() { return {data_.get(), size_}; }

  // Forgets, and wipes, what lies after the first `size` bytes. REQUIRES: size <= this->size().
  void Shrink(std::size_t size);

  friend bool operator==(const WipedBuffer&, const WipedBuffer&) = delete;
  friend std::ostream& operator<<(std::ostream&, const WipedBuffer&) = delete;

  // Prints the size only.
  friend void PrintTo(const WipedBuffer& buffer, std::ostream* out);

 private:
  void Clear() noexcept;

  std::unique_ptr<std::byte[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace holdfast::crypto
