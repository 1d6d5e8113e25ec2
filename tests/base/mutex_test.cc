// SPDX-License-Identifier: Apache-2.0
#include "base/mutex.h"

#include <chrono>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

class Counter final {
 public:
  void Add() {
    MutexLock lock(mutex_);
    ++count_;
    changed_.NotifyAll();
  }

  void WaitUntil(int count) {
    MutexLock lock(mutex_);
    while (count_ < count) changed_.Wait(mutex_);
  }

  bool WaitFor(std::chrono::milliseconds timeout) {
    MutexLock lock(mutex_);
    return changed_.WaitFor(mutex_, timeout);
  }

  int count() {
    MutexLock lock(mutex_);
    return count_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int count_ HF_GUARDED_BY(mutex_) = 0;
};

TEST(MutexTest, LetsOneInAtATime) {
  Counter counter;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&counter] {
      for (int j = 0; j < 1000; ++j) counter.Add();
    });
  }
  counter.WaitUntil(4000);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.count(), 4000);
}

TEST(MutexTest, AWaitEndsWhenItsTimeIsOver) {
  Counter counter;
  // A spurious wake-up is allowed to say that it was woken, so only a run of them fails.
  bool timed_out = false;
  for (int i = 0; i < 100 && !timed_out; ++i) {
    timed_out = !counter.WaitFor(std::chrono::milliseconds(1));
  }
  EXPECT_TRUE(timed_out);
}

}  // namespace
}  // namespace holdfast
