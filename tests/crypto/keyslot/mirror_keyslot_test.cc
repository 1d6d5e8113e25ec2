// SPDX-License-Identifier: Apache-2.0
// MirrorKeyslot: a member is lost, or replaced, at each step; no key is lost with it, and none
// comes back.
#include "crypto/keyslot/mirror_keyslot.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "crypto/keyslot/file_keyslot.h"
#include "crypto/top_page.h"
#include "tests/support/fault_sweep.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/seeded_crypto_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using test::FaultPlan;
using test::FaultSweep;
using test::FaultyFileSystem;
using test::HasReason;
using test::IsOk;
using test::IsOkAndHolds;
using test::MemoryFileSystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class MirrorKeyslotTest : public ::testing::Test {
 protected:
  std::unique_ptr<Keyslot> MustOpenMember(FileSystem& files) {
    auto slot = FileKeyslot::Open(files, "/slot", random_);
    EXPECT_THAT(slot, IsOk());
    return *std::move(slot);
  }

  std::unique_ptr<Keyslot> MustOpen(FileSystem& first, FileSystem& second) {
    std::vector<std::unique_ptr<Keyslot>> members;
    members.push_back(MustOpenMember(first));
    members.push_back(MustOpenMember(second));
    return std::make_unique<MirrorKeyslot>(std::move(members));
  }

  // What a disk that is taken away holds.
  std::vector<Epoch> HeldBy(MemoryFileSystem& disk) {
    disk.KillProcess();
    return MustOpenMember(disk)->List().value();
  }

  test::SeededCryptoRandom random_;
  const SecretBytes key_[4] = {NewRootKey(random_).value(), NewRootKey(random_).value(),
                               NewRootKey(random_).value(), NewRootKey(random_).value()};
  MemoryFileSystem disks_[2];
};

TEST_F(MirrorKeyslotTest, NamesItsMembersAndPromisesWhatTheLeastOfThemDoes) {
  const auto mirror = MustOpen(disks_[0], disks_[1]);
  EXPECT_EQ(mirror->kind(), "mirror(file,file)");
  EXPECT_EQ(mirror->parts().size(), 2u);
  EXPECT_EQ(mirror->erasure_class(), ErasureClass::kMedium);
}

// Everything that one member does fails from some operation on: it is gone. What the other one then
// holds by itself is every key that was not erased, and none that was.
TEST_F(MirrorKeyslotTest, LosesAMemberAtEachStepWithoutLosingAKeyOrRevivingOne) {
  for (const std::size_t lost : {std::size_t{0}, std::size_t{1}}) {
    FaultSweep([&](FaultPlan& plan) {
      MemoryFileSystem disks[2];
      bool staged = false;
      bool erased = false;
      {
        const auto mirror = MustOpen(disks[0], disks[1]);
        ASSERT_THAT(mirror->Stage(Epoch(1), key_[1]), IsOk());
      }
      FaultyFileSystem flaky(disks[lost], plan);
      auto member = FileKeyslot::Open(flaky, "/slot", random_);
      if (member.ok()) {
        std::vector<std::unique_ptr<Keyslot>> members;
        members.push_back(MustOpenMember(disks[1 - lost]));
        members.insert(lost == 0 ? members.begin() : members.end(), *std::move(member));
        MirrorKeyslot mirror(std::move(members));
        staged = mirror.Stage(Epoch(2), key_[2]).ok();
        // The protocol erases the old one only after the new one was committed.
        if (staged) erased = mirror.Erase(Epoch(1)).ok();
      }
      const std::vector<Epoch> left = HeldBy(disks[1 - lost]);
      const auto holds = [&](Epoch epoch) {
        return std::find(left.begin(), left.end(), epoch) != left.end();
      };
      EXPECT_TRUE(holds(Epoch(staged ? 2 : 1)));
      if (erased) {
        EXPECT_FALSE(holds(Epoch(1)));
        disks[lost].LoseUnsyncedWrites();
        EXPECT_THAT(HeldBy(disks[lost]), ElementsAre(Epoch(2)));
      }
    });
  }
}

TEST_F(MirrorKeyslotTest, ErasesInAllThatItCanThoughOneOfThemFails) {
  {
    const auto mirror = MustOpen(disks_[0], disks_[1]);
    ASSERT_THAT(mirror->Stage(Epoch(1), key_[1]), IsOk());
    ASSERT_THAT(mirror->Stage(Epoch(2), key_[2]), IsOk());
  }
  {
    const auto mirror = MustOpen(disks_[0], disks_[1]);
    // The folder is gone from under the first.
    ASSERT_THAT(disks_[0].Remove("/slot/area-0"), IsOk());
    ASSERT_THAT(disks_[0].Remove("/slot/area-1"), IsOk());
    const absl::Status erased = mirror->Erase(Epoch(1));
    EXPECT_THAT(erased, HasReason(Reason::kKeyslotFailed));
    EXPECT_EQ(MetadataOf(erased)["keyslot"], "1 file");
  }
  EXPECT_THAT(HeldBy(disks_[1]), ElementsAre(Epoch(2)));
}

TEST_F(MirrorKeyslotTest, StopsIfAMemberWasReplacedByAnEmptyOne) {
  {
    const auto mirror = MustOpen(disks_[0], disks_[1]);
    ASSERT_THAT(mirror->Stage(Epoch(7), key_[1]), IsOk());
  }
  MemoryFileSystem fresh;
  disks_[0].KillProcess();
  const auto mirror = MustOpen(disks_[0], fresh);
  // It is not taken for an empty slot, and no key comes out of it.
  EXPECT_THAT(mirror->List(), IsOkAndHolds(ElementsAre(Epoch(7))));
  const auto key = mirror->Read(Epoch(7));
  EXPECT_THAT(key, HasReason(Reason::kKeyslotFailed));
  EXPECT_THAT(std::string(key.status().message()), HasSubstr("member 2 of the mirror"));
  EXPECT_EQ(MetadataOf(key.status())["keyslot"], "2 file");
  // The one that is left has lost nothing.
  EXPECT_THAT(HeldBy(disks_[0]), ElementsAre(Epoch(7)));
}

TEST_F(MirrorKeyslotTest, StopsIfAMemberIsOfAnotherEpoch) {
  MemoryFileSystem old;
  {
    const auto mirror = MustOpen(disks_[0], old);
    ASSERT_THAT(mirror->Stage(Epoch(1), key_[1]), IsOk());
  }
  {
    disks_[0].KillProcess();
    const auto member = MustOpenMember(disks_[0]);
    ASSERT_THAT(member->Stage(Epoch(2), key_[2]), IsOk());
    ASSERT_THAT(member->Erase(Epoch(1)), IsOk());
  }
  disks_[0].KillProcess();
  old.KillProcess();
  const auto mirror = MustOpen(disks_[0], old);
  EXPECT_THAT(mirror->List(), IsOkAndHolds(ElementsAre(Epoch(1), Epoch(2))));
  for (const Epoch epoch : {Epoch(1), Epoch(2)}) {
    EXPECT_THAT(mirror->Read(epoch), HasReason(Reason::kKeyslotFailed));
  }
}

TEST_F(MirrorKeyslotTest, StopsIfMembersHoldDifferentKeysOfOneEpoch) {
  ASSERT_THAT(MustOpenMember(disks_[0])->Stage(Epoch(1), key_[1]), IsOk());
  ASSERT_THAT(MustOpenMember(disks_[1])->Stage(Epoch(1), key_[2]), IsOk());
  EXPECT_THAT(MustOpen(disks_[0], disks_[1])->Read(Epoch(1)), HasReason(Reason::kKeyslotFailed));
}

// A first staging that was cut short must not look like an empty slot: the database may be lost.
TEST_F(MirrorKeyslotTest, AFirstStagingThatWasCutShortIsListedAndCanBeErased) {
  ASSERT_THAT(MustOpenMember(disks_[0])->Stage(Epoch(1), key_[1]), IsOk());
  const auto mirror = MustOpen(disks_[0], disks_[1]);
  EXPECT_THAT(mirror->List(), IsOkAndHolds(ElementsAre(Epoch(1))));
  EXPECT_THAT(mirror->Erase(Epoch(1)), IsOk());
  EXPECT_THAT(mirror->List(), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(mirror->Stage(Epoch(1), key_[2]), IsOk());
  EXPECT_TRUE(ConstantTimeEquals(*mirror->Read(Epoch(1)), key_[2]));
}

TEST_F(MirrorKeyslotTest, AStagingThatWasCutShortIsStagedAgainUnderTheNewKey) {
  {
    const auto mirror = MustOpen(disks_[0], disks_[1]);
    ASSERT_THAT(mirror->Stage(Epoch(1), key_[1]), IsOk());
  }
  ASSERT_THAT(MustOpenMember(disks_[1])->Stage(Epoch(2), key_[2]), IsOk());
  const auto mirror = MustOpen(disks_[0], disks_[1]);
  EXPECT_THAT(mirror->List(), IsOkAndHolds(ElementsAre(Epoch(1))));
  EXPECT_THAT(mirror->Read(Epoch(2)), HasReason(Reason::kNotFound));
  ASSERT_THAT(mirror->Stage(Epoch(2), key_[3]), IsOk());
  EXPECT_TRUE(ConstantTimeEquals(*mirror->Read(Epoch(2)), key_[3]));
}

}  // namespace
}  // namespace holdfast::crypto
