// SPDX-License-Identifier: Apache-2.0
// A source's people in a SQLite file: a table, a view or a query, indexed in memory by normalised
// name, by tax number, and by postal code with a part of the name.
//
// All rows are read once to build the index, some 64 bytes a person; a candidate's row is read
// again by its key. The file is opened read-only, runs no trigger, and holds no lock between two
// lookups. A change by somebody else is noticed and stops the lookup: half the answers would be of
// one state and half of another.
//
// When to use  For a source whose records are in SQLite, or can be copied there. Not for the
//              gateway's own database: that is store/'s.
// Threads      Find() may be called concurrently; one call at a time reads.
// Ownership    Owns the connection.
// Errors       kNotFound, kStoreFailed, kStoreCorrupt for the file; kRequestMalformed for a table
//              or query that cannot be used, with `column` where it is one column's fault;
//              kRequestTooLarge over kMaxPeople. None shows what a row holds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "client/lookup/key_index.h"
#include "client/lookup/people_columns.h"
#include "client/source_lookup.h"

namespace holdfast::client {

// Where the people are. Exactly one of `table` and `query`.
struct SqlitePeople {
  std::string path;

  // A table or a view, by name.
  std::string table;

  // One SELECT without parameters.
  std::string query;

  // The column with a whole number that no other row has. Empty means the table's rowid; a view and
  // a query have none. An index on it makes lookups fast.
  std::string key;
};

class SqliteLookup final : public SourceLookup {
 public:
  // Columns and `progress` as for CsvLookup::Open().
  static absl::StatusOr<std::unique_ptr<SqliteLookup>> Open(
      const SqlitePeople& people, const FieldFilter& filter,
      const std::function<void(std::uint64_t)>& progress);

  ~SqliteLookup() override;

  std::uint64_t people() const { return row_keys_.size(); }
  std::uint64_t without_key() const { return without_key_; }

  absl::StatusOr<Candidates> Find(const LookupQuery& query) override;

 private:
  class Database;

  explicit SqliteLookup(std::unique_ptr<Database> database);
  absl::Status ReadAll(const std::function<void(std::uint64_t)>& progress);

  const std::unique_ptr<Database> database_;

  // Constant after Open().
  std::vector<std::int64_t> row_keys_;
  KeyIndex index_;
  std::uint64_t without_key_ = 0;
};

}  // namespace holdfast::client
