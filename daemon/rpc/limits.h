// SPDX-License-Identifier: Apache-2.0
// Bounds on what runs and waits at one time: calls of each peer and of all, bytes of messages.
//
// When to use  By the request gate: a slot for each call, a share of the bytes for each message,
// taken
//              before the handler runs and given back after the reply was written.
// Threads      Every function may be called concurrently.
// Ownership    Slots and shares are move-only, keep the Load alive, and give back when they die.
// Errors       kOverloaded: the caller may try again. Nothing waits here.
//
// Invariants
//   (1) Calls of kOrdinary never exceed calls_total, nor calls_per_peer for one peer.
//   (2) Calls of kReserved have bounds of their own, so no number of ordinary calls keeps one out.
//   (3) A request of kOrdinary is let in only while bytes_in_flight is not exceeded; one of
//       kReserved while bytes_in_flight + reserved_bytes is not. Replies are counted, never
//       refused: what was decided must be told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "base/mutex.h"
#include "daemon/rpc/method_table.h"

namespace holdfast::rpc {

struct LoadLimits {
  std::size_t calls_per_peer = 256;
  std::size_t calls_total = 10'000;
  std::size_t bytes_in_flight = std::size_t{256} << 20;
  std::size_t reserved_calls_per_peer = 16;
  std::size_t reserved_calls = 256;
  std::size_t reserved_bytes = std::size_t{16} << 20;
};

// Bytes of requests that one stream may have in flight before reading stops.
inline constexpr std::size_t kMaxStreamBytesInFlight = std::size_t{8} << 20;

class Load final : public std::enable_shared_from_this<Load> {
 public:
  // A call that runs.
  class [[nodiscard]] Slot final {
   public:
    Slot() = default;
    Slot(Slot&&) noexcept = default;
    Slot& operator=(Slot&&) = delete;
    ~Slot();

   private:
    friend class Load;
    Slot(std::shared_ptr<Load> load, std::string peer, Lane lane);
    std::shared_ptr<Load> load_;
    std::string peer_;
    Lane lane_ = Lane::kOrdinary;
  };

  // Bytes that are in flight.
  class [[nodiscard]] Share final {
   public:
    Share() = default;
    Share(Share&& other) noexcept;
    Share& operator=(Share&& other) noexcept;
    ~Share();
    std::size_t bytes() const { return bytes_; }

   private:
    friend class Load;
    Share(std::shared_ptr<Load> load, std::size_t bytes);
    void GiveBack();
    std::shared_ptr<Load> load_;
    std::size_t bytes_ = 0;
  };

  static std::shared_ptr<Load> Create(const LoadLimits& limits);

  // Errors: kOverloaded.
  absl::StatusOr<Slot> TakeSlot(std::string_view peer, Lane lane);
  // For a request. Errors: kOverloaded.
  absl::StatusOr<Share> TakeBytes(std::size_t bytes, Lane lane);
  // For a reply.
  Share CountBytes(std::size_t bytes);

  std::size_t calls() const;
  std::size_t bytes() const;

 private:
  struct Count {
    std::size_t ordinary = 0;
    std::size_t reserved = 0;
  };

  explicit Load(const LoadLimits& limits) : limits_(limits) {}
  void GiveBackSlot(const std::string& peer, Lane lane);
  void GiveBackBytes(std::size_t bytes);

  const LoadLimits limits_;
  mutable Mutex mutex_;
  Count all_ HF_GUARDED_BY(mutex_);
  // Only peers that have a call running: bounded by the calls.
  std::map<std::string, Count, std::less<>> by_peer_ HF_GUARDED_BY(mutex_);
  std::size_t bytes_ HF_GUARDED_BY(mutex_) = 0;
};

}  // namespace holdfast::rpc
