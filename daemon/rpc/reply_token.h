// SPDX-License-Identifier: Apache-2.0
// What became of a reply, told to whoever must know.
//
// When to use  With a reply that lets something out (a released key, an envelope): whoever places a
//              hold has to know that it was delivered, or that it never will be. Not for replies
//              that nobody tracks: leave the token out.
// Threads      A token is used by one thread at a time. Its function runs on whatever thread
// settles
//              it, without any lock of rpc/ held, and possibly before the call that took the token
//              returns: hold no lock that it takes.
// Ownership    Move-only; owns its function. A token that is destroyed settles as kDropped.
// Errors       None. The function must not throw.
#pragma once

#include <functional>
#include <utility>

namespace holdfast::rpc {

enum class Delivery {
  kDropped = 0,  // Nothing more of it leaves this process. A part may have left already.
  kWritten,      // Handed to the kernel in full.
};

class [[nodiscard]] ReplyToken final {
 public:
  // A token about which nobody asks.
  ReplyToken() = default;
  // `settle` runs exactly once.
  explicit ReplyToken(std::function<void(Delivery)> settle) : settle_(std::move(settle)) {}

  ReplyToken(ReplyToken&& other) noexcept : settle_(std::exchange(other.settle_, nullptr)) {}
  ReplyToken& operator=(ReplyToken&& other) noexcept {
    if (this != &other) {
      Settle(Delivery::kDropped);
      settle_ = std::exchange(other.settle_, nullptr);
    }
    return *this;
  }
  ReplyToken(const ReplyToken&) = delete;
  ReplyToken& operator=(const ReplyToken&) = delete;
  ~ReplyToken() { Settle(Delivery::kDropped); }

  // True if somebody asks and has not been told yet.
  bool pending() const { return settle_ != nullptr; }

  // Tells; does nothing the second time.
  void Settle(Delivery delivery) {
    const auto settle = std::exchange(settle_, nullptr);
    if (settle != nullptr) settle(delivery);
  }

 private:
  std::function<void(Delivery)> settle_;
};

}  // namespace holdfast::rpc
