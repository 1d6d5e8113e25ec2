// SPDX-License-Identifier: Apache-2.0
// FileKeyslot: what is its own. What it has in common with the others is in
// keyslot_contract_test.cc.
#include "crypto/keyslot/file_keyslot.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/file_system.h"
#include "crypto/internal/secret_access.h"
#include "crypto/top_page.h"
#include "tests/support/fault_sweep.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/seeded_crypto_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::crypto {
namespace {

using ::holdfast::test::FaultPlan;
using ::holdfast::test::FaultSweep;
using ::holdfast::test::FaultyFileSystem;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;
using ::holdfast::test::MemoryFileSystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kFolder[] = "/slot";

std::string AreaPath(int area) { return JoinPath(kFolder, "area-" + std::to_string(area)); }

class FileKeyslotTest : public ::testing::Test {
 protected:
  FileKeyslotTest() {
    for (std::uint64_t e = 1; e <= 4; ++e) keys_.emplace(e, NewRootKey(random_).value());
  }

  std::unique_ptr<FileKeyslot> MustOpen(FileSystem& files) {
    auto slot = FileKeyslot::Open(files, kFolder, random_);
    EXPECT_THAT(slot, IsOk());
    return *std::move(slot);
  }

  const SecretBytes& Key(std::uint64_t epoch) { return keys_.at(epoch); }

  bool Holds(FileKeyslot& slot, std::uint64_t epoch) {
    const auto key = slot.Read(Epoch(epoch));
    return key.ok() && ConstantTimeEquals(*key, Key(epoch));
  }

  // Checks (1) and (2), and returns the epochs.
  std::vector<std::uint64_t> Consistent(FileKeyslot& slot) {
    std::vector<std::uint64_t> epochs;
    const auto listed = slot.List();
    EXPECT_THAT(listed, IsOk());
    if (!listed.ok()) return epochs;
    EXPECT_LE(listed->size(), 2u);
    for (const Epoch epoch : *listed) epochs.push_back(epoch.value());
    for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
      const bool is_listed = std::find(epochs.begin(), epochs.end(), epoch) != epochs.end();
      EXPECT_EQ(Holds(slot, epoch), is_listed) << epoch;
      if (!is_listed) {
        EXPECT_THAT(slot.Read(Epoch(epoch)), HasReason(Reason::kNotFound));
      }
    }
    return epochs;
  }

  test::SeededCryptoRandom random_;
  std::map<std::uint64_t, SecretBytes> keys_;
};

TEST_F(FileKeyslotTest, LeavesNoBlockOfAnErasedAreaAsItWas) {
  MemoryFileSystem disk;
  const auto slot = MustOpen(disk);
  ASSERT_THAT(slot->Stage(Epoch(1), Key(1)), IsOk());
  std::vector<Bytes> before;
  for (int area = 0; area < 2; ++area) {
    before.push_back(disk.ReadWhole(AreaPath(area), FileKeyslot::kAreaBytes).value());
  }
  const std::size_t used = AsText(before[0]).substr(0, 4) == "HFK1" ? 0 : 1;
  ASSERT_THAT(slot->Erase(Epoch(1)), IsOk());
  disk.LoseUnsyncedWrites();
  const Bytes after =
      disk.ReadWhole(AreaPath(static_cast<int>(used)), FileKeyslot::kAreaBytes).value();
  ASSERT_EQ(after.size(), FileKeyslot::kAreaBytes);
  constexpr std::size_t kBlock = 512;
  for (std::size_t at = 0; at < after.size(); at += kBlock) {
    EXPECT_NE(ToBytes(ByteSpan(after).subspan(at, kBlock)),
              ToBytes(ByteSpan(before[used]).subspan(at, kBlock)));
  }
}

TEST_F(FileKeyslotTest, CannotReadAKeyIfAnyBlockOfItsAreaIsLost) {
  MemoryFileSystem disk;
  ASSERT_THAT(MustOpen(disk)->Stage(Epoch(1), Key(1)), IsOk());
  for (int area = 0; area < 2; ++area) {
    const Bytes whole = disk.ReadWhole(AreaPath(area), FileKeyslot::kAreaBytes).value();
    if (AsText(whole).substr(0, 4) != "HFK1") continue;
    for (std::size_t at = 0; at < whole.size(); at += 4096) {
      Bytes damaged = whole;
      damaged[at + 4095] ^= std::byte{1};
      disk.Preload(AreaPath(area), damaged);
      EXPECT_THAT(MustOpen(disk)->Read(Epoch(1)), HasReason(Reason::kNotFound)) << at;
    }
    for (std::size_t at = 0; at < 86; ++at) {  // Claim, nonce and sealed key.
      Bytes damaged = whole;
      damaged[at] ^= std::byte{1};
      disk.Preload(AreaPath(area), damaged);
      EXPECT_THAT(MustOpen(disk)->List(), IsOkAndHolds(IsEmpty())) << at;
    }
    disk.Preload(AreaPath(area), whole);
    EXPECT_THAT(Consistent(*MustOpen(disk)), ElementsAre(1));
  }
}

TEST_F(FileKeyslotTest, NeverWritesTheKeyItself) {
  MemoryFileSystem disk;
  const auto slot = MustOpen(disk);
  ASSERT_THAT(slot->Stage(Epoch(1), Key(1)), IsOk());
  ASSERT_THAT(slot->Erase(Epoch(1)), IsOk());
  const auto key = internal::SecretAccess::Read(Key(1));
  for (const Bytes& written : disk.EverythingEverSynced()) {
    EXPECT_EQ(std::search(written.begin(), written.end(), key.begin(), key.end()), written.end());
  }
}

TEST_F(FileKeyslotTest, WritesNothingBeforehandAndWhatItDrewOnce) {
  MemoryFileSystem disk;
  const auto slot = MustOpen(disk);
  const auto areas = [&] {
    return std::pair(disk.ReadWhole(AreaPath(0), FileKeyslot::kAreaBytes).value(),
                     disk.ReadWhole(AreaPath(1), FileKeyslot::kAreaBytes).value());
  };
  const auto empty = areas();
  const std::function<void()> work = slot->Prepare(Epoch(1));
  ASSERT_NE(work, nullptr);
  work();
  EXPECT_EQ(slot->Prepare(Epoch(1)), nullptr);  // There is nothing left to do.
  EXPECT_EQ(areas(), empty);

  // The bytes behind the sealed key, whichever area they are in.
  std::vector<std::pair<Bytes, Bytes>> found = {empty};
  for (int round = 0; round < 2; ++round) {
    ASSERT_THAT(slot->Stage(Epoch(1), Key(1)), IsOk());
    EXPECT_THAT(Consistent(*slot), ElementsAre(1));
    found.push_back(areas());
    ASSERT_THAT(slot->Erase(Epoch(1)), IsOk());
    found.push_back(areas());
  }
  std::vector<Bytes> bodies;
  for (const auto& [first, second] : found) {
    for (const Bytes& area : {first, second}) {
      Bytes body = ToBytes(ByteSpan(area).subspan(4096));
      if (std::find(bodies.begin(), bodies.end(), body) == bodies.end()) bodies.push_back(body);
    }
  }
  // Two at first, and a new one for each staging and each erasure.
  EXPECT_EQ(bodies.size(), 6u);
}

TEST_F(FileKeyslotTest, RefusesAMediumThatKeepsOldBytes) {
  for (const Medium medium : {Medium::kUnknown, Medium::kMemory, Medium::kCopyOnWrite,
                              Medium::kNetwork, Medium::kOverlay}) {
    MemoryFileSystem disk;
    disk.SetMedium(medium);
    EXPECT_THAT(FileKeyslot::Open(disk, kFolder, random_), HasReason(Reason::kKeyslotFailed));
    EXPECT_THAT(FileKeyslot::Open(disk, kFolder, random_, FileKeyslot::MediumCheck::kNoneForTests),
                IsOk());
  }
}

TEST_F(FileKeyslotTest, RefusesAFolderThatDoesNotLieAnywhere) {
  MemoryFileSystem disk;
  EXPECT_THAT(FileKeyslot::Open(disk, "/no/such/folder", random_),
              HasReason(Reason::kKeyslotFailed));
}

TEST_F(FileKeyslotTest, RefusesAFileInPlaceOfItsFolder) {
  MemoryFileSystem disk;
  disk.Preload(kFolder, AsBytes("a file"));
  EXPECT_THAT(FileKeyslot::Open(disk, kFolder, random_), HasReason(Reason::kKeyslotFailed));
}

TEST_F(FileKeyslotTest, RefusesAnAreaThatHasGrown) {
  MemoryFileSystem disk;
  MustOpen(disk);
  Bytes area = disk.ReadWhole(AreaPath(1), FileKeyslot::kAreaBytes).value();
  area.push_back(std::byte{0});
  disk.Preload(AreaPath(1), area);
  EXPECT_THAT(FileKeyslot::Open(disk, kFolder, random_), HasReason(Reason::kKeyslotFailed));
}

TEST_F(FileKeyslotTest, FindsAndFinishesAnErasureThatWasCutShort) {
  bool cut_short = false;
  FaultSweep([&](FaultPlan& plan) {
    MemoryFileSystem disk;
    ASSERT_THAT(MustOpen(disk)->Stage(Epoch(1), Key(1)), IsOk());
    FaultyFileSystem flaky(disk, plan);
    auto slot = FileKeyslot::Open(flaky, kFolder, random_);
    if (slot.ok()) (void)(*slot)->Erase(Epoch(1));
    disk.KillProcess();
    const auto again = MustOpen(disk);
    cut_short |= Consistent(*again).empty();
    ASSERT_THAT(again->Erase(Epoch(1)), IsOk());
    for (int area = 0; area < 2; ++area) {
      const Bytes bytes = disk.ReadWhole(AreaPath(area), FileKeyslot::kAreaBytes).value();
      EXPECT_NE(AsText(bytes).substr(0, 4), "HFK1");
    }
  });
  EXPECT_TRUE(cut_short);
}

TEST_F(FileKeyslotTest, WorksOnARealDisk) {
  const test::TempDir folder;
  const std::string path = folder.File("slot");
  PosixFileSystem files;
  const auto open = [&] {
    return FileKeyslot::Open(files, path, random_, FileKeyslot::MediumCheck::kNoneForTests).value();
  };
  ASSERT_THAT(open()->Stage(Epoch(1), Key(1)), IsOk());
  ASSERT_THAT(open()->Stage(Epoch(2), Key(2)), IsOk());
  ASSERT_THAT(open()->Erase(Epoch(1)), IsOk());
  EXPECT_THAT(Consistent(*open()), ElementsAre(2));

  EXPECT_EQ(files.Stat(path)->permissions, 0700u);
  const std::string area = JoinPath(path, "area-0");
  EXPECT_EQ(files.Stat(area)->permissions, 0600u);
  ASSERT_EQ(chmod(area.c_str(), 0640), 0);
  EXPECT_THAT(FileKeyslot::Open(files, path, random_, FileKeyslot::MediumCheck::kNoneForTests),
              HasReason(Reason::kKeyslotFailed));
  ASSERT_EQ(chmod(area.c_str(), 0600), 0);
  ASSERT_EQ(chmod(path.c_str(), 0755), 0);
  EXPECT_THAT(FileKeyslot::Open(files, path, random_, FileKeyslot::MediumCheck::kNoneForTests),
              HasReason(Reason::kKeyslotFailed));
}

}  // namespace
}  // namespace holdfast::crypto
