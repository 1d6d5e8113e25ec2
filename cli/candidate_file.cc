// SPDX-License-Identifier: Apache-2.0
#include "cli/candidate_file.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "cli/subject_file.h"
#include "client/csv.h"

namespace holdfast::cli {
namespace {

absl::Status AtLine(std::string what, std::uint64_t line) {
  return AddMetadata(MakeError(Reason::kRequestMalformed, "the file of candidates " + what), "line",
                     std::to_string(line));
}

bool IsBlank(const std::vector<std::string>& record, const client::PeopleColumns& columns) {
  const auto empty = [&](std::size_t column) { return record[column].empty(); };
  return std::all_of(columns.person().begin(), columns.person().end(), empty) &&
         std::all_of(
             columns.fields().begin(), columns.fields().end(),
             [&](const client::PeopleColumns::Field& field) { return empty(field.column); });
}

}  // namespace

absl::StatusOr<std::unique_ptr<CandidateFile>> CandidateFile::Open(
    FileSystem& files, const std::string& path, const std::string& transfer,
    const client::FieldFilter& filter) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<File> file, files.Open(path, OpenMode::kRead));
  client::CsvReader reader(client::CsvFromFile(*file));
  std::vector<std::string> record;
  HF_ASSIGN_OR_RETURN(const bool any, reader.Next(record));
  if (!any) return MakeError(Reason::kRequestMalformed, "the file of candidates is empty");
  HF_ASSIGN_OR_RETURN(const client::CsvHeader header, client::CsvHeader::Make(record));
  HF_ASSIGN_OR_RETURN(const std::size_t transfer_column, header.Require("transfer"));
  HF_ASSIGN_OR_RETURN(const std::size_t row_column, header.Require("row"));
  // The two are never fields, whatever an agreement permits.
  HF_ASSIGN_OR_RETURN(client::PeopleColumns columns,
                      client::PeopleColumns::Make(record, [&](std::string_view column) {
                        return column != "transfer" && column != "row" && filter(column);
                      }));
  std::unique_ptr<CandidateFile> candidates(new CandidateFile(std::move(columns)));
  for (;;) {
    HF_ASSIGN_OR_RETURN(const bool more, reader.Next(record));
    if (!more) break;
    if (record[transfer_column] != transfer) {
      return AtLine("is of another transfer", reader.line());
    }
    const auto row = ParseRowNumber(record[row_column]);
    if (!row) return AtLine("has a row that is no number", reader.line());
    if (candidates->places_.size() == std::numeric_limits<std::uint32_t>::max()) {
      return MakeError(Reason::kRequestTooLarge, "the file of candidates is too long");
    }
    Place place;
    place.row = *row;
    place.offset = reader.begin();
    place.bytes = static_cast<std::uint32_t>(reader.end() - reader.begin());
    place.line = static_cast<std::uint32_t>(reader.line());
    place.nobody = IsBlank(record, candidates->columns_);
    if (!place.nobody && record[candidates->columns_.person()[0]].empty()) {
      return AtLine("has a candidate without a name", reader.line());
    }
    candidates->places_.push_back(place);
  }
  HF_RETURN_IF_ERROR(candidates->CheckPlaces());
  const MutexLock lock(candidates->mutex_);
  candidates->file_ = std::move(file);
  return candidates;
}

absl::Status CandidateFile::CheckPlaces() {
  std::stable_sort(places_.begin(), places_.end(),
                   [](const Place& a, const Place& b) { return a.row < b.row; });
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const bool repeated = i > 0 && places_[i - 1].row == places_[i].row;
    if (!repeated) rows_.push_back(places_[i].row);
    if (repeated && (places_[i].nobody || places_[i - 1].nobody)) {
      return AtLine("says of one row that there is nobody, and that there is somebody",
                    places_[i].line);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<client::Candidates> CandidateFile::Find(const client::LookupQuery& query) {
  const std::uint32_t row = query.subject.row();
  auto place = std::lower_bound(places_.begin(), places_.end(), row,
                                [](const Place& p, std::uint32_t r) { return p.row < r; });
  if (place == places_.end() || place->row != row) {
    return MakeError(Reason::kRequestMalformed, "the file of candidates lacks a row");
  }
  client::Candidates found;
  for (; place != places_.end() && place->row == row && !place->nobody; ++place) {
    Bytes text(place->bytes);
    {
      const MutexLock lock(mutex_);
      HF_ASSIGN_OR_RETURN(const std::size_t size, file_->ReadAt(place->offset, text));
      text.resize(size);
    }
    client::CsvReader reader(client::CsvFromText(AsText(text)), client::CsvBegins::kRecord);
    std::vector<std::string> record;
    const absl::StatusOr<bool> any = reader.Next(record);
    if (!any.ok() || !*any || record.size() != columns_.count()) {
      return MakeError(Reason::kStoreCorrupt, "the file of candidates changed while it was in use");
    }
    found.push_back(columns_.ToCandidate(record));
  }
  return found;
}

}  // namespace holdfast::cli
