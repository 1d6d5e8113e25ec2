// SPDX-License-Identifier: Apache-2.0
#include "client/source_index.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace holdfast::client {
namespace {

constexpr std::array<std::string_view, 7> kPersonColumns = {
    "line1", "line2", "city", "state", "postal_code", "tax_number", "birth_date"};

std::uint64_t HashOf(std::string_view key) { return std::hash<std::string_view>{}(key); }

}  // namespace

SourceIndex::SourceIndex(NameKey key) : key_(std::move(key)) {}

absl::Status SourceIndex::ReadHeader(CsvReader& reader, const FieldFilter& filter) {
  HF_ASSIGN_OR_RETURN(const bool any, reader.Next(header_));
  if (!any) return MakeError(Reason::kRequestMalformed, "the file of people is empty");
  HF_ASSIGN_OR_RETURN(const CsvHeader header, CsvHeader::Make(header_));
  HF_ASSIGN_OR_RETURN(name_, header.Require("name"));
  for (const std::string_view column : kPersonColumns) {
    HF_ASSIGN_OR_RETURN(const std::size_t position, header.Require(column));
    person_.push_back(position);
  }
  for (std::size_t i = 0; i < header_.size(); ++i) {
    const bool of_person =
        i == name_ || std::find(person_.begin(), person_.end(), i) != person_.end();
    if (!of_person && filter(header_[i])) fields_.push_back(i);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SourceIndex>> SourceIndex::Build(
    FileSystem& files, const std::string& path, NameKey key, const FieldFilter& filter,
    const std::function<void(std::uint64_t)>& progress) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<File> file, files.Open(path, OpenMode::kRead));
  std::unique_ptr<SourceIndex> index(new SourceIndex(std::move(key)));
  CsvReader reader(CsvFromFile(*file));
  HF_RETURN_IF_ERROR(index->ReadHeader(reader, filter));
  std::vector<std::string> record;
  for (;;) {
    HF_ASSIGN_OR_RETURN(const bool more, reader.Next(record));
    if (!more) break;
    if (index->entries_.size() == kMaxPeople) {
      return MakeError(Reason::kRequestTooLarge, "the file has more people than an index may");
    }
    const std::string normal = index->key_(record[index->name_]);
    if (normal.empty()) {
      ++index->without_name_;
      continue;
    }
    index->entries_.push_back({HashOf(normal), reader.begin(),
                               static_cast<std::uint32_t>(reader.end() - reader.begin())});
    if (progress) progress(index->entries_.size());
  }
  index->entries_.shrink_to_fit();
  std::sort(index->entries_.begin(), index->entries_.end(), [](const Entry& a, const Entry& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.offset < b.offset;
  });
  const MutexLock lock(index->mutex_);
  index->file_ = std::move(file);
  return index;
}

absl::StatusOr<std::vector<std::string>> SourceIndex::ReadRecord(const Entry& entry) const {
  Bytes text(entry.bytes);
  {
    const MutexLock lock(mutex_);
    HF_ASSIGN_OR_RETURN(const std::size_t size, file_->ReadAt(entry.offset, text));
    text.resize(size);
  }
  CsvReader reader(CsvFromText(AsText(text)));
  std::vector<std::string> record;
  HF_ASSIGN_OR_RETURN(const bool any, reader.Next(record));
  if (!any || record.size() != header_.size()) {
    return MakeError(Reason::kStoreCorrupt, "the file of people changed while it was in use");
  }
  return record;
}

v1::Candidate SourceIndex::ToCandidate(const std::vector<std::string>& record) const {
  v1::Candidate candidate;
  v1::Person& person = *candidate.mutable_person();
  person.set_name(record[name_]);
  v1::Address& address = *person.mutable_address();
  address.set_line1(record[person_[0]]);
  address.set_line2(record[person_[1]]);
  address.set_city(record[person_[2]]);
  address.set_state(record[person_[3]]);
  address.set_postal_code(record[person_[4]]);
  person.set_tax_number(record[person_[5]]);
  person.set_birth_date(record[person_[6]]);
  for (const std::size_t position : fields_) {
    v1::RecordField& field = *candidate.add_fields();
    field.set_name(header_[position]);
    field.set_value(record[position]);
  }
  return candidate;
}

absl::StatusOr<std::vector<v1::Candidate>> SourceIndex::Find(std::string_view name,
                                                             std::size_t most) const {
  std::vector<v1::Candidate> found;
  const std::string normal = key_(name);
  if (normal.empty()) return found;
  const std::uint64_t hash = HashOf(normal);
  auto entry = std::lower_bound(entries_.begin(), entries_.end(), hash,
                                [](const Entry& e, std::uint64_t h) { return e.hash < h; });
  for (; entry != entries_.end() && entry->hash == hash && found.size() < most; ++entry) {
    HF_ASSIGN_OR_RETURN(const std::vector<std::string> record, ReadRecord(*entry));
    // Two names may share a hash.
    if (key_(record[name_]) == normal) found.push_back(ToCandidate(record));
  }
  return found;
}

}  // namespace holdfast::client
