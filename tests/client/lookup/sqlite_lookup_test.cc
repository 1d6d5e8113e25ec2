// SPDX-License-Identifier: Apache-2.0
// client/lookup/sqlite_lookup.h
#include "client/lookup/sqlite_lookup.h"

#include <memory>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "tests/client/lookup/people_fixtures.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::client {
namespace {

using ::holdfast::test::HasMetadata;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::testing::ElementsAre;

constexpr char kPeople[] =
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name, line1, line2, city, state, postal_code,"
    " tax_number, birth_date, wages, secret);"
    "INSERT INTO people VALUES (7, 'Ada Example', '1 Main St', NULL, 'Town', 'VT', '05401',"
    " '531-86-4001', '1990-01-01', 100, 'x');"
    "INSERT INTO people VALUES (9, 'ADA EXAMPLE', '2 Main St', '', 'Town', 'VT', '05402', NULL,"
    " NULL, '200', 'y');"
    "INSERT INTO people VALUES (11, 'Bea Other', '3 Main St', '', 'Town', 'VT', '05401', '', '',"
    " 1.5, 'z');";

class SqliteLookupTest : public ::testing::Test {
 protected:
  void Execute(const std::string& sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    const int code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
    EXPECT_EQ(code, SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }

  absl::StatusOr<std::unique_ptr<SqliteLookup>> Table(const std::string& table,
                                                      const std::string& key = "") {
    return SqliteLookup::Open({path_, table, "", key}, OnlyWages, nullptr);
  }
  absl::StatusOr<std::unique_ptr<SqliteLookup>> Query(const std::string& query,
                                                      const std::string& key = "id") {
    return SqliteLookup::Open({path_, "", query, key}, OnlyWages, nullptr);
  }

  static std::vector<std::string> LinesOf(SqliteLookup& lookup, const Subject& subject) {
    const absl::StatusOr<Candidates> found = lookup.Find(subject.query());
    EXPECT_THAT(found, IsOk());
    std::vector<std::string> lines;
    if (!found.ok()) return lines;
    for (const v1::Candidate& candidate : *found) {
      lines.push_back(candidate.person().address().line1());
    }
    return lines;
  }

  test::TempDir folder_;
  const std::string path_ = folder_.File("people.db");
};

TEST_F(SqliteLookupTest, FindsByNameByTaxNumberAndByPlace) {
  Execute(kPeople);
  const auto lookup = Table("people");
  ASSERT_THAT(lookup, IsOk());
  EXPECT_EQ((*lookup)->people(), 3U);
  EXPECT_THAT(LinesOf(**lookup, Subject("Example, Ada")), ElementsAre("1 Main St", "2 Main St"));
  EXPECT_THAT(LinesOf(**lookup, Subject("Zoe Zimmer", "", "531864001")), ElementsAre("1 Main St"));
  EXPECT_THAT(LinesOf(**lookup, Subject("Eda Example", "05402")), ElementsAre("2 Main St"));
  EXPECT_THAT(LinesOf(**lookup, Subject("Cem Missing")), ElementsAre());
}

TEST_F(SqliteLookupTest, SendsOnlyPermittedFieldsAndNumbersAsText) {
  Execute(kPeople);
  const auto lookup = Table("people");
  ASSERT_THAT(lookup, IsOk());
  const auto found = (*lookup)->Find(Subject("Ada Example").query());
  ASSERT_THAT(found, IsOk());
  ASSERT_EQ(found->at(0).fields_size(), 1);
  EXPECT_EQ(found->at(0).fields(0).value(), "100");
  EXPECT_EQ(found->at(0).person().address().line2(), "");
  EXPECT_EQ((*lookup)->Find(Subject("Bea Other").query())->at(0).fields(0).value(), "1.5");
}

TEST_F(SqliteLookupTest, TakesAViewAndAQueryWithTheirKey) {
  Execute(kPeople);
  Execute("CREATE VIEW \"odd \"\"name\" AS SELECT * FROM people WHERE id < 10;");
  const auto view = Table("odd \"name", "id");
  ASSERT_THAT(view, IsOk());
  EXPECT_EQ((*view)->people(), 2U);
  const auto query = Query("SELECT * FROM people WHERE id > 7 ; ");
  ASSERT_THAT(query, IsOk());
  EXPECT_THAT(LinesOf(**query, Subject("Ada Example")), ElementsAre("2 Main St"));
  EXPECT_THAT(Query("SELECT * FROM people -- all of them"), IsOk());
}

TEST_F(SqliteLookupTest, NoticesAChangeBySomebodyElse) {
  Execute(kPeople);
  const auto lookup = Table("people");
  ASSERT_THAT(lookup, IsOk());
  EXPECT_EQ(LinesOf(**lookup, Subject("Ada Example")).size(), 2U);
  // Also where it is about another row.
  Execute("DELETE FROM people WHERE id = 11;");
  EXPECT_THAT((*lookup)->Find(Subject("Ada Example").query()), HasReason(Reason::kStoreCorrupt));
}

TEST_F(SqliteLookupTest, HoldsNoLockBetweenLookups) {
  Execute(kPeople);
  const auto lookup = Table("people");
  ASSERT_THAT(lookup, IsOk());
  EXPECT_EQ(LinesOf(**lookup, Subject("Ada Example")).size(), 2U);
  Execute("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE; COMMIT;");
}

TEST_F(SqliteLookupTest, ReadsAndNeverWrites) {
  Execute(kPeople);
  for (const char* query :
       {"DELETE FROM people RETURNING *", "SELECT 1; DELETE FROM people", "PRAGMA user_version = 3",
        "SELECT * FROM people) UNION SELECT (1", "SELECT * FROM people WHERE id = ?1", "", ";",
        "SELECT * FROM nothing", "SELECT name FROM people"}) {
    EXPECT_THAT(Query(query), HasReason(Reason::kRequestMalformed)) << query;
  }
  EXPECT_EQ((*Table("people"))->people(), 3U);
}

TEST_F(SqliteLookupTest, RefusesATableItCannotRead) {
  Execute(kPeople);
  EXPECT_THAT(Table("nothing"), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(Table("people", "nothing"), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(Table("people", "state"), HasReason(Reason::kRequestMalformed));  // No number.
  EXPECT_THAT(Query("SELECT * FROM people", ""), HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(Query("SELECT 1 AS k, * FROM people", "k"),
              HasReason(Reason::kRequestMalformed));  // Twice.
  EXPECT_THAT(SqliteLookup::Open({path_, "people", "SELECT 1", ""}, OnlyWages, nullptr),
              HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(SqliteLookup::Open({folder_.File("none.db"), "people", "", ""}, OnlyWages, nullptr),
              HasReason(Reason::kNotFound));
}

TEST_F(SqliteLookupTest, RefusesValuesThatAreNoTextAndShowsNone) {
  struct Case {
    const char* update;
    const char* column;
    Reason reason;
  };
  const Case cases[] = {
      {"UPDATE people SET postal_code = 5401", "postal_code", Reason::kRequestMalformed},
      {"UPDATE people SET name = x'4142'", "name", Reason::kRequestMalformed},
      {"UPDATE people SET wages = x'4142'", "wages", Reason::kRequestMalformed},
      {"UPDATE people SET city = CAST(x'41ff' AS TEXT)", "city", Reason::kRequestMalformed},
      {"UPDATE people SET city = 'a' || char(0) || 'b'", "city", Reason::kRequestMalformed},
      {"UPDATE people SET city = hex(zeroblob(2049))", "city", Reason::kRequestTooLarge},
  };
  for (const Case& each : cases) {
    Execute(std::string("DROP TABLE IF EXISTS people;") + kPeople + each.update);
    const auto lookup = Table("people");
    EXPECT_THAT(lookup, HasReason(each.reason)) << each.update;
    EXPECT_THAT(lookup, HasMetadata("column", each.column));
    EXPECT_EQ(lookup.status().ToString().find("5401"), std::string::npos);
  }
  // A column that is not sent may hold anything.
  Execute(std::string("DROP TABLE people;") + kPeople + "UPDATE people SET secret = x'00'");
  EXPECT_THAT(Table("people"), IsOk());
}

TEST_F(SqliteLookupTest, RefusesADamagedFile) {
  Execute(kPeople);
  FILE* file = std::fopen(path_.c_str(), "r+");
  ASSERT_NE(file, nullptr);
  std::fputs("This is no database at all", file);
  std::fclose(file);
  EXPECT_THAT(Table("people"), HasReason(Reason::kStoreCorrupt));
}

}  // namespace
}  // namespace holdfast::client
