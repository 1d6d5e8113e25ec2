// SPDX-License-Identifier: Apache-2.0
#include "client/lookup/sqlite_lookup.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <sqlite3.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "client/csv.h"
#include "client/lookup/csv_lookup.h"
#include "client/lookup/person_keys.h"

namespace holdfast::client {
namespace {

// How long a lookup waits for somebody who writes.
constexpr int kBusyMillis = 5000;

Reason ReasonFor(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Reason::kStoreCorrupt;
    case SQLITE_ERROR:
    case SQLITE_AUTH:
    case SQLITE_RANGE:
      return Reason::kRequestMalformed;
    default:
      return Reason::kStoreFailed;
  }
}

// Only the code's own text: SQLite's message may quote what is in the file.
absl::Status SqliteError(int code, const std::string& doing) {
  return AddMetadata(MakeError(ReasonFor(code),
                               "cannot " + doing + ": " + EscapeForLog(sqlite3_errstr(code), 120)),
                     "sqlite_code", std::to_string(code));
}

absl::Status Unusable(std::string what) {
  return MakeError(Reason::kRequestMalformed, std::move(what));
}

absl::Status InColumn(std::string what, std::string_view column) {
  return AddMetadata(Unusable(std::move(what)), "column", EscapeForLog(column));
}

std::string QuoteName(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    quoted += c;
    if (c == '"') quoted += c;
  }
  return quoted + '"';
}

using Handle = std::unique_ptr<sqlite3, int (*)(sqlite3*)>;
using Statement = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;

absl::StatusOr<Statement> Prepare(sqlite3* db, const std::string& sql, const std::string& doing) {
  sqlite3_stmt* raw = nullptr;
  const char* tail = nullptr;
  const int code = sqlite3_prepare_v3(db, sql.c_str(), static_cast<int>(sql.size() + 1),
                                      SQLITE_PREPARE_PERSISTENT, &raw, &tail);
  Statement statement(raw, &sqlite3_finalize);
  if (code != SQLITE_OK) {
    // About the text that the caller wrote, and about no row.
    return AddMetadata(SqliteError(code, doing), "cause", EscapeForLog(sqlite3_errmsg(db), 200));
  }
  if (raw == nullptr || *tail != '\0' || sqlite3_stmt_readonly(raw) == 0) {
    return Unusable("cannot " + doing + ": it must be one SELECT");
  }
  return statement;
}

// Ends a statement's use, whatever happens.
class Using final {
 public:
  explicit Using(sqlite3_stmt* statement) : statement_(statement) {}
  ~Using() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  Using(const Using&) = delete;
  Using& operator=(const Using&) = delete;

  // True if there is a row.
  absl::StatusOr<bool> Step() const {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return SqliteError(code, "read the people");
  }

 private:
  sqlite3_stmt* const statement_;
};

// The query without the semicolon that it may end with.
std::string BareQuery(std::string query) {
  while (!query.empty() && (query.back() == ';' || query.back() == ' ' || query.back() == '\n')) {
    query.pop_back();
  }
  return query;
}

// What follows FROM. The line break ends a comment that the query may end with.
absl::StatusOr<std::string> FromClause(const SqlitePeople& people) {
  if (people.table.empty() == people.query.empty()) {
    return Unusable("a table or a query is needed, and not both");
  }
  if (!people.table.empty()) return QuoteName(people.table);
  if (people.key.empty()) return Unusable("a query needs a key column");
  return "(" + BareQuery(people.query) + "\n)";
}

}  // namespace

// The connection and its statements. All reading is under the mutex.
class SqliteLookup::Database final {
 public:
  static absl::StatusOr<std::unique_ptr<Database>> Open(const SqlitePeople& people,
                                                        const FieldFilter& filter);

  const PeopleColumns& columns() const { return *columns_; }

  // Calls `take` with the key and the values of each row.
  using Take = std::function<absl::Status(std::int64_t, const std::vector<std::string>&)>;
  absl::Status ReadAll(const Take& take);

  // Reads the rows with these keys, in this order. Each must be there once.
  absl::StatusOr<std::vector<std::vector<std::string>>> Read(const std::vector<std::int64_t>& keys);

 private:
  explicit Database(Handle db) : db_(std::move(db)) {}

  absl::Status Execute(const char* sql) HF_REQUIRES(mutex_);

  // Begins to read one state of the file, and returns which one.
  absl::StatusOr<std::int64_t> BeginReading() HF_REQUIRES(mutex_);

  absl::StatusOr<std::vector<std::string>> Values(sqlite3_stmt* row) const HF_REQUIRES(mutex_);

  // Ends the transaction, also after an error.
  class Reading;

  Mutex mutex_;
  const Handle db_ HF_GUARDED_BY(mutex_);
  Statement all_ HF_GUARDED_BY(mutex_) = {nullptr, &sqlite3_finalize};
  Statement by_key_ HF_GUARDED_BY(mutex_) = {nullptr, &sqlite3_finalize};
  Statement version_ HF_GUARDED_BY(mutex_) = {nullptr, &sqlite3_finalize};
  std::optional<std::int64_t> indexed_version_ HF_GUARDED_BY(mutex_);

  // Constant after Open().
  std::vector<std::string> names_;
  std::optional<PeopleColumns> columns_;
  std::vector<bool> of_person_;  // By column.
  std::vector<bool> read_;
};

class SqliteLookup::Database::Reading final {
 public:
  explicit Reading(sqlite3* db) : db_(db) {}
  ~Reading() { sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr); }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

 private:
  sqlite3* const db_;
};

absl::StatusOr<std::unique_ptr<SqliteLookup::Database>> SqliteLookup::Database::Open(
    const SqlitePeople& people, const FieldFilter& filter) {
  HF_ASSIGN_OR_RETURN(const std::string from, FromClause(people));
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(people.path.c_str(), &raw,
                      SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  Handle db(raw, &sqlite3_close);
  if (code != SQLITE_OK) {
    const std::string doing = "open " + EscapeForLog(people.path, 256);
    if ((code & 0xff) == SQLITE_CANTOPEN) {
      return MakeError(Reason::kNotFound, "cannot " + doing + ": no such database");
    }
    return SqliteError(code, doing);
  }
  sqlite3_busy_timeout(raw, kBusyMillis);
  // A database from elsewhere runs no code of its own; a misspelt column is an error, not a text.
  struct Setting {
    int option;
    int value;
  };
  constexpr std::array kSettings = {
      Setting{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0}, Setting{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
      Setting{SQLITE_DBCONFIG_DEFENSIVE, 1}, Setting{SQLITE_DBCONFIG_DQS_DML, 0},
      Setting{SQLITE_DBCONFIG_DQS_DDL, 0}};
  for (const Setting& setting : kSettings) {
    const int result = sqlite3_db_config(raw, setting.option, setting.value, nullptr);
    if (result != SQLITE_OK) return SqliteError(result, "configure SQLite");
  }
  std::unique_ptr<Database> database(new Database(std::move(db)));
  const MutexLock lock(database->mutex_);
  HF_RETURN_IF_ERROR(database->Execute(
      "PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; "
      "PRAGMA query_only = ON;"));
  if (!people.query.empty()) {
    // By itself, so that no closing bracket in it can reach what is put around it.
    HF_RETURN_IF_ERROR(Prepare(raw, BareQuery(people.query), "use the query").status());
  }
  const std::string key = people.key.empty() ? "rowid" : QuoteName(people.key);
  const std::string select = "SELECT " + key + " AS holdfast_key, * FROM " + from;
  HF_ASSIGN_OR_RETURN(database->all_, Prepare(raw, select, "read the people"));
  HF_ASSIGN_OR_RETURN(database->by_key_,
                      Prepare(raw, select + " WHERE " + key + " = ?1", "read one person"));
  HF_ASSIGN_OR_RETURN(database->version_,
                      Prepare(raw, "PRAGMA data_version", "read the file's version"));
  if (sqlite3_bind_parameter_count(database->all_.get()) != 0) {
    return Unusable("the query may have no parameters");
  }
  const int width = sqlite3_column_count(database->all_.get());
  for (int i = 1; i < width; ++i) {
    const char* name = sqlite3_column_name(database->all_.get(), i);
    database->names_.emplace_back(name == nullptr ? "" : name);
  }
  HF_ASSIGN_OR_RETURN(database->columns_, PeopleColumns::Make(database->names_, filter));
  database->of_person_.assign(database->names_.size(), false);
  for (const std::size_t column : database->columns_->person()) database->of_person_[column] = true;
  database->read_ = database->of_person_;
  for (const PeopleColumns::Field& field : database->columns_->fields()) {
    database->read_[field.column] = true;
  }
  return database;
}

absl::Status SqliteLookup::Database::Execute(const char* sql) {
  const int code = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : SqliteError(code, "open the database");
}

absl::StatusOr<std::int64_t> SqliteLookup::Database::BeginReading() {
  HF_RETURN_IF_ERROR(Execute("BEGIN"));
  const Using version(version_.get());
  const absl::StatusOr<bool> row = version.Step();
  if (!row.ok()) {
    (void)Execute("ROLLBACK");
    return row.status();
  }
  return sqlite3_column_int64(version_.get(), 0);
}

absl::StatusOr<std::vector<std::string>> SqliteLookup::Database::Values(sqlite3_stmt* row) const {
  std::vector<std::string> values(names_.size());
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (!read_[i]) continue;
    const int column = static_cast<int>(i) + 1;
    switch (sqlite3_column_type(row, column)) {
      case SQLITE_NULL:
        continue;
      case SQLITE_TEXT:
        break;
      case SQLITE_INTEGER:
      case SQLITE_FLOAT:
        if (!of_person_[i]) break;
        return InColumn(
            "a column of a person holds a number, which has lost its leading zeros: it must be "
            "text",
            names_[i]);
      default:
        return InColumn("a column holds bytes, and no text", names_[i]);
    }
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row, column));
    if (text == nullptr) return SqliteError(SQLITE_NOMEM, "read the people");
    values[i].assign(text, static_cast<std::size_t>(sqlite3_column_bytes(row, column)));
    if (values[i].size() > kMaxCsvFieldBytes) {
      return AddMetadata(MakeError(Reason::kRequestTooLarge, "a column is over 4096 bytes"),
                         "column", EscapeForLog(names_[i]));
    }
    if (!IsUtf8(values[i]) || values[i].find('\0') != std::string::npos) {
      return InColumn("a column holds text that is not UTF-8", names_[i]);
    }
  }
  return values;
}

absl::Status SqliteLookup::Database::ReadAll(const Take& take) {
  const MutexLock lock(mutex_);
  HF_ASSIGN_OR_RETURN(indexed_version_, BeginReading());
  const Reading reading(db_.get());
  const Using all(all_.get());
  for (;;) {
    HF_ASSIGN_OR_RETURN(const bool row, all.Step());
    if (!row) return absl::OkStatus();
    if (sqlite3_column_type(all_.get(), 0) != SQLITE_INTEGER) {
      return Unusable("the key column must hold a whole number in every row");
    }
    HF_ASSIGN_OR_RETURN(const std::vector<std::string> values, Values(all_.get()));
    HF_RETURN_IF_ERROR(take(sqlite3_column_int64(all_.get(), 0), values));
  }
}

absl::StatusOr<std::vector<std::vector<std::string>>> SqliteLookup::Database::Read(
    const std::vector<std::int64_t>& keys) {
  const MutexLock lock(mutex_);
  HF_ASSIGN_OR_RETURN(const std::int64_t version, BeginReading());
  const Reading reading(db_.get());
  std::vector<std::vector<std::string>> rows;
  for (const std::int64_t key : keys) {
    const Using by_key(by_key_.get());
    sqlite3_bind_int64(by_key_.get(), 1, key);
    bool found = false;
    if (version == indexed_version_) {
      HF_ASSIGN_OR_RETURN(found, by_key.Step());
    }
    if (!found) {
      return MakeError(Reason::kStoreCorrupt, "the database changed while it was in use");
    }
    HF_ASSIGN_OR_RETURN(std::vector<std::string> values, Values(by_key_.get()));
    rows.push_back(std::move(values));
  }
  return rows;
}

SqliteLookup::SqliteLookup(std::unique_ptr<Database> database) : database_(std::move(database)) {}

SqliteLookup::~SqliteLookup() = default;

absl::Status SqliteLookup::ReadAll(const std::function<void(std::uint64_t)>& progress) {
  const PeopleColumns& columns = database_->columns();
  HF_RETURN_IF_ERROR(database_->ReadAll([&](std::int64_t key, const std::vector<std::string>& row) {
    if (row_keys_.size() == kMaxPeople) {
      return MakeError(Reason::kRequestTooLarge, "the database has more people than an index may");
    }
    const std::vector<std::string> keys = KeysOf(columns.ToPerson(row));
    if (keys.empty()) ++without_key_;
    index_.Add(static_cast<std::uint32_t>(row_keys_.size()), keys);
    row_keys_.push_back(key);
    if (progress) progress(row_keys_.size());
    return absl::OkStatus();
  }));
  row_keys_.shrink_to_fit();
  index_.Seal();
  std::vector<std::int64_t> sorted = row_keys_;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    return Unusable("two rows have the same key");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SqliteLookup>> SqliteLookup::Open(
    const SqlitePeople& people, const FieldFilter& filter,
    const std::function<void(std::uint64_t)>& progress) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<Database> database, Database::Open(people, filter));
  std::unique_ptr<SqliteLookup> lookup(new SqliteLookup(std::move(database)));
  HF_RETURN_IF_ERROR(lookup->ReadAll(progress));
  return lookup;
}

absl::StatusOr<Candidates> SqliteLookup::Find(const LookupQuery& query) {
  const std::vector<std::string> keys = KeysOf(query.subject.person());
  const std::vector<std::uint32_t> people = index_.Find(keys);
  if (people.size() > kMaxOffered) return TooManyCandidates();
  std::vector<std::int64_t> row_keys;
  row_keys.reserve(people.size());
  for (const std::uint32_t person : people) row_keys.push_back(row_keys_[person]);
  if (row_keys.empty()) return Candidates();
  HF_ASSIGN_OR_RETURN(const auto rows, database_->Read(row_keys));
  Candidates found;
  found.reserve(rows.size());
  for (const std::vector<std::string>& row : rows) {
    found.push_back(database_->columns().ToCandidate(row));
    if (!ShareKey(KeysOf(found.back().person()), keys)) {
      return MakeError(Reason::kStoreCorrupt,
                       "a key of the database finds another row than before");
    }
  }
  return found;
}

}  // namespace holdfast::client
