// SPDX-License-Identifier: Apache-2.0
// The accepted subjects of one transfer as a CSV file: what `source pull` writes and the other file
// commands read.
//
// Columns: transfer, row, the eight of a person (client/lookup/people_columns.h), periods
// ("2021-2023", several with blanks between). Rows ascend.
//
// When to use  In the commands of `holdfast source` that work with files.
// Threads      Not safe for concurrent use.
// Ownership    A reader owns the file handle. A writer is a FileWriter's (mode 0600).
// Errors       Those of client/csv.h; kRequestMalformed for what pull would not have written. No
//              error shows what a field holds.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "base/file_system.h"
#include "client/csv.h"
#include "client/source_lookup.h"
#include "holdfast/v1/transfer_service.pb.h"

namespace holdfast::cli {

// The lines of a subject file.
std::string SubjectFileHeader();
std::string SubjectFileLine(const std::string& transfer, const client::LookupQuery& query);

// One subject with the periods, as fetched: a chunk with one subject.
struct FileSubject {
  v1::AcceptedSubject subject;
  v1::FetchSubjectsResponse chunk;  // Its periods alone are set.

  client::LookupQuery query() const { return {subject, chunk.periods()}; }
};

class SubjectFile final {
 public:
  // Every line has to be of `transfer`.
  static absl::StatusOr<std::unique_ptr<SubjectFile>> Open(FileSystem& files,
                                                           const std::string& path,
                                                           const std::string& transfer);

  SubjectFile(const SubjectFile&) = delete;
  SubjectFile& operator=(const SubjectFile&) = delete;

  // The next subject, or nothing at the end.
  absl::StatusOr<std::optional<FileSubject>> Next();

 private:
  SubjectFile(std::unique_ptr<File> file, client::CsvSource source, std::string transfer)
      : file_(std::move(file)), reader_(std::move(source)), transfer_(std::move(transfer)) {}
  absl::Status Malformed(std::string what) const;

  std::unique_ptr<File> file_;
  client::CsvReader reader_;
  const std::string transfer_;
  std::vector<std::size_t> columns_;
  std::vector<std::string> record_;
  std::optional<std::uint32_t> last_row_;
};

// Reads a row number: digits without a leading zero.
std::optional<std::uint32_t> ParseRowNumber(std::string_view text);

}  // namespace holdfast::cli
