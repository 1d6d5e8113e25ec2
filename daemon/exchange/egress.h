// SPDX-License-Identifier: Apache-2.0
// Replies with keys or envelopes that are on their way out, so that a hold can wait for them.
//
// A reply is registered when the entry that permits it is committed, before anyone can send it, and
// ends when it has been written to the network or its stream is gone. A hold at ledger index i
// waits for all registered replies below i that it may cover: what does not end in time is cut off.
// What was written and has not left the machine is rpc/connections.h's.
//
// When to use  Begin() by commands that let something out; Drain() by the command that places a
//              hold.
// Threads      All functions may be called concurrently. Callbacks run without a lock held: the cut
//              on the thread that calls Tick(), the drained callback on whichever thread ends the
//              last reply or calls Tick().
// Ownership    A Token ends its reply when it is destroyed; it may outlive the Egress.
// Errors       None. The number of replies is bounded by the messages in flight (rpc/limits.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"

namespace holdfast::exchange {

class Egress final : public std::enable_shared_from_this<Egress> {
 public:
  class Token;

  // What happened to the replies that a hold waited for.
  struct Drained {
    std::uint32_t cut =
        0;  // Were cut off: whether they left is unknown, so they count as released.
  };

  explicit Egress(const Clock& clock) : clock_(clock) {}
  Egress(const Egress&) = delete;
  Egress& operator=(const Egress&) = delete;

  // Registers a reply of `transfer` that entry `index` permits. `cut` ends its stream at once.
  std::unique_ptr<Token> Begin(std::uint64_t index, std::uint32_t transfer,
                               std::function<void()> cut);

  // Calls `done` once no reply below `index` is under way: of `transfer` only, if it is given.
  // After `patience` those that are left are cut off.
  void Drain(std::uint64_t index, std::optional<std::uint32_t> transfer,
             std::chrono::milliseconds patience, std::function<void(const Drained&)> done);

  // Cuts off what has run out of patience. Called by the writer while waiting() is true.
  void Tick();
  bool waiting() const;

  // The exchange closes: cuts off at once whatever is waited for.
  void GiveUp();

  // The number of replies under way.
  std::size_t size() const;

 private:
  struct Reply {
    std::uint64_t index = 0;
    std::uint32_t transfer = 0;
    std::function<void()> cut;
  };
  struct Waiter {
    std::uint64_t index = 0;
    std::optional<std::uint32_t> transfer;
    std::chrono::milliseconds deadline{0};
    std::function<void(const Drained&)> done;
  };

  void Cut(std::chrono::milliseconds now);
  static bool Covers(const Waiter& waiter, const Reply& reply);
  void End(std::uint64_t id);

  const Clock& clock_;
  mutable Mutex mutex_;
  std::uint64_t next_id_ HF_GUARDED_BY(mutex_) = 0;
  std::map<std::uint64_t, Reply> replies_ HF_GUARDED_BY(mutex_);
  std::vector<Waiter> waiters_ HF_GUARDED_BY(mutex_);
};

// A reply under way.
class Egress::Token final {
 public:
  Token(std::shared_ptr<Egress> egress, std::uint64_t id) : egress_(std::move(egress)), id_(id) {}
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;
  ~Token() { egress_->End(id_); }

 private:
  std::shared_ptr<Egress> egress_;
  std::uint64_t id_;
};

}  // namespace holdfast::exchange
