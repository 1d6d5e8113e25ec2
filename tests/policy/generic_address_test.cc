// SPDX-License-Identifier: Apache-2.0
// Addresses without a country's rules: policy/generic_address.h.

#include "policy/generic_address.h"

#include <string>

#include "gtest/gtest.h"

#include "tests/support/mutations.h"

namespace holdfast::policy {
namespace {

constexpr AddressView kHome{"69 Giblin Street", "Killarney", "Bittern", "QLD", "4814"};

std::string NormalOf(const AddressView& view) {
  ParsedAddress parsed;
  ParseAddress(view, AddressScheme::kGeneric, parsed);
  return parsed.complete() ? NormalAddressLine(parsed)
                           : "lack " + std::to_string(static_cast<int>(parsed.lack));
}

AddressLack LackOf(const AddressView& view) {
  ParsedAddress parsed;
  ParseAddress(view, AddressScheme::kGeneric, parsed);
  return parsed.lack;
}

AddressDifference Difference(const AddressView& a, const AddressView& b) {
  ParsedAddress x;
  ParsedAddress y;
  ParseAddress(a, AddressScheme::kGeneric, x);
  ParseAddress(b, AddressScheme::kGeneric, y);
  EXPECT_TRUE(x.complete() && y.complete());
  return CompareAddresses(x, y);
}

TEST(GenericAddress, HasOneNormalForm) {
  EXPECT_EQ(NormalOf(kHome), "69 GIBLIN STREET, KILLARNEY, BITTERN, QLD 4814");
  EXPECT_EQ(NormalOf({"Hauptstraße 5a", "", "Köln", "NRW", "50667"}),
            "5A HAUPTSTRASSE, KOLN, NRW 50667");
  EXPECT_EQ(NormalOf({"10 Downing St.", "", "London", "Greater London", "SW1A 2AA"}),
            "10 DOWNING ST, LONDON, GREATER LONDON SW1A2AA");
  EXPECT_EQ(NormalOf({"ул. Ленина 5", "", "Москва", "Москва", "101000"}),
            "5 \xD1\x83\xD0\xBB \xD0\xBB\xD0\xB5\xD0\xBD\xD0\xB8\xD0\xBD\xD0\xB0, "
            "\xD0\xBC\xD0\xBE\xD1\x81\xD0\xBA\xD0\xB2\xD0\xB0, "
            "\xD0\xBC\xD0\xBE\xD1\x81\xD0\xBA\xD0\xB2\xD0\xB0 101000");
}

TEST(GenericAddress, NamesEachLack) {
  AddressView view;
  EXPECT_EQ(LackOf(view), AddressLack::kEverything);
  view = kHome, view.line1 = "", view.line2 = "";
  EXPECT_EQ(LackOf(view), AddressLack::kDeliveryLine);
  view = kHome, view.line1 = "Giblin Street";
  EXPECT_EQ(LackOf(view), AddressLack::kHouseNumber);
  view = kHome, view.line1 = "";
  EXPECT_EQ(LackOf(view), AddressLack::kHouseNumber);
  view = kHome, view.line1 = "69";
  EXPECT_EQ(LackOf(view), AddressLack::kStreet);
  view = kHome, view.line1 = "1 telephone 5551234567";
  EXPECT_EQ(LackOf(view), AddressLack::kDeliveryLineMalformed);
  view = kHome, view.city = "";
  EXPECT_EQ(LackOf(view), AddressLack::kCity);
  view = kHome, view.city = "B1";
  EXPECT_EQ(LackOf(view), AddressLack::kCityMalformed);
  view = kHome, view.state = "";
  EXPECT_EQ(LackOf(view), AddressLack::kState);
  view = kHome, view.state = "1";
  EXPECT_EQ(LackOf(view), AddressLack::kStateUnknown);
  view = kHome, view.postal_code = "";
  EXPECT_EQ(LackOf(view), AddressLack::kPostalCode);
  for (const char* code : {"12", "ABCD", "12345678901", "48*14"}) {
    view = kHome, view.postal_code = code;
    EXPECT_EQ(LackOf(view), AddressLack::kPostalCodeMalformed) << code;
  }
  view = kHome, view.postal_code = "４８１４";
  EXPECT_EQ(LackOf(view), AddressLack::kDisguised);
}

TEST(GenericAddress, ComparisonSaysWhatDiffers) {
  AddressView other = kHome;
  other.line1 = "69 GIBLINSTREET";
  EXPECT_TRUE(Difference(kHome, other).equal());
  other = kHome, other.line2 = "";
  EXPECT_EQ(Difference(kHome, other).allowances, kAddressSecondLine);
  other = kHome, other.line1 = "69 Gilbin Street";
  EXPECT_EQ(Difference(kHome, other).allowances, kAddressTyping);
  other = kHome, other.line1 = "69 Killarney", other.line2 = "Giblin Street";
  EXPECT_EQ(Difference(kHome, other).allowances, kAddressOrder);
  other = kHome, other.line1 = "96 Giblin Street";
  EXPECT_EQ(Difference(kHome, other).allowances, kAddressOnePart);
  other.postal_code = "2600";
  EXPECT_GT(Difference(kHome, other).other, 1u);
}

TEST(GenericAddress, DamagedAddressesAreReadOrRefusedAndEqualThemselves) {
  const std::string line = "5a Hauptstraße/Süd, „Haus“ 7";
  for (const auto& mutation : test::BitFlipsAndTruncations(AsBytes(line))) {
    SCOPED_TRACE(mutation.description);
    ParsedAddress parsed;
    AddressView view = kHome;
    const std::string damaged = ToString(mutation.bytes);
    view.line1 = damaged;
    ParseAddress(view, AddressScheme::kGeneric, parsed);
    EXPECT_TRUE(!parsed.complete() || CompareAddresses(parsed, parsed).equal());
  }
}

}  // namespace
}  // namespace holdfast::policy
