// SPDX-License-Identifier: Apache-2.0
// Which ZIP lies in which state: policy/place_table.h.

#include "policy/place_table.h"

#include <string>

#include "gtest/gtest.h"

#include "tests/policy/gate_data.h"
#include "tests/support/external_data.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::policy {
namespace {

using ::holdfast::test::HasReason;

constexpr std::string_view kTable =
    "zip,city,state,county\r\n"
    "62701,Springfield,IL,Sangamon\r\n"
    "55101,Saint Paul,MN,Ramsey\r\n"
    "86515,\"Window Rock\",AZ,Apache\r\n"
    "86515,Gallup,NM,McKinley\r\n"
    "09021,APO AE,,\r\n";

TEST(PlaceTable, KnowsZipStateAndCity) {
  const auto table = PlaceTable::Parse(kTable);
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->size(), 5u);
  EXPECT_TRUE(table->Knows("62701"));
  EXPECT_FALSE(table->Knows("62702"));
  EXPECT_TRUE(table->InState("62701", "IL"));
  EXPECT_FALSE(table->InState("62701", "MO"));
  EXPECT_FALSE(table->InState("62702", "IL"));
  EXPECT_TRUE(table->HasCity("55101", "MN", "ST PAUL"));
  EXPECT_FALSE(table->HasCity("55101", "MN", "MINNEAPOLIS"));
  // A ZIP across a border.
  EXPECT_TRUE(table->InState("86515", "AZ"));
  EXPECT_TRUE(table->InState("86515", "NM"));
  EXPECT_FALSE(table->HasCity("86515", "AZ", "GALLUP"));
  EXPECT_TRUE(table->InState("09021", "AE"));
}

TEST(PlaceTable, OneRowIsEnough) {
  const auto table = PlaceTable::Parse("00000,Anytown,WA");
  ASSERT_TRUE(table.ok());
  EXPECT_TRUE(table->InState("00000", "WA"));
}

TEST(PlaceTable, RefusesWhatIsNotALine) {
  for (const char* text :
       {"", "\n\n", "zip,city,state\n", "6270,Springfield,IL\n", "62701,Springfield,XX\n",
        "62701,Springfield,Illinois\n", "62701,,IL\n", "62701,Springfield\n",
        "62701;Springfield;IL\n", "6270A,Springfield,IL\n", "62701,\"Springfield,IL\n",
        "62701,Spring\x01"
        "field,IL\n",
        "62701,Springfield,\n", "62701,APO AE,\n"}) {
    EXPECT_THAT(PlaceTable::Parse(text), HasReason(Reason::kAgreementInvalid)) << text;
  }
}

TEST(PlaceTable, RefusesMoreLinesThanItReads) {
  std::string text;
  for (std::size_t i = 0; i <= PlaceTable::kMaxPlaces; ++i) text += "62701,Springfield,IL\n";
  EXPECT_THAT(PlaceTable::Parse(text), HasReason(Reason::kRequestTooLarge));
}

TEST(PlaceTable, DamagedTablesAreReadOrRefused) {
  for (const auto& mutation : test::BitFlipsAndTruncations(AsBytes(std::string(kTable)))) {
    SCOPED_TRACE(mutation.description);
    const auto table = PlaceTable::Parse(ToString(mutation.bytes));
    EXPECT_TRUE(!table.ok() || table->size() <= 6);
  }
}

TEST(PlaceTable, ReadsAWholeCountry) {
  const auto text = test::LoadExternalText("address/us_zip_city_state_county.csv");
  if (!text) GTEST_SKIP() << test::kNoExternalData;
  const auto table = PlaceTable::Parse(*text);
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->size(), 41490u);
  EXPECT_TRUE(table->HasCity("90210", "CA", "BEVERLY HILLS"));
  EXPECT_TRUE(table->InState("10001", "NY"));
  EXPECT_TRUE(table->InState("96278", "AP"));
  EXPECT_FALSE(table->InState("10001", "NJ"));
}

}  // namespace
}  // namespace holdfast::policy
