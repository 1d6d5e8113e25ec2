// SPDX-License-Identifier: Apache-2.0
// Exports: evidence/export_folder.h.
#include "evidence/export_folder.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/merkle.h"
#include "store/entry_bundle.h"
#include "tests/support/fault_sweep.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/mutations.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::evidence {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;

std::vector<Bytes> SomeEntries(std::size_t count) {
  test::SeededRandom random(1);
  std::vector<Bytes> entries;
  for (std::size_t i = 0; i < count; ++i) entries.push_back(random.MakeBytes(1 + i % 300));
  entries.push_back(random.MakeBytes(65'534));
  entries.push_back(random.MakeBytes(65'535));
  entries.push_back(random.MakeBytes(200'000));
  return entries;
}

TEST(LedgerExportTest, ReadsBackWhatItWrote) {
  test::MemoryFileSystem files;
  const std::vector<Bytes> entries = SomeEntries(600);
  auto writer = ExportWriter::Open(files, "/out/export");
  ASSERT_THAT(writer, IsOk());
  std::vector<Digest32> leaves;
  for (const Bytes& entry : entries) {
    ASSERT_THAT(writer->Add(entry), IsOk());
    leaves.push_back(crypto::LeafHash(entry));
  }
  EXPECT_EQ(writer->Root(), crypto::RootOf(leaves));
  ASSERT_THAT(writer->Finish("note"), IsOk());
  EXPECT_EQ(*ReadExportCheckpoint(files, "/out/export"), "note");
  std::size_t next = 0;
  EXPECT_THAT(ReadExport(files, "/out/export", entries.size(),
                         [&](std::uint64_t index, ByteSpan entry) {
                           EXPECT_EQ(index, next);
                           EXPECT_EQ(ToBytes(entry), entries[next]);
                           ++next;
                           return absl::OkStatus();
                         }),
              IsOk());
  EXPECT_EQ(next, entries.size());
  EXPECT_THAT(ReadExport(files, "/out/export", entries.size() + 1,
                         [](std::uint64_t, ByteSpan) { return absl::OkStatus(); }),
              HasReason(Reason::kNotFound));
}

// Also from full bundles that were there before, and at every size.
TEST(LedgerExportTest, KnowsTheRootThatItHadAtAnySize) {
  test::MemoryFileSystem files;
  const std::vector<Bytes> entries = SomeEntries(600);
  std::vector<Digest32> leaves;
  for (int run = 0; run < 2; ++run) {
    auto writer = ExportWriter::Open(files, "/out/export");
    ASSERT_THAT(writer, IsOk());
    EXPECT_EQ(writer->size(), run == 0 ? 0U : 512U);
    leaves.clear();
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i >= writer->size()) {
        ASSERT_THAT(writer->Add(entries[i]), IsOk());
      }
      leaves.push_back(crypto::LeafHash(entries[i]));
    }
    for (const std::size_t size :
         {1UL, 2UL, 255UL, 256UL, 257UL, 511UL, 512UL, 513UL, 602UL, 603UL}) {
      const auto root = writer->RootAt(size);
      ASSERT_THAT(root, IsOk());
      EXPECT_EQ(*root, crypto::RootOf(std::span(leaves).first(size))) << size;
    }
    EXPECT_THAT(writer->RootAt(604), HasReason(Reason::kLedgerInconsistent));
    ASSERT_THAT(writer->Finish("note"), IsOk());
  }
}

TEST(LedgerExportTest, HasTheStoresFormOfABundle) {
  Bytes ours;
  Bytes theirs;
  for (const Bytes& entry : SomeEntries(5)) {
    AppendEntry(ours, entry);
    store::AppendToBundle(theirs, entry);
  }
  EXPECT_EQ(ours, theirs);
}

TEST(LedgerExportTest, SurvivesEveryMutationOfABundle) {
  Bytes bundle;
  for (const std::string_view entry : {"a", "bcd", "efghijk"}) AppendEntry(bundle, AsBytes(entry));
  for (const test::Mutation& m : test::BitFlipsAndTruncations(bundle)) {
    const auto entries = ParseEntries(m.bytes);
    if (!entries.ok()) {
      EXPECT_THAT(entries, HasReason(Reason::kStoreCorrupt)) << m.description;
      continue;
    }
    Bytes again;
    for (const ByteSpan entry : *entries) AppendEntry(again, entry);
    EXPECT_EQ(again, m.bytes) << m.description;
  }
}

// Adds entries from where the writer stands, and finishes.
absl::Status WriteRest(ExportWriter& writer, const std::vector<Bytes>& entries) {
  for (std::size_t i = static_cast<std::size_t>(writer.size()); i < entries.size(); ++i) {
    HF_RETURN_IF_ERROR(writer.Add(entries[i]));
  }
  return writer.Finish("note");
}

std::vector<Bytes> ReadAll(FileSystem& files, std::uint64_t size) {
  std::vector<Bytes> read;
  EXPECT_THAT(ReadExport(files, "/out", size,
                         [&](std::uint64_t, ByteSpan entry) {
                           read.push_back(ToBytes(entry));
                           return absl::OkStatus();
                         }),
              IsOk());
  return read;
}

TEST(LedgerExportTest, GoesOnAfterWhateverOperationFailed) {
  const std::vector<Bytes> entries = SomeEntries(560);
  test::FaultSweep([&](test::FaultPlan& plan) {
    test::MemoryFileSystem disk;
    {
      test::FaultyFileSystem flaky(disk, plan);
      auto writer = ExportWriter::Open(flaky, "/out");
      if (writer.ok() && WriteRest(*writer, entries).ok() && !plan.fired()) {
        EXPECT_EQ(ReadAll(disk, entries.size()), entries);
        return;
      }
    }
    disk.LoseUnsyncedWrites();
    auto again = ExportWriter::Open(disk, "/out");
    ASSERT_THAT(again, IsOk());
    EXPECT_EQ(again->size() % crypto::kTileWidth, 0U);
    ASSERT_THAT(WriteRest(*again, entries), IsOk());
    EXPECT_EQ(ReadAll(disk, entries.size()), entries);
    for (const crypto::TileId& tile : crypto::TilesOf(entries.size())) {
      EXPECT_THAT(disk.Stat("/out/" + crypto::TilePath(tile)), IsOk());
    }
  });
}

TEST(LedgerExportTest, GrowsWithItsLedger) {
  test::MemoryFileSystem files;
  const std::vector<Bytes> entries = SomeEntries(700);
  const std::vector<Bytes> first(entries.begin(), entries.begin() + 300);
  auto writer = ExportWriter::Open(files, "/out");
  ASSERT_THAT(writer, IsOk());
  ASSERT_THAT(WriteRest(*writer, first), IsOk());
  auto again = ExportWriter::Open(files, "/out");
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->size(), 256U);
  ASSERT_THAT(WriteRest(*again, entries), IsOk());
  EXPECT_EQ(ReadAll(files, entries.size()), entries);
}

TEST(LedgerExportTest, IsReadUpToAnyEntry) {
  test::MemoryFileSystem files;
  const std::vector<Bytes> entries = SomeEntries(560);
  auto writer = ExportWriter::Open(files, "/out");
  ASSERT_THAT(writer, IsOk());
  ASSERT_THAT(WriteRest(*writer, entries), IsOk());
  for (const std::uint64_t end : {std::uint64_t{0}, std::uint64_t{7}, std::uint64_t{256},
                                  std::uint64_t{300}, std::uint64_t{entries.size()}}) {
    std::uint64_t read = 0;
    EXPECT_THAT(ReadExportUntil(files, "/out", entries.size(), end,
                                [&](std::uint64_t index, ByteSpan entry) {
                                  EXPECT_EQ(index, read++);
                                  EXPECT_EQ(ToBytes(entry), entries[index]);
                                  return absl::OkStatus();
                                }),
                IsOk());
    EXPECT_EQ(read, end);
  }
}

TEST(LedgerExportTest, LeavesAFolderOfOtherThingsAlone) {
  test::MemoryFileSystem files;
  ASSERT_THAT(files.MakeDirectory("/out"), IsOk());
  ASSERT_THAT(ReplaceFile(files, "/out/letter", AsBytes("dear")), IsOk());
  EXPECT_THAT(ExportWriter::Open(files, "/out"), HasReason(Reason::kAlreadyExists));
}

TEST(LedgerExportTest, NoticesThatTheFolderHeldAnotherLedger) {
  test::MemoryFileSystem files;
  auto writer = ExportWriter::Open(files, "/out");
  ASSERT_THAT(writer, IsOk());
  ASSERT_THAT(writer->Add(AsBytes("entry")), IsOk());
  const auto claims = [](std::uint64_t size, const Digest32& root) {
    return "origin\n" + std::to_string(size) + "\n" + Base64(root) +
           "\n\n\xE2\x80\x94 name AAAAAAA=\n";
  };
  const Digest32 root = crypto::LeafHash(AsBytes("entry"));
  EXPECT_THAT(CheckRoot(*writer, claims(1, root)), IsOk());
  EXPECT_THAT(CheckRoot(*writer, claims(2, root)), HasReason(Reason::kLedgerInconsistent));
  EXPECT_THAT(CheckRoot(*writer, claims(1, crypto::EmptyRoot())),
              HasReason(Reason::kLedgerInconsistent));
}

}  // namespace
}  // namespace holdfast::evidence
