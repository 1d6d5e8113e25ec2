// SPDX-License-Identifier: Apache-2.0
// The contract in crypto/keyslot/keyslot.h, for every kind: on a disk that fails, a machine that
// loses power, and a device whose answers are lost. Numbers in comments are the invariants there.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "crypto/keyslot/keyslot.h"
#include "crypto/top_page.h"
#include "tests/crypto/keyslot/keyslot_bench.h"
#include "tests/support/seeded_crypto_random.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using crypto::Keyslot;
using crypto::SecretBytes;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using End = KeyslotBench::End;

constexpr End kEnds[] = {End::kKilled, End::kPowerLost, End::kTorn};

class KeyslotContract : public ::testing::TestWithParam<KeyslotKind> {
 protected:
  static constexpr std::uint64_t kMostEpochs = 40;

  KeyslotContract() {
    for (std::uint64_t e = 1; e <= kMostEpochs; ++e) {
      keys_.emplace(e, crypto::NewRootKey(random_).value());
    }
  }

  std::unique_ptr<KeyslotBench> Make() const { return GetParam().make(); }

  std::unique_ptr<Keyslot> MustOpen(KeyslotBench& bench) {
    auto slot = bench.Open(no_faults_);
    EXPECT_THAT(slot, IsOk());
    return slot.ok() ? *std::move(slot) : nullptr;
  }

  const SecretBytes& Key(std::uint64_t epoch) { return keys_.at(epoch); }

  bool Holds(Keyslot& slot, std::uint64_t epoch) {
    const auto key = slot.Read(Epoch(epoch));
    return key.ok() && ConstantTimeEquals(*key, Key(epoch));
  }

  // Checks (1) and (2), and returns the epochs.
  std::vector<std::uint64_t> Consistent(Keyslot& slot, std::uint64_t most = 3) {
    std::vector<std::uint64_t> epochs;
    const auto listed = slot.List();
    EXPECT_THAT(listed, IsOk());
    if (!listed.ok()) return epochs;
    EXPECT_LE(listed->size(), 2u);
    for (const Epoch epoch : *listed) epochs.push_back(epoch.value());
    EXPECT_TRUE(std::is_sorted(epochs.begin(), epochs.end()));
    for (std::uint64_t epoch = 1; epoch <= most; ++epoch) {
      const bool is_listed = std::find(epochs.begin(), epochs.end(), epoch) != epochs.end();
      EXPECT_EQ(Holds(slot, epoch), is_listed) << epoch;
      if (!is_listed) {
        EXPECT_THAT(slot.Read(Epoch(epoch)), HasReason(Reason::kNotFound));
      }
    }
    return epochs;
  }

  bool slow() const { return GetParam().pace == KeyslotKind::Pace::kSlow; }

  // Runs `act` with each operation failing, with each way in which a process can end after that,
  // and gives `check` the slot as it is found again.
  void Sweep(const std::function<void(Keyslot&)>& prepare, const std::function<bool(Keyslot&)>& act,
             const std::function<void(Keyslot&, bool acted)>& check) {
    for (const End end : kEnds) {
      SCOPED_TRACE(static_cast<int>(end));
      FaultSweep([&](FaultPlan& plan) {
        const auto bench = Make();
        if (prepare) prepare(*MustOpen(*bench));
        bool acted = false;
        {
          auto slot = bench->Open(plan);
          acted = slot.ok() && act(**slot);
          bench->Stop(end);
        }
        const auto again = MustOpen(*bench);
        ASSERT_NE(again, nullptr);
        check(*again, acted);
      });
    }
  }

  SeededCryptoRandom random_;
  std::map<std::uint64_t, SecretBytes> keys_;
  FaultPlan no_faults_;
};

// For kinds that a test can open hundreds of times; each that needs a device is here in memory.
class KeyslotSweep : public KeyslotContract {};

// What Prepare() returned.
void Do(const std::function<void()>& work) {
  if (work) work();
}

TEST_P(KeyslotContract, IsEmptyAtFirstAndSaysWhatItIs) {
  const auto bench = Make();
  const auto slot = MustOpen(*bench);
  EXPECT_THAT(slot->List(), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(slot->Read(Epoch(1)), HasReason(Reason::kNotFound));
  EXPECT_EQ(slot->kind(), GetParam().kind);
  EXPECT_GT(slot->erase_interval().count(), 0);
  ASSERT_THAT(slot->parts(), Not(IsEmpty()));
  for (const crypto::KeyslotPart& part : slot->parts()) {
    EXPECT_NE(part.kind, "");
    EXPECT_EQ(ErasureClassName(part.erasure_class), "medium");  // No test has a real device.
  }
  EXPECT_EQ(ErasureClassName(slot->erasure_class()), "medium");
}

TEST_P(KeyslotContract, DoesTheSameForAnEpochThatWasPrepared) {
  const auto bench = Make();
  {
    const auto slot = MustOpen(*bench);
    for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
      Do(slot->Prepare(Epoch(epoch)));
      Do(slot->Prepare(Epoch(epoch)));
      std::vector<std::uint64_t> held;
      if (epoch > 1) held.push_back(epoch - 1);
      EXPECT_EQ(Consistent(*slot), held);
      ASSERT_THAT(slot->Stage(Epoch(epoch), Key(epoch)), IsOk());
      if (epoch > 1) {
        ASSERT_THAT(slot->Erase(Epoch(epoch - 1)), IsOk());
      }
    }
    Do(slot->Prepare(Epoch(4)));  // And another one comes.
    ASSERT_THAT(slot->Stage(Epoch(5), Key(5)), IsOk());
    ASSERT_THAT(slot->Erase(Epoch(3)), IsOk());
  }
  bench->Stop(End::kPowerLost);
  EXPECT_THAT(Consistent(*MustOpen(*bench), 5), ElementsAre(5));
}

TEST_P(KeyslotContract, DoesTheSameWhereverAndWheneverItIsPrepared) {
  const auto bench = Make();
  std::function<void()> late;
  {
    const auto slot = MustOpen(*bench);
    for (std::uint64_t epoch = 1; epoch <= 6; ++epoch) {
      std::function<void()> work = slot->Prepare(Epoch(epoch));
      // In turn: never, beside the staging, and after it.
      std::jthread other;
      if (epoch % 3 == 1) other = std::jthread([&work] { Do(work); });
      ASSERT_THAT(slot->Stage(Epoch(epoch), Key(epoch)), IsOk());
      if (other.joinable()) other.join();
      if (epoch % 3 == 2) Do(work);
      if (epoch > 1) {
        ASSERT_THAT(slot->Erase(Epoch(epoch - 1)), IsOk());
      }
      EXPECT_EQ(Consistent(*slot, 6), std::vector<std::uint64_t>{epoch});
    }
    late = slot->Prepare(Epoch(7));
  }
  Do(late);  // The slot is closed.
  EXPECT_THAT(Consistent(*MustOpen(*bench), 7), ElementsAre(6));
}

TEST_P(KeyslotContract, KeepsEachEpochUntilItIsErased) {
  for (const End end : kEnds) {
    if (slow() && end != End::kPowerLost) continue;  // Their files are in memory, as the others'.
    const auto bench = Make();
    for (std::uint64_t epoch = 1; epoch <= 4; ++epoch) {
      ASSERT_THAT(MustOpen(*bench)->Stage(Epoch(epoch), Key(epoch)), IsOk());
      bench->Stop(end);
      if (epoch == 1) continue;
      const auto slot = MustOpen(*bench);
      EXPECT_THAT(Consistent(*slot, 4), ElementsAre(epoch - 1, epoch));
      ASSERT_THAT(slot->Erase(Epoch(epoch - 1)), IsOk());
      EXPECT_THAT(Consistent(*slot, 4), ElementsAre(epoch));
      bench->Stop(end);
    }
  }
}

TEST_P(KeyslotContract, RefusesAnEpochThatItHolds) {
  const auto bench = Make();
  const auto slot = MustOpen(*bench);
  ASSERT_THAT(slot->Stage(Epoch(1), Key(1)), IsOk());
  EXPECT_THAT(slot->Stage(Epoch(1), Key(2)), HasReason(Reason::kAlreadyExists));
  EXPECT_TRUE(Holds(*slot, 1));
}

TEST_P(KeyslotContract, RefusesAThirdEpoch) {  // (2)
  const auto bench = Make();
  const auto slot = MustOpen(*bench);
  ASSERT_THAT(slot->Stage(Epoch(1), Key(1)), IsOk());
  ASSERT_THAT(slot->Stage(Epoch(2), Key(2)), IsOk());
  EXPECT_THAT(slot->Stage(Epoch(3), Key(3)), HasReason(Reason::kKeyslotFailed));
  EXPECT_THAT(Consistent(*slot), ElementsAre(1, 2));
}

TEST_P(KeyslotContract, ErasesWhatItDoesNotHold) {
  const auto bench = Make();
  const auto slot = MustOpen(*bench);
  ASSERT_THAT(slot->Stage(Epoch(1), Key(1)), IsOk());
  EXPECT_THAT(slot->Erase(Epoch(2)), IsOk());
  EXPECT_THAT(Consistent(*slot), ElementsAre(1));
}

TEST_P(KeyslotContract, TakesAnEpochAgainAfterItWasErased) {
  // What was staged and did not commit is erased, and the same epoch gets another key.
  const auto bench = Make();
  const auto slot = MustOpen(*bench);
  ASSERT_THAT(slot->Stage(Epoch(1), Key(1)), IsOk());
  ASSERT_THAT(slot->Stage(Epoch(2), Key(3)), IsOk());
  ASSERT_THAT(slot->Erase(Epoch(2)), IsOk());
  ASSERT_THAT(slot->Stage(Epoch(2), Key(2)), IsOk());
  EXPECT_THAT(Consistent(*slot), ElementsAre(1, 2));
}

TEST_P(KeyslotContract, IsOpenOnceAtATime) {
  const auto bench = Make();
  auto slot = MustOpen(*bench);
  ASSERT_THAT(slot->Stage(Epoch(1), Key(1)), IsOk());
  EXPECT_THAT(bench->Open(no_faults_), HasReason(Reason::kKeyslotFailed));
  EXPECT_THAT(Consistent(*slot), ElementsAre(1));
  slot.reset();
  EXPECT_THAT(Consistent(*MustOpen(*bench)), ElementsAre(1));
}

TEST_P(KeyslotSweep, OpensWhateverFailedWhenItWasMade) {
  Sweep(
      nullptr, [](Keyslot&) { return true; },
      [this](Keyslot& slot, bool) {
        EXPECT_THAT(Consistent(slot), IsEmpty());
        EXPECT_THAT(slot.Stage(Epoch(1), Key(1)), IsOk());
        EXPECT_TRUE(Holds(slot, 1));
      });
}

TEST_P(KeyslotSweep, KeepsAStagedKeyThoughItsMakingFailedBefore) {  // (3)
  FaultSweep([this](FaultPlan& plan) {
    const auto bench = Make();
    (void)bench->Open(plan);
    // The same process tries again, and then the power fails.
    ASSERT_THAT(MustOpen(*bench)->Stage(Epoch(1), Key(1)), IsOk());
    bench->Stop(End::kPowerLost);
    EXPECT_THAT(Consistent(*MustOpen(*bench)), ElementsAre(1));
  });
}

TEST_P(KeyslotSweep, StagesWhollyOrNotAtAllWhicheverOperationFails) {  // (1), (3)
  Sweep([this](Keyslot& slot) { ASSERT_THAT(slot.Stage(Epoch(1), Key(1)), IsOk()); },
        [this](Keyslot& slot) { return slot.Stage(Epoch(2), Key(2)).ok(); },
        [this](Keyslot& slot, bool staged) {
          const auto epochs = Consistent(slot);
          EXPECT_THAT(epochs, Contains(1));
          if (staged) {
            EXPECT_THAT(epochs, Contains(2));
          }
          // Whatever is left of it can be removed, and its place is free again.
          EXPECT_THAT(slot.Erase(Epoch(2)), IsOk());
          EXPECT_THAT(slot.Stage(Epoch(3), Key(3)), IsOk());
          EXPECT_THAT(Consistent(slot), ElementsAre(1, 3));
        });
}

TEST_P(KeyslotSweep, StagesAgainInTheSameProcessWhicheverOperationFailed) {  // (3)
  FaultSweep([this](FaultPlan& plan) {
    const auto bench = Make();
    ASSERT_THAT(MustOpen(*bench)->Stage(Epoch(1), Key(1)), IsOk());
    auto slot = bench->Open(plan);
    if (!slot.ok()) return;
    if (!(*slot)->Stage(Epoch(2), Key(3)).ok()) {
      // As the writer does: what was given up is erased before another key is staged.
      if (!(*slot)->Erase(Epoch(2)).ok()) return;
      if (!(*slot)->Stage(Epoch(2), Key(2)).ok()) return;
      slot->reset();
      EXPECT_THAT(Consistent(*MustOpen(*bench)), ElementsAre(1, 2));
    }
  });
}

TEST_P(KeyslotSweep, ErasesForEverWhicheverOperationFails) {  // (1), (3)
  Sweep(
      [this](Keyslot& slot) {
        ASSERT_THAT(slot.Stage(Epoch(1), Key(1)), IsOk());
        ASSERT_THAT(slot.Stage(Epoch(2), Key(2)), IsOk());
      },
      [](Keyslot& slot) { return slot.Erase(Epoch(1)).ok(); },
      [this](Keyslot& slot, bool erased) {
        const auto epochs = Consistent(slot);
        EXPECT_THAT(epochs, Contains(2));
        if (erased) {
          EXPECT_THAT(epochs, Not(Contains(1)));
        }
        EXPECT_THAT(slot.Erase(Epoch(1)), IsOk());
        EXPECT_THAT(slot.Stage(Epoch(3), Key(3)), IsOk());
        EXPECT_THAT(Consistent(slot), ElementsAre(2, 3));
      });
}

// The epoch protocol's own order of calls, again and again, with a fault or an end of the process
// at random places, beside what has to be true of them.
TEST_P(KeyslotContract, AgreesWithAModelOverManyEpochs) {
  SeededRandom dice;
  const auto bench = Make();
  const std::uint64_t most = slow() ? 3 : kMostEpochs;
  std::uint64_t committed = 1;
  ASSERT_THAT(MustOpen(*bench)->Stage(Epoch(1), Key(1)), IsOk());
  while (committed < most) {
    // Up to where things fail in this process. What one does is at most so many operations.
    FaultPlan plan(dice.Below(80), FaultPlan::Extent::kFromThenOn);
    auto opened = bench->Open(plan);
    if (opened.ok()) {
      Keyslot& slot = **opened;
      while (committed < most) {
        if (!slot.Erase(Epoch(committed + 1)).ok()) break;
        if (!slot.Stage(Epoch(committed + 1), Key(committed + 1)).ok()) break;
        if (dice.Below(4) == 0) break;  // It was staged, and did not commit.
        ++committed;
        const auto read = slot.Read(Epoch(committed));
        if (!read.ok()) break;
        EXPECT_TRUE(ConstantTimeEquals(*read, Key(committed)));
        if (!slot.Erase(Epoch(committed - 1)).ok()) break;
        EXPECT_THAT(slot.Read(Epoch(committed - 1)), Not(IsOk()));
      }
    }
    bench->Stop(kEnds[dice.Below(3)]);
    opened = MakeError(Reason::kUnavailable, "ended");
    // The start that follows.
    const auto slot = MustOpen(*bench);
    ASSERT_NE(slot, nullptr);
    ASSERT_TRUE(Holds(*slot, committed)) << committed;
    EXPECT_THAT(slot->Erase(Epoch(committed + 1)), IsOk());
    if (committed > 1) {
      EXPECT_THAT(slot->Erase(Epoch(committed - 1)), IsOk());
    }
    EXPECT_THAT(Consistent(*slot, kMostEpochs), ElementsAre(committed));
  }
}

INSTANTIATE_TEST_SUITE_P(Fast, KeyslotSweep, ::testing::ValuesIn(FastKeyslotKinds()),
                         [](const auto& kind) { return kind.param.name; });
INSTANTIATE_TEST_SUITE_P(Every, KeyslotContract, ::testing::ValuesIn(AllKeyslotKinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace holdfast::test
