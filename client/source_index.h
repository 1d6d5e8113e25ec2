// SPDX-License-Identifier: Apache-2.0
// A source's file of people, found again by the normalised name.
//
// The file stays where it is; the index takes some 24 bytes a person. How a name is normalised is
// policy/'s business, so that a source and the gateway's gate cannot differ: it is passed in.
//
// When to use  For a source whose records are one CSV file. Others write a LookupFunction of their
//              own (client/source_client.h): everybody who shares the normalised name, no fewer.
// Threads      Find() may be called concurrently.
// Ownership    Owns the file handle.
// Errors       Those of client/csv.h and of the file. kRequestTooLarge over kMaxPeople.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "base/file_system.h"
#include "base/mutex.h"
#include "client/csv.h"
#include "holdfast/v1/transfer_service.pb.h"

namespace holdfast::client {

inline constexpr std::uint64_t kMaxPeople = 100'000'000;

// Returns the key under which a name is found; an empty one for what is no name.
using NameKey = std::function<std::string(std::string_view)>;

// Whether a column may be sent as a field of the record.
using FieldFilter = std::function<bool(std::string_view)>;

class SourceIndex final {
 public:
  // Reads the whole file once. Its header must name `name`, `line1`, `line2`, `city`, `state`,
  // `postal_code`, `tax_number` and `birth_date`. Other columns that `filter` lets pass are fields
  // of the record. `progress` may be empty; it gets the number of people so far.
  static absl::StatusOr<std::unique_ptr<SourceIndex>> Build(
      FileSystem& files, const std::string& path, NameKey key, const FieldFilter& filter,
      const std::function<void(std::uint64_t)>& progress);

  SourceIndex(const SourceIndex&) = delete;
  SourceIndex& operator=(const SourceIndex&) = delete;

  std::uint64_t people() const { return entries_.size(); }
  std::uint64_t without_name() const { return without_name_; }

  // Returns everybody who shares the normalised name, at most `most` of them.
  absl::StatusOr<std::vector<v1::Candidate>> Find(std::string_view name, std::size_t most) const;

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::uint64_t offset = 0;
    std::uint32_t bytes = 0;
  };

  explicit SourceIndex(NameKey key);
  absl::Status ReadHeader(CsvReader& reader, const FieldFilter& filter);
  absl::StatusOr<std::vector<std::string>> ReadRecord(const Entry& entry) const;
  v1::Candidate ToCandidate(const std::vector<std::string>& record) const;

  // Constant after Build().
  const NameKey key_;
  std::vector<Entry> entries_;  // By hash.
  std::vector<std::string> header_;
  std::size_t name_ = 0;
  std::vector<std::size_t> person_;  // The other seven columns of a person, in order.
  std::vector<std::size_t> fields_;
  std::uint64_t without_name_ = 0;

  mutable Mutex mutex_;
  std::unique_ptr<File> file_ HF_GUARDED_BY(mutex_);
};

}  // namespace holdfast::client
