// SPDX-License-Identifier: Apache-2.0
// crypto::Random from a SeededRandom.
//
// When to use  In tests of what takes a crypto::Random. The program that uses it links
//              holdfast::crypto.
// Threads      As crypto::Random.
// Ownership    Lent to the code under test.
// Errors       None.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/mutex.h"
#include "crypto/random.h"
#include "tests/support/seeded_random.h"

namespace holdfast::test {

class SeededCryptoRandom final : public crypto::Random {
 public:
  SeededCryptoRandom() = default;
  explicit SeededCryptoRandom(std::uint64_t seed) : random_(seed) {}

  void Fill(std::span<std::byte> out) override {
    MutexLock lock(mutex_);
    random_.Fill(out);
  }

 private:
  Mutex mutex_;
  SeededRandom random_ HF_GUARDED_BY(mutex_);
};

}  // namespace holdfast::test
