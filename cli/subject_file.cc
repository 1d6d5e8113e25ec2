// SPDX-License-Identifier: Apache-2.0
#include "cli/subject_file.h"

#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "client/lookup/people_columns.h"

namespace holdfast::cli {
namespace {

constexpr std::array<std::string_view, 3> kOtherColumns = {"transfer", "row", "periods"};

// Reads "2021-2023 2025-2025".
bool ParsePeriods(std::string_view text, v1::FetchSubjectsResponse& out) {
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    const std::string_view range = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const std::size_t dash = range.find('-');
    if (dash == std::string_view::npos) return false;
    const auto first = ParseRowNumber(range.substr(0, dash));
    const auto last = ParseRowNumber(range.substr(dash + 1));
    if (!first || !last) return false;
    v1::TaxPeriod& period = *out.add_periods();
    period.set_first_year(*first);
    period.set_last_year(*last);
  }
  return true;
}

}  // namespace

std::optional<std::uint32_t> ParseRowNumber(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return number;
}

std::string SubjectFileHeader() {
  std::vector<std::string_view> columns = {"transfer", "row"};
  columns.insert(columns.end(), client::kPersonColumns.begin(), client::kPersonColumns.end());
  columns.emplace_back("periods");
  return client::CsvLine(columns);
}

std::string SubjectFileLine(const std::string& transfer, const client::LookupQuery& query) {
  const v1::Person& person = query.subject.person();
  const v1::Address& address = person.address();
  std::string periods;
  for (const v1::TaxPeriod& period : query.periods) {
    periods +=
        fmt::format("{}{}-{}", periods.empty() ? "" : " ", period.first_year(), period.last_year());
  }
  const std::vector<std::string> fields = {transfer,
                                           std::to_string(query.subject.row()),
                                           person.name(),
                                           address.line1(),
                                           address.line2(),
                                           address.city(),
                                           address.state(),
                                           address.postal_code(),
                                           person.tax_number(),
                                           person.birth_date(),
                                           periods};
  return client::CsvLine(fields);
}

absl::StatusOr<std::unique_ptr<SubjectFile>> SubjectFile::Open(FileSystem& files,
                                                               const std::string& path,
                                                               const std::string& transfer) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<File> file, files.Open(path, OpenMode::kRead));
  client::CsvSource source = client::CsvFromFile(*file);
  std::unique_ptr<SubjectFile> subjects(
      new SubjectFile(std::move(file), std::move(source), transfer));
  HF_ASSIGN_OR_RETURN(const bool any, subjects->reader_.Next(subjects->record_));
  if (!any) return MakeError(Reason::kRequestMalformed, "the file of subjects is empty");
  HF_ASSIGN_OR_RETURN(const client::CsvHeader header, client::CsvHeader::Make(subjects->record_));
  for (const std::string_view column : kOtherColumns) {
    HF_ASSIGN_OR_RETURN(const std::size_t position, header.Require(column));
    subjects->columns_.push_back(position);
  }
  for (const std::string_view column : client::kPersonColumns) {
    HF_ASSIGN_OR_RETURN(const std::size_t position, header.Require(column));
    subjects->columns_.push_back(position);
  }
  return subjects;
}

absl::Status SubjectFile::Malformed(std::string what) const {
  return AddMetadata(MakeError(Reason::kRequestMalformed, "the file of subjects " + what), "line",
                     std::to_string(reader_.line()));
}

absl::StatusOr<std::optional<FileSubject>> SubjectFile::Next() {
  HF_ASSIGN_OR_RETURN(const bool more, reader_.Next(record_));
  if (!more) return std::optional<FileSubject>();
  if (record_[columns_[0]] != transfer_) return Malformed("is of another transfer");
  const auto row = ParseRowNumber(record_[columns_[1]]);
  if (!row || (last_row_ && *row <= *last_row_)) return Malformed("has rows that do not ascend");
  last_row_ = row;
  std::optional<FileSubject> subject(std::in_place);
  subject->subject.set_row(*row);
  if (!ParsePeriods(record_[columns_[2]], subject->chunk)) {
    return Malformed("has periods that cannot be read");
  }
  for (std::size_t i = 0; i < client::kPersonColumns.size(); ++i) {
    client::SetPersonPart(*subject->subject.mutable_person(), i,
                          record_[columns_[kOtherColumns.size() + i]]);
  }
  return subject;
}

}  // namespace holdfast::cli
