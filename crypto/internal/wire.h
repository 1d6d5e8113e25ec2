// SPDX-License-Identifier: Apache-2.0
// Fixed big-endian layouts, written and read in order.
//
// When to use  For every byte format of crypto/. Lengths are checked before the first read, so a
//              format's codec is one list of fields.
// Threads      Not safe for concurrent use; a local of one function.
// Ownership    Borrows the bytes.
// Errors       A Writer that is given too much, or too little, is a broken promise: HF_CHECK. A
//              Reader remembers that it ran out (ok()), and yields zeros from then on.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"
#include "base/check.h"

namespace holdfast::crypto::internal {

class Writer final {
 public:
  explicit Writer(std::span<std::byte> out) : out_(out) {}

  void Put(ByteSpan bytes) {
    HF_CHECK(bytes.size() <= out_.size() - at_);
    std::copy(bytes.begin(), bytes.end(), out_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ += bytes.size();
  }
  void Put(std::string_view text) { Put(AsBytes(text)); }

  // The last sizeof(T) bytes of the value, the most significant one first.
  template <typename T>
  void PutInteger(T value) {
    static_assert(std::is_integral_v<T>);
    HF_CHECK(sizeof(T) <= out_.size() - at_);
    for (std::size_t i = sizeof(T); i > 0; --i) {
      out_[at_++] =
          static_cast<std::byte>((static_cast<std::uint64_t>(value) >> (8 * (i - 1))) & 0xff);
    }
  }

  std::size_t written() const { return at_; }
  bool full() const { return at_ == out_.size(); }

 private:
  std::span<std::byte> out_;
  std::size_t at_ = 0;
};

class Reader final {
 public:
  explicit Reader(ByteSpan in) : in_(in) {}

  // The next `count` bytes, borrowed; none if there are not as many.
  ByteSpan Take(std::size_t count) {
    if (count > in_.size() - at_) {
      ok_ = false;
      at_ = in_.size();
      return {};
    }
    const ByteSpan bytes = in_.subspan(at_, count);
    at_ += count;
    return bytes;
  }

  template <typename Array>
  Array TakeArray() {
    Array array{};
    const ByteSpan bytes = Take(array.size());
    std::copy(bytes.begin(), bytes.end(), array.begin());
    return array;
  }

  template <typename Id>
  Id TakeId() {
    return Id(TakeArray<typename Id::value_type>());
  }

  template <typename T>
  T TakeInteger() {
    static_assert(std::is_integral_v<T>);
    std::uint64_t value = 0;
    for (const std::byte byte : Take(sizeof(T)))
      value = value << 8 | std::to_integer<unsigned>(byte);
    return static_cast<T>(value);
  }

  // Whether `text` comes next.
  bool TakeText(std::string_view text) { return AsText(Take(text.size())) == text; }

  std::size_t left() const { return in_.size() - at_; }
  bool ok() const { return ok_; }

  // Whether all was read, and was there.
  bool done() const { return ok_ && left() == 0; }

 private:
  ByteSpan in_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace holdfast::crypto::internal
