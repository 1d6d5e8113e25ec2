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
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/mutex.h"
#include "cli/drill_gateway.h"
#include "crypto/wiped_key.h"

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

  // The key that came first; all zero if none did. REQUIRES: Stop() has returned.
  const crypto::RecordKey& first_key() const { return first_key_; }

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
  crypto::RecordKey first_key_;  // Written by the thread alone.
  absl::Status ended_ HF_GUARDED_BY(mutex_);
};

// Asks for the keys of `rows` under a lease of its own. Returns how many were not released.
absl::StatusOr<std::uint64_t> CountRefused(DrillGateway& gateway, const std::string& transfer,
                                           std::span<const std::uint32_t> rows);

}  // namespace holdfast::cli
