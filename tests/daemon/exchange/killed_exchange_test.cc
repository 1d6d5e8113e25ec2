// SPDX-License-Identifier: Apache-2.0
// R32, R43: an exchange whose process is gone at once, by SIGKILL, in the midst of an epoch change
// that destroys keys; on a real database, with each kind of keyslot on what outlives a process. It
// opens again, and the destruction happened whole or not at all: somebody with the files as they
// were left, as they are afterwards, and the root keys that the keyslot still gives, opens what
// lives and nothing that was destroyed.
//
// Each process of an exchange is a child. The test's own process has no threads.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "store/sqlite_store.h"
#include "tests/crypto/keyslot/keyslot_bench.h"
#include "tests/daemon/exchange/attacker.h"
#include "tests/daemon/exchange/exchange_world.h"
#include "tests/store/memory_temp_dir.h"
#include "tests/support/temp_dir.h"

namespace holdfast::test {
namespace {

using exchange::EpochStep;

const std::vector<EpochStep> kSteps = {
    EpochStep::kPlanned, EpochStep::kStaged,  EpochStep::kCommitted, EpochStep::kReadBack,
    EpochStep::kErased,  EpochStep::kAdopted, EpochStep::kRecorded};

// Those after which the next start finds something else to do with the keyslot than after the step
// before. Where a device takes its time, the others are for the form with the label `slow`.
const std::vector<EpochStep> kStepsOfASlot = {EpochStep::kStaged, EpochStep::kCommitted,
                                              EpochStep::kErased};

// None of them.
constexpr auto kNever = static_cast<EpochStep>(99);

// Long enough for a destruction that was approved.
constexpr std::chrono::hours kWait{100};

constexpr std::uint32_t kRows = 4;

// The first and the last row of a transfer that are revoked.
constexpr std::uint32_t kFirstRevoked = 1;
constexpr std::uint32_t kLastRevoked = 2;

struct RecordTruth {
  std::uint32_t transfer = 0;
  std::uint32_t row = 0;
  Attacker::Leaf record;
  Attacker::Leaf subject;
  bool destroyed = false;
};

struct KilledKind {
  LastingKeyslotKind slot;
  std::vector<EpochStep> steps;
};

std::vector<KilledKind> KilledKinds() {
  std::vector<KilledKind> kinds;
  for (const LastingKeyslotKind& slot : LastingKeyslotKinds()) {
    const bool all = HF_KILL_AT_EACH_OPERATION || slot.name == "File";
    kinds.push_back({slot, all ? kSteps : kStepsOfASlot});
  }
  return kinds;
}

class KilledExchange : public ::testing::TestWithParam<KilledKind> {
 protected:
  static void SetUpTestSuite() { store::PutTempDirsIntoMemory(); }

  KilledExchange() : bench_(GetParam().slot.make(folder_.File("keyslot"))) {
    std::filesystem::create_directory(folder_.File("state"));
  }

  // An exchange on the test's files, whose process is gone at the step dies_at_.
  std::unique_ptr<ExchangeWorld> MakeWorld() {
    auto world = std::make_unique<ExchangeWorld>();
    world->failpoint = [this](EpochStep now) {
      if (now == dies_at_) static_cast<void>(raise(SIGKILL));
      return absl::OkStatus();
    };
    world->keyslot_bench = bench_.get();
    world->seals_envelopes = true;
    world->open_store = [this] {
      store::SqliteStoreOptions options;
      options.files = &files_;
      options.reserve_bytes = 0;
      return store::OpenSqliteStore(folder_.File("state"), options);
    };
    world->clock().Advance(passed_);
    return world;
  }

  enum class End { kWhole, kKilled, kWrong };

  // Runs `life` in a process of its own.
  static End InAProcess(const std::function<void()>& life) {
    static_cast<void>(std::fflush(nullptr));
    const pid_t child = fork();
    if (child == 0) {
      life();
      static_cast<void>(std::fflush(nullptr));
      std::_Exit(HasFailure() ? 1 : 0);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return End::kKilled;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? End::kWhole : End::kWrong;
  }

  // Makes a transfer and approves that some of its rows are destroyed; they are once kWait passed.
  static void ApproveADestruction(ExchangeWorld& world) {
    const std::uint32_t transfer = world.MustMakeTransfer(kRows);
    const std::uint64_t revocation =
        world.Order("paula", world.RevokeAct(transfer, kFirstRevoked, kLastRevoked)).index;
    EXPECT_TRUE(world.Order("pete", world.ApproveDestructionAct(revocation)).decision.allowed());
  }

  // What the ledger says of each record, and whether the vault derives its keys.
  static std::vector<RecordTruth> TruthOf(const exchange::Core& core) {
    std::vector<RecordTruth> all;
    const auto& segments = core.vault.segments();
    for (std::uint32_t transfer = 0; transfer < core.state.transfers().size(); ++transfer) {
      for (std::uint32_t row = 0;; ++row) {
        const policy::Record* record = core.state.FindRecord({transfer, row});
        if (record == nullptr) break;
        // A process that was killed in the middle of a transfer's making.
        if (record->record_segment == policy::kNoSegment) continue;
        const auto& records = segments[record->record_segment];
        const auto& subjects = segments[record->subject_segment];
        EXPECT_EQ(records.tree->IsDerivable(record->record_leaf), !record->destroyed());
        EXPECT_EQ(subjects.tree->IsDerivable(record->subject_leaf), !record->destroyed());
        all.push_back({transfer,
                       row,
                       {records.name.segment, record->record_leaf},
                       {subjects.name.segment, record->subject_leaf},
                       record->destroyed()});
      }
    }
    return all;
  }

  static void WaitForDestruction(ExchangeWorld& world) {
    const auto due = [&world] {
      return world.Read<bool>([](const exchange::Core& core) {
        const policy::State& state = core.state;
        for (const std::uint64_t index : state.open_disposals()) {
          if (state.FindDisposal(index)->state == policy::DisposalState::kApproved) return true;
        }
        return false;
      });
    };
    world.clock().Advance(kWait);
    while (due()) {
    }
  }

  void CopyDatabase(const std::string& name) {
    std::filesystem::create_directories(folder_.File(name));
    for (const char* file : {"/database", "/database-wal"}) {
      const std::string from = folder_.File("state") + file;
      const std::string to = folder_.File(name) + file;
      std::filesystem::remove(to);
      if (std::filesystem::exists(from)) std::filesystem::copy_file(from, to);
    }
  }

  // What holds of an exchange that was opened again: one epoch, in the keyslot too; of each pair of
  // revoked rows both are destroyed or none; and to whoever has the files that the killed process
  // left, today's and the keyslot, exactly what lives opens.
  void CheckTruth(ExchangeWorld& world) {
    Attacker attacker(world.exchange_id());
    // Of one moment: what expires makes epochs meanwhile.
    const auto truth = world.Read<std::vector<RecordTruth>>([&](const exchange::Core& core) {
      CopyDatabase("today");
      const auto held = core.keyslot->List();
      EXPECT_TRUE(held.ok());
      EXPECT_EQ(*held, std::vector<Epoch>{core.vault.epoch()});
      // Others may be there and not be listed.
      for (std::uint64_t epoch = 1; epoch <= core.vault.epoch().value() + 1; ++epoch) {
        const auto key = core.keyslot->Read(Epoch(epoch));
        EXPECT_EQ(key.ok(), epoch == core.vault.epoch().value()) << epoch;
        if (key.ok()) attacker.TakeKey(GiveAway(*key));
      }
      return TruthOf(core);
    });
    for (const char* copy : {"left", "today"}) {
      if (std::filesystem::exists(folder_.File(copy))) {
        attacker.TakeDatabase(folder_.File(copy) + "/database");
      }
    }
    attacker.Work();
    std::optional<bool> first;
    for (const RecordTruth& record : truth) {
      SCOPED_TRACE("transfer " + std::to_string(record.transfer) + ", row " +
                   std::to_string(record.row));
      if (record.row == kFirstRevoked) first = record.destroyed;
      if (record.row == kLastRevoked) {
        EXPECT_EQ(first, record.destroyed);
      }
      EXPECT_EQ(attacker.Opens(record.record.first, record.record.second), !record.destroyed);
      EXPECT_EQ(attacker.Derives(record.subject.first, record.subject.second), !record.destroyed);
    }
  }

  // Whether the revoked rows of the newest transfer are destroyed; the others are not.
  static bool NewestIsDestroyed(ExchangeWorld& world) {
    const auto all = world.Read<std::vector<RecordTruth>>(&TruthOf);
    EXPECT_GE(all.size(), kRows);
    if (all.size() < kRows) return false;
    const auto newest = all.end() - kRows;
    EXPECT_FALSE(newest[0].destroyed || newest[kRows - 1].destroyed);
    return newest[kFirstRevoked].destroyed;
  }

  const TempDir folder_;
  PosixFileSystem files_;
  const std::unique_ptr<KeyslotBench> bench_;
  std::chrono::hours passed_{0};  // Of the clock, since the first start.
  std::atomic<EpochStep> dies_at_ = kNever;
};

// A step of the first start, which has nothing to erase.
TEST_P(KilledExchange, AFirstStartThatIsKilledIsBegunAgain) {
  for (const EpochStep step : GetParam().steps) {
    if (step > EpochStep::kCommitted) break;
    SCOPED_TRACE("step " + std::to_string(static_cast<int>(step)));
    dies_at_ = step;
    EXPECT_EQ(InAProcess([&] { static_cast<void>(MakeWorld()->Start()); }), End::kKilled);
  }
  dies_at_ = kNever;
  EXPECT_EQ(InAProcess([&] {
              const auto world = MakeWorld();
              world->MustStart();
              if (HasFatalFailure()) return;
              EXPECT_EQ(world->epoch(), 1U);
              world->MustMakeTransfer(kRows);
              CheckTruth(*world);
            }),
            End::kWhole);
}

TEST_P(KilledExchange, ADestructionHappensWholeOrNotAtAllAtWhateverStepItIsKilled) {
  std::vector<EpochStep> steps = GetParam().steps;
  steps.push_back(kNever);
  std::optional<bool> destroyed;  // What the process before has to have come to.
  for (const EpochStep step : steps) {
    SCOPED_TRACE("step " + std::to_string(static_cast<int>(step)));
    const End end = InAProcess([&] {
      const auto world = MakeWorld();
      world->MustStart();
      if (HasFatalFailure()) return;
      if (destroyed.has_value()) {
        CheckTruth(*world);
        EXPECT_EQ(NewestIsDestroyed(*world), *destroyed);
        WaitForDestruction(*world);
        CheckTruth(*world);
        EXPECT_TRUE(NewestIsDestroyed(*world));
      }
      if (step == kNever || HasFailure()) return;
      ApproveADestruction(*world);
      dies_at_ = step;
      WaitForDestruction(*world);
    });
    ASSERT_EQ(end, step == kNever ? End::kWhole : End::kKilled);
    CopyDatabase("left");
    // The ledger knows of the time that passed if it knows of the destruction. If it does not, the
    // next process begins where nothing is due yet.
    if (destroyed.has_value()) passed_ += kWait;
    destroyed = step >= EpochStep::kCommitted;
    if (*destroyed) passed_ += kWait;
  }
}

#if HF_KILL_AT_EACH_OPERATION

// Also between the steps, and in the midst of each: before every operation on the keyslot's files
// and device, those of the start included, which finishes what was interrupted.
TEST_P(KilledExchange, ADestructionHappensWholeOrNotAtAllBeforeWhateverOperationItIsKilled) {
  End end = End::kKilled;
  for (std::size_t kill_at = 0; end == End::kKilled && !HasFailure(); ++kill_at) {
    SCOPED_TRACE("operation " + std::to_string(kill_at));
    end = InAProcess([&] {
      const auto world = MakeWorld();
      FaultPlan plan(kill_at, FaultPlan::Extent::kKills);
      world->keyslot_faults = &plan;
      world->MustStart();
      if (HasFatalFailure()) return;
      ApproveADestruction(*world);
      WaitForDestruction(*world);
    });
    passed_ += kWait;
    CopyDatabase("left");
    EXPECT_EQ(InAProcess([&] {
                const auto world = MakeWorld();
                world->MustStart();
                if (HasFatalFailure()) return;
                CheckTruth(*world);
                WaitForDestruction(*world);
                CheckTruth(*world);
              }),
              End::kWhole);
    passed_ += kWait;
  }
  EXPECT_EQ(end, End::kWhole);
}

#endif

INSTANTIATE_TEST_SUITE_P(Kinds, KilledExchange, ::testing::ValuesIn(KilledKinds()),
                         [](const auto& kind) { return kind.param.slot.name; });

}  // namespace
}  // namespace holdfast::test
