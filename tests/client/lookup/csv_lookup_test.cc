// SPDX-License-Identifier: Apache-2.0
// client/lookup/csv_lookup.h, and the index behind it.
#include "client/lookup/csv_lookup.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "tests/client/lookup/people_fixtures.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/status_matchers.h"

namespace holdfast::client {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::StatusOr<std::unique_ptr<CsvLookup>> Open(test::MemoryFileSystem& files,
                                                const std::string& text) {
  files.Preload("/people.csv", AsBytes(text));
  return CsvLookup::Open(files, "/people.csv", OnlyWages, nullptr);
}

std::vector<std::string> LinesOf(CsvLookup& lookup, const Subject& subject) {
  const absl::StatusOr<Candidates> found = lookup.Find(subject.query());
  EXPECT_THAT(found, IsOk());
  std::vector<std::string> lines;
  if (!found.ok()) return lines;
  for (const v1::Candidate& candidate : *found) {
    lines.push_back(candidate.person().address().line1());
  }
  return lines;
}

TEST(CsvLookupTest, FindsEverybodyWhoSharesTheNormalisedName) {
  test::MemoryFileSystem files;
  const auto lookup =
      Open(files, std::string(kHeader) +
                      "1,Ada Example,1 Main St,,Town,VT,05401,,1990-01-01,100,x\n"
                      "2,\"EXAMPLE, Ada B.\",\"2 \"\"B\"\" St\",,Town,VT,05402,,,200,y\n"
                      "3,Bea Other,3 Main St,,Town,VT,05401,,,300,z\n"
                      "4,nobody,,,,,,,,,\n");
  ASSERT_THAT(lookup, IsOk());
  EXPECT_EQ((*lookup)->people(), 4U);
  EXPECT_EQ((*lookup)->without_key(), 1U);
  EXPECT_THAT(LinesOf(**lookup, Subject("ada example jr")), ElementsAre("1 Main St", "2 \"B\" St"));
  EXPECT_THAT(LinesOf(**lookup, Subject("Cem Missing")), IsEmpty());
  EXPECT_THAT(LinesOf(**lookup, Subject("nobody")), IsEmpty());
}

TEST(CsvLookupTest, FindsAlsoByTaxNumberAndByPlaceWithAPartOfTheName) {
  test::MemoryFileSystem files;
  const auto lookup = Open(files, std::string(kHeader) +
                                      "1,Ada Example,1 Main St,,Town,VT,05401,531-86-4001,,,\n"
                                      "2,Eda Example,2 Main St,,Town,VT,05401-1234,,,,\n"
                                      "3,Ada Exampel,3 Main St,,Town,VT,05402,,,,\n");
  ASSERT_THAT(lookup, IsOk());
  EXPECT_THAT(LinesOf(**lookup, Subject("Zoe Zimmer", "", "531864001")), ElementsAre("1 Main St"));
  EXPECT_THAT(LinesOf(**lookup, Subject("Ida Example", "05401")),
              ElementsAre("1 Main St", "2 Main St"));
  EXPECT_THAT(LinesOf(**lookup, Subject("Ada Xample", "05402")), ElementsAre("3 Main St"));
}

TEST(CsvLookupTest, LeavesOutAPlaceWhereEverybodyHasTheName) {
  test::MemoryFileSystem files;
  for (const std::size_t people : {std::size_t{16}, std::size_t{17}}) {
    std::string text(kHeader);
    const std::string letters = "ABCDEFGHIJKLMNOPQ";
    for (std::size_t i = 0; i < people; ++i) {
      text += std::string("1,Mar") + letters[i] + " Example,1 Main St,,Town,VT,05401,,,,\n";
    }
    const auto lookup = Open(files, text);
    ASSERT_THAT(lookup, IsOk());
    EXPECT_EQ(LinesOf(**lookup, Subject("Zoe Example", "05401")).size(), people == 16 ? 16U : 0U);
  }
}

TEST(CsvLookupTest, SendsNobodysDataWhereThereAreTooManyToCompare) {
  test::MemoryFileSystem files;
  for (const std::size_t people : {kMaxOffered, kMaxOffered + 1}) {
    std::string text(kHeader);
    for (std::size_t i = 0; i < people; ++i) text += "1,Ada Example,1 Main St,,,,,,,,\n";
    const auto lookup = Open(files, text);
    ASSERT_THAT(lookup, IsOk());
    const auto found = (*lookup)->Find(Subject("Ada Example").query());
    ASSERT_THAT(found, IsOk());
    EXPECT_EQ(found->size(), people);
    EXPECT_EQ(found->front().has_person(), people == kMaxOffered);
  }
}

TEST(CsvLookupTest, SendsOnlyPermittedFields) {
  test::MemoryFileSystem files;
  const auto lookup = Open(files, std::string(kHeader) + "1,Ada Example,,,,,,,,100,x\n");
  ASSERT_THAT(lookup, IsOk());
  const auto found = (*lookup)->Find(Subject("Ada Example").query());
  ASSERT_THAT(found, IsOk());
  ASSERT_EQ(found->at(0).fields_size(), 1);
  EXPECT_EQ(found->at(0).fields(0).name(), "wages");
  EXPECT_EQ(found->at(0).fields(0).value(), "100");
}

TEST(CsvLookupTest, NoticesAFileThatChangesWhileItIsInUse) {
  const std::string row = "1,Ada Example,1 Main St,,Town,VT,05401,,,100,x\n";
  for (const std::string& now :
       {std::string(kHeader) + row + row, std::string(kHeader),
        std::string(kHeader) + "1,Eve Another,1 Main St,,Town,VT,05401,,,100,x\n"}) {
    test::MemoryFileSystem files;
    const auto lookup = Open(files, std::string(kHeader) + row);
    ASSERT_THAT(lookup, IsOk());
    auto file = files.Open("/people.csv", OpenMode::kReadWrite);
    ASSERT_THAT(file, IsOk());
    ASSERT_THAT((*file)->Truncate(0), IsOk());
    ASSERT_THAT((*file)->Append(AsBytes(now)), IsOk());
    EXPECT_THAT((*lookup)->Find(Subject("Ada Example").query()), HasReason(Reason::kStoreCorrupt));
  }
}

TEST(CsvLookupTest, RefusesAFileItCannotRead) {
  test::MemoryFileSystem files;
  EXPECT_THAT(Open(files, ""), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(Open(files, "name,line1\n"), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(Open(files, std::string(kHeader) + "1,2\n"), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(CsvLookup::Open(files, "/none.csv", OnlyWages, nullptr),
              HasReason(Reason::kNotFound));
}

}  // namespace
}  // namespace holdfast::client
