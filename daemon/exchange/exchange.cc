// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/exchange.h"

#include <future>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "daemon/exchange/writer.h"

namespace holdfast::exchange {
namespace {

class QueryCommand final : public Command {
 public:
  QueryCommand(const Writer& writer, Executor& executor,
               std::function<Exchange::QueryReply(const Core&)> read,
               std::function<void(const absl::Status&)> failed)
      : writer_(writer), executor_(executor), read_(std::move(read)), failed_(std::move(failed)) {}

  bool reads_only() const override { return true; }

  void Run(Turn&) override { reply_ = read_(*writer_.core()); }

  void Done(const absl::Status& status, const LedgerHead& head) override {
    if (!status.ok()) {
      executor_.Post([failed = std::move(failed_), status] { failed(status); });
    } else if (reply_) {
      executor_.Post([reply = std::move(reply_), head] { reply(head); });
    }
  }

 private:
  const Writer& writer_;
  Executor& executor_;
  std::function<Exchange::QueryReply(const Core&)> read_;
  std::function<void(const absl::Status&)> failed_;
  Exchange::QueryReply reply_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Exchange>> Exchange::Start(ExchangeOptions options) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<Core> core, OpenCore(options.core));
  return std::unique_ptr<Exchange>(new Exchange(std::move(options), std::move(core)));
}

Exchange::Exchange(ExchangeOptions options, std::unique_ptr<Core> core)
    : options_(std::move(options)),
      egress_(std::make_shared<Egress>(*options_.core.clock)),
      checkpoints_(std::make_unique<Checkpoints>(options_.core.exchange)),
      queue_(options_.queue_commands),
      executor_(options_.executor_threads),
      chunk_executor_(options_.chunk_threads) {
  writer_ = std::make_unique<Writer>(
      Writer::Parts{
          options_.core, queue_, *checkpoints_, *egress_, options_.metrics, options_.recovery_delay,
          [this](const Core* now) { return Publish(now); }, [this] { watchers_.Notify(); },
          [this](std::chrono::milliseconds patience) { return WaitForOldViews(patience); },
          [this](const policy::State& state, UnixMillis early) { ReviewsDue(state, early); },
          [this](NoticeBoard notices) { PutUp(std::move(notices)); },
          [this](Executor::Task task) { executor_.Post(std::move(task)); }},
      std::move(core));
  thread_ = std::thread([this] { writer_->Loop(); });
}

Exchange::~Exchange() {
  queue_.Close();
  thread_.join();
  egress_->GiveUp();
  checkpoints_->Close();  // Before the executor goes: its callbacks post to it.
}

void Exchange::Submit(Lane lane, std::unique_ptr<Command> command) {
  const absl::Status pushed = queue_.Push(lane, command);
  if (!pushed.ok()) command->Done(pushed, {});
}

void Exchange::Query(std::function<QueryReply(const Core&)> read,
                     std::function<void(const absl::Status&)> failed) {
  Submit(Lane::kNormal,
         std::make_unique<QueryCommand>(*writer_, executor_, std::move(read), std::move(failed)));
}

absl::Status Exchange::WaitUntilServing() {
  std::promise<absl::Status> first;
  Query(
      [&first](const Core&) -> QueryReply {
        return [&first](const LedgerHead&) { first.set_value(absl::OkStatus()); };
      },
      [&first](const absl::Status& status) { first.set_value(status); });
  return first.get_future().get();
}

std::shared_ptr<const Published> Exchange::published() const {
  MutexLock lock(mutex_);
  return published_;
}

void Exchange::OnServingChange(std::function<void(bool)> changed) {
  MutexLock lock(mutex_);
  serving_changed_ = std::move(changed);
}

void Exchange::OnStruckOff(std::function<void()> struck) {
  MutexLock lock(mutex_);
  struck_off_ = std::move(struck);
}

void Exchange::OnReviewsDue(ReviewsDueCallback due) {
  MutexLock lock(mutex_);
  reviews_due_ = std::move(due);
}

void Exchange::ReviewsDue(const policy::State& state, UnixMillis early) {
  ReviewsDueCallback due;
  {
    MutexLock lock(mutex_);
    due = reviews_due_;
  }
  if (due) due(state, early);
}

std::shared_ptr<const NoticeBoard> Exchange::notices() const {
  MutexLock lock(mutex_);
  return notices_;
}

void Exchange::PutUp(NoticeBoard notices) {
  auto board = std::make_shared<const NoticeBoard>(std::move(notices));
  MutexLock lock(mutex_);
  notices_ = std::move(board);
}

absl::Status Exchange::Publish(const Core* core) {
  std::shared_ptr<Published> next;
  const std::shared_ptr<const Published> before = published();
  if (core != nullptr) {
    HF_ASSIGN_OR_RETURN(std::shared_ptr<const VaultView> view, core->vault.MakeView());
    next = std::make_shared<Published>();
    next->agreement = core->agreement;
    next->struck_off = core->state.struck_off();
    next->allocator = core->allocator;
    if (before != nullptr) {
      next->readers = before->readers;  // The same store, so the same connections.
    } else {
      next->readers = std::make_shared<ReaderPool>(
          [weak = std::weak_ptr<store::Store>(
               core->store)]() -> absl::StatusOr<std::unique_ptr<store::Reader>> {
            const std::shared_ptr<store::Store> store = weak.lock();
            if (store == nullptr) {
              return MakeError(Reason::kExchangeStopped, "the exchange is stopped");
            }
            return store->NewReader();
          });
    }
    {
      MutexLock lock(views_->mutex);
      ++views_->alive;
    }
    const VaultView* raw = view.get();
    next->vault = std::shared_ptr<const VaultView>(
        raw, [views = views_, kept = std::move(view)](const VaultView*) mutable {
          kept.reset();  // Wiped before it stops counting.
          MutexLock lock(views->mutex);
          --views->alive;
          views->changed.NotifyAll();
        });
  }
  // Who was struck off while it was stopped was not seen to be.
  const bool struck_off =
      next != nullptr &&
      (before == nullptr ? !next->struck_off.empty()
                         : before->struck_off.members() != next->struck_off.members() ||
                               before->struck_off.keys() != next->struck_off.keys());
  std::function<void(bool)> changed;
  std::function<void()> struck;
  {
    MutexLock lock(mutex_);
    published_ = next;
    if ((before == nullptr) != (next == nullptr)) changed = serving_changed_;
    if (struck_off) struck = struck_off_;
  }
  if (changed) changed(next != nullptr);
  if (struck) executor_.Post(std::move(struck));
  if (core != nullptr && options_.epoch_began && told_epoch_ != core->vault.epoch().value()) {
    told_epoch_ = core->vault.epoch().value();
    executor_.Post([began = options_.epoch_began, epoch = told_epoch_] { began(epoch); });
  }
  return absl::OkStatus();
}

bool Exchange::WaitForOldViews(std::chrono::milliseconds patience) {
  const Clock& clock = *options_.core.clock;
  const std::chrono::milliseconds deadline = clock.SinceBoot() + patience;
  MutexLock lock(views_->mutex);
  while (views_->alive > 1) {
    const std::chrono::milliseconds left = deadline - clock.SinceBoot();
    if (left.count() <= 0) return false;
    views_->changed.WaitFor(views_->mutex, left);
  }
  return true;
}

}  // namespace holdfast::exchange
