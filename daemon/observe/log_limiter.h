// SPDX-License-Identifier: Apache-2.0
// Keeps a peer from filling the log.
//
// When to use  Before a line that a stranger can cause at will, such as a failed handshake.
// Threads      May be called concurrently.
// Ownership    A value that stays where it is.
// Errors       None.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/mutex.h"

namespace holdfast::observe {

class LogLimiter final {
 public:
  // Lets `lines` through in each `window`.
  LogLimiter(std::uint32_t lines, std::chrono::milliseconds window)
      : lines_(lines), window_(window) {}

  // Returns how many lines were left out since the last one that was let through, or nullopt if
  // this one is to be left out as well.
  std::optional<std::uint64_t> Admit() { return AdmitAt(std::chrono::steady_clock::now()); }
  std::optional<std::uint64_t> AdmitAt(std::chrono::steady_clock::time_point now) {
    MutexLock lock(mutex_);
    if (now - window_began_ >= window_) {
      window_began_ = now;
      used_ = 0;
    }
    if (used_ >= lines_) {
      ++left_out_;
      return std::nullopt;
    }
    ++used_;
    const std::uint64_t left_out = left_out_;
    left_out_ = 0;
    return left_out;
  }

 private:
  const std::uint32_t lines_;
  const std::chrono::milliseconds window_;
  Mutex mutex_;
  std::chrono::steady_clock::time_point window_began_ HF_GUARDED_BY(mutex_);
  std::uint32_t used_ HF_GUARDED_BY(mutex_) = 0;
  std::uint64_t left_out_ HF_GUARDED_BY(mutex_) = 0;
};

}  // namespace holdfast::observe
