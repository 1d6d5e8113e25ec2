// SPDX-License-Identifier: Apache-2.0
// Who wants to know that a transfer, a hold or a revocation changed its state.
//
// When to use  By streams that tell a client of changes, so that nobody polls.
// Threads      All functions may be called concurrently. Callbacks run on the writer's thread,
// after
//              the commit, without a lock held: they post to the executor and return.
// Ownership    A watcher lives as long as its handle.
// Errors       None.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/mutex.h"

namespace holdfast::exchange {

class Watchers final {
 public:
  using Handle = std::shared_ptr<const std::function<void()>>;

  Watchers() = default;
  Watchers(const Watchers&) = delete;
  Watchers& operator=(const Watchers&) = delete;

  // Calls `changed` after each change from now on, until the handle is gone.
  [[nodiscard]] Handle Add(std::function<void()> changed) {
    Handle handle = std::make_shared<const std::function<void()>>(std::move(changed));
    MutexLock lock(mutex_);
    watchers_.push_back(handle);
    return handle;
  }

  void Notify() {
    std::vector<Handle> alive;
    {
      MutexLock lock(mutex_);
      std::erase_if(watchers_, [&alive](const std::weak_ptr<const std::function<void()>>& weak) {
        Handle handle = weak.lock();
        if (handle == nullptr) return true;
        alive.push_back(std::move(handle));
        return false;
      });
    }
    for (const Handle& handle : alive) (*handle)();
  }

 private:
  Mutex mutex_;
  std::vector<std::weak_ptr<const std::function<void()>>> watchers_ HF_GUARDED_BY(mutex_);
};

}  // namespace holdfast::exchange
