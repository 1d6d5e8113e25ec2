// SPDX-License-Identifier: Apache-2.0
// CommandQueue: the contract in daemon/exchange/command_queue.h.
#include "daemon/exchange/command_queue.h"

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "tests/support/status_matchers.h"

namespace holdfast::exchange {
namespace {

using test::HasReason;
using test::IsOk;

class Numbered final : public Command {
 public:
  explicit Numbered(int number) : number_(number) {}
  void Run(Turn&) override {}
  void Done(const absl::Status&, const LedgerHead&) override {}
  int number() const { return number_; }

 private:
  const int number_;
};

absl::Status Push(CommandQueue& queue, Lane lane, int number) {
  std::unique_ptr<Command> command = std::make_unique<Numbered>(number);
  absl::Status pushed = queue.Push(lane, command);
  EXPECT_EQ(pushed.ok(), command == nullptr);  // Given back if it was not taken.
  return pushed;
}

std::vector<int> TakeAll(CommandQueue& queue, std::size_t most) {
  std::vector<std::unique_ptr<Command>> out;
  static_cast<void>(queue.Take(most, std::chrono::milliseconds(0), out));
  std::vector<int> numbers;
  for (const auto& command : out) {
    numbers.push_back(static_cast<const Numbered&>(*command).number());
  }
  return numbers;
}

TEST(CommandQueueTest, TakesRestrictingCommandsFirstAndEachLaneInOrder) {
  CommandQueue queue(8);
  ASSERT_THAT(Push(queue, Lane::kNormal, 1), IsOk());
  ASSERT_THAT(Push(queue, Lane::kNormal, 2), IsOk());
  ASSERT_THAT(Push(queue, Lane::kRestricting, 3), IsOk());
  ASSERT_THAT(Push(queue, Lane::kRestricting, 4), IsOk());
  EXPECT_THAT(TakeAll(queue, 3), testing::ElementsAre(3, 4, 1));
  EXPECT_THAT(TakeAll(queue, 3), testing::ElementsAre(2));
}

TEST(CommandQueueTest, AFullLaneRefusesAndTheOtherStillTakes) {
  CommandQueue queue(2);
  ASSERT_THAT(Push(queue, Lane::kNormal, 1), IsOk());
  ASSERT_THAT(Push(queue, Lane::kNormal, 2), IsOk());
  EXPECT_THAT(Push(queue, Lane::kNormal, 3), HasReason(Reason::kOverloaded));
  EXPECT_THAT(Push(queue, Lane::kRestricting, 4), IsOk());
  EXPECT_EQ(queue.depth(), 3U);
}

TEST(CommandQueueTest, ClosedItRefusesAndGivesOutWhatIsLeft) {
  CommandQueue queue(2);
  ASSERT_THAT(Push(queue, Lane::kNormal, 1), IsOk());
  queue.Close();
  EXPECT_THAT(Push(queue, Lane::kNormal, 2), HasReason(Reason::kExchangeStopped));
  std::vector<std::unique_ptr<Command>> out;
  EXPECT_TRUE(queue.Take(8, std::chrono::milliseconds(0), out));
  EXPECT_EQ(out.size(), 1U);
  out.clear();
  EXPECT_FALSE(queue.Take(8, std::chrono::milliseconds(0), out));
}

TEST(CommandQueueTest, WakesAWriterThatWaits) {
  CommandQueue queue(2);
  std::thread pusher([&queue] { EXPECT_THAT(Push(queue, Lane::kNormal, 1), IsOk()); });
  std::vector<std::unique_ptr<Command>> out;
  while (out.empty()) ASSERT_TRUE(queue.Take(8, std::chrono::minutes(1), out));
  pusher.join();
  EXPECT_EQ(out.size(), 1U);
}

}  // namespace
}  // namespace holdfast::exchange
