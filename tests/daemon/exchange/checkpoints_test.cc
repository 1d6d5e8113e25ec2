// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/checkpoints.h"

#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "crypto/random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::exchange {
namespace {

using ::testing::Eq;
using ::testing::Optional;

LedgerHead HeadOf(std::uint64_t size) {
  LedgerHead head{size, {}};
  for (std::size_t i = 0; i < 8; ++i) head.root[i] = static_cast<std::byte>(size >> (8 * i));
  return head;
}

class CheckpointsTest : public testing::Test {
 protected:
  CheckpointsTest() {
    crypto::SystemRandom random;
    auto key = crypto::SigningKey::Generate(random);
    EXPECT_THAT(key, test::IsOk());
    key_ = std::make_shared<const crypto::SigningKey>(*std::move(key));
  }

  void Update(std::uint64_t size) { checkpoints_.Update(HeadOf(size), key_); }

  std::shared_ptr<const crypto::SigningKey> key_;
  Checkpoints checkpoints_{ExchangeId()};
};

TEST_F(CheckpointsTest, SignsTheNewestHeadForWhoWaits) {
  std::promise<std::shared_ptr<const SignedHead>> told;
  checkpoints_.AtLeast(7, [&](const auto& head) { told.set_value(head); });
  Update(5);
  Update(9);
  const std::shared_ptr<const SignedHead> head = told.get_future().get();
  ASSERT_NE(head, nullptr);
  EXPECT_EQ(head->head.size, 9U);
  EXPECT_EQ(head->head.root, HeadOf(9).root);
  EXPECT_NE(head->note.find("\n9\n"), std::string::npos);
  EXPECT_EQ(checkpoints_.newest(), head);
}

TEST_F(CheckpointsTest, AnswersWhoStillWaitsAtTheEnd) {
  bool told = false;
  checkpoints_.AtLeast(1, [&](const auto& head) { told = head == nullptr; });
  checkpoints_.Close();
  EXPECT_TRUE(told);
}

TEST_F(CheckpointsTest, KnowsTheRootsOfRecentHeadsAndOfNoOtherSize) {
  EXPECT_EQ(checkpoints_.RecentRoot(0), std::nullopt);
  for (const std::uint64_t size : {3U, 4U, 4U, 10U}) Update(size);
  for (const std::uint64_t size : {3U, 4U, 10U}) {
    EXPECT_THAT(checkpoints_.RecentRoot(size), Optional(Eq(HeadOf(size).root))) << size;
  }
  for (const std::uint64_t size : {0U, 2U, 5U, 9U, 11U}) {
    EXPECT_EQ(checkpoints_.RecentRoot(size), std::nullopt) << size;
  }
}

TEST_F(CheckpointsTest, ForgetsTheOldestHeads) {
  constexpr std::uint64_t kHeads = 10'000;
  for (std::uint64_t size = 1; size <= kHeads; ++size) Update(size);
  EXPECT_EQ(checkpoints_.RecentRoot(1), std::nullopt);
  std::uint64_t known = 0;
  for (std::uint64_t size = kHeads; checkpoints_.RecentRoot(size).has_value(); --size) ++known;
  EXPECT_EQ(known, 4096U);
}

// A group of which nobody knows whether it is durable may be gone after the store is opened again.
TEST_F(CheckpointsTest, ForgetsAllOfALedgerThatWasLonger) {
  Update(10);
  Update(20);
  Update(15);
  EXPECT_EQ(checkpoints_.RecentRoot(10), std::nullopt);
  EXPECT_EQ(checkpoints_.RecentRoot(20), std::nullopt);
  EXPECT_THAT(checkpoints_.RecentRoot(15), Optional(Eq(HeadOf(15).root)));
}

}  // namespace
}  // namespace holdfast::exchange
