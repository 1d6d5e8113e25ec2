// SPDX-License-Identifier: Apache-2.0
// When keys are destroyed that nobody waits for: at the agreement's window or the device's
// interval, whichever is later, all of them in one epoch; and how much of the device that uses up.
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/status_macros.h"
#include "crypto/keyslot/file_keyslot.h"
#include "crypto/keyslot/mirror_keyslot.h"
#include "daemon/observe/metrics.h"
#include "tests/daemon/exchange/exchange_world.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A keyslot on a device that wears.
class WearingKeyslot final : public crypto::Keyslot {
 public:
  WearingKeyslot(std::unique_ptr<crypto::Keyslot> slot, std::chrono::milliseconds interval,
                 std::uint64_t budget)
      : slot_(std::move(slot)), interval_(interval), budget_(budget) {}

  absl::Status Stage(Epoch epoch, const crypto::SecretBytes& key) override {
    return slot_->Stage(epoch, key);
  }
  absl::StatusOr<crypto::SecretBytes> Read(Epoch epoch) override { return slot_->Read(epoch); }
  absl::Status Erase(Epoch epoch) override { return slot_->Erase(epoch); }
  absl::StatusOr<std::vector<Epoch>> List() override { return slot_->List(); }
  std::string_view kind() const override { return slot_->kind(); }
  crypto::ErasureClass erasure_class() const override { return slot_->erasure_class(); }
  std::chrono::milliseconds erase_interval() const override { return interval_; }
  std::optional<std::uint64_t> epoch_budget() const override { return budget_; }

 private:
  const std::unique_ptr<crypto::Keyslot> slot_;
  const std::chrono::milliseconds interval_;
  const std::uint64_t budget_;
};

class SweeperTest : public ::testing::Test {
 protected:
  void Use(std::chrono::milliseconds interval, std::uint64_t budget) {
    world_.metrics = &metrics_;
    world_.open_keyslot = [this, interval,
                           budget]() -> absl::StatusOr<std::unique_ptr<crypto::Keyslot>> {
      HF_ASSIGN_OR_RETURN(std::unique_ptr<crypto::FileKeyslot> slot,
                          crypto::FileKeyslot::Open(disk_, "/keyslot", random_));
      return std::make_unique<WearingKeyslot>(std::move(slot), interval, budget);
    };
  }

  // A revocation of one row that a second custodian has approved. Returns its index.
  std::uint64_t MustRevoke(std::uint32_t transfer, std::uint32_t row) {
    const std::uint64_t index = world_.Order("paula", world_.RevokeAct(transfer, row, row)).index;
    EXPECT_TRUE(world_.Order("pete", world_.ApproveDestructionAct(index)).decision.allowed());
    return index;
  }

  bool Destroyed(std::uint64_t revocation) {
    return world_.Read<bool>([revocation](const exchange::Core& core) {
      return core.state.FindDisposal(revocation)->state == policy::DisposalState::kDestroyed;
    });
  }

  std::chrono::milliseconds Window() {
    return world_.exchange().published()->agreement->terms().destruction_window;
  }

  FakeClock metrics_clock_{UnixMillis{World::kStart}, std::chrono::hours(1)};
  observe::Metrics metrics_{metrics_clock_, "0"};
  MemoryFileSystem disk_;
  crypto::SystemRandom random_;
  ExchangeWorld world_;
};

TEST_F(SweeperTest, DestroysAllThatIsDueInOneEpoch) {
  Use(std::chrono::hours(1), 100'000);
  world_.MustStart();
  const std::uint32_t first = world_.MustMakeTransfer(4);
  const std::uint32_t second = world_.MustMakeTransfer(4);
  const std::uint64_t one = MustRevoke(first, 1);
  const std::uint64_t other = MustRevoke(first, 2);
  const std::uint64_t third = MustRevoke(second, 3);
  const std::uint64_t before = world_.epoch();
  world_.clock().Advance(Window());
  while (!Destroyed(one)) world_.clock().Advance(std::chrono::milliseconds(10));
  // With it, and not an hour later.
  EXPECT_TRUE(Destroyed(other));
  EXPECT_TRUE(Destroyed(third));
  EXPECT_EQ(world_.epoch(), before + 1);
  for (std::uint32_t row = 0; row < 4; ++row) {
    EXPECT_EQ(world_.Derivable(first, row), row != 1 && row != 2) << row;
    EXPECT_EQ(world_.Derivable(second, row), row != 3) << row;
  }
  world_.Crash();
  world_.MustStart();
  EXPECT_FALSE(world_.Derivable(first, 1));
  EXPECT_TRUE(world_.Derivable(first, 0));
}

// Whoever comes first after the window is over moves the ledger's time past it.
TEST_F(SweeperTest, DestroysAlsoWhereSomebodyAsksAllTheTime) {
  world_.MustStart();
  const std::uint32_t transfer = world_.MustMakeTransfer(4);
  for (std::uint32_t row = 0; row < 4; ++row) {
    const std::uint64_t revocation = MustRevoke(transfer, row);
    world_.clock().Advance(Window() - std::chrono::seconds(1));
    for (int asked = 0; !Destroyed(revocation); ++asked) {
      ASSERT_LT(asked, 1'000) << "it is due, and is not destroyed";
      world_.clock().Advance(std::chrono::milliseconds(20));
      static_cast<void>(world_.Do(world_.LeaseFact(transfer)));
    }
  }
}

// Whoever asks next finds it done: what is due waits for no pause.
TEST_F(SweeperTest, DestroysAtOnceWhatIsApprovedAfterItsWindow) {
  world_.MustStart();
  const std::uint32_t transfer = world_.MustMakeTransfer(4);
  const std::uint64_t index = world_.Order("paula", world_.RevokeAct(transfer, 1, 1)).index;
  world_.clock().Advance(Window() + std::chrono::seconds(1));
  static_cast<void>(world_.Do(world_.LeaseFact(transfer)));  // It is in the ledger's past by now.
  EXPECT_FALSE(Destroyed(index));
  EXPECT_TRUE(world_.Order("pete", world_.ApproveDestructionAct(index)).decision.allowed());
  EXPECT_TRUE(Destroyed(index));
}

// Nothing is destroyed while an order's epoch is missing; its making is no act of anybody's.
TEST_F(SweeperTest, DestroysWhatBecameDueBeforeAMissingEpochWasMade) {
  world_.MustStart();
  const std::uint32_t transfer = world_.MustMakeTransfer(4);
  const std::uint64_t revocation = MustRevoke(transfer, 1);
  world_.keyslot_down = true;
  order::v1::Order freeze = ExchangeWorld::HoldAct("freeze-only");
  freeze.mutable_place_hold()->set_kind(order::v1::FREEZE);
  ASSERT_FALSE(world_.Order("carol", freeze).anchored);
  world_.clock().Advance(Window() + std::chrono::seconds(1));
  static_cast<void>(world_.Do(world_.LeaseFact(transfer)));  // It is in the ledger's past by now.
  EXPECT_FALSE(Destroyed(revocation));

  world_.keyslot_down = false;
  for (int asked = 0; !Destroyed(revocation); ++asked) {
    ASSERT_LT(asked, 1'000) << "its epoch is made, it is due, and it is not destroyed";
    world_.clock().Advance(std::chrono::milliseconds(20));
  }
}

TEST_F(SweeperTest, SparesADeviceThatWearsButNeverBeyondItsInterval) {
  constexpr std::chrono::hours kInterval{1};
  Use(kInterval, 100'000);
  world_.MustStart();
  const std::uint32_t transfer = world_.MustMakeTransfer(4);
  const std::uint64_t one = MustRevoke(transfer, 1);
  world_.clock().Advance(std::chrono::minutes(10));
  const std::uint64_t other = MustRevoke(transfer, 2);
  world_.clock().Advance(Window() - std::chrono::minutes(10));
  while (!Destroyed(one)) world_.clock().Advance(std::chrono::milliseconds(10));
  // Ten minutes later the other one's window is over too, and the device is spared.
  world_.clock().Advance(std::chrono::minutes(11));
  // Each question is answered after a sweep.
  for (int sweep = 0; sweep < 10; ++sweep) EXPECT_FALSE(Destroyed(other));
  world_.clock().Advance(std::chrono::minutes(1));
  for (int sweep = 0; sweep < 10; ++sweep) EXPECT_FALSE(Destroyed(other));
  constexpr char kLag[] = "holdfast_destroy_lag_seconds{exchange=\"test\"} ";
  EXPECT_THAT(metrics_.Text(), HasSubstr(std::string(kLag) + "60"));
  world_.clock().Advance(kInterval - std::chrono::minutes(12));
  while (!Destroyed(other)) world_.clock().Advance(std::chrono::milliseconds(10));
  world_.clock().Advance(std::chrono::seconds(2));
  for (int sweep = 0; sweep < 2; ++sweep) EXPECT_TRUE(Destroyed(other));
  EXPECT_THAT(metrics_.Text(), HasSubstr(std::string(kLag) + "0"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("holdfast_expired_undestroyed{exchange=\"test\"} 0"));
}

TEST_F(SweeperTest, CountsEpochsAndSaysWhenHalfOfTheDeviceIsUsedUp) {
  Use(std::chrono::seconds(1), 8);
  world_.MustStart();
  testing::internal::CaptureStderr();
  for (const char* hold : {"hold-one", "hold-two"}) {
    ASSERT_TRUE(world_.Order("carol", ExchangeWorld::HoldAct(hold)).decision.allowed());
  }
  EXPECT_EQ(world_.epoch(), 3U);
  EXPECT_THAT(metrics_.Text(), HasSubstr("holdfast_keyslot_epochs{exchange=\"test\"} 3"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("holdfast_keyslot_epochs_budget{exchange=\"test\"} 8"));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), Not(HasSubstr("keyslot_wears")));
  testing::internal::CaptureStderr();
  ASSERT_TRUE(world_.Order("carol", ExchangeWorld::HoldAct("hold-three")).decision.allowed());
  // The answer leaves before it is told.
  static_cast<void>(world_.epoch());
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("keyslot_wears"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("holdfast_keyslot_epochs{exchange=\"test\"} 4"));
}

TEST(MirrorBudgetTest, IsThatOfTheWeakestMember) {
  MemoryFileSystem one;
  MemoryFileSystem other;
  crypto::SystemRandom random;
  const auto mirror = [&](std::uint64_t budget) {
    std::vector<std::unique_ptr<crypto::Keyslot>> members;
    members.push_back(crypto::FileKeyslot::Open(one, "/keyslot", random).value());
    members.push_back(std::make_unique<WearingKeyslot>(
        crypto::FileKeyslot::Open(other, "/keyslot", random).value(), std::chrono::seconds(1),
        budget));
    return crypto::MirrorKeyslot(std::move(members)).epoch_budget();
  };
  EXPECT_EQ(mirror(7), std::optional<std::uint64_t>(7));
}

}  // namespace
}  // namespace holdfast::test
