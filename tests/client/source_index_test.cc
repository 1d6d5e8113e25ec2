// SPDX-License-Identifier: Apache-2.0
// client/source_index.h
#include "client/source_index.h"

#include <algorithm>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/status_matchers.h"

namespace holdfast::client {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;

constexpr char kHeader[] =
    "person_id,name,line1,line2,city,state,postal_code,tax_number,birth_date,wages,secret\n";

// Names without case; "nobody" is no name.
std::string LowerCase(std::string_view name) {
  std::string key(name);
  std::transform(key.begin(), key.end(), key.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return key == "nobody" ? "" : key;
}

absl::StatusOr<std::unique_ptr<SourceIndex>> Build(test::MemoryFileSystem& files,
                                                   const std::string& text) {
  files.Preload("/people.csv", AsBytes(text));
  return SourceIndex::Build(
      files, "/people.csv", LowerCase, [](std::string_view name) { return name == "wages"; },
      nullptr);
}

TEST(SourceIndexTest, FindsEverybodyWhoSharesTheName) {
  test::MemoryFileSystem files;
  const auto index =
      Build(files, std::string(kHeader) +
                       "1,Ada Example,1 Main St,,Town,VT,05401,1,1990-01-01,100,x\n"
                       "2,\"ADA EXAMPLE\",\"2 \"\"B\"\" St\",,Town,VT,05401,2,,200,y\n"
                       "3,Bea Other,3 Main St,,Town,VT,05401,3,,300,z\n"
                       "4,nobody,,,,,,,,,\n");
  ASSERT_THAT(index, IsOk());
  EXPECT_EQ((*index)->people(), 3U);
  EXPECT_EQ((*index)->without_name(), 1U);
  const auto found = (*index)->Find("ada example", 64);
  ASSERT_THAT(found, IsOk());
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(found->at(0).person().address().line1(), "1 Main St");
  EXPECT_EQ(found->at(1).person().address().line1(), "2 \"B\" St");
  EXPECT_EQ(found->at(1).person().tax_number(), "2");
  EXPECT_EQ((*index)->Find("Ada Example", 1)->size(), 1U);
  EXPECT_TRUE((*index)->Find("Cem Missing", 64)->empty());
  EXPECT_TRUE((*index)->Find("nobody", 64)->empty());
}

TEST(SourceIndexTest, SendsOnlyPermittedFields) {
  test::MemoryFileSystem files;
  const auto index = Build(files, std::string(kHeader) + "1,A B,,,,,,,,100,x\n");
  ASSERT_THAT(index, IsOk());
  const auto found = (*index)->Find("A B", 64);
  ASSERT_THAT(found, IsOk());
  ASSERT_EQ(found->at(0).fields_size(), 1);
  EXPECT_EQ(found->at(0).fields(0).name(), "wages");
  EXPECT_EQ(found->at(0).fields(0).value(), "100");
}

TEST(SourceIndexTest, RefusesAFileItCannotRead) {
  test::MemoryFileSystem files;
  EXPECT_THAT(Build(files, ""), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(Build(files, "name,line1\n"), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(Build(files, std::string(kHeader) + "1,2\n"), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(SourceIndex::Build(
                  files, "/none.csv", LowerCase, [](std::string_view) { return true; }, nullptr),
              HasReason(Reason::kNotFound));
}

}  // namespace
}  // namespace holdfast::client
