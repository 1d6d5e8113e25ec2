// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/egress.h"

#include <algorithm>
#include <utility>

namespace holdfast::exchange {

bool Egress::Covers(const Waiter& waiter, const Reply& reply) {
  return reply.index < waiter.index &&
         (!waiter.transfer.has_value() || *waiter.transfer == reply.transfer);
}

std::unique_ptr<Egress::Token> Egress::Begin(std::uint64_t index, std::uint32_t transfer,
                                             std::function<void()> cut) {
  MutexLock lock(mutex_);
  const std::uint64_t id = next_id_++;
  replies_.emplace(id, Reply{index, transfer, std::move(cut)});
  return std::make_unique<Token>(shared_from_this(), id);
}

void Egress::Drain(std::uint64_t index, std::optional<std::uint32_t> transfer,
                   std::chrono::milliseconds patience, std::function<void(const Drained&)> done) {
  {
    MutexLock lock(mutex_);
    Waiter waiter{index, transfer, clock_.SinceBoot() + patience, std::move(done)};
    const bool busy = std::any_of(replies_.begin(), replies_.end(),
                                  [&](const auto& item) { return Covers(waiter, item.second); });
    if (busy) {
      waiters_.push_back(std::move(waiter));
      return;
    }
    done = std::move(waiter.done);
  }
  done(Drained{});
}

void Egress::End(std::uint64_t id) {
  std::vector<std::function<void(const Drained&)>> finished;
  {
    MutexLock lock(mutex_);
    replies_.erase(id);
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
      const bool busy = std::any_of(replies_.begin(), replies_.end(),
                                    [&](const auto& item) { return Covers(*waiter, item.second); });
      if (busy) {
        ++waiter;
      } else {
        finished.push_back(std::move(waiter->done));
        waiter = waiters_.erase(waiter);
      }
    }
  }
  for (const auto& done : finished) done(Drained{});
}

void Egress::Tick() { Cut(clock_.SinceBoot()); }

void Egress::GiveUp() { Cut(std::chrono::milliseconds::max()); }

void Egress::Cut(std::chrono::milliseconds now) {
  struct Late {
    std::function<void(const Drained&)> done;
    std::vector<std::function<void()>> cuts;
  };
  std::vector<Late> late;
  {
    MutexLock lock(mutex_);
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
      if (waiter->deadline > now) {
        ++waiter;
        continue;
      }
      Late entry{std::move(waiter->done), {}};
      for (auto& [id, reply] : replies_) {
        if (Covers(*waiter, reply)) entry.cuts.push_back(reply.cut);
      }
      late.push_back(std::move(entry));
      waiter = waiters_.erase(waiter);
    }
  }
  for (const Late& entry : late) {
    for (const auto& cut : entry.cuts) cut();
    entry.done(Drained{static_cast<std::uint32_t>(entry.cuts.size())});
  }
}

bool Egress::waiting() const {
  MutexLock lock(mutex_);
  return !waiters_.empty();
}

std::size_t Egress::size() const {
  MutexLock lock(mutex_);
  return replies_.size();
}

}  // namespace holdfast::exchange
