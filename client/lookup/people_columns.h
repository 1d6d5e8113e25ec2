// SPDX-License-Identifier: Apache-2.0
// Which columns of a table describe a person, and which are fields of the record.
//
// When to use  For tables of people: CSV files, SQLite tables.
// Threads      Constant after Make().
// Ownership    Owns the names.
// Errors       kRequestMalformed for a name that is empty, occurs twice, or is missing.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "holdfast/v1/transfer_service.pb.h"

namespace holdfast::client {

// Whether a column may be sent as a field of the record.
using FieldFilter = std::function<bool(std::string_view)>;

// The columns that describe a person; each is demanded.
inline constexpr std::array<std::string_view, 8> kPersonColumns = {
    "name", "line1", "line2", "city", "state", "postal_code", "tax_number", "birth_date"};

// Gives a person's part its value, by position in kPersonColumns.
void SetPersonPart(v1::Person& person, std::size_t part, std::string value);

class PeopleColumns final {
 public:
  // `names` are the table's columns in order. `filter` says which of the others are fields; those
  // that it does not let pass are not read.
  static absl::StatusOr<PeopleColumns> Make(const std::vector<std::string>& names,
                                            const FieldFilter& filter);

  std::size_t count() const { return count_; }

  // Where each of kPersonColumns is.
  const std::array<std::size_t, kPersonColumns.size()>& person() const { return person_; }

  struct Field {
    std::size_t column = 0;
    std::string name;
  };
  const std::vector<Field>& fields() const { return fields_; }

  // REQUIRES: record.size() == count().
  v1::Person ToPerson(const std::vector<std::string>& record) const;
  v1::Candidate ToCandidate(const std::vector<std::string>& record) const;

 private:
  std::size_t count_ = 0;
  std::array<std::size_t, kPersonColumns.size()> person_ = {};
  std::vector<Field> fields_;
};

}  // namespace holdfast::client
