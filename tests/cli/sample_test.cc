// SPDX-License-Identifier: Apache-2.0
// cli/sample.h: the same people every time, in the shares that it states.
#include "cli/sample.h"

#include <map>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "client/csv.h"
#include "crypto/sha256.h"
#include "tests/cli/cli_harness.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/status_matchers.h"

namespace holdfast::cli {
namespace {

// The smallest sample in which every kind has exactly its share: each is a multiple of 5 of 10,000.
// What is made of a row depends on the row alone, so a larger one takes longer and tests no more.
constexpr std::uint64_t kRecords = 2000;

TEST(SampleTest, MakesTheSameFilesFromTheSameSeed) {
  test::MemoryFileSystem files;
  CliHarness cli(files);
  ASSERT_EQ(cli.Run({"sample", "--records", "500", "--seed", "7", "--out", "/a"}).exit, 0);
  ASSERT_EQ(cli.Run({"sample", "--records", "500", "--seed", "7", "--out", "/b"}).exit, 0);
  ASSERT_EQ(cli.Run({"sample", "--records", "500", "--seed", "8", "--out", "/c"}).exit, 0);
  for (const std::string name : {"people.csv", "requests.csv", "truth.csv"}) {
    const auto a = files.ReadWhole("/a/" + name, 1 << 24);
    ASSERT_THAT(a, test::IsOk());
    EXPECT_EQ(*a, *files.ReadWhole("/b/" + name, 1 << 24)) << name;
    EXPECT_NE(*a, *files.ReadWhole("/c/" + name, 1 << 24)) << name;
  }
}

TEST(SampleTest, WritesFilesThatReadBack) {
  test::MemoryFileSystem files;
  ASSERT_EQ(CliHarness(files).Run({"sample", "--records", "300", "--out", "/a"}).exit, 0);
  for (const std::string name : {"people.csv", "requests.csv", "truth.csv", "places.csv"}) {
    auto file = files.Open("/a/" + name, OpenMode::kRead);
    ASSERT_THAT(file, test::IsOk());
    client::CsvReader reader(client::CsvFromFile(**file));
    std::vector<std::string> fields;
    absl::StatusOr<bool> more = reader.Next(fields);
    while (more.ok() && *more) more = reader.Next(fields);
    EXPECT_THAT(more, test::IsOk()) << name;
  }
}

TEST(SampleTest, HasTheSharesThatItStates) {
  const SampleWorld world(kRecords, 1);
  std::map<std::string, std::uint32_t> counts;
  for (std::uint64_t row = 0; row < kRecords; ++row) {
    ++counts[std::string(world.CaseOfRow(row).kind)];
  }
  for (const SampleShare& share : SampleShares()) {
    EXPECT_EQ(counts[std::string(share.kind)] * 5, share.of_ten_thousand) << share.kind;
  }
}

TEST(SampleTest, GivesEveryPersonAnIdAndATaxNumberOfTheirOwn) {
  const SampleWorld world(kRecords, 1);
  std::set<std::string> ids;
  std::set<std::string> tax_numbers;
  std::uint64_t people = 0;
  for (std::uint64_t place = 0; place < kRecords; ++place) {
    for (const SamplePerson& person : world.CaseOfPlace(place).people) {
      ++people;
      ids.insert(person.id);
      tax_numbers.insert(person.tax_number);
      ASSERT_EQ(person.fields.size(), SampleFieldNames().size());
    }
  }
  EXPECT_EQ(ids.size(), people);
  EXPECT_EQ(tax_numbers.size(), people);
}

TEST(SampleTest, PutsEachReleasedPersonIntoTheFile) {
  const SampleWorld world(2000, 3);
  std::set<std::string> ids;
  for (std::uint64_t place = 0; place < 2000; ++place) {
    for (const SamplePerson& person : world.CaseOfPlace(place).people) ids.insert(person.id);
  }
  for (std::uint64_t row = 0; row < 2000; ++row) {
    const SampleCase one = world.CaseOfRow(row);
    EXPECT_EQ(one.released.empty(), one.outcome != SampleOutcome::kReleased);
    EXPECT_TRUE(one.released.empty() || ids.contains(one.released)) << row;
  }
}

TEST(SampleTest, KeepsOfficersBelowTheBrakes) {
  for (const std::uint64_t records : {1U, 10U, 1000U, 1001U, 10'000U, 600'000U}) {
    const SampleWorld world(records, 1);
    const std::uint64_t rows = (records + world.officers() - 1) / world.officers();
    EXPECT_LE(rows, 200U) << records;
    EXPECT_TRUE(records <= 1000 || rows * 20 <= records) << records;
  }
}

TEST(SampleTest, GivesOneOfficerSoManyRowsThatComeToARecord) {
  const SampleWorld plain(5'000, 3);
  const SampleWorld world(5'000, 3, 137);
  std::uint64_t rows = 0;
  std::uint64_t in_the_first_half = 0;
  for (std::uint64_t row = 0; row < world.records(); ++row) {
    const SampleCase one = world.CaseOfRow(row);
    EXPECT_EQ(one.request.officer == world.one_officer(), world.OfOneOfficer(row)) << row;
    EXPECT_EQ(one.request.name, plain.CaseOfRow(row).request.name) << row;
    EXPECT_FALSE(plain.OfOneOfficer(row));
    if (!world.OfOneOfficer(row)) continue;
    EXPECT_EQ(one.outcome, SampleOutcome::kReleased) << row;
    ++rows;
    if (row < world.records() / 2) ++in_the_first_half;
  }
  EXPECT_EQ(rows, 137U);
  EXPECT_GT(in_the_first_half, 40U);
  EXPECT_LT(in_the_first_half, 97U);
}

// Places are made up, but each ZIP has to lie in its state: its first three digits do.
TEST(SamplePlacesTest, ShareNoZip) {
  std::set<std::string> zips;
  for (const SamplePlace& place : SamplePlaces()) {
    EXPECT_EQ(place.zip.size(), 5U);
    EXPECT_EQ(place.state.size(), 2U);
    EXPECT_EQ(SampleZip(place, 0), place.zip);
    for (std::uint64_t n = 0; n < 100; ++n) {
      const std::string zip = SampleZip(place, n);
      EXPECT_EQ(zip.substr(0, 3), place.zip.substr(0, 3));
      EXPECT_TRUE(zips.insert(zip).second) << zip;
    }
  }
}

TEST(SamplePlacesTest, HaveMoreZipsWhereThereAreMoreRecords) {
  EXPECT_EQ(SampleZipsPerPlace(1), 1U);
  EXPECT_EQ(SampleZipsPerPlace(23'999), 1U);
  EXPECT_EQ(SampleZipsPerPlace(300'000), 25U);
  EXPECT_EQ(SampleZipsPerPlace(100'000'000), 100U);
}

TEST(SamplePlacesTest, HaveEachAddressOfALargeSample) {
  const SampleWorld world(300'000, 1);
  std::set<std::string> places;
  for (const SamplePlace& place : SamplePlaces()) {
    for (std::uint64_t n = 0; n < SampleZipsPerPlace(world.records()); ++n) {
      places.insert(SampleZip(place, n) + std::string(place.city) + std::string(place.state));
    }
  }
  std::set<std::string> zips;
  for (std::uint64_t row = 0; row < world.records(); row += 17) {
    const SampleCase one = world.CaseOfRow(row);
    for (const SamplePerson& person : one.people) {
      const SampleAddress& at = person.address;
      EXPECT_TRUE(places.contains(at.postal_code + at.city + at.state)) << at.postal_code;
      zips.insert(at.postal_code);
    }
    if (one.outcome == SampleOutcome::kReleased) {
      EXPECT_EQ(one.request.address.postal_code, one.people.front().address.postal_code);
    }
    if (one.kind == "moved away") {
      EXPECT_NE(one.request.address.line1, one.people.front().address.line1);
    }
  }
  EXPECT_EQ(zips.size(), places.size());
}

}  // namespace
}  // namespace holdfast::cli
