// SPDX-License-Identifier: Apache-2.0
#include "store/head_file.h"

#include <limits>
#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/mutations.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::store {
namespace {

using ::holdfast::test::IsOk;
using ::testing::Eq;
using ::testing::Optional;

LedgerHead SomeHead() {
  test::SeededRandom random(1);
  LedgerHead head;
  head.size = 1234;
  random.Fill(head.root);
  return head;
}

TEST(HeadFileTest, ReadsWhatItWrote) {
  LedgerHead head = SomeHead();
  EXPECT_THAT(ParseHead(FormatHead(head)), Optional(head));
  head.size = std::numeric_limits<std::uint64_t>::max();
  EXPECT_THAT(ParseHead(FormatHead(head)), Optional(head));
}

TEST(HeadFileTest, EveryNoteIsEquallyLong) {
  LedgerHead head = SomeHead();
  const std::size_t length = FormatHead(head).size();
  head.size = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(FormatHead(head).size(), length);
}

TEST(HeadFileTest, ReadsAMutatedNoteAsItsOnlyFormOrNotAtAll) {
  const Bytes note = ToBytes(FormatHead(SomeHead()));
  for (const test::Mutation& mutation : test::BitFlips(note)) {
    const std::optional<LedgerHead> head = ParseHead(AsText(mutation.bytes));
    if (head.has_value()) {
      EXPECT_EQ(ToBytes(FormatHead(*head)), mutation.bytes);
    }
  }
  for (const test::Mutation& mutation : test::Truncations(note)) {
    EXPECT_FALSE(ParseHead(AsText(mutation.bytes)).has_value()) << mutation.description;
  }
  for (const test::Mutation& mutation : test::Extensions(note)) {
    EXPECT_FALSE(ParseHead(AsText(mutation.bytes)).has_value()) << mutation.description;
  }
}

TEST(HeadFileTest, RefusesASizeThatDoesNotFit) {
  std::string note = FormatHead(SomeHead());
  note.replace(note.find(' ') + 1, 20, "18446744073709551616");
  EXPECT_FALSE(ParseHead(note).has_value());
}

TEST(HeadFileTest, SaysWhatThePreviousOneWrote) {
  test::MemoryFileSystem files;
  {
    auto first = HeadFile::Open(files, "/head");
    ASSERT_THAT(first, IsOk());
    EXPECT_THAT(first->at_open(), Eq(std::nullopt));
    EXPECT_THAT(first->Write(LedgerHead()), IsOk());
    EXPECT_THAT(first->Write(SomeHead()), IsOk());
    EXPECT_THAT(first->at_open(), Eq(std::nullopt));
  }
  auto second = HeadFile::Open(files, "/head");
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(second->at_open(), Optional(SomeHead()));
}

TEST(HeadFileTest, TakesZerosForNoNote) {
  test::MemoryFileSystem files;
  files.Preload("/head", Bytes(FormatHead(SomeHead()).size()));
  auto file = HeadFile::Open(files, "/head");
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(file->at_open(), Eq(std::nullopt));
}

}  // namespace
}  // namespace holdfast::store
