// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/checkpoints.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"

#include "base/status_macros.h"
#include "crypto/checkpoint.h"
#include "crypto/signed_note.h"
#include "daemon/observe/log.h"

namespace holdfast::exchange {
namespace {

constexpr std::size_t kMostRecent = 4096;  // Groups.

absl::StatusOr<std::string> Sign(const ExchangeId& exchange, const LedgerHead& head,
                                 const crypto::SigningKey& key) {
  const std::string origin = crypto::LedgerOrigin(exchange);
  HF_ASSIGN_OR_RETURN(
      const crypto::NoteKey name,
      crypto::NoteKey::Make(origin, crypto::NoteAlgorithm::kEd25519, key.public_key()));
  return crypto::SignCheckpoint({origin, head.size, head.root, {}}, {name, key});
}

}  // namespace

Checkpoints::Checkpoints(const ExchangeId& exchange)
    : exchange_(exchange), thread_([this] { Loop(); }) {}

Checkpoints::~Checkpoints() { Close(); }

void Checkpoints::Close() {
  {
    MutexLock lock(mutex_);
    closing_ = true;
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

void Checkpoints::Update(const LedgerHead& head, std::shared_ptr<const crypto::SigningKey> key) {
  {
    MutexLock lock(mutex_);
    // What was opened again may be shorter.
    if (!recent_.empty() && head.size < recent_.back().size) recent_.clear();
    if (recent_.empty() || head.size > recent_.back().size) recent_.push_back(head);
    if (recent_.size() > kMostRecent) recent_.pop_front();
    wanted_ = head;
    key_ = std::move(key);
  }
  changed_.NotifyOne();
}

std::shared_ptr<const SignedHead> Checkpoints::newest() const {
  MutexLock lock(mutex_);
  return newest_;
}

std::optional<Digest32> Checkpoints::RecentRoot(std::uint64_t size) const {
  MutexLock lock(mutex_);
  const auto found = std::lower_bound(
      recent_.begin(), recent_.end(), size,
      [](const LedgerHead& head, std::uint64_t wanted) { return head.size < wanted; });
  if (found == recent_.end() || found->size != size) return std::nullopt;
  return found->root;
}

void Checkpoints::AtLeast(std::uint64_t size, Callback callback) {
  std::shared_ptr<const SignedHead> there;
  {
    MutexLock lock(mutex_);
    if (newest_ != nullptr && newest_->head.size >= size) {
      there = newest_;
    } else if (!closing_) {
      waiters_.push_back({size, std::move(callback)});
      return;
    }
  }
  callback(there);
}

void Checkpoints::Loop() {
  for (;;) {
    LedgerHead head;
    std::shared_ptr<const crypto::SigningKey> key;
    std::vector<Waiter> left;
    {
      MutexLock lock(mutex_);
      while (!closing_ &&
             (key_ == nullptr || (newest_ != nullptr && newest_->head.size >= wanted_.size))) {
        changed_.Wait(mutex_);
      }
      if (closing_) left = std::exchange(waiters_, {});
      head = wanted_;
      key = key_;
      if (closing_) key = nullptr;
    }
    if (key == nullptr) {
      for (const Waiter& waiter : left) waiter.callback(nullptr);
      return;
    }

    absl::StatusOr<std::string> note = Sign(exchange_, head, *key);
    if (!note.ok()) {
      observe::Error("exchange", "checkpoint_not_signed", "a checkpoint could not be signed",
                     {{"ledger_size", head.size}});
    }
    std::shared_ptr<const SignedHead> signed_head;
    std::vector<Waiter> ready;
    {
      MutexLock lock(mutex_);
      if (note.ok()) {
        newest_ = std::make_shared<const SignedHead>(SignedHead{head, *std::move(note)});
      } else {
        key_ = nullptr;  // Until the next head: signing again would fail again.
      }
      signed_head = newest_;
      for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
        if (newest_ != nullptr && newest_->head.size >= waiter->size) {
          ready.push_back(std::move(*waiter));
          waiter = waiters_.erase(waiter);
        } else {
          ++waiter;
        }
      }
    }
    for (const Waiter& waiter : ready) waiter.callback(signed_head);
  }
}

}  // namespace holdfast::exchange
