// SPDX-License-Identifier: Apache-2.0
// Egress: the contract in daemon/exchange/egress.h (R24).
#include "daemon/exchange/egress.h"

#include <chrono>
#include <memory>
#include <optional>

#include "gtest/gtest.h"

#include "tests/support/fake_clock.h"

namespace holdfast::exchange {
namespace {

using std::chrono::milliseconds;

class EgressTest : public ::testing::Test {
 protected:
  std::unique_ptr<Egress::Token> Begin(std::uint64_t index, std::uint32_t transfer = 0) {
    return egress_->Begin(index, transfer, [this] { ++cut_; });
  }
  void Drain(std::uint64_t index, std::optional<std::uint32_t> transfer = std::nullopt) {
    egress_->Drain(index, transfer, milliseconds(2000),
                   [this](const Egress::Drained& drained) { drained_ = drained.cut; });
  }

  test::FakeClock clock_;
  std::shared_ptr<Egress> egress_ = std::make_shared<Egress>(clock_);
  int cut_ = 0;
  std::optional<std::uint32_t> drained_;
};

TEST_F(EgressTest, AnswersAtOnceIfNothingIsUnderWay) {
  Drain(10);
  EXPECT_EQ(drained_, 0U);
}

TEST_F(EgressTest, WaitsForEarlierRepliesOnly) {
  auto earlier = Begin(9);
  auto later = Begin(11);
  Drain(10);
  EXPECT_FALSE(drained_.has_value());
  EXPECT_TRUE(egress_->waiting());
  earlier.reset();
  EXPECT_EQ(drained_, 0U);
  EXPECT_EQ(cut_, 0);
}

TEST_F(EgressTest, WaitsForOneTransferIfThatIsAll) {
  auto other = Begin(9, 7);
  Drain(10, 8);
  EXPECT_EQ(drained_, 0U);
}

TEST_F(EgressTest, CutsOffWhatDoesNotEndInTime) {
  auto slow = Begin(9);
  Drain(10);
  clock_.Advance(milliseconds(1999));
  egress_->Tick();
  EXPECT_FALSE(drained_.has_value());
  clock_.Advance(milliseconds(1));
  egress_->Tick();
  EXPECT_EQ(drained_, 1U);
  EXPECT_EQ(cut_, 1);
  EXPECT_FALSE(egress_->waiting());
}

TEST_F(EgressTest, ATokenMayOutliveTheEgress) {
  auto token = Begin(1);
  egress_.reset();
  token.reset();
}

}  // namespace
}  // namespace holdfast::exchange
