// SPDX-License-Identifier: Apache-2.0
// Placeholders, transients, facilities: policy/markers.h.

#include "policy/markers.h"

#include <string>

#include "gtest/gtest.h"

#include "policy/text.h"
#include "tests/policy/gate_data.h"
#include "tests/support/external_data.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::policy {
namespace {

using ::holdfast::test::HasReason;

MarkerKind InAddress(std::string_view text, const Markers& markers = Markers()) {
  TextBuffer buffer;
  return markers.FindInAddress(NormaliseText(text, buffer).text);
}

MarkerKind InName(std::string_view text) {
  TextBuffer buffer;
  return Markers().FindInName(NormaliseText(text, buffer).text);
}

TEST(Markers, FindsPlaceholdersInAddresses) {
  for (const char* text : {"Failed to Provide 90210",
                           "Don't Care 12345",
                           "Dont care",
                           "Unknown Address 10001",
                           "N/A",
                           "n.a.",
                           "NA",
                           "NONE",
                           "unknown",
                           "UNK",
                           "TBD",
                           "XXXX",
                           "-----",
                           "0000",
                           "???",
                           "?",
                           "null",
                           "test",
                           "123 Unknown St",
                           "REFUSED TO PROVIDE",
                           "refused",
                           "Not Provided",
                           "No address",
                           "same as above",
                           "Address on file",
                           "Lorem ipsum 5",
                           "to be determined"}) {
    EXPECT_EQ(InAddress(text), MarkerKind::kPlaceholder) << text;
  }
}

TEST(Markers, FindsThemThroughTypingErrorsBlanksAndDisguises) {
  for (const char* text :
       {"Faild  to provide", "Faliled to Provide", "Failed to provde", "FAILEDTOPROVIDE",
        "F a i l e d t o P r o v i d e", "Ｆａｉｌｅｄ ｔｏ Ｐｒｏｖｉｄｅ",
        "Fa\xE2\x80\x8Biled to provide", "Fáiled tö prövide", "UNKNWON", "Unkown address",
        "f.a.i.l.e.d to provide", "failed-to-provide", "failed_to_provide", "FAILED TOPRO VIDE",
        "don`t care"}) {
    EXPECT_NE(InAddress(text), MarkerKind::kNone) << text;
  }
}

TEST(Markers, FindsTransientsAndFacilities) {
  for (const char* text :
       {"Homeless", "home less", "HOMELES", "transient", "General Delivery", "no fixed address",
        "No Fixed Abode", "lives in car", "NFA", "living on the street", "homeless shelter"}) {
    EXPECT_EQ(InAddress(text), MarkerKind::kTransient) << text;
  }
  EXPECT_EQ(InAddress("Eloy Detention Center"), MarkerKind::kFacility);
  EXPECT_EQ(InAddress("Cook County Jail, 2700 S California Ave"), MarkerKind::kFacility);
}

TEST(Markers, LeavesStreetsAlone) {
  for (const char* text :
       {"123 Main St", "5 Transit Rd", "12 Homestead Ave", "7 Shelter Cove Rd", "10 Nowhere Rd",
        "4 Test Site Rd", "9 Nona Ave", "15 None Such Ct", "1 Refugio Rd", "22 Missing Link Trl",
        "100 Na Pali Dr", "5 Sample Rd", "8 Provident Dr", "30 Notting Hill", "6 Streets Run Rd"}) {
    EXPECT_EQ(InAddress(text), MarkerKind::kNone) << text;
  }
}

TEST(Markers, FindsPlaceholdersInNames) {
  for (const char* text :
       {"Unknown Unknown", "John Doe", "Jane  Doe", "DOE, JOHN", "Anonymous", "Test Test",
        "Baby Boy Smith", "No Name", "Unkown Smith", "XXX", "Occupant", "Ｊｏｈｎ Ｄｏｅ"}) {
    EXPECT_EQ(InName(text), MarkerKind::kPlaceholder) << text;
  }
  for (const char* text :
       {"John Smith", "John Doerr", "Mary Test", "Nona Ames", "Will Missing", "Blank Smith"}) {
    EXPECT_EQ(InName(text), MarkerKind::kNone) << text;
  }
}

TEST(Markers, TheAgreementAddsItsOwn) {
  Markers markers;
  ASSERT_TRUE(markers.AddPlaceholder("client declined form 12").ok());
  ASSERT_TRUE(markers.AddTransient("Tent City").ok());
  ASSERT_TRUE(markers.AddFacility("Riverside Annex").ok());
  EXPECT_EQ(InAddress("Client  declined, form 12", markers), MarkerKind::kPlaceholder);
  EXPECT_EQ(InAddress("tentcity", markers), MarkerKind::kTransient);
  EXPECT_EQ(InAddress("12 Tent City Blvd", markers), MarkerKind::kTransient);
  EXPECT_EQ(InAddress("RIVERSDIE ANNEX, 5 Main St", markers), MarkerKind::kFacility);
  for (const std::string& phrase : {std::string(), std::string(" - "), std::string(64, 'A')}) {
    EXPECT_THAT(markers.AddFacility(phrase), HasReason(Reason::kAgreementInvalid)) << phrase;
  }
}

TEST(Markers, NoPlaceOfTheCountryIsOne) {
  const auto text = test::LoadExternalText("address/us_zip_city_state_county.csv");
  if (!text) GTEST_SKIP() << test::kNoExternalData;
  const Markers markers;
  std::string found;
  for (const auto& row : test::ParseCsv(*text)) {
    TextBuffer buffer;
    if (row.size() < 2) continue;
    if (markers.FindInAddress(NormaliseText(row[1], buffer).text) != MarkerKind::kNone) {
      found += row[1] + ";";
    }
  }
  EXPECT_EQ(found, "");
}

TEST(Markers, DamagedTextIsSearchedToo) {
  const Markers markers;
  for (const auto& mutation :
       test::BitFlipsAndTruncations(AsBytes(std::string("Failed to provide, Ｎ/Ａ")))) {
    TextBuffer buffer;
    const NormalText text = NormaliseText(ToString(mutation.bytes), buffer);
    EXPECT_EQ(markers.FindInAddress(text.text), markers.FindInAddress(text.text));
  }
}

}  // namespace
}  // namespace holdfast::policy
