// SPDX-License-Identifier: Apache-2.0
// Where random bytes come from, behind a seam.
//
// When to use  For every random byte: keys, ids, salts, nonces. A call of the system's source costs
//              as much as sealing a small record, so draw for a whole batch with DrawMany().
// Threads      Every implementation may be called concurrently.
// Ownership    Borrowed by whoever needs it; must outlive them.
// Errors       None. A machine without entropy cannot go on: SystemRandom ends the process.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace holdfast::crypto {

class Random {
 public:
  Random() = default;
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;
  virtual ~Random() = default;

  // Overwrites all of `out`. An empty span is fine.
  virtual void Fill(std::span<std::byte> out) = 0;
};

// getrandom(2), which waits at boot until the kernel's pool is seeded, and never after that.
class SystemRandom final : public Random {
 public:
  void Fill(std::span<std::byte> out) override;
};

// Returns `N` random bytes.
template <std::size_t N>
std::array<std::byte, N> Draw(Random& random) {
  std::array<std::byte, N> value;
  random.Fill(value);
  return value;
}

// Returns `count` values of `N` random bytes each, from one call of the source.
template <std::size_t N>
std::vector<std::array<std::byte, N>> DrawMany(Random& random, std::size_t count) {
  static_assert(sizeof(std::array<std::byte, N>) == N);
  std::vector<std::array<std::byte, N>> values(count);
  random.Fill(std::as_writable_bytes(std::span(values)));
  return values;
}

}  // namespace holdfast::crypto
