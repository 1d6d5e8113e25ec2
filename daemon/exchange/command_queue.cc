// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/command_queue.h"

#include <utility>

#include "base/check.h"
#include "base/error.h"

namespace holdfast::exchange {

CommandQueue::CommandQueue(std::size_t capacity) : capacity_(capacity) { HF_CHECK(capacity > 0); }

absl::Status CommandQueue::Push(Lane lane, std::unique_ptr<Command>& command) {
  {
    MutexLock lock(mutex_);
    if (closed_) return MakeError(Reason::kExchangeStopped, "the exchange takes no commands now");
    std::deque<std::unique_ptr<Command>>& queue =
        lane == Lane::kRestricting ? restricting_ : normal_;
    if (queue.size() >= capacity_) {
      return MakeError(Reason::kOverloaded, "too many commands wait for the exchange");
    }
    queue.push_back(std::move(command));
  }
  changed_.NotifyOne();
  return absl::OkStatus();
}

bool CommandQueue::Take(std::size_t most, std::chrono::milliseconds timeout,
                        std::vector<std::unique_ptr<Command>>& out) {
  MutexLock lock(mutex_);
  if (restricting_.empty() && normal_.empty() && !closed_) {
    changed_.WaitFor(mutex_, timeout);
  }
  for (std::deque<std::unique_ptr<Command>>* queue : {&restricting_, &normal_}) {
    while (!queue->empty() && out.size() < most) {
      out.push_back(std::move(queue->front()));
      queue->pop_front();
    }
  }
  return !closed_ || !out.empty();
}

void CommandQueue::Close() {
  {
    MutexLock lock(mutex_);
    closed_ = true;
  }
  changed_.NotifyAll();
}

std::size_t CommandQueue::depth() const {
  MutexLock lock(mutex_);
  return restricting_.size() + normal_.size();
}

}  // namespace holdfast::exchange
