// SPDX-License-Identifier: Apache-2.0
#include "cli/request_list.h"

#include <array>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"

namespace holdfast::cli {
namespace {

constexpr std::array<std::string_view, 11> kColumns = {
    "name",       "line1",      "line2",   "city", "state",    "postal_code",
    "tax_number", "birth_date", "officer", "case", "reference"};
constexpr std::uint32_t kMaxRows = 16'000'000;

}  // namespace

absl::StatusOr<std::unique_ptr<RequestList>> RequestList::Open(FileSystem& files,
                                                               const std::string& path) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<File> file, files.Open(path, OpenMode::kRead));
  client::CsvSource source = client::CsvFromFile(*file);
  std::unique_ptr<RequestList> list(new RequestList(std::move(file), std::move(source)));
  HF_ASSIGN_OR_RETURN(const bool any, list->reader_.Next(list->record_));
  if (!any) return MakeError(Reason::kRequestMalformed, path + " is empty");
  HF_ASSIGN_OR_RETURN(const client::CsvHeader header, client::CsvHeader::Make(list->record_));
  for (const std::string_view column : kColumns) {
    HF_ASSIGN_OR_RETURN(const std::size_t position, header.Require(column));
    list->columns_.push_back(position);
  }
  return list;
}

absl::StatusOr<std::optional<RequestRow>> RequestList::Next() {
  HF_ASSIGN_OR_RETURN(const bool more, reader_.Next(record_));
  if (!more) return std::optional<RequestRow>();
  const auto column = [&](std::size_t i) -> const std::string& { return record_[columns_[i]]; };
  RequestRow row;
  v1::Person& person = *row.subject.mutable_person();
  person.set_name(column(0));
  v1::Address& address = *person.mutable_address();
  address.set_line1(column(1));
  address.set_line2(column(2));
  address.set_city(column(3));
  address.set_state(column(4));
  address.set_postal_code(column(5));
  person.set_tax_number(column(6));
  person.set_birth_date(column(7));
  row.officer = column(8);
  row.subject.set_case_number(column(9));
  row.subject.set_client_reference(column(10));
  return std::optional<RequestRow>(std::move(row));
}

absl::StatusOr<ListSummary> SummariseList(FileSystem& files, const std::string& path) {
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<RequestList> list, RequestList::Open(files, path));
  ListSummary summary;
  for (;;) {
    HF_ASSIGN_OR_RETURN(const std::optional<RequestRow> row, list->Next());
    if (!row) break;
    if (summary.rows == kMaxRows) {
      return MakeError(Reason::kRequestTooLarge, path + " has more rows than a transfer may");
    }
    ++summary.rows;
    const auto [it, is_new] =
        summary.position.emplace(row->officer, static_cast<std::uint32_t>(summary.officers.size()));
    if (is_new) summary.officers.push_back(row->officer);
  }
  if (summary.rows == 0) return MakeError(Reason::kRequestMalformed, path + " has no rows");
  return summary;
}

}  // namespace holdfast::cli
