// SPDX-License-Identifier: Apache-2.0
// What a source found for the subjects of one transfer, as a CSV file that it made itself.
//
// Columns: transfer and row, as in the file of subjects; the eight of a person; fields of the
// record. A line a candidate. A subject for whom nobody was found has one line with transfer and
// row alone: a row that is left out is an error, since "nobody" is final.
//
// When to use  For `source push` and `source explain`: it is a lookup by row.
// Threads      Find() may be called concurrently.
// Ownership    Owns the file handle; some 24 bytes a line in memory.
// Errors       Those of client/csv.h; kRequestMalformed, with `line` or `row`, for what does not
// fit
//              there; kStoreCorrupt if the file changes while it is in use. None shows what a field
//              holds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "base/file_system.h"
#include "base/mutex.h"
#include "client/lookup/people_columns.h"
#include "client/source_lookup.h"

namespace holdfast::cli {

class CandidateFile final : public client::SourceLookup {
 public:
  // Reads the whole file once. Every line has to be of `transfer`.
  static absl::StatusOr<std::unique_ptr<CandidateFile>> Open(FileSystem& files,
                                                             const std::string& path,
                                                             const std::string& transfer,
                                                             const client::FieldFilter& filter);

  // The rows that the file has, ascending, each once.
  const std::vector<std::uint32_t>& rows() const { return rows_; }

  // Errors: kRequestMalformed too, if the row is not in the file.
  absl::StatusOr<client::Candidates> Find(const client::LookupQuery& query) override;

 private:
  // A line with a candidate, or with nobody.
  struct Place {
    std::uint32_t row = 0;
    std::uint32_t bytes = 0;
    std::uint64_t offset = 0;
    std::uint32_t line = 0;
    bool nobody = false;
  };

  explicit CandidateFile(client::PeopleColumns columns) : columns_(std::move(columns)) {}
  absl::Status CheckPlaces();

  // Constant after Open().
  const client::PeopleColumns columns_;
  std::vector<Place> places_;  // By row, then as in the file.
  std::vector<std::uint32_t> rows_;

  Mutex mutex_;
  std::unique_ptr<File> file_ HF_GUARDED_BY(mutex_);
};

}  // namespace holdfast::cli
