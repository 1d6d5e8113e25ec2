// SPDX-License-Identifier: Apache-2.0
// How handlers answer, and what becomes of answers when clients go away.
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/limits.h"
#include "tests/daemon/rpc/door.h"
#include "tests/daemon/rpc/raw_call.h"

namespace holdfast::test {
namespace {

using rpc::Delivery;
using rpc::ReplyToken;

ToyRequest Saying(const std::string& text) {
  ToyRequest request;
  request.set_text(text);
  return request;
}

ToyResponse Numbered(std::uint32_t number) {
  ToyResponse response;
  response.set_number(number);
  return response;
}

ReplyToken TellTo(Inbox<Delivery>& inbox) {
  return ReplyToken([&inbox](Delivery delivery) { inbox.Put(delivery); });
}

TEST(Answers, ComeFromAnyThreadLater) {
  Door door;
  RawCall call(door.Alice(), kEcho);
  ASSERT_TRUE(call.Write(Saying("park")));
  ASSERT_TRUE(call.WritesDone());
  auto parked = door.toy.parked.Take();
  ASSERT_TRUE(parked.has_value());
  std::thread([&] { parked->respond.Reply(Numbered(7)); }).join();
  const auto answer = call.ReadToy();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->number(), 7u);
  EXPECT_TRUE(call.Finish().ok());
}

TEST(Answers, CarryTheReasonOfAFailure) {
  Door door;
  for (const char* method : {kEcho, kChat}) {
    const grpc::Status status = CallUnary(door.Alice(), method, Saying("held"));
    EXPECT_EQ(status.error_code(), grpc::FAILED_PRECONDITION);
    EXPECT_EQ(ReasonIn(status), "HELD");
  }
}

TEST(Answers, OfAHandlerThatForgetsAreInternalErrors) {
  Door door;
  for (const char* method : {kEcho, kChat, kCount}) {
    const grpc::Status status = CallUnary(door.Alice(), method, Saying("forget"));
    EXPECT_EQ(status.error_code(), grpc::INTERNAL) << method;
    EXPECT_EQ(ReasonIn(status), "INTERNAL") << method;
    EXPECT_EQ(status.error_message(), "internal error");
  }
}

TEST(Answers, OfAHandlerThatThrowsAreInternalErrors) {
  Door door;
  for (const char* method : {kEcho, kChat}) {
    EXPECT_EQ(ReasonIn(CallUnary(door.Alice(), method, Saying("throw"))), "INTERNAL") << method;
  }
}

TEST(Answers, AfterTheFirstOneAreDropped) {
  Door door;
  RawCall call(door.Alice(), kChat);
  ASSERT_TRUE(call.Write(Saying("park")));
  const auto parked = door.toy.parked.Take();
  ASSERT_TRUE(parked.has_value());
  Inbox<Delivery> told;
  parked->respond.Reply(Numbered(1), TellTo(told));
  parked->respond.Reply(Numbered(2), TellTo(told));
  parked->respond.Fail(MakeError(Reason::kHeld, "too late"));
  const auto first = told.Take();
  const auto second = told.Take();
  EXPECT_THAT((std::vector{first, second}),
              testing::UnorderedElementsAre(Delivery::kWritten, Delivery::kDropped));
  ASSERT_EQ(call.ReadToy()->number(), 1u);
  // The stream is as good as before.
  ASSERT_TRUE(call.Write(Saying("more")));
  EXPECT_EQ(call.ReadToy()->text(), "more");
}

TEST(Answers, LeaveInTheOrderOfTheRequests) {
  Door door;
  RawCall call(door.Alice(), kChat);
  std::vector<Parked> parked;
  constexpr std::uint32_t kRequests = 8;
  for (std::uint32_t i = 0; i < kRequests; ++i) {
    ASSERT_TRUE(call.Write(Saying("park")));
    parked.push_back(*door.toy.parked.Take());
  }
  for (std::uint32_t i = kRequests; i-- > 0;) parked[i].respond.Reply(Numbered(i));
  for (std::uint32_t i = 0; i < kRequests; ++i) ASSERT_EQ(call.ReadToy()->number(), i);
  call.WritesDone();
  EXPECT_TRUE(call.Finish().ok());
}

TEST(Answers, ToEarlierRequestsComeBeforeAFailure) {
  Door door;
  RawCall call(door.Alice(), kChat);
  ASSERT_TRUE(call.Write(Saying("park")));
  ASSERT_TRUE(call.Write(Saying("park")));
  const auto first = door.toy.parked.Take();
  const auto second = door.toy.parked.Take();
  second->respond.Fail(MakeError(Reason::kHeld, "a hold covers it"));
  first->respond.Reply(Numbered(1));
  EXPECT_EQ(call.ReadToy()->number(), 1u);
  EXPECT_EQ(call.Read(), std::nullopt);
  EXPECT_EQ(ReasonIn(call.Finish()), "HELD");
}

TEST(Answers, OwedStopTheReadingAtTheBound) {
  Door door;
  RawCall call(door.Alice(), kChat);
  for (std::size_t i = 0; i < kMaxMessagesInFlight + 8; ++i) {
    ASSERT_TRUE(call.Write(Saying("park")));
  }
  std::vector<Parked> parked;
  for (std::size_t i = 0; i < kMaxMessagesInFlight; ++i) {
    parked.push_back(*door.toy.parked.Take());
  }
  // The next one is read when, and only when, the first is answered: each answer lets one in.
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(door.toy.seen.size(), kMaxMessagesInFlight + i);
    parked[i].respond.Reply(Numbered(0));
    ASSERT_TRUE(call.Read().has_value());
    parked.push_back(*door.toy.parked.Take());
  }
  EXPECT_EQ(door.toy.parked.size(), 0u);
}

TEST(Answers, OwedForManyBytesStopTheReadingToo) {
  Door door;
  RawCall call(door.Alice(), kChat);
  ToyRequest large = Saying("park");
  large.set_padding(std::string(1'000'000, 'x'));
  std::vector<Parked> parked;
  // Nine messages of a megabyte are the first to reach eight mebibytes.
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(call.Write(large));
    parked.push_back(*door.toy.parked.Take());
  }
  ASSERT_TRUE(call.Write(Saying("small")));
  EXPECT_EQ(door.toy.seen.size(), 9u);
  parked[0].respond.Reply(Numbered(0));
  ASSERT_TRUE(call.Read().has_value());
  for (std::size_t i = 1; i < 9; ++i) {
    parked[i].respond.Reply(Numbered(0));
    ASSERT_TRUE(call.Read().has_value());
  }
  EXPECT_EQ(call.ReadToy()->text(), "small");
}

TEST(Answers, TellTheirTokenThatTheyWereWritten) {
  Door door;
  for (const char* method : {kEcho, kChat}) {
    RawCall call(door.Alice(), method);
    ASSERT_TRUE(call.Write(Saying("park")));
    ASSERT_TRUE(call.WritesDone());
    const auto parked = door.toy.parked.Take();
    Inbox<Delivery> told;
    parked->respond.Reply(Numbered(1), TellTo(told));
    EXPECT_EQ(told.Take(), Delivery::kWritten) << method;
    EXPECT_TRUE(call.ReadToy().has_value()) << method;
    EXPECT_TRUE(call.Finish().ok()) << method;
  }
}

TEST(ServerStream, SendsEverythingInOrderAndEnds) {
  Door door;
  RawCall call(door.Alice(), kCount);
  ToyRequest request;
  request.set_count(500);
  ASSERT_TRUE(call.Write(request));
  ASSERT_TRUE(call.WritesDone());
  for (std::uint32_t i = 0; i < 500; ++i) ASSERT_EQ(call.ReadToy()->number(), i);
  EXPECT_EQ(call.Read(), std::nullopt);
  EXPECT_TRUE(call.Finish().ok());
}

TEST(ServerStream, SendsBytesThatExistAsTheMessageThatTheyAre) {
  Door door;
  RawCall call(door.Alice(), kCount);
  ASSERT_TRUE(call.Write(Saying("park")));
  ASSERT_TRUE(call.WritesDone());
  const auto stream = door.toy.streams.Take();
  ToyResponse before;
  before.set_number(7);
  ToyResponse behind;
  behind.set_padding(std::string(100'000, 'x'));
  rpc::EncodedMessage message;
  message.Append(before);
  message.Append(Bytes());
  message.Append(behind);
  Inbox<Delivery> told;
  stream->writer.Write(std::move(message), TellTo(told));
  const auto read = call.ReadToy();
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->number(), 7U);
  EXPECT_EQ(read->padding(), behind.padding());
  EXPECT_EQ(told.Take(), Delivery::kWritten);
  stream->writer.Finish(absl::OkStatus());
  EXPECT_TRUE(call.Finish().ok());
}

TEST(ServerStream, WaitsForAClientThatDoesNotRead) {
  Door door;
  RawCall call(door.Alice(), kCount);
  ASSERT_TRUE(call.Write(Saying("park")));
  ASSERT_TRUE(call.WritesDone());
  const auto stream = door.toy.streams.Take();
  ToyResponse large;
  large.set_padding(std::string(1'000'000, 'x'));
  // Written messages are bounded by what the kernel and the client's window take, so one of these
  // waits; it is taken back when the stream is cut.
  Inbox<Delivery> told;
  int written = 0;
  for (bool waits = false; !waits;) {
    stream->writer.Write(large, TellTo(told));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    while (told.size() == 0 && !waits) {
      waits = std::chrono::steady_clock::now() >= deadline;
      std::this_thread::yield();
    }
    if (!waits) {
      ASSERT_EQ(told.Take(), Delivery::kWritten);
      ASSERT_LT(++written, 100);
    }
  }
  stream->call.Cut(MakeError(Reason::kHeld, "a hold covers it"));
  EXPECT_EQ(told.Take(), Delivery::kDropped);
  EXPECT_TRUE(door.BecomesIdle());
  for (int i = 0; i < written; ++i) call.Read();
  EXPECT_FALSE(call.Finish().ok());
}

TEST(ServerStream, EndsWhenAMessageComesBeforeTheLastWasWritten) {
  Door door;
  RawCall call(door.Alice(), kCount);
  ASSERT_TRUE(call.Write(Saying("park")));
  ASSERT_TRUE(call.WritesDone());
  const auto stream = door.toy.streams.Take();
  ToyResponse large;
  large.set_padding(std::string(8'000'000, 'x'));
  Inbox<Delivery> told;
  stream->writer.Write(large, TellTo(told));
  stream->writer.Write(large, TellTo(told));
  EXPECT_EQ(told.Take(), Delivery::kDropped);
  EXPECT_EQ(told.Take(), Delivery::kDropped);
  EXPECT_TRUE(door.BecomesIdle());
}

TEST(Cut, EndsAnIdleStreamWithTheReason) {
  Door door;
  RawCall call(door.Alice(), kChat);
  ASSERT_TRUE(call.Write(Saying("park")));
  const auto parked = door.toy.parked.Take();
  parked->call.Cut(MakeError(Reason::kHeld, "a hold covers it"));
  EXPECT_TRUE(parked->call.ended());
  Inbox<Delivery> told;
  parked->respond.Reply(Numbered(1), TellTo(told));
  EXPECT_EQ(told.Take(), Delivery::kDropped);
  EXPECT_EQ(call.Read(), std::nullopt);
  EXPECT_EQ(ReasonIn(call.Finish()), "HELD");
}

TEST(Cut, DropsAnswersThatWaitForAnEarlierOne) {
  Door door;
  RawCall call(door.Alice(), kChat);
  ASSERT_TRUE(call.Write(Saying("park")));
  ASSERT_TRUE(call.Write(Saying("park")));
  const auto first = door.toy.parked.Take();
  const auto second = door.toy.parked.Take();
  Inbox<Delivery> told;
  second->respond.Reply(Numbered(2), TellTo(told));
  EXPECT_EQ(told.size(), 0u);
  first->call.Cut(MakeError(Reason::kHeld, "a hold covers it"));
  EXPECT_EQ(told.Take(), Delivery::kDropped);
  EXPECT_EQ(call.Read(), std::nullopt);
}

TEST(Cut, AfterTheEndDoesNothing) {
  Door door;
  RawCall call(door.Alice(), kEcho);
  ASSERT_TRUE(call.Write(Saying("park")));
  ASSERT_TRUE(call.WritesDone());
  const auto parked = door.toy.parked.Take();
  parked->respond.Reply(Numbered(1));
  EXPECT_TRUE(call.Finish().ok());
  EXPECT_TRUE(door.BecomesIdle());
  parked->call.Cut(MakeError(Reason::kHeld, "a hold covers it"));
  EXPECT_EQ(parked->call.peer(), kAlice);
  door.server.reset();
  parked->call.Cut(MakeError(Reason::kHeld, "a hold covers it"));
  parked->respond.Reply(Numbered(2));
  EXPECT_EQ(parked->call.method(), kEcho);
}

TEST(OnEnd, RunsOnceAtTheEndAndAtOnceAfterIt) {
  Door door;
  RawCall call(door.Alice(), kEcho);
  ASSERT_TRUE(call.Write(Saying("park")));
  ASSERT_TRUE(call.WritesDone());
  const auto parked = door.toy.parked.Take();
  Inbox<int> ends;
  parked->call.OnEnd([&] { ends.Put(1); });
  EXPECT_EQ(ends.size(), 0u);
  parked->respond.Reply(Numbered(1));
  EXPECT_EQ(ends.Take(), 1);
  parked->call.OnEnd([&] { ends.Put(2); });
  EXPECT_EQ(ends.size(), 1u);
  EXPECT_TRUE(door.BecomesIdle());
}

TEST(OnEnd, RunsWhenTheClientGoesAway) {
  Door door;
  for (const char* method : {kEcho, kChat}) {
    Inbox<int> ends;
    std::optional<Parked> parked;
    {
      RawCall call(door.Alice(), method);
      ASSERT_TRUE(call.Write(Saying("park")));
      ASSERT_TRUE(call.WritesDone());
      parked = door.toy.parked.Take();
      parked->call.OnEnd([&] { ends.Put(1); });
      call.Cancel();
    }
    EXPECT_EQ(ends.Take(), 1) << method;
    EXPECT_TRUE(parked->call.ended()) << method;
    // The request outlives the client.
    EXPECT_EQ(parked->request->text(), "park") << method;
    Inbox<Delivery> told;
    parked->respond.Reply(Numbered(1), TellTo(told));
    EXPECT_EQ(told.Take(), Delivery::kDropped) << method;
  }
  EXPECT_TRUE(door.BecomesIdle());
}

// Clients that leave at each step, by cancelling or with their whole connection.
class Vanishing : public testing::TestWithParam<bool> {
 protected:
  void Leave(std::shared_ptr<grpc::Channel>& channel, std::unique_ptr<RawCall>& call) {
    if (GetParam()) call->Cancel();
    call.reset();
    channel.reset();
  }
};

TEST_P(Vanishing, LeavesNothingBehindAtAnyStep) {
  Door door;
  enum class Step { kNothing, kMessage, kHalfClosed, kAnswered, kRead, kEnd };
  for (const char* method : {kEcho, kCount, kChat, kWatch}) {
    for (int last = 0; last < static_cast<int>(Step::kEnd); ++last) {
      auto channel = door.Alice();
      auto call = std::make_unique<RawCall>(channel, method);
      const bool has_handler = method != kWatch;
      const std::string text = last % 2 == 0 ? "park" : "now";
      for (int step = 1; step <= last; ++step) {
        switch (static_cast<Step>(step)) {
          case Step::kMessage:
            call->Write(has_handler ? Saying(text) : ToyRequest());
            break;
          case Step::kHalfClosed:
            call->WritesDone();
            break;
          case Step::kAnswered:
            if (has_handler && text == "park") {
              if (method == kCount) {
                const auto stream = door.toy.streams.Take();
                ASSERT_TRUE(stream.has_value());
                stream->writer.Write(Numbered(1), ReplyToken());
              } else {
                const auto parked = door.toy.parked.Take();
                ASSERT_TRUE(parked.has_value());
                parked->respond.Reply(Numbered(1));
              }
            }
            break;
          case Step::kRead:
            call->Read();
            break;
          case Step::kNothing:
          case Step::kEnd:
            break;
        }
      }
      Leave(channel, call);
      ASSERT_TRUE(door.BecomesIdle());
      // Late answers to one that is gone.
      while (door.toy.parked.size() > 0) door.toy.parked.Take()->respond.Reply(Numbered(1));
      while (door.toy.streams.size() > 0) {
        const auto stream = door.toy.streams.Take();
        stream->writer.Write(Numbered(1), ReplyToken());
        stream->writer.Finish(absl::OkStatus());
      }
    }
  }
  EXPECT_TRUE(CallUnary(door.Alice(), kEcho, Saying("still here")).ok());
}

TEST_P(Vanishing, LosesTheRaceAgainstAnswersNowAndThen) {
  Door door;
  auto channel = door.Alice();
  for (int round = 0; round < 60; ++round) {
    auto call = std::make_unique<RawCall>(channel, round % 2 == 0 ? kChat : kEcho);
    ASSERT_TRUE(call->Write(Saying("park")));
    call->WritesDone();
    auto parked = door.toy.parked.Take();
    ASSERT_TRUE(parked.has_value());
    Inbox<Delivery> told;
    std::thread answer([&] { parked->respond.Reply(Numbered(1), TellTo(told)); });
    if (GetParam()) {
      call->Cancel();
    } else {
      parked->call.Cut(MakeError(Reason::kHeld, "a hold covers it"));
    }
    answer.join();
    EXPECT_TRUE(told.Take().has_value());
    EXPECT_EQ(told.size(), 0u);
  }
  EXPECT_TRUE(door.BecomesIdle());
}

INSTANTIATE_TEST_SUITE_P(Ways, Vanishing, testing::Bool(), [](const auto& way) {
  return way.param ? "ByCancelling" : "WithTheConnection";
});

TEST(Drain, LetsUnaryCallsFinishAndEndsStreams) {
  Door door;
  const auto channel = door.Alice();
  RawCall unary(channel, kEcho);
  ASSERT_TRUE(unary.Write(Saying("park")));
  ASSERT_TRUE(unary.WritesDone());
  RawCall idle(channel, kChat);
  ASSERT_TRUE(idle.Write(Saying("x")));
  ASSERT_TRUE(idle.ReadToy().has_value());
  const auto parked_unary = door.toy.parked.Take();
  RawCall busy(channel, kChat);
  ASSERT_TRUE(busy.Write(Saying("park")));
  const auto parked_busy = door.toy.parked.Take();
  RawCall watch(channel, kWatch);
  ASSERT_TRUE(watch.Write(std::string()));
  ASSERT_TRUE(watch.WritesDone());
  ASSERT_TRUE(watch.Read().has_value());

  std::thread drain([&] { door.server->Drain(kPatience); });
  EXPECT_EQ(idle.Read(), std::nullopt);
  EXPECT_EQ(ReasonIn(idle.Finish()), "SHUTTING_DOWN");
  EXPECT_EQ(watch.Read(), std::nullopt);
  EXPECT_EQ(ReasonIn(watch.Finish()), "SHUTTING_DOWN");
  parked_busy->respond.Reply(Numbered(1));
  EXPECT_EQ(busy.ReadToy()->number(), 1u);
  EXPECT_EQ(busy.Read(), std::nullopt);
  EXPECT_EQ(ReasonIn(busy.Finish()), "SHUTTING_DOWN");
  parked_unary->respond.Reply(Numbered(2));
  EXPECT_EQ(unary.ReadToy()->number(), 2u);
  EXPECT_TRUE(unary.Finish().ok());
  drain.join();
  EXPECT_FALSE(CallUnary(channel, kEcho, ToyRequest()).ok());
}

TEST(Drain, CancelsWhatIsNotOverInTime) {
  Door door;
  RawCall call(door.Alice(), kEcho);
  ASSERT_TRUE(call.Write(Saying("park")));
  ASSERT_TRUE(call.WritesDone());
  const auto parked = door.toy.parked.Take();
  door.server->Drain(std::chrono::milliseconds(50));
  EXPECT_TRUE(parked->call.ended());
  EXPECT_FALSE(call.Finish().ok());
}

}  // namespace
}  // namespace holdfast::test
