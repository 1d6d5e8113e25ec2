// SPDX-License-Identifier: Apache-2.0
// DoInParallel: the contract in daemon/exchange/in_parallel.h.
#include "daemon/exchange/in_parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace holdfast::exchange {
namespace {

TEST(DoInParallelTest, DoesEachPieceOnceAndAllBeforeItReturns) {
  for (const std::size_t count : {0U, 1U, 2U, 3U, 100U, 5'000U}) {
    std::vector<std::atomic<int>> done(count);
    DoInParallel(count, [&done](std::size_t i) { ++done.at(i); });
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(done[i], 1) << i << " of " << count;
  }
}

TEST(DoInParallelTest, AsManyPiecesAreUnderWayAsThereAreProcessors) {
  const std::size_t processors = std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
  // No piece ends before the others have begun.
  std::atomic<std::size_t> begun{0};
  DoInParallel(processors, [&](std::size_t) {
    ++begun;
    while (begun < processors) std::this_thread::yield();
  });
  EXPECT_EQ(begun, processors);
}

TEST(DoInParallelTest, TwoThreadsMayUseItAtOnce) {
  std::atomic<int> done{0};
  const auto use = [&done] { DoInParallel(1'000, [&done](std::size_t) { ++done; }); };
  std::thread other(use);
  use();
  other.join();
  EXPECT_EQ(done, 2'000);
}

}  // namespace
}  // namespace holdfast::exchange
