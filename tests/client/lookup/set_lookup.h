// SPDX-License-Identifier: Apache-2.0
// A set's file, looked up by what `holdfast source serve` uses: a CSV file on disk, CsvLookup over
// it.
//
// When to use  To measure the gates behind the source's own client.
// Threads      Candidates() may be called concurrently.
// Ownership    Owns the file.
// Errors       End the process.
#pragma once

#include <memory>

#include "base/file_system.h"
#include "client/lookup/csv_lookup.h"
#include "tests/policy/gate_data.h"
#include "tests/support/temp_dir.h"

namespace holdfast::test {

class SetLookup final : public CandidateFinder {
 public:
  explicit SetLookup(const std::vector<FilePerson>& people);

  std::vector<std::size_t> Candidates(const FilePerson& person) const override;

 private:
  TempDir folder_;
  PosixFileSystem files_;
  std::unique_ptr<client::CsvLookup> lookup_;
};

}  // namespace holdfast::test
