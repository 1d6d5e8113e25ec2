// SPDX-License-Identifier: Apache-2.0
// A server stream that lets chunks out, one message at a time.
//
// A few chunks at a time are one command: decided one by one by the writer, each an entry in the
// ledger before it leaves, and stopped by a hold in the middle of the stream. A hold is answered
// when what was decided before it has left, or was cut off. While a message is written the next
// ones are built, and the next command is decided. No reader is held while the network is waited
// for.
//
// When to use  FetchSubjects and CollectEnvelopes.
// Threads      Messages are built on the executor, up to kBuiltAhead at once; whoever is done with
//              anything goes on with what can be done then, on the executor or a thread of gRPC.
// Ownership    The stream keeps itself alive until it is finished.
// Errors       The first chunk that is refused, or cannot be read, ends the stream with its error,
//              after the chunks before it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "base/error.h"
#include "base/mutex.h"
#include "daemon/exchange/act_command.h"
#include "daemon/exchange/exchange.h"
#include "daemon/rpc/handlers.h"
#include "daemon/rpc/transfer_facts.h"

namespace holdfast::rpc {

template <typename Response>
class ChunkStream final : public std::enable_shared_from_this<ChunkStream<Response>> {
 public:
  // Each command waits for a commit. The next one is submitted when so many chunks are left, so
  // that at most twice as many wait: they are written within a moment even to a slow reader, for
  // whom a hold waits.
  static constexpr std::uint32_t kChunksDecidedTogether = 8;

  // Messages that are built, or being built, behind the one that is written.
  static constexpr std::size_t kBuiltAhead = 2;

  struct Plan {
    // Returns the fact that lets `chunk` out.
    std::function<ledger::v1::Entry(std::uint32_t chunk)> fact;
    ledger::v1::Refused refused;

    // Builds the message after the fact was committed at `index`. Called concurrently.
    std::function<absl::StatusOr<EncodedMessage>(std::uint32_t chunk, std::uint64_t index)> build;

    // Cuts the stream off.
    std::function<void()> cut;
  };

  ChunkStream(exchange::Exchange& exchange, StreamWriter<Response> writer,
              std::shared_ptr<const TransferFacts> facts, std::uint32_t first, Plan plan)
      : exchange_(exchange),
        writer_(std::move(writer)),
        facts_(std::move(facts)),
        plan_(std::move(plan)),
        undecided_(std::min(first, facts_->chunks)) {}

  void Start() { GoOn(); }

 private:
  // A chunk that may leave. Its token ends when the last chunk of its command has left.
  struct Chunk {
    std::uint32_t number = 0;
    std::uint64_t index = 0;
    std::shared_ptr<exchange::Egress::Token> egress;
    bool begun = false;
    std::optional<absl::StatusOr<EncodedMessage>> message;
  };

  // What can be done now, with no lock held.
  struct Next {
    std::uint32_t ask_for = 0;                                   // So many chunks,
    std::uint32_t ask_from = 0;                                  // from this one on.
    std::vector<std::pair<std::uint32_t, std::uint64_t>> build;  // Chunk and index.
    std::optional<Chunk> write;
    std::optional<absl::Status> finish;
  };

  void GoOn() {
    Next next;
    {
      MutexLock lock(mutex_);
      if (over_) return;
      next = NextLocked();
    }
    if (next.ask_for > 0) Decide(next.ask_from, next.ask_for);
    for (const auto& [chunk, index] : next.build) {
      exchange_.executor().Post([self = this->shared_from_this(), chunk = chunk, index = index] {
        self->Built(chunk, self->plan_.build(chunk, index));
      });
    }
    if (next.write.has_value()) Write(*std::move(next.write));
    if (next.finish.has_value()) End(*std::move(next.finish));
  }

  Next NextLocked() HF_REQUIRES(mutex_) {
    Next next;
    if (!writing_ && !decided_.empty() && decided_.front().message.has_value()) {
      Chunk& front = decided_.front();
      if (!front.message->ok()) {
        over_ = true;
        next.finish = front.message->status();
        return next;
      }
      next.write = std::move(front);
      decided_.pop_front();
      writing_ = true;
    }
    const std::size_t left = decided_.size() + (writing_ ? 1 : 0);
    if (!asking_ && !end_.has_value() && left <= kChunksDecidedTogether) {
      next.ask_from = undecided_;
      next.ask_for = std::min(kChunksDecidedTogether, facts_->chunks - undecided_);
      asking_ = next.ask_for > 0;
      if (!asking_) end_ = absl::OkStatus();
    }
    for (std::size_t i = 0; i < std::min(kBuiltAhead, decided_.size()); ++i) {
      if (!std::exchange(decided_[i].begun, true)) {
        next.build.emplace_back(decided_[i].number, decided_[i].index);
      }
    }
    if (left == 0 && end_.has_value()) {
      over_ = true;
      next.finish = *end_;
    }
    return next;
  }

  // One command at a time, so that the chunks are in order in the ledger.
  void Decide(std::uint32_t first, std::uint32_t count) {
    exchange::Act act;
    act.batch = std::make_unique<exchange::EntryBatch>(count, exchange_.random());
    for (std::uint32_t i = 0; i < count; ++i) act.batch->Add()->MergeFrom(plan_.fact(first + i));
    act.batch->Seal();
    // What comes before a chunk that is held goes out.
    act.if_refused = exchange::IfRefused::kRest;
    act.refused = plan_.refused;
    act.lets_out = facts_->number;
    act.cut = plan_.cut;
    act.done = [self = this->shared_from_this()](exchange::ActOutcome outcome,
                                                 const std::string& matter) {
      self->Decided(std::move(outcome), matter);
    };
    exchange_.Submit(exchange::Lane::kNormal,
                     std::make_unique<exchange::ActCommand>(std::move(act), exchange_.executor(),
                                                            exchange_.egress()));
  }

  void Decided(exchange::ActOutcome outcome, const std::string& matter) {
    absl::Status error = ErrorOf(outcome, matter);
    // Shared by the chunks. Here destroyed without the lock, since a hold may wait for it.
    std::shared_ptr<exchange::Egress::Token> egress = std::move(outcome.egress);
    {
      MutexLock lock(mutex_);
      if (over_) return;
      asking_ = false;
      if (!error.ok()) end_ = std::move(error);
      for (std::size_t i = 0; egress != nullptr && i < outcome.appended; ++i) {
        decided_.push_back({undecided_++, outcome.index + i, egress, false, std::nullopt});
      }
    }
    egress.reset();
    GoOn();
  }

  void Built(std::uint32_t chunk, absl::StatusOr<EncodedMessage> message) {
    {
      MutexLock lock(mutex_);
      if (over_) return;
      // It is there: nothing leaves before it was built.
      decided_[chunk - decided_.front().number].message = std::move(message);
    }
    GoOn();
  }

  void Write(Chunk chunk) {
    writer_.Write(**std::move(chunk.message),
                  ReplyToken([self = this->shared_from_this(),
                              egress = std::move(chunk.egress)](Delivery delivery) mutable {
                    egress.reset();
                    if (delivery == Delivery::kWritten) {
                      self->Written();
                    } else {
                      self->Drop();
                    }
                  }));
  }

  void Written() {
    {
      MutexLock lock(mutex_);
      writing_ = false;
    }
    GoOn();
  }

  void End(absl::Status status) {
    Drop();
    writer_.Finish(std::move(status));
  }

  // Nothing more leaves. What was decided and has not left never will.
  void Drop() {
    std::deque<Chunk> dropped;
    MutexLock lock(mutex_);
    over_ = true;
    dropped.swap(decided_);
  }

  exchange::Exchange& exchange_;
  const StreamWriter<Response> writer_;
  const std::shared_ptr<const TransferFacts> facts_;
  const Plan plan_;

  Mutex mutex_;
  std::uint32_t undecided_ HF_GUARDED_BY(mutex_);    // The first chunk that was not decided.
  bool asking_ HF_GUARDED_BY(mutex_) = false;        // A command is under way.
  std::deque<Chunk> decided_ HF_GUARDED_BY(mutex_);  // In order, but for the one being written.
  bool writing_ HF_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> end_ HF_GUARDED_BY(mutex_);  // Once what was decided has left.
  bool over_ HF_GUARDED_BY(mutex_) = false;
};

}  // namespace holdfast::rpc
