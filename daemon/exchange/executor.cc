// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/executor.h"

#include <iterator>
#include <utility>

#include "base/check.h"

namespace holdfast::exchange {

Executor::Executor(std::size_t threads) {
  HF_CHECK(threads > 0);
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Loop(); });
}

Executor::~Executor() {
  {
    MutexLock lock(mutex_);
    closing_ = true;
  }
  changed_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

void Executor::Post(Task task) {
  {
    MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.NotifyOne();
}

void Executor::PostAll(std::vector<Task> tasks) {
  if (tasks.empty()) return;
  const bool many = tasks.size() > 1;
  {
    MutexLock lock(mutex_);
    tasks_.insert(tasks_.end(), std::make_move_iterator(tasks.begin()),
                  std::make_move_iterator(tasks.end()));
  }
  if (many) {
    changed_.NotifyAll();
  } else {
    changed_.NotifyOne();
  }
}

void Executor::Loop() {
  for (;;) {
    Task task;
    {
      MutexLock lock(mutex_);
      while (tasks_.empty() && !closing_) changed_.Wait(mutex_);
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace holdfast::exchange
