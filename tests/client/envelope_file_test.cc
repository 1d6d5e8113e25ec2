// SPDX-License-Identifier: Apache-2.0
// client/envelope_file.h: numbers in comments are its invariants.
#include "client/envelope_file.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "tests/support/fault_sweep.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::client {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::ElementsAre;

const std::string kPath = "/envelopes";
constexpr std::uint32_t kEnvelopeBytes = 8;

ExchangeId Exchange() { return ExchangeId(Digest32{std::byte{1}}); }
TransferId Transfer() { return TransferId({std::byte{2}}); }

absl::StatusOr<std::unique_ptr<EnvelopeFile>> Append(FileSystem& files) {
  return EnvelopeFile::OpenToAppend(files, kPath, Exchange(), Transfer());
}

absl::Status AppendChunk(EnvelopeFile& file, std::uint32_t chunk) {
  const std::vector<std::uint32_t> rows = {chunk * 256, chunk * 256 + 5};
  const std::string envelopes =
      "chunk" + std::to_string(chunk) + "-achunk" + std::to_string(chunk) + "-b";
  return file.Append(chunk, rows, AsBytes(envelopes), kEnvelopeBytes);
}

// A complete file of `chunks` chunks.
Bytes WholeFile(std::uint32_t chunks) {
  test::MemoryFileSystem files;
  auto file = Append(files);
  EXPECT_THAT(file, IsOk());
  for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
    EXPECT_THAT(AppendChunk(**file, chunk), IsOk());
  }
  EXPECT_THAT((*file)->Finish(), IsOk());
  return *files.ReadWhole(kPath, 1 << 20);
}

TEST(EnvelopeFileTest, ReadsBackWhatWasCollected) {
  test::MemoryFileSystem files;
  files.Preload(kPath, WholeFile(3));
  auto file = EnvelopeFile::OpenToRead(files, kPath);
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ((*file)->exchange(), Exchange());
  EXPECT_EQ((*file)->transfer(), Transfer());
  EXPECT_TRUE((*file)->complete());
  EXPECT_THAT((*file)->rows(), ElementsAre(0, 5, 256, 261, 512, 517));
  const auto envelope = (*file)->Read(3);
  ASSERT_THAT(envelope, IsOk());
  EXPECT_EQ(AsText(*envelope), "chunk1-b");
}

TEST(EnvelopeFileTest, TakesChunksWithoutEnvelopes) {
  test::MemoryFileSystem files;
  auto file = Append(files);
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT((*file)->Append(0, {}, {}, kEnvelopeBytes), IsOk());
  EXPECT_THAT(AppendChunk(**file, 1), IsOk());
  EXPECT_THAT((*file)->Finish(), IsOk());
  auto read = EnvelopeFile::OpenToRead(files, kPath);
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT((*read)->rows(), ElementsAre(256, 261));
}

TEST(EnvelopeFileTest, GoesOnAfterWhateverWasCutOff) {  // (1)
  const Bytes whole = WholeFile(3);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    SCOPED_TRACE(size);
    test::MemoryFileSystem files;
    files.Preload(kPath, ByteSpan(whole).first(size));
    auto file = Append(files);
    ASSERT_THAT(file, IsOk());
    for (std::uint32_t chunk = (*file)->next_chunk(); chunk < 3; ++chunk) {
      ASSERT_THAT(AppendChunk(**file, chunk), IsOk());
    }
    const absl::Status finished = (*file)->complete() ? absl::OkStatus() : (*file)->Finish();
    ASSERT_THAT(finished, IsOk());
    EXPECT_EQ(*files.ReadWhole(kPath, 1 << 20), whole);
  }
}

TEST(EnvelopeFileTest, NoticesEveryFlippedBit) {  // (1)
  const Bytes whole = WholeFile(2);
  for (const test::Mutation& m : test::BitFlips(whole)) {
    test::MemoryFileSystem files;
    files.Preload(kPath, m.bytes);
    const auto file = EnvelopeFile::OpenToRead(files, kPath);
    // The header is not covered by a digest: whose file it is, is compared where it matters.
    if (file.ok()) {
      EXPECT_TRUE((*file)->exchange() != Exchange() || (*file)->transfer() != Transfer())
          << m.description;
    } else {
      EXPECT_THAT(file, HasReason(Reason::kStoreCorrupt)) << m.description;
    }
  }
}

TEST(EnvelopeFileTest, RefusesToReadWhatIsCutOffWithinAFrame) {
  const Bytes whole = WholeFile(2);
  std::size_t readable = 0;
  for (const test::Mutation& m : test::Truncations(whole)) {
    test::MemoryFileSystem files;
    files.Preload(kPath, m.bytes);
    const auto file = EnvelopeFile::OpenToRead(files, kPath);
    if (!file.ok()) continue;
    ++readable;
    EXPECT_FALSE((*file)->complete()) << m.description;
  }
  // Ends between two frames.
  EXPECT_EQ(readable, 3U);
  for (const test::Mutation& m : test::Extensions(whole)) {
    test::MemoryFileSystem files;
    files.Preload(kPath, m.bytes);
    EXPECT_THAT(EnvelopeFile::OpenToRead(files, kPath), HasReason(Reason::kStoreCorrupt))
        << m.description;
  }
}

TEST(EnvelopeFileTest, RefusesChunksThatDoNotFollow) {  // (2)
  test::MemoryFileSystem files;
  auto file = Append(files);
  ASSERT_THAT(file, IsOk());
  ASSERT_THAT(AppendChunk(**file, 0), IsOk());
  EXPECT_THAT(AppendChunk(**file, 0), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(AppendChunk(**file, 2), HasReason(Reason::kRequestMalformed));
  const std::vector<std::uint32_t> back = {3};
  EXPECT_THAT((*file)->Append(1, back, AsBytes("12345678"), kEnvelopeBytes),
              HasReason(Reason::kRequestMalformed));
  const std::vector<std::uint32_t> forward = {300};
  EXPECT_THAT((*file)->Append(1, forward, AsBytes("1234567"), 7),
              HasReason(Reason::kRequestMalformed));
}

TEST(EnvelopeFileTest, RefusesToAppendToAnotherTransfersFile) {
  test::MemoryFileSystem files;
  files.Preload(kPath, WholeFile(1));
  EXPECT_THAT(EnvelopeFile::OpenToAppend(files, kPath, Exchange(), TransferId()),
              HasReason(Reason::kRequestMalformed));
}

TEST(EnvelopeFileTest, KeepsWhatIsWholeWhicheverOperationFails) {
  test::FaultSweep([](test::FaultPlan& plan) {
    test::MemoryFileSystem disk;
    test::FaultyFileSystem flaky(disk, plan);
    bool finished = false;
    auto file = Append(flaky);
    if (file.ok()) {
      absl::Status status = AppendChunk(**file, 0);
      if (status.ok()) status = (*file)->Sync();
      if (status.ok()) status = AppendChunk(**file, 1);
      finished = status.ok() && (*file)->Finish().ok();
    }
    disk.TearUnsyncedWrites();
    auto reopened = Append(disk);
    ASSERT_THAT(reopened, IsOk());
    EXPECT_LE((*reopened)->next_chunk(), 2U);
    EXPECT_TRUE(!finished || (*reopened)->complete());
  });
}

}  // namespace
}  // namespace holdfast::client
