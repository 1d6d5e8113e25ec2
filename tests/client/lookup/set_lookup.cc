// SPDX-License-Identifier: Apache-2.0
#include "tests/client/lookup/set_lookup.h"

#include <charconv>
#include <string>
#include <utility>

#include "base/check.h"
#include "client/csv.h"

namespace holdfast::test {
namespace {

constexpr char kPosition[] = "position";

std::string FileOf(const std::vector<FilePerson>& people) {
  std::string text = "position,name,line1,line2,city,state,postal_code,tax_number,birth_date\n";
  for (std::size_t i = 0; i < people.size(); ++i) {
    const FilePerson& p = people[i];
    const std::vector<std::string> fields = {std::to_string(i), p.name,       p.line1,
                                             p.line2,           p.city,       p.state,
                                             p.postal_code,     p.tax_number, p.birth_date};
    text += client::CsvLine(fields);
  }
  return text;
}

std::size_t PositionOf(const v1::Candidate& candidate) {
  // One of those that stand for too many has none.
  if (candidate.fields_size() == 0) return 0;
  const std::string& text = candidate.fields(0).value();
  std::size_t position = 0;
  HF_CHECK(std::from_chars(text.data(), text.data() + text.size(), position).ec == std::errc());
  return position;
}

}  // namespace

SetLookup::SetLookup(const std::vector<FilePerson>& people) {
  const std::string path = folder_.File("people.csv");
  HF_CHECK(ReplaceFile(files_, path, AsBytes(FileOf(people))).ok());
  auto lookup = client::CsvLookup::Open(
      files_, path, [](std::string_view name) { return name == kPosition; }, nullptr);
  HF_CHECK(lookup.ok());
  lookup_ = *std::move(lookup);
}

std::vector<std::size_t> SetLookup::Candidates(const FilePerson& person) const {
  v1::FetchSubjectsResponse chunk;
  v1::AcceptedSubject subject;
  v1::Person& asked = *subject.mutable_person();
  asked.set_name(person.name);
  asked.set_tax_number(person.tax_number);
  asked.mutable_address()->set_postal_code(person.postal_code);
  const auto found = lookup_->Find({subject, chunk.periods()});
  HF_CHECK(found.ok());
  std::vector<std::size_t> positions;
  for (const v1::Candidate& candidate : *found) positions.push_back(PositionOf(candidate));
  return positions;
}

}  // namespace holdfast::test
