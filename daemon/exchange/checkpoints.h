// SPDX-License-Identifier: Apache-2.0
// Signs the ledger's head after each group, on a thread of its own: a signature costs as much as
// deciding a hundred releases.
//
// When to use  Update() by the writer after each group that may be answered; the others by
// services. Threads      All functions may be called concurrently. Callbacks run on the signing
// thread, or on
//              the caller's if the answer is there already, without a lock held.
// Ownership    Shares the signing key.
// Errors       None: a head that cannot be signed is logged and the one before stays the newest.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/ids.h"
#include "base/mutex.h"
#include "crypto/ed25519.h"
#include "daemon/exchange/command.h"

namespace holdfast::exchange {

// A head with its signed note (C2SP tlog-checkpoint).
struct SignedHead {
  LedgerHead head;
  std::string note;
};

class Checkpoints final {
 public:
  using Callback = std::function<void(const std::shared_ptr<const SignedHead>&)>;

  explicit Checkpoints(const ExchangeId& exchange);
  Checkpoints(const Checkpoints&) = delete;
  Checkpoints& operator=(const Checkpoints&) = delete;
  ~Checkpoints();

  // `head` is committed: sign it, unless a newer one comes first.
  void Update(const LedgerHead& head, std::shared_ptr<const crypto::SigningKey> key);

  // Signs nothing more, and answers who still waits. Called by the destructor too.
  void Close();

  // The newest signed head, or null before the first.
  std::shared_ptr<const SignedHead> newest() const;

  // The root of the first `size` entries, if that was the ledger lately: whoever signs something
  // names a head that the gateway showed a moment before.
  std::optional<Digest32> RecentRoot(std::uint64_t size) const;

  // Calls `callback` with the first signed head of at least `size` entries. With null if the object
  // dies before there is one. REQUIRES: the ledger has, or is about to have, that many.
  void AtLeast(std::uint64_t size, Callback callback);

 private:
  struct Waiter {
    std::uint64_t size = 0;
    Callback callback;
  };

  void Loop();

  const ExchangeId exchange_;

  mutable Mutex mutex_;
  CondVar changed_;
  LedgerHead wanted_ HF_GUARDED_BY(mutex_);
  std::deque<LedgerHead> recent_ HF_GUARDED_BY(mutex_);  // Ascending by size.
  std::shared_ptr<const crypto::SigningKey> key_ HF_GUARDED_BY(mutex_);
  std::shared_ptr<const SignedHead> newest_ HF_GUARDED_BY(mutex_);
  std::vector<Waiter> waiters_ HF_GUARDED_BY(mutex_);
  bool closing_ HF_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace holdfast::exchange
