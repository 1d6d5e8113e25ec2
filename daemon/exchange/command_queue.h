// SPDX-License-Identifier: Apache-2.0
// The two bounded queues in front of the writer.
//
// When to use  Between the threads of the daemon and the writer of one exchange.
// Threads      Push() from any thread; Take() from the writer's alone.
// Ownership    Owns what waits in it.
// Errors       Push() fails with kOverloaded if the lane is full, and with kExchangeStopped after
//              Close(); the command is then given back.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "absl/status/status.h"

#include "base/mutex.h"
#include "daemon/exchange/command.h"

namespace holdfast::exchange {

class CommandQueue final {
 public:
  // `capacity` is for each lane. REQUIRES: capacity > 0.
  explicit CommandQueue(std::size_t capacity);
  CommandQueue(const CommandQueue&) = delete;
  CommandQueue& operator=(const CommandQueue&) = delete;

  // Takes `command` over. If it fails, `command` is unchanged.
  absl::Status Push(Lane lane, std::unique_ptr<Command>& command);

  // Waits until something is there, `timeout` has passed or the queue is closed; then moves at most
  // `most` commands to `out`, restricting ones first. Returns false once closed and empty.
  bool Take(std::size_t most, std::chrono::milliseconds timeout,
            std::vector<std::unique_ptr<Command>>& out);

  // Refuses new commands; what waits can still be taken.
  void Close();

  // The number of commands that wait, for the metric.
  std::size_t depth() const;

 private:
  const std::size_t capacity_;

  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<std::unique_ptr<Command>> restricting_ HF_GUARDED_BY(mutex_);
  std::deque<std::unique_ptr<Command>> normal_ HF_GUARDED_BY(mutex_);
  bool closed_ HF_GUARDED_BY(mutex_) = false;
};

}  // namespace holdfast::exchange
