// SPDX-License-Identifier: Apache-2.0
// What leaves on a stream of chunks, in what order, and what a hold does to it.
#include "daemon/rpc/chunk_stream.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "base/mutex.h"
#include "holdfast/v1/transfer_service.pb.h"
#include "tests/daemon/exchange/exchange_world.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using rpc::Delivery;
using rpc::EncodedMessage;
using rpc::ReplyToken;
using Stream = rpc::ChunkStream<v1::CollectEnvelopesResponse>;

// A client: takes a message when the test says so.
class Client final : public rpc::internal::StreamSink {
 public:
  void Write(const google::protobuf::Message&, ReplyToken) override { FAIL(); }
  void Write(EncodedMessage message, ReplyToken token) override {
    v1::CollectEnvelopesResponse read;
    for (const EncodedMessage::Part& part : message.TakeParts()) {
      ASSERT_TRUE(read.MergeFromString(ToString(ByteSpan(part.bytes).subspan(part.from))));
    }
    const MutexLock lock(mutex_);
    EXPECT_FALSE(token_.pending()) << "a message before the last one was written";
    messages_.push_back(std::move(read));
    if (cut_) return;
    token_ = std::move(token);
    changed_.NotifyAll();
  }
  void Finish(absl::Status status) override {
    const MutexLock lock(mutex_);
    EXPECT_FALSE(finished_.has_value());
    finished_ = std::move(status);
    changed_.NotifyAll();
  }

  // Waits for a message, or the end, and takes the message off. False at the end.
  bool TakeOne() {
    ReplyToken token;
    {
      const MutexLock lock(mutex_);
      while (!token_.pending() && !finished_.has_value()) changed_.Wait(mutex_);
      token = std::move(token_);
    }
    if (!token.pending()) return false;
    token.Settle(Delivery::kWritten);
    return true;
  }
  void WaitForAMessage() {
    const MutexLock lock(mutex_);
    while (!token_.pending()) changed_.Wait(mutex_);
  }
  // What the stream's end does: the message under way is dropped, and so is each later one.
  void Cut() {
    ReplyToken token;
    const MutexLock lock(mutex_);
    cut_ = true;
    token = std::move(token_);
  }

  absl::Status end() {
    const MutexLock lock(mutex_);
    return finished_.value_or(absl::UnknownError("has not ended"));
  }
  std::vector<v1::CollectEnvelopesResponse> messages() {
    const MutexLock lock(mutex_);
    return messages_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  ReplyToken token_ HF_GUARDED_BY(mutex_);
  bool cut_ HF_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> finished_ HF_GUARDED_BY(mutex_);
  std::vector<v1::CollectEnvelopesResponse> messages_ HF_GUARDED_BY(mutex_);
};

class ChunkStreamTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kChunks = 40;

  void SetUp() override {
    world_.MustStart();
    // It has one chunk, which leaves again and again.
    auto facts = std::make_shared<rpc::TransferFacts>();
    facts->number = world_.MustMakeTransfer(4);
    facts->chunks = kChunks;
    facts_ = std::move(facts);
    before_ = world_.ledger_size();
  }

  void Begin(std::uint32_t first = 0) {
    Stream::Plan plan;
    plan.fact = [facts = facts_](std::uint32_t) {
      ledger::v1::Entry fact;
      fact.mutable_envelopes_collected()->set_transfer(facts->number);
      fact.mutable_envelopes_collected()->set_chunk(0);
      fact.mutable_envelopes_collected()->set_requester("ice");
      return fact;
    };
    plan.refused.set_member("ice");
    plan.refused.set_act(ledger::v1::Refused::COLLECT_ENVELOPES);
    plan.refused.set_transfer(facts_->number);
    plan.refused.set_has_transfer(true);
    plan.build = [this](std::uint32_t chunk,
                        std::uint64_t index) -> absl::StatusOr<EncodedMessage> {
      built_.fetch_add(1);
      if (chunk == unreadable_) return MakeError(Reason::kStoreCorrupt, "a chunk is malformed");
      v1::CollectEnvelopesResponse response;
      response.set_chunk(chunk);
      response.set_ledger_index(index);
      EncodedMessage message;
      message.Append(response);
      return message;
    };
    plan.cut = [client = client_] { client->Cut(); };
    std::make_shared<Stream>(world_.exchange(),
                             rpc::StreamWriter<v1::CollectEnvelopesResponse>(client_), facts_,
                             first, std::move(plan))
        ->Start();
  }

  // The entries that let a chunk out.
  std::vector<std::uint64_t> Collected() {
    std::vector<std::uint64_t> indices;
    const std::vector<Bytes> entries = world_.disk().Backup().entries;
    for (std::size_t i = before_; i < entries.size(); ++i) {
      ledger::v1::Entry entry;
      EXPECT_TRUE(entry.ParseFromString(ToString(entries[i])));
      if (entry.has_envelopes_collected()) indices.push_back(i);
    }
    return indices;
  }

  // Waits until nothing more happens unless the client takes a message.
  void WaitForStandstill(std::size_t collected) {
    while (Collected().size() < collected) world_.ledger_size();
    std::promise<void> drained;
    world_.exchange().executor().Post([&drained] { drained.set_value(); });
    drained.get_future().wait();
    world_.ledger_size();
  }

  ExchangeWorld world_;
  std::shared_ptr<const rpc::TransferFacts> facts_;
  std::uint64_t before_ = 0;
  std::shared_ptr<Client> client_ = std::make_shared<Client>();
  std::atomic<std::size_t> built_ = 0;
  std::uint32_t unreadable_ = kChunks;
};

TEST_F(ChunkStreamTest, SendsEveryChunkOnceInTheLedgersOrder) {
  Begin();
  while (client_->TakeOne()) {
  }
  EXPECT_THAT(client_->end(), IsOk());
  const auto messages = client_->messages();
  ASSERT_EQ(messages.size(), kChunks);
  std::vector<std::uint64_t> indices;
  for (std::uint32_t chunk = 0; chunk < kChunks; ++chunk) {
    EXPECT_EQ(messages[chunk].chunk(), chunk);
    indices.push_back(messages[chunk].ledger_index());
  }
  EXPECT_EQ(indices, Collected());
  while (world_.exchange().egress()->size() > 0) world_.ledger_size();
}

TEST_F(ChunkStreamTest, BeginsWhereTheClientSays) {
  Begin(kChunks - 3);
  while (client_->TakeOne()) {
  }
  EXPECT_THAT(client_->end(), IsOk());
  ASSERT_EQ(client_->messages().size(), 3U);
  EXPECT_EQ(client_->messages()[0].chunk(), kChunks - 3);
}

TEST_F(ChunkStreamTest, BeyondTheLastChunkThereIsNothing) {
  Begin(kChunks + 1);
  EXPECT_FALSE(client_->TakeOne());
  EXPECT_THAT(client_->end(), IsOk());
  EXPECT_EQ(world_.ledger_size(), before_);
}

TEST_F(ChunkStreamTest, ForAClientThatDoesNotReadFewChunksAreDecidedAndFewerBuilt) {
  Begin();
  client_->WaitForAMessage();
  WaitForStandstill(2 * Stream::kChunksDecidedTogether);
  EXPECT_EQ(Collected().size(), 2 * Stream::kChunksDecidedTogether);
  while (built_ < 1 + Stream::kBuiltAhead) world_.ledger_size();
  WaitForStandstill(0);
  EXPECT_EQ(built_, 1 + Stream::kBuiltAhead);
  EXPECT_EQ(world_.exchange().egress()->size(), 2U);
  // A message more makes no room for a command.
  ASSERT_TRUE(client_->TakeOne());
  client_->WaitForAMessage();
  WaitForStandstill(2 * Stream::kChunksDecidedTogether);
  EXPECT_EQ(Collected().size(), 2 * Stream::kChunksDecidedTogether);
  client_->Cut();
}

TEST_F(ChunkStreamTest, AHoldIsAnsweredWhenWhatWasDecidedBeforeItHasLeft) {
  Begin();
  WaitForStandstill(2 * Stream::kChunksDecidedTogether);
  std::future<exchange::OrderOutcome> hold =
      world_.OrderLater("carol", ExchangeWorld::HoldAct("hold"));
  while (world_.epoch() != 2 || !world_.exchange().egress()->waiting()) {
  }
  for (std::uint32_t i = 0; i < 2 * Stream::kChunksDecidedTogether; ++i) {
    client_->WaitForAMessage();
    EXPECT_EQ(hold.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
    ASSERT_TRUE(client_->TakeOne());
  }
  const exchange::OrderOutcome placed = hold.get();
  EXPECT_EQ(placed.cut, 0U);
  EXPECT_FALSE(client_->TakeOne());
  EXPECT_EQ(ReasonOf(client_->end()), Reason::kHeld);
  const auto messages = client_->messages();
  ASSERT_EQ(messages.size(), 2 * Stream::kChunksDecidedTogether);
  for (const auto& message : messages) EXPECT_LT(message.ledger_index(), placed.index);
}

TEST_F(ChunkStreamTest, AHoldCutsOffWhoDoesNotRead) {
  Begin();
  WaitForStandstill(2 * Stream::kChunksDecidedTogether);
  std::future<exchange::OrderOutcome> hold =
      world_.OrderLater("carol", ExchangeWorld::HoldAct("hold"));
  while (world_.epoch() != 2 || !world_.exchange().egress()->waiting()) {
  }
  world_.clock().Advance(std::chrono::milliseconds(2000));
  EXPECT_EQ(hold.get().cut, 2U);  // Two commands.
  EXPECT_EQ(client_->messages().size(), 1U);
  while (world_.exchange().egress()->size() > 0) world_.ledger_size();
}

TEST_F(ChunkStreamTest, NothingIsKeptForAClientThatIsGone) {
  for (int taken = 0; taken < 12; ++taken) {
    client_ = std::make_shared<Client>();
    Begin();
    for (int i = 0; i < taken; ++i) ASSERT_TRUE(client_->TakeOne());
    client_->WaitForAMessage();
    client_->Cut();
    // Also of a command that was under way.
    for (int i = 0; i < 3; ++i) WaitForStandstill(0);
    while (world_.exchange().egress()->size() > 0) world_.ledger_size();
    EXPECT_EQ(client_->messages().size(), static_cast<std::size_t>(taken) + 1);
  }
}

TEST_F(ChunkStreamTest, AChunkThatCannotBeReadEndsTheStreamAfterThoseBefore) {
  unreadable_ = 5;
  Begin();
  while (client_->TakeOne()) {
  }
  EXPECT_EQ(ReasonOf(client_->end()), Reason::kStoreCorrupt);
  EXPECT_EQ(client_->messages().size(), 5U);
  while (world_.exchange().egress()->size() > 0) world_.ledger_size();
}

TEST_F(ChunkStreamTest, WhatIsDecidedUnderAHoldIsNotBuilt) {
  ASSERT_TRUE(world_.Order("carol", ExchangeWorld::HoldAct("hold")).decision.allowed());
  Begin();
  EXPECT_FALSE(client_->TakeOne());
  EXPECT_EQ(ReasonOf(client_->end()), Reason::kHeld);
  EXPECT_EQ(built_, 0U);
  EXPECT_TRUE(Collected().empty());
}

}  // namespace
}  // namespace holdfast::test
