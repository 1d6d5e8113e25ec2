// SPDX-License-Identifier: Apache-2.0
// The numbers are those of statfs(2) and of the file systems' own sources, written out: a constant
// that means something else than its name says would otherwise agree with itself.
#include "base/medium.h"

#include <sys/vfs.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast {
namespace {

using test::IsOkAndHolds;

TEST(MediumTest, IsLocalWhereBytesAreOverwrittenInPlace) {
  EXPECT_EQ(MediumOfType(0xef53), Medium::kLocal);      // ext2, ext3, ext4
  EXPECT_EQ(MediumOfType(0x58465342), Medium::kLocal);  // xfs
}

TEST(MediumTest, KnowsWhatIsMemory) {
  EXPECT_EQ(MediumOfType(0x01021994), Medium::kMemory);  // tmpfs
  EXPECT_EQ(MediumOfType(0x858458f6), Medium::kMemory);  // ramfs
}

TEST(MediumTest, KnowsWhatKeepsOldBytes) {
  EXPECT_EQ(MediumOfType(0x9123683e), Medium::kCopyOnWrite);  // btrfs
  EXPECT_EQ(MediumOfType(0x2fc12fc1), Medium::kCopyOnWrite);  // ZFS
  EXPECT_EQ(MediumOfType(0xca451a4e), Medium::kCopyOnWrite);  // bcachefs
  EXPECT_EQ(MediumOfType(0xf2f52010), Medium::kCopyOnWrite);  // f2fs
  EXPECT_EQ(MediumOfType(0x3434), Medium::kCopyOnWrite);      // nilfs2
}

TEST(MediumTest, KnowsWhatLiesElsewhere) {
  EXPECT_EQ(MediumOfType(0x6969), Medium::kNetwork);      // NFS
  EXPECT_EQ(MediumOfType(0x517b), Medium::kNetwork);      // SMB
  EXPECT_EQ(MediumOfType(0xff534d42), Medium::kNetwork);  // CIFS
  EXPECT_EQ(MediumOfType(0xfe534d42), Medium::kNetwork);  // SMB 2
  EXPECT_EQ(MediumOfType(0x5346414f), Medium::kNetwork);  // AFS
  EXPECT_EQ(MediumOfType(0x00c36400), Medium::kNetwork);  // Ceph
  EXPECT_EQ(MediumOfType(0x01021997), Medium::kNetwork);  // 9P
  EXPECT_EQ(MediumOfType(0x65735546), Medium::kNetwork);  // FUSE
}

TEST(MediumTest, KnowsTheLayersOfAContainer) {
  EXPECT_EQ(MediumOfType(0x794c7630), Medium::kOverlay);  // overlayfs
}

// Where the field is 32 bits wide and has a sign, the half above is all ones.
TEST(MediumTest, KnowsANumberThatCameWithASign) {
  for (const std::uint32_t type : {0xff534d42u, 0xfe534d42u, 0x9123683eu, 0xca451a4eu}) {
    EXPECT_EQ(MediumOfType(static_cast<std::int32_t>(type)), MediumOfType(type)) << type;
    EXPECT_NE(MediumOfType(static_cast<std::int32_t>(type)), Medium::kUnknown) << type;
  }
}

TEST(MediumTest, TakesNothingForSuitableThatItDoesNotKnow) {
  EXPECT_EQ(MediumOfType(0), Medium::kUnknown);
  EXPECT_EQ(MediumOfType(-1), Medium::kUnknown);
  EXPECT_EQ(MediumOfType(0x4d44), Medium::kUnknown);  // vfat
  EXPECT_EQ(MediumOfType(0xf15f), Medium::kUnknown);  // eCryptfs
  EXPECT_EQ(MediumOfType(0x9fa0), Medium::kUnknown);  // proc
  EXPECT_EQ(MediumOfType(0xef54), Medium::kUnknown);
}

TEST(MediumTest, IsWhatTheKernelSaysOfAFolder) {
  const test::TempDir folder;
  struct statfs info {};
  ASSERT_EQ(statfs(folder.path().c_str(), &info), 0);
  PosixFileSystem files;
  EXPECT_THAT(files.MediumOf(folder.path()), IsOkAndHolds(MediumOfType(info.f_type)));
  EXPECT_THAT(files.MediumOf("/proc"), IsOkAndHolds(Medium::kUnknown));
  EXPECT_FALSE(files.MediumOf(folder.File("absent")).ok());
}

}  // namespace
}  // namespace holdfast
