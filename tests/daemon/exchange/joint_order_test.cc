// SPDX-License-Identifier: Apache-2.0
// What two people order of an exchange that stands still: it goes on from a backup once, and
// without a keyslot that is lost, wherever the process is killed; and a keyslot that was struck off
// never opens anything again.
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/keyslot/file_keyslot.h"
#include "crypto/keyslot/mirror_keyslot.h"
#include "policy/keyslot_strike_off.h"
#include "policy/restore_order.h"
#include "tests/daemon/exchange/exchange_world.h"
#include "tests/support/status_matchers.h"

namespace holdfast::test {
namespace {

using exchange::EpochStep;
using ::testing::HasSubstr;

constexpr EpochStep kSteps[] = {EpochStep::kPlanned,  EpochStep::kStaged, EpochStep::kCommitted,
                                EpochStep::kReadBack, EpochStep::kErased, EpochStep::kAdopted,
                                EpochStep::kRecorded};

// Far longer than a killed process lives: it shall not open its files again by itself.
constexpr std::chrono::hours kNoRecovery{1000};

absl::StatusOr<Bytes> NoOrder(std::uint64_t) {
  return MakeError(Reason::kNotFound, "nobody ordered anything");
}

class JointOrderExchangeTest : public ::testing::Test {
 protected:
  void SetUp() override { Renew(); }

  // Everything anew.
  void Renew() {
    world_ptr_.reset();
    stays_ = std::make_unique<MemoryFileSystem>();
    lost_ = std::make_unique<MemoryFileSystem>();
    world_ptr_ = std::make_unique<ExchangeWorld>();
    world().recovery_delay = kNoRecovery;
    world().read_restore = NoOrder;
    world().read_keyslot_strike_off = NoOrder;
    UseMirror();
  }

  void UseMirror() {
    world().open_keyslot = [this]() -> absl::StatusOr<std::unique_ptr<crypto::Keyslot>> {
      std::vector<std::unique_ptr<crypto::Keyslot>> members;
      for (MemoryFileSystem* disk : {stays_.get(), lost_.get()}) {
        HF_ASSIGN_OR_RETURN(members.emplace_back(), Open(*disk));
      }
      return std::make_unique<crypto::MirrorKeyslot>(std::move(members));
    };
  }

  void UseAlone(MemoryFileSystem& disk) {
    world().open_keyslot = [this, &disk] { return Open(disk); };
  }

  absl::StatusOr<std::unique_ptr<crypto::Keyslot>> Open(MemoryFileSystem& disk) {
    HF_ASSIGN_OR_RETURN(std::unique_ptr<crypto::FileKeyslot> slot,
                        crypto::FileKeyslot::Open(disk, "/keyslot", random_));
    return slot;
  }

  std::vector<std::uint64_t> EpochsOn(MemoryFileSystem& disk) {
    std::vector<std::uint64_t> epochs;
    const auto slot = Open(disk);
    EXPECT_THAT(slot, IsOk());
    const std::vector<Epoch> held = (*slot)->List().value();
    for (const Epoch epoch : held) epochs.push_back(epoch.value());
    return epochs;
  }

  // Two people strike the second member off, in `epoch`.
  void Order(std::uint64_t epoch) {
    policy::KeyslotStrikeOffTerms terms;
    terms.exchange = world().exchange_id();
    terms.epoch = epoch;
    terms.keyslots = "mirror(file,file)";
    terms.members = {2};
    terms.reason = "the disk broke";
    terms.made_at = UnixMillis(World::kStart);
    const auto first = policy::SignKeyslotStrikeOff(terms, KeyOf("paula"));
    ASSERT_THAT(first, IsOk());
    const auto both = policy::CountersignKeyslotStrikeOff(*first, KeyOf("carol"));
    ASSERT_THAT(both, IsOk());
    world().read_keyslot_strike_off = [epoch, text = *both](std::uint64_t of) {
      return of == epoch ? absl::StatusOr<Bytes>(ToBytes(AsBytes(text))) : NoOrder(of);
    };
  }

  void StopAt(EpochStep step) {
    died_ = false;
    world().failpoint = [this, step](EpochStep now) {
      started_.wait(false);
      if (now != step || died_) return absl::OkStatus();
      died_ = true;
      return MakeError(Reason::kInternal, "killed by the test");
    };
  }

  // Starts it. What begins by itself begins when the start is over, and not before.
  void MustStartAndStop() {
    started_ = false;
    world().MustStart();
    started_ = true;
    started_.notify_all();
    while (world().exchange().serving()) world().clock().Advance(std::chrono::milliseconds(100));
  }

  void Kill() {
    EXPECT_TRUE(died_);
    world().failpoint = nullptr;
    world().Crash();
    stays_->KillProcess();
    lost_->KillProcess();
  }

  void WaitForEpoch(std::uint64_t epoch) {
    while (world().epoch() < epoch) world().clock().Advance(std::chrono::seconds(1));
  }

  template <typename Fact>
  std::size_t Count(Fact has) {
    std::size_t count = 0;
    for (const Bytes& bytes : world().disk().Backup().entries) {
      ledger::v1::Entry entry;
      EXPECT_TRUE(entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
      if (has(entry)) ++count;
    }
    return count;
  }

  ExchangeWorld& world() { return *world_ptr_; }

  crypto::SystemRandom random_;
  std::unique_ptr<MemoryFileSystem> stays_;
  std::unique_ptr<MemoryFileSystem> lost_;
  std::unique_ptr<ExchangeWorld> world_ptr_;
  std::atomic<bool> died_ = false;
  std::atomic<bool> started_ = true;
};

TEST_F(JointOrderExchangeTest, AMirrorGoesOnWithoutALostMemberWhereverTheProcessIsKilled) {
  for (const EpochStep lost_at : kSteps) {
    for (const EpochStep killed_at : kSteps) {
      SCOPED_TRACE(std::to_string(static_cast<int>(lost_at)) + " " +
                   std::to_string(static_cast<int>(killed_at)));
      Renew();
      world().MustStart();
      const std::uint32_t transfer = world().MustMakeTransfer(4);
      const std::uint64_t before = world().epoch();

      // The process ends in the middle of an epoch, and one of the two disks with it.
      StopAt(lost_at);
      EXPECT_FALSE(world().Order("carol", ExchangeWorld::HoldAct("hold")).status.ok());
      Kill();
      const std::uint64_t epoch = before + (lost_at >= EpochStep::kCommitted ? 1 : 0);
      UseAlone(*stays_);
      EXPECT_THAT(world().Start(), HasReason(Reason::kKeyslotFailed));
      world().Stop();

      // Two people say that it is lost. That is in the ledger, and then an epoch of its own.
      Order(epoch);
      StopAt(killed_at);
      MustStartAndStop();
      Kill();
      world().MustStart();
      WaitForEpoch(epoch + 1);
      EXPECT_EQ(world().epoch(), epoch + 1);
      EXPECT_TRUE(world().Derivable(transfer, 3));
      EXPECT_EQ(world().Read<std::string>(
                    [](const exchange::Core& core) { return core.state.evidence().keyslots; }),
                "file");
      EXPECT_EQ(Count([](const auto& entry) { return entry.has_keyslot_struck_off(); }), 1U);
      EXPECT_TRUE(world().Order("carol", ExchangeWorld::HoldAct("hold-after")).decision.allowed());
      world().Stop();
      EXPECT_EQ(EpochsOn(*stays_), (std::vector<std::uint64_t>{epoch + 2}));

      // What the lost one has is of older epochs, so that it comes back neither alone nor beside.
      for (const std::uint64_t held : EpochsOn(*lost_)) EXPECT_LE(held, before + 1);
      UseAlone(*lost_);
      EXPECT_THAT(world().Start(), HasReason(Reason::kEpochUnknown));
      world().Stop();
      UseMirror();
      EXPECT_THAT(world().Start(), HasReason(Reason::kEpochUnknown));
    }
  }
}

TEST_F(JointOrderExchangeTest, AnOrderThatDoesNotCountLeavesTheExchangeShutAndTheLedgerAsItWas) {
  world().MustStart();
  const std::uint64_t epoch = world().epoch();
  world().Stop();
  UseAlone(*stays_);
  const std::size_t entries = world().disk().Backup().entries.size();
  Order(epoch);
  const auto read = world().read_keyslot_strike_off;
  // Of another epoch, in its place.
  Order(epoch + 1);
  world().read_keyslot_strike_off = [order = world().read_keyslot_strike_off,
                                     epoch](std::uint64_t) { return order(epoch + 1); };
  EXPECT_THAT(world().Start(), HasReason(Reason::kOrderRejected));
  world().read_keyslot_strike_off = [](std::uint64_t) {
    return absl::StatusOr<Bytes>(ToBytes(AsBytes("{}")));
  };
  EXPECT_THAT(world().Start(), HasReason(Reason::kRequestMalformed));
  world().read_keyslot_strike_off = [](std::uint64_t) -> absl::StatusOr<Bytes> {
    return MakeError(Reason::kStoreFailed, "cannot be read");
  };
  EXPECT_THAT(world().Start(), HasReason(Reason::kStoreFailed));
  EXPECT_EQ(world().disk().Backup().entries.size(), entries);
  world().read_keyslot_strike_off = read;
  EXPECT_THAT(world().Start(), IsOk());
}

TEST_F(JointOrderExchangeTest, ABackupIsGoneOnFromOnce) {
  world().MustStart();
  const std::uint32_t transfer = world().MustMakeTransfer(4);
  const std::uint64_t epoch = world().epoch();
  policy::RestoreTerms terms;
  terms.exchange = world().exchange_id();
  terms.epoch = epoch;
  terms.root = world().Read<Digest32>([](const exchange::Core& core) { return core.tiles.Root(); });
  terms.ledger_size = world().ledger_size();
  terms.newest_known = terms.ledger_size + 1;
  terms.lost = "one entry";
  terms.made_at = UnixMillis(World::kStart);
  const MemoryStoreDisk::Contents backup = world().disk().Backup();
  world().Stop();

  const auto order = [&](const policy::RestoreTerms& of) {
    const auto first = policy::SignRestore(of, KeyOf("paula"));
    EXPECT_THAT(first, IsOk());
    const auto both = policy::CountersignRestore(*first, KeyOf("carol"));
    EXPECT_THAT(both, IsOk());
    world().read_restore = [size = terms.ledger_size, text = *both](std::uint64_t at) {
      return at == size ? absl::StatusOr<Bytes>(ToBytes(AsBytes(text))) : NoOrder(at);
    };
  };
  world().disk().Restore(backup);
  policy::RestoreTerms other = terms;
  other.root.fill(std::byte{1});
  order(other);
  EXPECT_THAT(world().Start(), HasReason(Reason::kOrderRejected));
  EXPECT_EQ(world().disk().Backup().entries.size(), backup.entries.size());

  // Killed before and after it stands in the ledger.
  order(terms);
  StopAt(EpochStep::kPlanned);
  MustStartAndStop();
  Kill();
  world().MustStart();
  WaitForEpoch(epoch + 1);
  EXPECT_TRUE(world().Derivable(transfer, 0));
  ledger::v1::Entry entry;
  const Bytes bytes = world().disk().Backup().entries[backup.entries.size()];
  ASSERT_TRUE(entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  EXPECT_TRUE(entry.has_exchange_restored());
  EXPECT_EQ(Count([](const auto& of) { return of.has_exchange_restored(); }), 1U);
  world().Stop();

  // The same backup by the same order: there is no key for it any more.
  world().disk().Restore(backup);
  const absl::Status again = world().Start();
  EXPECT_THAT(again, HasReason(Reason::kEpochUnknown));
  EXPECT_THAT(std::string(again.message()), HasSubstr("nothing was erased"));
}

}  // namespace
}  // namespace holdfast::test
