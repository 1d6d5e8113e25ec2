// SPDX-License-Identifier: Apache-2.0
#include "tests/support/seeded_random.h"

#include <cstdlib>
#include <iostream>
#include <string>

#include "gtest/gtest.h"

#include "base/check.h"

namespace holdfast::test {
namespace {

std::uint64_t ChooseSeed() {
  if (const char* text = std::getenv("HOLDFAST_TEST_SEED")) return std::stoull(text);
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace

SeededRandom::SeededRandom() : SeededRandom(ChooseSeed()) {}

SeededRandom::SeededRandom(std::uint64_t seed) : seed_(seed), engine_(seed) {}

SeededRandom::~SeededRandom() {
  if (::testing::Test::HasFailure()) {
    std::cerr << "to see this again: HOLDFAST_TEST_SEED=" << seed_ << "\n";
  }
}

std::uint64_t SeededRandom::Below(std::uint64_t bound) {
  HF_CHECK(bound > 0);
  // Slightly uneven for huge bounds, and the same on every platform, which matters more here.
  return engine_() % bound;
}

std::int64_t SeededRandom::Between(std::int64_t low, std::int64_t high) {
  HF_CHECK(low <= high);
  const std::uint64_t width = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  const std::uint64_t step = width == ~std::uint64_t{0} ? engine_() : Below(width + 1);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + step);
}

void SeededRandom::Fill(std::span<std::byte> out) {
  for (std::byte& b : out) b = static_cast<std::byte>(engine_() & 255);
}

Bytes SeededRandom::MakeBytes(std::size_t size) {
  Bytes bytes(size);
  Fill(bytes);
  return bytes;
}

}  // namespace holdfast::test
