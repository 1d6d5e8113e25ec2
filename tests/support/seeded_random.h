// SPDX-License-Identifier: Apache-2.0
// Randomness that can be had again.
//
// The seed is HOLDFAST_TEST_SEED if that is set, and fresh otherwise; a test that fails while one
// of these is alive prints it.
//
// When to use  For random inputs, orders and schedules in tests. Never for anything secret.
// Threads      Not thread-safe: one for each thread.
// Ownership    A member of the fixture, or a local of the test.
// Errors       None.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace holdfast::test {

class SeededRandom final {
 public:
  SeededRandom();
  // With a fixed seed, for a regression or for a model whose every run must be the same.
  explicit SeededRandom(std::uint64_t seed);
  SeededRandom(const SeededRandom&) = delete;
  SeededRandom& operator=(const SeededRandom&) = delete;
  ~SeededRandom();  // Prints the seed if the test has failed.

  std::uint64_t seed() const { return seed_; }

  std::uint64_t Next() { return engine_(); }

  // Returns a number in [0, bound). REQUIRES: bound > 0.
  std::uint64_t Below(std::uint64_t bound);

  // Returns a number in [low, high]. REQUIRES: low <= high.
  std::int64_t Between(std::int64_t low, std::int64_t high);

  // Returns true once in `n` times. REQUIRES: n > 0.
  bool OneIn(std::uint64_t n) { return Below(n) == 0; }

  void Fill(std::span<std::byte> out);
  Bytes MakeBytes(std::size_t size);

  template <typename T>
  const T& Pick(const std::vector<T>& items) {
    return items[static_cast<std::size_t>(Below(items.size()))];
  }

  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[static_cast<std::size_t>(Below(i))]);
    }
  }

 private:
  const std::uint64_t seed_;
  std::mt19937_64 engine_;
};

}  // namespace holdfast::test
