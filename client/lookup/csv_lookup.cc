// SPDX-License-Identifier: Apache-2.0
#include "client/lookup/csv_lookup.h"

#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "client/lookup/person_keys.h"

namespace holdfast::client {
namespace {

absl::Status Changed() {
  return MakeError(Reason::kStoreCorrupt, "the file of people changed while it was in use");
}

}  // namespace

absl::StatusOr<std::unique_ptr<CsvLookup>> CsvLookup::Open(
    FileSystem& files, const std::string& path, const FieldFilter& filter,
    const std::function<void(std::uint64_t)>& progress) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<File> file, files.Open(path, OpenMode::kRead));
  CsvReader reader(CsvFromFile(*file));
  std::vector<std::string> record;
  HF_ASSIGN_OR_RETURN(const bool any, reader.Next(record));
  if (!any) return MakeError(Reason::kRequestMalformed, "the file of people is empty");
  HF_ASSIGN_OR_RETURN(PeopleColumns columns, PeopleColumns::Make(record, filter));
  std::unique_ptr<CsvLookup> lookup(new CsvLookup(std::move(columns)));
  for (;;) {
    HF_ASSIGN_OR_RETURN(const bool more, reader.Next(record));
    if (!more) break;
    if (lookup->places_.size() == kMaxPeople) {
      return MakeError(Reason::kRequestTooLarge, "the file has more people than an index may");
    }
    const std::vector<std::string> keys = KeysOf(lookup->columns_.ToPerson(record));
    if (keys.empty()) ++lookup->without_key_;
    lookup->index_.Add(static_cast<std::uint32_t>(lookup->places_.size()), keys);
    lookup->places_.push_back({reader.begin(), reader.end() - reader.begin()});
    if (progress) progress(lookup->places_.size());
  }
  lookup->places_.shrink_to_fit();
  lookup->index_.Seal();
  HF_ASSIGN_OR_RETURN(lookup->size_bytes_, file->Size());
  const MutexLock lock(lookup->mutex_);
  lookup->file_ = std::move(file);
  return lookup;
}

absl::StatusOr<std::vector<std::string>> CsvLookup::ReadRecord(const Place& place) const {
  Bytes text(place.bytes);
  {
    const MutexLock lock(mutex_);
    HF_ASSIGN_OR_RETURN(const std::uint64_t size_bytes, file_->Size());
    if (size_bytes != size_bytes_) return Changed();
    HF_ASSIGN_OR_RETURN(const std::size_t size, file_->ReadAt(place.offset, text));
    text.resize(size);
  }
  CsvReader reader(CsvFromText(AsText(text)), CsvBegins::kRecord);
  std::vector<std::string> record;
  const absl::StatusOr<bool> any = reader.Next(record);
  if (!any.ok() || !*any || record.size() != columns_.count()) return Changed();
  return record;
}

absl::StatusOr<Candidates> CsvLookup::Find(const LookupQuery& query) {
  const std::vector<std::string> keys = KeysOf(query.subject.person());
  const std::vector<std::uint32_t> people = index_.Find(keys);
  if (people.size() > kMaxOffered) return TooManyCandidates();
  Candidates found;
  found.reserve(people.size());
  for (const std::uint32_t person : people) {
    HF_ASSIGN_OR_RETURN(const std::vector<std::string> record, ReadRecord(places_[person]));
    found.push_back(columns_.ToCandidate(record));
    // Also fails where two keys share a hash, which is too rare to tell apart from a change.
    if (!ShareKey(KeysOf(found.back().person()), keys)) return Changed();
  }
  return found;
}

}  // namespace holdfast::client
