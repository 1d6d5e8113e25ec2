// SPDX-License-Identifier: Apache-2.0
// MovingKeyslot: at no time do both slots hold the key that the database needs, or neither.
#include "crypto/keyslot/moving_keyslot.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "crypto/top_page.h"
#include "tests/crypto/keyslot/keyslot_bench.h"
#include "tests/support/fault_sweep.h"
#include "tests/support/seeded_crypto_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using test::FaultPlan;
using test::FaultSweep;
using test::HasReason;
using test::IsOk;
using test::IsOkAndHolds;
using test::KeyslotBench;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class MovingKeyslotTest : public ::testing::Test {
 protected:
  // Two slots; the first one holds epoch 1.
  struct Benches {
    std::unique_ptr<KeyslotBench> from = test::MakeFileBench();
    std::unique_ptr<KeyslotBench> to = test::MakeFileBench();
  };

  Benches MustMake() {
    Benches benches;
    FaultPlan none;
    EXPECT_THAT(benches.from->Open(none).value()->Stage(Epoch(1), key_[1]), IsOk());
    return benches;
  }

  absl::StatusOr<std::unique_ptr<MovingKeyslot>> Open(Benches& benches, FaultPlan& plan) {
    auto from = benches.from->Open(plan);
    if (!from.ok()) return from.status();
    auto to = benches.to->Open(plan);
    if (!to.ok()) return to.status();
    return std::make_unique<MovingKeyslot>(*std::move(from), *std::move(to), [this] { ++moved_; });
  }

  std::vector<Epoch> HeldBy(KeyslotBench& bench) {
    FaultPlan none;
    bench.Stop(KeyslotBench::End::kKilled);
    return bench.Open(none).value()->List().value();
  }

  test::SeededCryptoRandom random_;
  const SecretBytes key_[4] = {NewRootKey(random_).value(), NewRootKey(random_).value(),
                               NewRootKey(random_).value(), NewRootKey(random_).value()};
  FaultPlan no_faults_;
  int moved_ = 0;
};

TEST_F(MovingKeyslotTest, StagesInTheNewSlotAndErasesInTheOldOne) {
  Benches benches = MustMake();
  {
    const auto slot = *Open(benches, no_faults_);
    EXPECT_EQ(slot->kind(), "moving(file,file)");
    EXPECT_EQ(slot->parts().size(), 2u);
    EXPECT_THAT(slot->List(), IsOkAndHolds(ElementsAre(Epoch(1))));
    EXPECT_TRUE(slot->wants_epoch());
    EXPECT_EQ(moved_, 0);
    ASSERT_THAT(slot->Stage(Epoch(2), key_[2]), IsOk());
    EXPECT_TRUE(ConstantTimeEquals(*slot->Read(Epoch(1)), key_[1]));
    EXPECT_TRUE(ConstantTimeEquals(*slot->Read(Epoch(2)), key_[2]));
    ASSERT_THAT(slot->Erase(Epoch(1)), IsOk());
    EXPECT_FALSE(slot->wants_epoch());
    EXPECT_EQ(moved_, 1);
    EXPECT_THAT(slot->Read(Epoch(1)), HasReason(Reason::kNotFound));
    // From now on it is the new slot alone.
    ASSERT_THAT(slot->Stage(Epoch(3), key_[3]), IsOk());
    ASSERT_THAT(slot->Erase(Epoch(2)), IsOk());
  }
  EXPECT_THAT(HeldBy(*benches.from), IsEmpty());
  EXPECT_THAT(HeldBy(*benches.to), ElementsAre(Epoch(3)));
}

TEST_F(MovingKeyslotTest, ASlotThatIsEmptyOnBothSidesHasNotMoved) {
  Benches benches;
  const auto slot = *Open(benches, no_faults_);
  EXPECT_THAT(slot->List(), IsOkAndHolds(IsEmpty()));
  EXPECT_FALSE(slot->wants_epoch());
  EXPECT_EQ(moved_, 0);
}

// The protocol, with each operation of both slots failing and the process killed after it: the key
// of the database's epoch is in exactly one of the two slots, before and after.
TEST_F(MovingKeyslotTest, OneOfTheTwoHoldsTheKeyWhicheverOperationFails) {
  FaultSweep([this](FaultPlan& plan) {
    Benches benches = MustMake();
    std::uint64_t database = 1;
    {
      auto slot = Open(benches, plan);
      if (slot.ok() && (*slot)->Stage(Epoch(2), key_[2]).ok()) {
        database = 2;
        (void)(*slot)->Erase(Epoch(1));
      }
    }
    const auto holds = [&](KeyslotBench& bench) {
      const std::vector<Epoch> held = HeldBy(bench);
      return std::find(held.begin(), held.end(), Epoch(database)) != held.end();
    };
    EXPECT_NE(holds(*benches.from), holds(*benches.to));
    // The start that follows finds it, and ends what was begun.
    const auto again = *Open(benches, no_faults_);
    EXPECT_TRUE(ConstantTimeEquals(*again->Read(Epoch(database)), key_[database]));
    EXPECT_THAT(again->Erase(Epoch(database == 1 ? 2 : 1)), IsOk());
    EXPECT_THAT(again->List(), IsOkAndHolds(ElementsAre(Epoch(database))));
    EXPECT_EQ(again->wants_epoch(), database == 1);
  });
}

}  // namespace
}  // namespace holdfast::crypto
