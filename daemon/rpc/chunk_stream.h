// SPDX-License-Identifier: Apache-2.0
// A server stream that lets chunks out, one decision and one message at a time.
//
// Each chunk is a command of its own: decided by the writer, in the ledger before it leaves, and
// stopped by a hold in the middle of the stream. No reader is held while the network is waited for.
//
// When to use  FetchSubjects and CollectEnvelopes.
// Threads      Steps run on the executor and on gRPC's threads, one at a time.
// Ownership    The stream keeps itself alive until it is finished.
// Errors       The first chunk that is refused, or cannot be read, ends the stream with its error.
#pragma once

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
    exchange::Act act;
    act.batch = std::make_unique<exchange::EntryBatch>(1, hosted_.exchange->random());
    ledger::v1::Entry* entry = act.batch->Add();
    entry->MergeFrom(plan_.fact(next_));
    act.batch->Seal();
    act.refused = plan_.refused;
    act.lets_out = facts_->number;
    act.cut = [call = call_] {
      call.Cut(MakeError(Reason::kHeld, "a hold was placed while this was on its way"));
    };
    act.done = [self = this->shared_from_this()](exchange::ActOutcome outcome,
                                                 const std::string& matter) {
      self->Send(std::move(outcome), matter);
    };
    hosted_.exchange->Submit(
        exchange::Lane::kNormal,
        std::make_unique<exchange::ActCommand>(std::move(act), hosted_.exchange->executor(),
                                               hosted_.exchange->egress()));
  }

  void Send(exchange::ActOutcome outcome, const std::string& matter) {
    if (absl::Status error = ErrorOf(outcome, matter); !error.ok()) {
      writer_.Finish(std::move(error));
      return;
    }
    absl::StatusOr<Response> message = plan_.build(next_, outcome.index);
    if (!message.ok()) {
      writer_.Finish(message.status());
      return;
    }
    ++next_;
    // Shared, because a std::function must be copyable. Ends when the message has left.
    auto egress = std::shared_ptr<exchange::Egress::Token>(std::move(outcome.egress));
    writer_.Write(*message,
                  ReplyToken([self = this->shared_from_this(), egress](Delivery delivery) mutable {
                    egress.reset();
                    if (delivery == Delivery::kWritten) {
                      self->hosted_.exchange->executor().Post([self] { self->Step(); });
                    }
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
