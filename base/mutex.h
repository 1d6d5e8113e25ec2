// SPDX-License-Identifier: Apache-2.0
// A lock that the compiler can reason about.
//
//   Mutex mutex_;
//   int count_ HF_GUARDED_BY(mutex_) = 0;
//   ...
//   MutexLock lock(mutex_);
//   while (count_ == 0) changed_.Wait(mutex_);
//
// When to use  For every lock of ours. Over std::mutex and not absl's, because the distribution's
//              absl is not compiled for ThreadSanitizer.
// Threads      That is what it is for. Not recursive.
// Ownership    A Mutex outlives its locks and its waiters.
// Errors       None.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/thread_annotations.h"

namespace holdfast {

class CondVar;

class HF_CAPABILITY("mutex") Mutex final {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() HF_ACQUIRE() { mutex_.lock(); }
  void Unlock() HF_RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class HF_SCOPED_CAPABILITY [[nodiscard]] MutexLock final {
 public:
  explicit MutexLock(Mutex& mutex) HF_ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() HF_RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

class CondVar final {
 public:
  CondVar() = default;
  CondVar(const CondVar&) = delete;
  CondVar& operator=(const CondVar&) = delete;

  // Releases `mutex`, waits, takes it again. Wakes up without a cause now and then, so it stands in
  // a loop over its condition. (No form with a predicate: clang does not see into the lambda.)
  void Wait(Mutex& mutex) HF_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }

  // As Wait(), but returns after `timeout` at the latest; true if it was woken before that.
  bool WaitFor(Mutex& mutex, std::chrono::milliseconds timeout) HF_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const std::cv_status status = condition_.wait_for(lock, timeout);
    lock.release();
    return status == std::cv_status::no_timeout;
  }

  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace holdfast
