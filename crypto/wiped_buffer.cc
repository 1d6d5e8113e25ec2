// SPDX-License-Identifier: Apache-2.0
#include "crypto/wiped_buffer.h"

#include <algorithm>
#include <ostream>

#include <sodium.h>

#include "base/check.h"

namespace holdfast::crypto {

void Wipe(std::span<std::byte> bytes) {
  if (!bytes.empty()) sodium_memzero(bytes.data(), bytes.size());
}

WipedBuffer::WipedBuffer(std::size_t size)
    : data_(size == 0 ? nullptr : new std::byte[size]), size_(size), capacity_(size) {
  Wipe(Mutable());
}

WipedBuffer WipedBuffer::TakeFrom(std::span<std::byte> source) {
  WipedBuffer buffer(source.size());
  std::copy(source.begin(), source.end(), buffer.data_.get());
  Wipe(source);
  return buffer;
}

WipedBuffer& WipedBuffer::operator=(WipedBuffer&& other) noexcept {
  if (this != &other) {
    Clear();
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
  }
  return *this;
}

WipedBuffer::~WipedBuffer() { Clear(); }

void WipedBuffer::Shrink(std::size_t size) {
  HF_CHECK(size <= size_);
  Wipe(Mutable().subspan(size));
  size_ = size;
}

void WipedBuffer::Clear() noexcept {
  Wipe({data_.get(), capacity_});
  data_.reset();
  size_ = 0;
  capacity_ = 0;
}

void PrintTo(const WipedBuffer& buffer, std::ostream* out) {
  *out << buffer.size() << " wiped bytes";
}

}  // namespace holdfast::crypto
