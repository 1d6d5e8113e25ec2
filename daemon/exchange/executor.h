// SPDX-License-Identifier: Apache-2.0
// A few threads that do what must not be done on the writer's thread: deriving and wrapping keys,
// reading chunks, building replies; others of the same kind judge and seal chunks.
//
// When to use  For work that never waits for a person, a peer or the writer: of about a millisecond
//              on Exchange::executor(), of several on Exchange::chunk_executor().
// Threads      Post() may be called from any thread, also from a task.
// Ownership    Tasks are owned until they have run. The destructor runs what was posted, and then
//              joins.
// Errors       None. The number of tasks is bounded by the messages in flight (rpc/limits.h).
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace holdfast::exchange {

class Executor final {
 public:
  using Task = std::function<void()>;

  // REQUIRES: threads > 0.
  explicit Executor(std::size_t threads);
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  ~Executor();

  void Post(Task task);

  // One wake-up for many tasks; they start in order.
  void PostAll(std::vector<Task> tasks);

 private:
  void Loop();

  Mutex mutex_;
  CondVar changed_;
  std::deque<Task> tasks_ HF_GUARDED_BY(mutex_);
  bool closing_ HF_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace holdfast::exchange
