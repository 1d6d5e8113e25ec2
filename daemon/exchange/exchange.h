// SPDX-License-Identifier: Apache-2.0
// One exchange: one agreement, one ledger, one vault, one database, and the one thread that
// decides.
//
// Commands go in by Submit(); the writer's thread runs them in groups, commits each group in one
// durable transaction, and only then lets answers go. Between the commit of an epoch change and the
// erasure of the old root key nothing leaves at all (I7 of docs/key-tree.md).
//
// After any error of a commit the exchange stops: what waits is answered with kExchangeStopped, all
// state is dropped, and the writer tries to open the files again until that works.
//
// When to use  By the services in daemon/rpc, through the functions below.
// Threads      All functions may be called concurrently.
// Ownership    Owns the writer's thread and the executor. Borrows what is in ExchangeOptions.
// Errors       Start() fails as OpenCore() does. Submit() as CommandQueue::Push().
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/ids.h"
#include "base/mutex.h"
#include "daemon/exchange/checkpoints.h"
#include "daemon/exchange/command.h"
#include "daemon/exchange/command_queue.h"
#include "daemon/exchange/core.h"
#include "daemon/exchange/egress.h"
#include "daemon/exchange/executor.h"
#include "daemon/exchange/notice_board.h"
#include "daemon/exchange/reader_pool.h"
#include "daemon/exchange/watchers.h"
#include "daemon/observe/metrics.h"
#include "policy/struck_off.h"

namespace holdfast::exchange {

class Writer;

struct ExchangeOptions {
  CoreOptions core;
  std::size_t queue_commands = 1024;  // For each lane.
  std::size_t executor_threads = 2;

  // Those that judge and seal chunks.
  std::size_t chunk_threads = std::max(1U, std::thread::hardware_concurrency());
  observe::Metrics* metrics = nullptr;

  // Called on the executor with each epoch that comes into use. May be empty.
  std::function<void(std::uint64_t epoch)> epoch_began;

  // How long the writer waits before it tries to open the files again.
  std::chrono::milliseconds recovery_delay{500};
};

// What workers may use between two epochs, as of the newest commit. Immutable.
struct Published {
  std::shared_ptr<const policy::OpenedAgreement> agreement;
  policy::StruckOff struck_off;  // Whose certificates and signatures count no more.
  std::shared_ptr<const VaultView> vault;
  std::shared_ptr<SegmentAllocator> allocator;
  std::shared_ptr<ReaderPool> readers;
};

class Exchange final {
 public:
  static absl::StatusOr<std::unique_ptr<Exchange>> Start(ExchangeOptions options);

  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Answers what waits, commits what was taken, joins.
  ~Exchange();

  const std::string& name() const { return options_.core.name; }
  const ExchangeId& id() const { return options_.core.exchange; }

  // Puts `command` into a queue. If that fails, Done() is called with the error before it returns.
  void Submit(Lane lane, std::unique_ptr<Command> command);

  // Runs `read` on the writer's thread, after all that was submitted before and in one moment of
  // the ledger. What it returns is called on the executor, once everything that `read` saw is
  // committed; or `failed` is, if the exchange stops before. `read` must be short.
  using QueryReply = std::function<void(const LedgerHead&)>;
  void Query(std::function<QueryReply(const Core&)> read,
             std::function<void(const absl::Status&)> failed);

  // Null while the exchange is stopped.
  std::shared_ptr<const Published> published() const;

  bool serving() const { return published() != nullptr; }

  // Waits until the writer has shown for the first time what workers may use.
  // Errors: kExchangeStopped if it stopped instead.
  absl::Status WaitUntilServing();

  Executor& executor() { return executor_; }

  // For chunks, which take milliseconds each and come by the dozen: what posts to executor() does
  // not wait behind them.
  Executor& chunk_executor() { return chunk_executor_; }
  Checkpoints& checkpoints() { return *checkpoints_; }
  const std::shared_ptr<Egress>& egress() { return egress_; }
  Watchers& watchers() { return watchers_; }
  crypto::Random& random() { return *options_.core.random; }
  const ExchangeOptions& options() const { return options_; }

  // What requesters are told with their calls; null before the first commit.
  std::shared_ptr<const NoticeBoard> notices() const;

  // Calls `changed` whenever serving() changes. Set once, before traffic.
  void OnServingChange(std::function<void(bool serving)> changed);

  // Calls `struck` after somebody was struck off, on a worker's thread. Set once, before traffic.
  void OnStruckOff(std::function<void()> struck);

  // Calls `due` on the writer's thread when cases that wait for a review may be over at that early
  // time. It must be short: what it wants done it posts. Set once, before traffic.
  using ReviewsDueCallback = std::function<void(const policy::State&, UnixMillis early)>;
  void OnReviewsDue(ReviewsDueCallback due);

 private:
  void ReviewsDue(const policy::State& state, UnixMillis early);
  void PutUp(NoticeBoard notices);
  Exchange(ExchangeOptions options, std::unique_ptr<Core> core);

  // Shows workers what `core` has; null: nothing.
  absl::Status Publish(const Core* core);
  bool WaitForOldViews(std::chrono::milliseconds patience);

  const ExchangeOptions options_;
  std::shared_ptr<Egress> egress_;
  std::unique_ptr<Checkpoints> checkpoints_;
  Watchers watchers_;
  CommandQueue queue_;

  // Counts the views that somebody still holds; outlives the exchange if one of them does.
  struct Views {
    Mutex mutex;
    CondVar changed;
    int alive HF_GUARDED_BY(mutex) = 0;
  };
  const std::shared_ptr<Views> views_ = std::make_shared<Views>();

  mutable Mutex mutex_;
  std::shared_ptr<const Published> published_ HF_GUARDED_BY(mutex_);
  std::shared_ptr<const NoticeBoard> notices_ HF_GUARDED_BY(mutex_);
  std::function<void(bool)> serving_changed_ HF_GUARDED_BY(mutex_);
  std::function<void()> struck_off_ HF_GUARDED_BY(mutex_);
  ReviewsDueCallback reviews_due_ HF_GUARDED_BY(mutex_);

  std::uint64_t told_epoch_ = 0;  // By epoch_began. The writer's.
  std::unique_ptr<Writer> writer_;
  std::thread thread_;

  // Last, so that they are destroyed first: their last tasks may use what is above, and those of
  // the second post to the first.
  Executor executor_;
  Executor chunk_executor_;
};

}  // namespace holdfast::exchange
