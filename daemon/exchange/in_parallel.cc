// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/in_parallel.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace holdfast::exchange {

void DoInParallel(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  const auto take_turns = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  const std::size_t processors = std::thread::hardware_concurrency();  // 0 if it is not known.
  std::vector<std::thread> others;
  try {
    while (others.size() + 1 < std::min(processors, count)) others.emplace_back(take_turns);
  } catch (const std::system_error&) {  // No thread to be had; whoever is here does it.
  }
  take_turns();
  for (std::thread& other : others) other.join();
}

}  // namespace holdfast::exchange
