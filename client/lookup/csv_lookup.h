// SPDX-License-Identifier: Apache-2.0
// A source's people in one CSV file, indexed by normalised name, by tax number, and by postal code
// with a part of the name.
//
// The file is read once to build the index, some 64 bytes a person, and stays where it is. It must
// not change while it is in use; a change is noticed where it moves what is read.
//
// When to use  For a source whose records are one file. With a database: sqlite_lookup.h; with
//              anything else: command_lookup.h, or a SourceLookup of its own.
// Threads      Find() may be called concurrently.
// Ownership    Owns the file handle.
// Errors       Those of client/csv.h and of the file. kRequestTooLarge over kMaxPeople;
//              kStoreCorrupt if the file has changed. None shows what a field holds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "base/file_system.h"
#include "base/mutex.h"
#include "client/csv.h"
#include "client/lookup/key_index.h"
#include "client/lookup/people_columns.h"
#include "client/source_lookup.h"

namespace holdfast::client {

inline constexpr std::uint64_t kMaxPeople = 100'000'000;

class CsvLookup final : public SourceLookup {
 public:
  // Reads the whole file once. Its header must name the columns of kPersonColumns. Others that
  // `filter` lets pass are fields of the record. `progress` may be empty; it gets the number of
  // people so far.
  static absl::StatusOr<std::unique_ptr<CsvLookup>> Open(
      FileSystem& files, const std::string& path, const FieldFilter& filter,
      const std::function<void(std::uint64_t)>& progress);

  std::uint64_t people() const { return places_.size(); }

  // Of these, those without any key: no readable name and no number. They are never found.
  std::uint64_t without_key() const { return without_key_; }

  absl::StatusOr<Candidates> Find(const LookupQuery& query) override;

 private:
  // Where a record is.
  struct Place {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
  };

  explicit CsvLookup(PeopleColumns columns) : columns_(std::move(columns)) {}
  absl::StatusOr<std::vector<std::string>> ReadRecord(const Place& place) const;

  // Constant after Open().
  const PeopleColumns columns_;
  std::vector<Place> places_;
  KeyIndex index_;
  std::uint64_t size_bytes_ = 0;
  std::uint64_t without_key_ = 0;

  mutable Mutex mutex_;
  std::unique_ptr<File> file_ HF_GUARDED_BY(mutex_);
};

}  // namespace holdfast::client
