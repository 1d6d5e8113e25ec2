// SPDX-License-Identifier: Apache-2.0
// client/csv.h: strict reading, and writing that reads back.
#include "client/csv.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/mutations.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::client {
namespace {

using ::holdfast::test::HasMetadata;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;
using ::testing::ElementsAre;

using Records = std::vector<std::vector<std::string>>;

absl::StatusOr<Records> ReadAll(std::string_view text) {
  CsvReader reader(CsvFromText(text));
  Records records;
  for (;;) {
    std::vector<std::string> fields;
    const absl::StatusOr<bool> more = reader.Next(fields);
    if (!more.ok()) return more.status();
    if (!*more) return records;
    records.push_back(std::move(fields));
  }
}

std::string WriteAll(const Records& records) {
  std::string text;
  for (const auto& record : records) text += CsvLine(record);
  return text;
}

TEST(CsvTest, ReadsPlainAndQuotedFields) {
  EXPECT_THAT(ReadAll("a,b\n\"x, \"\"y\"\"\n2\",\r\n"),
              IsOkAndHolds(ElementsAre(ElementsAre("a", "b"), ElementsAre("x, \"y\"\n2", ""))));
}

TEST(CsvTest, TakesBothLineEndsAndAMissingLastOne) {
  EXPECT_THAT(ReadAll("a,b\r\nc,d\ne,f"),
              IsOkAndHolds(ElementsAre(ElementsAre("a", "b"), ElementsAre("c", "d"),
                                       ElementsAre("e", "f"))));
  EXPECT_THAT(ReadAll(""), IsOkAndHolds(ElementsAre()));
}

TEST(CsvTest, SkipsAByteOrderMark) {
  EXPECT_THAT(ReadAll("\xEF\xBB\xBF"
                      "a\nb\n"),
              IsOkAndHolds(ElementsAre(ElementsAre("a"), ElementsAre("b"))));
  EXPECT_THAT(ReadAll("\xEF\xBB\xBF"), IsOkAndHolds(ElementsAre()));
}

TEST(CsvTest, TakesAByteOrderMarkForTextWhereARecordIsReadAlone) {
  const std::string_view text =
      "\xEF\xBB\xBF\xEF\xBB\xBF"
      "a\n\xEF\xBB\xBF"
      "b\n";
  CsvReader reader(CsvFromText(text));
  std::vector<std::string> fields;
  for (const std::string_view wanted : {"\xEF\xBB\xBF"
                                        "a",
                                        "\xEF\xBB\xBF"
                                        "b"}) {
    ASSERT_THAT(reader.Next(fields), IsOkAndHolds(true));
    ASSERT_THAT(fields, ElementsAre(wanted));
    CsvReader alone(CsvFromText(text.substr(reader.begin(), reader.end() - reader.begin())),
                    CsvBegins::kRecord);
    ASSERT_THAT(alone.Next(fields), IsOkAndHolds(true));
    EXPECT_THAT(fields, ElementsAre(wanted));
  }
}

TEST(CsvTest, RefusesWhatIsAmbiguous) {
  for (const std::string_view text : {
           "a\"b\n",          // A quote in the middle.
           "\"a\"b\n",        // Text after a closing quote.
           "\"a\n",           // Never closed.
           "a\rb\n",          // A lone carriage return.
           "\"a\"\rb\n",      //
           "a,b\nc\n",        // Too few fields.
           "a\nb,c\n",        // Too many.
           "a,b\n\n",         // An empty line.
           "\xFF\n",          // Not UTF-8.
           "\xC0\x80\n",      // An overlong NUL.
           "\xED\xA0\x80\n",  // A surrogate.
       }) {
    SCOPED_TRACE(text);
    EXPECT_THAT(ReadAll(text), HasReason(Reason::kRequestMalformed));
  }
  EXPECT_THAT(ReadAll(std::string_view("a\0b\n", 4)), HasReason(Reason::kRequestMalformed));
}

TEST(CsvTest, NamesTheLineAndNotTheContent) {
  const auto result = ReadAll("a,b\n\"1\n2\",x\nsecret\n");
  EXPECT_THAT(result, HasMetadata("line", "4"));
  EXPECT_EQ(result.status().message().find("secret"), absl::string_view::npos);
}

TEST(CsvTest, StaysFailedAfterAnError) {
  CsvReader reader(CsvFromText("a\"\nb\n"));
  std::vector<std::string> fields;
  EXPECT_THAT(reader.Next(fields), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(reader.Next(fields), HasReason(Reason::kRequestMalformed));
}

TEST(CsvTest, TakesTheLargestFieldAndNoByteMore) {
  EXPECT_THAT(ReadAll(std::string(kMaxCsvFieldBytes, 'x')), IsOk());
  EXPECT_THAT(ReadAll(std::string(kMaxCsvFieldBytes + 1, 'x')),
              HasReason(Reason::kRequestTooLarge));
  EXPECT_THAT(ReadAll(std::string(kMaxCsvFields - 1, ',')), IsOk());
  EXPECT_THAT(ReadAll(std::string(kMaxCsvFields, ',')), HasReason(Reason::kRequestMalformed));
}

TEST(CsvTest, ReadsFromAFileAcrossBlocks) {
  test::MemoryFileSystem files;
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += "some,thing\n";
  files.Preload("/list.csv", AsBytes(text));
  auto file = files.Open("/list.csv", OpenMode::kRead);
  ASSERT_THAT(file, IsOk());
  CsvReader reader(CsvFromFile(**file));
  std::vector<std::string> fields;
  int count = 0;
  for (auto more = reader.Next(fields); more.ok() && *more; more = reader.Next(fields)) {
    ASSERT_THAT(fields, ElementsAre("some", "thing"));
    ++count;
  }
  EXPECT_EQ(count, 40'000);
  EXPECT_EQ(reader.line(), 40'000U);
}

// Whatever a mutation does, the result is an error or records that are written and read back alike.
TEST(CsvTest, SurvivesEveryMutation) {
  const std::string text = "name,city\r\n\"O'Hara, \"\"Al\"\"\",\"two\nlines\"\nZo\xC3\xAB,\n";
  for (const test::Mutation& m : test::BitFlipsAndTruncations(AsBytes(text))) {
    SCOPED_TRACE(m.description);
    const auto records = ReadAll(AsText(m.bytes));
    if (!records.ok()) {
      EXPECT_THAT(records, HasReason(Reason::kRequestMalformed));
      continue;
    }
    EXPECT_THAT(ReadAll(WriteAll(*records)), IsOkAndHolds(*records));
  }
}

TEST(CsvTest, ReadsBackWhateverItWrites) {
  test::SeededRandom random;
  const std::string alphabet = "ab,\"\r\n '";
  for (int round = 0; round < 2000; ++round) {
    Records records(1 + random.Below(3));
    const std::size_t width = 1 + random.Below(3);
    for (auto& record : records) {
      record.resize(width);
      for (auto& field : record) {
        for (std::uint64_t i = random.Below(6); i > 0; --i) {
          field += alphabet[random.Below(alphabet.size())];
        }
      }
    }
    EXPECT_THAT(ReadAll(WriteAll(records)), IsOkAndHolds(records));
  }
}

TEST(CsvHeaderTest, FindsColumnsAndRefusesDoubles) {
  const auto header = CsvHeader::Make({"row", "name"});
  ASSERT_THAT(header, IsOk());
  EXPECT_THAT(header->Require("name"), IsOkAndHolds(1U));
  EXPECT_THAT(header->Require("city"), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(CsvHeader::Make({"a", "a"}), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(CsvHeader::Make({"a", ""}), HasReason(Reason::kRequestMalformed));
}

}  // namespace
}  // namespace holdfast::client
