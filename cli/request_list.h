// SPDX-License-Identifier: Apache-2.0
// A requester's list of subjects: a CSV file with a column for each part.
//
// Columns: name, line1, line2, city, state, postal_code, tax_number, birth_date, officer, case,
// reference. Others are not read. Row n of a transfer is record n of the file, counted from 0.
//
// When to use  To submit a list, and to know again whom a record was about.
// Threads      Not safe for concurrent use.
// Ownership    Owns the file handle.
// Errors       Those of client/csv.h; kRequestMalformed for a column that is missing.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "base/file_system.h"
#include "client/csv.h"
#include "holdfast/v1/transfer_service.pb.h"

namespace holdfast::cli {

struct RequestRow {
  v1::Subject subject;  // Without the officer's position.
  std::string officer;  // By id.
};

class RequestList final {
 public:
  static absl::StatusOr<std::unique_ptr<RequestList>> Open(FileSystem& files,
                                                           const std::string& path);

  RequestList(const RequestList&) = delete;
  RequestList& operator=(const RequestList&) = delete;

  // The next row, or nothing at the end.
  absl::StatusOr<std::optional<RequestRow>> Next();

 private:
  RequestList(std::unique_ptr<File> file, client::CsvSource source)
      : file_(std::move(file)), reader_(std::move(source)) {}

  std::unique_ptr<File> file_;
  client::CsvReader reader_;
  std::vector<std::size_t> columns_;
  std::vector<std::string> record_;
};

// What one reading of a list tells.
struct ListSummary {
  std::uint32_t rows = 0;
  std::vector<std::string> officers;              // Each once, in order of appearance.
  std::map<std::string, std::uint32_t> position;  // In `officers`.
};
absl::StatusOr<ListSummary> SummariseList(FileSystem& files, const std::string& path);

}  // namespace holdfast::cli
