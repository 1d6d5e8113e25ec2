// SPDX-License-Identifier: Apache-2.0
// A server stream that lets chunks out, one message at a time.
//
// A few chunks at a time are one command: decided one by one by the writer, each an entry in the
// ledger before it leaves, and stopped by a hold in the middle of the stream. A hold is answered
// when what was decided before it has left, or was cut off. No reader is held while the network is
// waited for.
//
// When to use  FetchSubjects and CollectEnvelopes.
// Threads      Steps run on the executor and on gRPC's threads, one at a time.
// Ownership    The stream keeps itself alive until it is finished.
// Errors       The first chunk that is refused, or cannot be read, ends the stream with its error.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

#include "base/error.h"
#include "daemon/exchange/act_command.h"
#include "daemon/rpc/handlers.h"
#include "daemon/rpc/transfer_facts.h"

namespace holdfast::rpc {

template <typename Response>
class ChunkStream final : public std::enable_shared_from_this<ChunkStream<Response>> {
 public:
  // Each command waits for a commit. So many chunks of 256 envelopes are written within a moment
  // even to a slow reader, for whom a hold waits.
  static constexpr std::uint32_t kChunksDecidedTogether = 16;

  struct Plan {
    // Returns the fact that lets `chunk` out.
    std::function<ledger::v1::Entry(std::uint32_t chunk)> fact;
    ledger::v1::Refused refused;

    // Builds the message after the fact was committed at `index`.
    std::function<absl::StatusOr<Response>(std::uint32_t chunk, std::uint64_t index)> build;
  };

  ChunkStream(const Hosted& hosted, Call call, StreamWriter<Response> writer,
              std::shared_ptr<const TransferFacts> facts, std::uint32_t first, Plan plan)
      : hosted_(hosted),
        call_(std::move(call)),
        writer_(std::move(writer)),
        facts_(std::move(facts)),
        next_(first),
        plan_(std::move(plan)) {}

  void Start() { Step(); }

 private:
  void Step() {
    if (next_ >= facts_->chunks) {
      writer_.Finish(absl::OkStatus());
      return;
    }
    const std::uint32_t count = std::min(kChunksDecidedTogether, facts_->chunks - next_);
    exchange::Act act;
    act.batch = std::make_unique<exchange::EntryBatch>(count, hosted_.exchange->random());
    for (std::uint32_t i = 0; i < count; ++i) act.batch->Add()->MergeFrom(plan_.fact(next_ + i));
    act.batch->Seal();
    // What comes before a chunk that is held goes out.
    act.if_refused = exchange::IfRefused::kRest;
    act.refused = plan_.refused;
    act.lets_out = facts_->number;
    act.cut = [call = call_] {
      call.Cut(MakeError(Reason::kHeld, "a hold was placed while this was on its way"));
    };
    act.done = [self = this->shared_from_this()](exchange::ActOutcome outcome,
                                                 const std::string& matter) {
      self->Begin(std::move(outcome), matter);
    };
    hosted_.exchange->Submit(
        exchange::Lane::kNormal,
        std::make_unique<exchange::ActCommand>(std::move(act), hosted_.exchange->executor(),
                                               hosted_.exchange->egress()));
  }

  void Begin(exchange::ActOutcome outcome, const std::string& matter) {
    if (absl::Status error = ErrorOf(outcome, matter); !error.ok()) {
      writer_.Finish(std::move(error));
      return;
    }
    Send(next_ + static_cast<std::uint32_t>(outcome.appended), outcome.index,
         std::shared_ptr<exchange::Egress::Token>(std::move(outcome.egress)));
  }

  // Sends chunk next_, whose entry is `index`, and the others until `end`. `egress` ends when the
  // last of them has left. Shared, because a std::function must be copyable.
  void Send(std::uint32_t end, std::uint64_t index,
            std::shared_ptr<exchange::Egress::Token> egress) {
    absl::StatusOr<Response> message = plan_.build(next_, index);
    if (!message.ok()) {
      writer_.Finish(message.status());
      return;
    }
    ++next_;
    writer_.Write(*message, ReplyToken([self = this->shared_from_this(), end, index,
                                        egress](Delivery delivery) mutable {
      if (delivery != Delivery::kWritten) {
        egress.reset();
        return;
      }
      if (self->next_ == end) {
        egress.reset();
        self->hosted_.exchange->executor().Post([self] { self->Step(); });
        return;
      }
      self->hosted_.exchange->executor().Post(
          [self, end, index, egress] { self->Send(end, index + 1, egress); });
    }));
  }

  const Hosted& hosted_;
  const Call call_;
  const StreamWriter<Response> writer_;
  const std::shared_ptr<const TransferFacts> facts_;
  std::uint32_t next_;
  const Plan plan_;
};

}  // namespace holdfast::rpc
