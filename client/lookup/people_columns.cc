// SPDX-License-Identifier: Apache-2.0
#include "client/lookup/people_columns.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "client/csv.h"

namespace holdfast::client {

void SetPersonPart(v1::Person& person, std::size_t part, std::string value) {
  v1::Address& address = *person.mutable_address();
  switch (part) {
    case 0:
      return person.set_name(std::move(value));
    case 1:
      return address.set_line1(std::move(value));
    case 2:
      return address.set_line2(std::move(value));
    case 3:
      return address.set_city(std::move(value));
    case 4:
      return address.set_state(std::move(value));
    case 5:
      return address.set_postal_code(std::move(value));
    case 6:
      return person.set_tax_number(std::move(value));
    case 7:
      return person.set_birth_date(std::move(value));
    default:
      HF_CHECK(part < kPersonColumns.size());
  }
}

absl::StatusOr<PeopleColumns> PeopleColumns::Make(const std::vector<std::string>& names,
                                                  const FieldFilter& filter) {
  HF_ASSIGN_OR_RETURN(const CsvHeader header, CsvHeader::Make(names));
  PeopleColumns columns;
  columns.count_ = names.size();
  for (std::size_t i = 0; i < kPersonColumns.size(); ++i) {
    HF_ASSIGN_OR_RETURN(columns.person_[i], header.Require(kPersonColumns[i]));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool of_person =
        std::find(columns.person_.begin(), columns.person_.end(), i) != columns.person_.end();
    if (!of_person && filter(names[i])) columns.fields_.push_back({i, names[i]});
  }
  return columns;
}

v1::Person PeopleColumns::ToPerson(const std::vector<std::string>& record) const {
  v1::Person person;
  for (std::size_t i = 0; i < person_.size(); ++i) SetPersonPart(person, i, record[person_[i]]);
  return person;
}

v1::Candidate PeopleColumns::ToCandidate(const std::vector<std::string>& record) const {
  v1::Candidate candidate;
  *candidate.mutable_person() = ToPerson(record);
  for (const Field& field : fields_) {
    v1::RecordField& sent = *candidate.add_fields();
    sent.set_name(field.name);
    sent.set_value(record[field.column]);
  }
  return candidate;
}

}  // namespace holdfast::client
