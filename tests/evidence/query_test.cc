// SPDX-License-Identifier: Apache-2.0
// An export as a SQLite file: evidence/query/query_file.h.
#include <memory>
#include <string>

#include <sqlite3.h>

#include "evidence/query/query_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "tests/evidence/story.h"
#include "tests/support/temp_dir.h"

namespace holdfast::evidence {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;

class QueryTest : public ::testing::Test {
 protected:
  void SetUp() override { test::WriteExport(files_, folder_, story_.entries, story_.Checkpoint()); }

  absl::Status Write(std::uint64_t size) {
    return WriteQueryFile(files_, folder_, size, path_, [](std::uint64_t) {});
  }

  // The first column of the first row, as text.
  std::string Ask(const std::string& sql) const {
    sqlite3* raw = nullptr;
    EXPECT_EQ(sqlite3_open_v2(path_.c_str(), &raw, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
    const std::unique_ptr<sqlite3, int (*)(sqlite3*)> database(raw, &sqlite3_close);
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(raw, sql.c_str(), -1, &statement, nullptr), SQLITE_OK) << sql;
    std::string text = "none";
    if (sqlite3_step(statement) == SQLITE_ROW) {
      text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    return text;
  }

  const test::SignedWorld story_ = test::Whole();
  test::TempDir temp_;
  PosixFileSystem files_;
  const std::string folder_ = temp_.path() + "/export";
  const std::string path_ = temp_.path() + "/ledger.db";
};

TEST_F(QueryTest, HasEveryEntryAndWhatItIsAbout) {
  ASSERT_THAT(Write(story_.entries.size()), IsOk());
  EXPECT_EQ(Ask("SELECT count(*) FROM entry"), std::to_string(story_.entries.size()));
  EXPECT_EQ(Ask("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(Ask("SELECT count(*) FROM release"), "5");
  EXPECT_EQ(Ask("SELECT requester FROM release WHERE row = 2"), "ice");
  EXPECT_EQ(Ask("SELECT count(*) FROM subject"), "8");
  EXPECT_EQ(Ask("SELECT verdict FROM outcome WHERE row = 5"), "NOT_FOUND");
  EXPECT_EQ(Ask("SELECT group_concat(verdict) FROM outcome WHERE row = 3"),
            "ADDRESS_DOUBTFUL,RELEASED_BY_REVIEW");
  EXPECT_EQ(Ask("SELECT reason FROM refusal"), "FROZEN");
  EXPECT_EQ(Ask("SELECT in_force FROM hold WHERE hold = 'hold-1'"), "0");
  EXPECT_EQ(Ask("SELECT count(*) FROM person_order WHERE act = 'place_hold'"), "1");
  EXPECT_EQ(Ask("SELECT name FROM transfer WHERE transfer = 0"), story_.world.Name(0));
  EXPECT_EQ(Ask("SELECT value FROM about WHERE name = 'exchange_id'"),
            Hex(BytesOf(story_.world.agreement().exchange_id())));
}

TEST_F(QueryTest, ReplacesNothingAndLeavesNothingHalf) {
  EXPECT_THAT(Write(story_.entries.size() + 300), HasReason(Reason::kNotFound));
  EXPECT_FALSE(files_.Stat(path_).ok());
  EXPECT_FALSE(files_.Stat(path_ + ".part").ok());
  ASSERT_THAT(Write(story_.entries.size()), IsOk());
  EXPECT_THAT(Write(story_.entries.size()), HasReason(Reason::kAlreadyExists));
}

}  // namespace
}  // namespace holdfast::evidence
