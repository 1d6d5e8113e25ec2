// SPDX-License-Identifier: Apache-2.0
// The requester of a drill: what it still gets after an order is what the order came too late for.
//
// When to use  In drills, between the request and the order that is tried.
// Threads      Asks on a thread of its own; its methods may be called meanwhile.
// Ownership    Borrows the gateway, which must outlive it.
// Errors       None of its own: Stop() returns how the stream ended.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"

#include "base/mutex.h"
#include "cli/drill_gateway.h"

namespace holdfast::cli {

// Asks for one key after the other under one lease, as long as it is let.
class DrillRequester final {
 public:
  using Steady = std::chrono::steady_clock;

  DrillRequester(std::string transfer, std::vector<std::uint32_t> rows);
  DrillRequester(const DrillRequester&) = delete;
  DrillRequester& operator=(const DrillRequester&) = delete;
  ~DrillRequester();

  void Start(DrillGateway& gateway);

  // Returns how the stream ended: OK unless something refused it whole.
  absl::Status Stop();

  std::uint64_t released() const;  // Keys that came.
  std::uint64_t refused() const;   // Rows that were not released.

  // When the newest key came.
  std::optional<Steady::time_point> last() const;

 private:
  absl::Status Ask(Session& session);

  const std::string transfer_;
  const std::vector<std::uint32_t> rows_;
  std::thread thread_;
  std::atomic<bool> stop_ = false;
  mutable Mutex mutex_;
  std::uint64_t released_ HF_GUARDED_BY(mutex_) = 0;
  std::uint64_t refused_ HF_GUARDED_BY(mutex_) = 0;
  std::optional<Steady::time_point> last_ HF_GUARDED_BY(mutex_);
  absl::Status ended_ HF_GUARDED_BY(mutex_);
};

}  // namespace holdfast::cli
