// SPDX-License-Identifier: Apache-2.0
// People as a source has them, and questions about them.
//
// When to use  In tests of lookups.
// Threads      Values.
// Ownership    A Subject owns what its query refers to.
// Errors       None.
#pragma once

#include <string>
#include <string_view>

#include "client/source_lookup.h"
#include "holdfast/v1/transfer_service.pb.h"

namespace holdfast::client {

inline constexpr char kHeader[] =
    "person_id,name,line1,line2,city,state,postal_code,tax_number,birth_date,wages,secret\n";

inline bool OnlyWages(std::string_view name) { return name == "wages"; }

// A subject that is asked about.
class Subject final {
 public:
  explicit Subject(std::string name, std::string postal_code = "", std::string tax_number = "",
                   std::uint32_t row = 0) {
    subject_.set_row(row);
    subject_.mutable_person()->set_name(std::move(name));
    subject_.mutable_person()->mutable_address()->set_postal_code(std::move(postal_code));
    subject_.mutable_person()->set_tax_number(std::move(tax_number));
    v1::TaxPeriod& period = *chunk_.add_periods();
    period.set_first_year(2021);
    period.set_last_year(2023);
  }

  v1::AcceptedSubject& message() { return subject_; }
  LookupQuery query() const { return {subject_, chunk_.periods()}; }

 private:
  v1::AcceptedSubject subject_;
  v1::FetchSubjectsResponse chunk_;
};

// A chunk with subjects of these names.
inline v1::FetchSubjectsResponse ChunkOf(std::initializer_list<std::string> names) {
  v1::FetchSubjectsResponse chunk;
  std::uint32_t row = 0;
  for (const std::string& name : names) {
    v1::AcceptedSubject& subject = *chunk.add_subjects();
    subject.set_row(row++);
    subject.mutable_person()->set_name(name);
  }
  return chunk;
}

}  // namespace holdfast::client
