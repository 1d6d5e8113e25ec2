// SPDX-License-Identifier: Apache-2.0
// US addresses: policy/address.h. One normal form, and a reason for each lack.

#include "policy/address.h"

#include <string>

#include "gtest/gtest.h"

#include "tests/support/mutations.h"

namespace holdfast::policy {
namespace {

constexpr AddressView kHome{"123 N Main St Apt 5", "", "Springfield", "IL", "62701"};

AddressView With(std::string_view line1, std::string_view line2 = "") {
  AddressView view = kHome;
  view.line1 = line1;
  view.line2 = line2;
  return view;
}

std::string NormalOf(const AddressView& view) {
  ParsedAddress parsed;
  ParseAddress(view, AddressScheme::kUs, parsed);
  return parsed.complete() ? NormalAddressLine(parsed)
                           : "lack " + std::to_string(static_cast<int>(parsed.lack));
}

// The delivery line alone.
std::string Line(std::string_view line1, std::string_view line2 = "") {
  const std::string normal = NormalOf(With(line1, line2));
  return normal.substr(0, normal.find(", SPRINGFIELD"));
}

AddressLack LackOf(const AddressView& view) {
  ParsedAddress parsed;
  ParseAddress(view, AddressScheme::kUs, parsed);
  return parsed.lack;
}

AddressDifference Difference(const AddressView& a, const AddressView& b) {
  ParsedAddress x;
  ParsedAddress y;
  ParseAddress(a, AddressScheme::kUs, x);
  ParseAddress(b, AddressScheme::kUs, y);
  EXPECT_TRUE(x.complete()) << a.line1;
  EXPECT_TRUE(y.complete()) << b.line1;
  const AddressDifference there = CompareAddresses(x, y);
  const AddressDifference back = CompareAddresses(y, x);
  EXPECT_EQ(there.allowances, back.allowances);
  EXPECT_EQ(there.other, back.other);
  return there;
}

bool Equal(std::string_view a, std::string_view b) { return Difference(With(a), With(b)).equal(); }

TEST(UsAddress, HasOneNormalForm) {
  EXPECT_EQ(NormalOf(kHome), "123 N MAIN ST APT 5, SPRINGFIELD, IL 62701");
  EXPECT_EQ(NormalOf({"123 north main street, #5", "", "springfield", "Illinois", "62701-1234"}),
            "123 N MAIN ST # 5, SPRINGFIELD, IL 62701-1234");
  EXPECT_EQ(NormalOf({"PO Box 12", "", "St. Paul", "Minn", "55101"}),
            "lack " + std::to_string(static_cast<int>(AddressLack::kStateUnknown)));
  EXPECT_EQ(NormalOf({"PO Box 12", "", "Saint Paul", "M.N.", "55101"}),
            "PO BOX 12, ST PAUL, MN 55101");
}

TEST(UsAddress, ReadsStreets) {
  EXPECT_EQ(Line("123 Main Street"), "123 MAIN ST");
  EXPECT_EQ(Line("00123 Main Street"), "123 MAIN ST");
  EXPECT_EQ(Line("123 1/2 Main St."), "123 1/2 MAIN ST");
  EXPECT_EQ(Line("123-45 Main St"), "123-45 MAIN ST");
  EXPECT_EQ(Line("123 B Main St"), "123B MAIN ST");
  EXPECT_EQ(Line("1800 M Street NW"), "1800 M ST NW");
  EXPECT_EQ(Line("1800 M Street, N.W."), "1800 M ST NW");
  EXPECT_EQ(Line("100 N.E. 5th Avenue"), "100 NE 5TH AVE");
  EXPECT_EQ(Line("100 N E Fifth Ave"), "100 NE 5TH AVE");
  EXPECT_EQ(Line("5 5 Ave"), "5 5TH AVE");
  EXPECT_EQ(Line("9912 S. Avenue H"), "9912 S AVE H");
  EXPECT_EQ(Line("4222 North Way"), "4222 NORTH WAY");
  EXPECT_EQ(Line("10 East St"), "10 EAST ST");
  EXPECT_EQ(Line("1111 Broadway"), "1111 BROADWAY");
  EXPECT_EQ(Line("180 S 19th Street Ct"), "180 S 19TH ST CT");
  EXPECT_EQ(Line("8128 S. DR MARTIN LUTHER KING JR Drive"), "8128 S DR MARTIN LUTHER KING JR DR");
  EXPECT_EQ(Line("1413 State Highway #50"), "1413 STATE HWY 50");
  EXPECT_EQ(Line("973 US Highway 16"), "973 US HWY 16");
  EXPECT_EQ(Line("7441 East County Road Y"), "7441 E COUNTY RD Y");
  EXPECT_EQ(Line("6641 N 2200 W"), "6641 N 2200 W");
  EXPECT_EQ(Line("N6W23001 Bluemound Rd"), "N6W23001 BLUEMOUND RD");
  EXPECT_EQ(Line("W206N W16282 Marshland Dr"), "W206NW16282 MARSHLAND DR");
  EXPECT_EQ(Line("One S. Wacker Dr"), "1 S WACKER DR");
  EXPECT_EQ(Line("12 Núñez Avenue"), "12 NUNEZ AVE");
  EXPECT_EQ(Line("１２ Main St"),
            "lack " + std::to_string(static_cast<int>(AddressLack::kDisguised)));
}

TEST(UsAddress, ReadsUnits) {
  EXPECT_EQ(Line("123 Main St Apartment 5B"), "123 MAIN ST APT 5B");
  EXPECT_EQ(Line("123 Main St", "Apt. 5-B"), "123 MAIN ST APT 5-B");
  EXPECT_EQ(Line("123 Main St Apt5"), "123 MAIN ST APT 5");
  EXPECT_EQ(Line("Apt 5, 123 Main St"), "123 MAIN ST APT 5");
  EXPECT_EQ(Line("227 W. Monroe St., 3500"), "227 W MONROE ST # 3500");
  EXPECT_EQ(Line("227 W Monroe St 3500"), "227 W MONROE ST # 3500");
  EXPECT_EQ(Line("219 South Dearborn Second Floor"), "219 S DEARBORN FL 2");
  EXPECT_EQ(Line("219 South Dearborn 2nd Flr"), "219 S DEARBORN FL 2");
  EXPECT_EQ(Line("2610 West 25th Place Lower level"), "2610 W 25TH PL LEVEL LOWR");
  EXPECT_EQ(Line("5 Main St Bldg 2 Apt 7"), "5 MAIN ST BLDG 2 APT 7");
  EXPECT_EQ(Line("5 Main St Rear"), "5 MAIN ST REAR");
  EXPECT_EQ(Line("5 Front St"), "5 FRONT ST");
  EXPECT_EQ(Line("1800 M Street NW North Tower Ste. 700"), "1800 M ST NW TOWER N STE 700");
  EXPECT_EQ(Line("5 Main St Apt C 30"), "5 MAIN ST APT C30");
  EXPECT_EQ(Line("5 Main St", "no 62"), "5 MAIN ST # 62");
}

TEST(UsAddress, ReadsBoxesRoutesAndMilitaryForms) {
  EXPECT_EQ(Line("P.O. Box 0123"), "PO BOX 123");
  EXPECT_EQ(Line("Post Office Box 12A"), "PO BOX 12A");
  EXPECT_EQ(Line("p o box # 7"), "PO BOX 7");
  EXPECT_EQ(Line("POB 130"), "PO BOX 130");
  EXPECT_EQ(Line("RR 2 Box 18"), "RR 2 BOX 18");
  EXPECT_EQ(Line("Rural Route #2 Box 18"), "RR 2 BOX 18");
  EXPECT_EQ(Line("RFD 2, Box 18"), "RR 2 BOX 18");
  EXPECT_EQ(Line("Highway Contract Route 68 Box 5"), "HC 68 BOX 5");
  EXPECT_EQ(Line("Star Route 68 Box 5"), "HC 68 BOX 5");
  EXPECT_EQ(NormalOf({"PSC 3 Box 4120", "", "APO", "AE", "09021"}),
            "PSC 3 BOX 4120, APO, AE 09021");
  EXPECT_EQ(NormalOf({"Unit 2050 Box 4190", "", "APO", "AP", "96278"}),
            "UNIT 2050 BOX 4190, APO, AP 96278");
  EXPECT_EQ(Line("Dept 2366 PO Box 122366"), "PO BOX 122366 DEPT 2366");
}

TEST(UsAddress, ToleratesNamesOfBuildingsAndRecipientsInFront) {
  EXPECT_EQ(Line("c/o Emergency Mail Program, 22401 Christine Island Apt 660"),
            "22401 CHRISTINE IS APT 660");
  EXPECT_EQ(Line("Kingston Building", "3520 West Broward Boulevard"), "3520 W BROWARD BLVD");
}

TEST(UsAddress, NamesEachLack) {
  AddressView view;
  EXPECT_EQ(LackOf(view), AddressLack::kEverything);
  view = kHome, view.line1 = "";
  EXPECT_EQ(LackOf(view), AddressLack::kDeliveryLine);
  view = kHome, view.city = "";
  EXPECT_EQ(LackOf(view), AddressLack::kCity);
  view = kHome, view.city = "Springfield 7";
  EXPECT_EQ(LackOf(view), AddressLack::kCityMalformed);
  view = kHome, view.state = "";
  EXPECT_EQ(LackOf(view), AddressLack::kState);
  view = kHome, view.state = "XX";
  EXPECT_EQ(LackOf(view), AddressLack::kStateUnknown);
  view = kHome, view.postal_code = "";
  EXPECT_EQ(LackOf(view), AddressLack::kPostalCode);
  for (const char* zip :
       {"6270", "627011", "62701-12", "6270A", "62701 1234", "-62701", "62701-"}) {
    view = kHome, view.postal_code = zip;
    EXPECT_EQ(LackOf(view), AddressLack::kPostalCodeMalformed) << zip;
  }
  EXPECT_EQ(LackOf(With("Main St")), AddressLack::kHouseNumber);
  EXPECT_EQ(LackOf(With("N 5th St")), AddressLack::kHouseNumber);
  EXPECT_EQ(LackOf(With("Apt 5")), AddressLack::kHouseNumber);
  EXPECT_EQ(LackOf(With("12345")), AddressLack::kStreet);
  EXPECT_EQ(LackOf(With("123 Apt 5")), AddressLack::kStreet);
  EXPECT_EQ(LackOf(With("123 St")), AddressLack::kStreet);
  EXPECT_EQ(LackOf(With("123 N")), AddressLack::kStreet);
  EXPECT_EQ(LackOf(With("123 12C")), AddressLack::kStreet);
  EXPECT_EQ(LackOf(With("123 Main St Apt")), AddressLack::kUnitMalformed);
  EXPECT_EQ(LackOf(With("General Delivery")), AddressLack::kNoFixedAddress);
  EXPECT_EQ(LackOf(With("RR 2")), AddressLack::kHouseNumber);
  EXPECT_EQ(LackOf(With("PO Box")), AddressLack::kHouseNumber);
  EXPECT_EQ(LackOf(With("Main St & Oak Ave")), AddressLack::kHouseNumber);
  EXPECT_EQ(LackOf(With("5 Main St & Oak Ave")), AddressLack::kDeliveryLineMalformed);
  EXPECT_EQ(LackOf(With("0 Main St")), AddressLack::kDeliveryLineMalformed);
  EXPECT_EQ(LackOf(With("5 Main St @ Oak")), AddressLack::kDeliveryLineMalformed);
  EXPECT_EQ(LackOf(With("5 Main St\x01")), AddressLack::kUnreadable);
  EXPECT_EQ(LackOf(With(std::string(300, '1'))), AddressLack::kUnreadable);
}

TEST(UsAddress, CityStateAndZipDoNotBelongIntoTheLine) {
  EXPECT_EQ(LackOf(With("100 Diamond Street San Francisco, CA 94114")),
            AddressLack::kDeliveryLineMalformed);
  EXPECT_EQ(LackOf(With("100 Diamond Street 941142414")), AddressLack::kDeliveryLineMalformed);
  EXPECT_EQ(LackOf(With("somewhere 123456789 over there")), AddressLack::kDeliveryLineMalformed);
  EXPECT_EQ(LackOf(With("1010 Mission St 94103-1234")), AddressLack::kDeliveryLineMalformed);
}

TEST(UsAddress, DisguisesAreNotRead) {
  for (const char* line : {"12\xE2\x80\x8B"
                           "3 Main St",
                           "１２３ Main St", "١٢٣ Main St", "123 M\xD0\xB0in St",
                           "123 Main St Apt ⑤", "123 Ма\xD1\x80ин St", "123 Main\xC2\xAD St"}) {
    EXPECT_EQ(LackOf(With(line)), AddressLack::kDisguised) << line;
  }
  AddressView view = kHome;
  view.postal_code = "６２７０１";
  EXPECT_EQ(LackOf(view), AddressLack::kDisguised);
  view.postal_code =
      "62\xE2\x80\x8B"
      "701";
  EXPECT_EQ(LackOf(view), AddressLack::kDisguised);
}

TEST(UsAddress, AnUnspecifiedSchemeReadsNothing) {
  ParsedAddress parsed;
  ParseAddress(kHome, AddressScheme::kUnspecified, parsed);
  EXPECT_FALSE(parsed.complete());
}

TEST(UsAddressComparison, WritingDoesNotMatter) {
  EXPECT_TRUE(Equal("123 North Main Street Apt 5", "123 N MAIN ST #5"));
  EXPECT_TRUE(Equal("23018 Morgan Ln. Apt. 896", "23018 Morgan Lane, Unit 896"));
  EXPECT_TRUE(Equal("5 Main St Bldg 2 Apt 7", "5 Main St Apt 7 Bldg 2"));
  EXPECT_TRUE(Equal("5 5th Ave", "5 Fifth Avenue"));
  AddressView other = kHome;
  other.city = "SPRING FIELD";
  other.state = "illinois";
  other.postal_code = "62701-0001";
  EXPECT_TRUE(Difference(kHome, other).equal());
}

TEST(UsAddressComparison, SaysWhatIsMissing) {
  EXPECT_EQ(Difference(With("5 Main St Apt 7"), With("5 Main St")).allowances, kAddressUnitMissing);
  EXPECT_EQ(Difference(With("5 Main St"), With("5 Main")).allowances, kAddressSuffixMissing);
  EXPECT_EQ(Difference(With("5 N Main St"), With("5 Main St")).allowances,
            kAddressDirectionalMissing);
  EXPECT_EQ(Difference(With("5 Jackson St"), With("5 Jakcson St")).allowances, kAddressTyping);
  AddressView other = kHome;
  other.city = "Chatham";
  EXPECT_EQ(Difference(kHome, other).allowances, kAddressCityName);
  other = kHome, other.postal_code = "62710";
  EXPECT_EQ(Difference(kHome, other).allowances, kAddressTyping);
}

TEST(UsAddressComparison, OnePartThatDiffersHasAnAllowanceAndTwoHaveNone) {
  const auto one = [](const AddressDifference& d) {
    return d.other == 0 && (d.allowances & kAddressOnePart) != 0;
  };
  EXPECT_TRUE(one(Difference(With("5 Main St"), With("7 Main St"))));
  EXPECT_TRUE(one(Difference(With("5 Main St"), With("5 Oak St"))));
  EXPECT_TRUE(one(Difference(With("5 Main St"), With("5 Main Ave"))));
  EXPECT_TRUE(one(Difference(With("5 N Main St"), With("5 S Main St"))));
  EXPECT_TRUE(one(Difference(With("5 Main St Apt 1"), With("5 Main St Apt 2"))));
  EXPECT_GT(Difference(With("5 Main St"), With("7 Oak St")).other, 1u);
  EXPECT_GT(Difference(With("5 Main St"), With("PO Box 5")).other, 1u);
  EXPECT_GT(Difference(With("RR 2 Box 18"), With("RR 3 Box 19")).other, 1u);
}

TEST(UsAddress, DamagedLinesAreReadOrRefusedAndEqualThemselves) {
  for (const std::string line :
       {"c/o X, 123 1/2 N.E. Núñez Street, Bldg 2 #5-B", "RR 2 Box 18 PO Box 7"}) {
    for (const auto& mutation : test::BitFlipsAndTruncations(AsBytes(line))) {
      SCOPED_TRACE(mutation.description);
      ParsedAddress parsed;
      ParseAddress(With(ToString(mutation.bytes)), AddressScheme::kUs, parsed);
      if (!parsed.complete()) {
        EXPECT_EQ(NormalAddressLine(parsed), "");
        continue;
      }
      EXPECT_TRUE(CompareAddresses(parsed, parsed).equal());
      EXPECT_FALSE(NormalAddressLine(parsed).empty());
    }
  }
}

TEST(UsAddress, TheNormalFormIsReadAsItself) {
  for (const char* line : {"123 N Main St Apt 5", "1800 M St NW", "9912 S Avenue H", "PO Box 12",
                           "RR 2 Box 18", "219 S Dearborn 2nd Floor", "5 Main St Bldg 2 Apt 7",
                           "973 US Highway 16", "123 1/2 Oak St", "5 5 Ave", "5 Main St Rear"}) {
    const std::string once = Line(line);
    EXPECT_EQ(Line(once), once) << line;
  }
}

}  // namespace
}  // namespace holdfast::policy
