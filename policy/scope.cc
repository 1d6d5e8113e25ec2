// SPDX-License-Identifier: Apache-2.0
#include "policy/scope.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/limits.h"

namespace holdfast::policy {
namespace {

// A scope of rows in more chunks than this is kept in one list instead of one a chunk.
constexpr std::uint64_t kMaxChunksIndexed = 64;

std::uint64_t ChunksTouched(const CompiledScope& scope) {
  std::uint64_t chunks = 0;
  for (const RowSpan& rows : scope.rows) {
    chunks += rows.last / kRowsPerChunk - rows.first / kRowsPerChunk + 1;
  }
  return chunks;
}

// Calls `visit` for each chunk that the scope's rows touch, each once: the spans ascend.
template <typename Visit>
void ForEachChunk(const CompiledScope& scope, Visit visit) {
  std::int64_t last = -1;
  for (const RowSpan& rows : scope.rows) {
    const auto first = std::max<std::int64_t>(rows.first / kRowsPerChunk, last + 1);
    last = rows.last / kRowsPerChunk;
    for (std::int64_t chunk = first; chunk <= last; ++chunk) {
      visit(static_cast<std::uint32_t>(chunk));
    }
  }
}

template <typename Items>
void Erase(Items& items, std::uint32_t tag) {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.tag == tag; });
  HF_CHECK(found != items.end());
  items.erase(found);  // Keeps the order: what is found must not depend on what was lifted.
}

template <typename Map, typename Key>
void EraseFrom(Map& map, const Key& key, std::uint32_t tag) {
  const auto found = map.find(key);
  HF_CHECK(found != map.end());
  Erase(found->second, tag);
  if (found->second.empty()) map.erase(found);
}

template <typename Items>
const std::uint32_t* FindIn(const Items& items, const RecordFacts& record) {
  for (const auto& item : items) {
    if (item.scope.Covers(record)) return &item.tag;
  }
  return nullptr;
}

template <typename Map, typename Key>
const std::uint32_t* FindUnder(const Map& map, const Key& key, const RecordFacts& record) {
  if (map.empty()) return nullptr;
  const auto found = map.find(key);
  return found == map.end() ? nullptr : FindIn(found->second, record);
}

}  // namespace

bool CompiledScope::Covers(const RecordFacts& record) const {
  if (everything) return true;
  bool any = false;
  if (transfer) {
    if (*transfer != record.transfer) return false;
    any = true;
    if (!rows.empty()) {
      // The first span that does not end before the row.
      const auto span = std::partition_point(rows.begin(), rows.end(), [&](const RowSpan& rows_of) {
        return rows_of.last < record.row;
      });
      if (span == rows.end() || record.row < span->first) return false;
    }
  }
  if (officer) {
    if (*officer != record.officer) return false;
    any = true;
  }
  if (authority) {
    if (*authority != record.authority) return false;
    any = true;
  }
  if (person) {
    if (*person != record.pseudonym) return false;
    any = true;
  }
  return any;
}

bool CompiledScope::CoversWholeTransfer(std::uint32_t transfer_number,
                                        AuthorityNumber its_authority) const {
  if (everything) return true;
  if (officer || person || !rows.empty()) return false;
  if (!transfer && !authority) return false;
  return Touches(transfer_number, its_authority);
}

bool CompiledScope::Touches(std::uint32_t transfer_number, AuthorityNumber its_authority) const {
  if (everything) return true;
  return (!transfer || *transfer == transfer_number) && (!authority || *authority == its_authority);
}

void ScopeIndex::Add(std::uint32_t tag, const CompiledScope& scope) {
  ++size_;
  const Item item{tag, scope};
  // Under the part that fewest records share.
  if (scope.everything) {
    everything_.push_back(item);
  } else if (scope.person) {
    by_person_[*scope.person].push_back(item);
  } else if (scope.transfer && !scope.rows.empty() && ChunksTouched(scope) <= kMaxChunksIndexed) {
    OfTransfer& of = by_transfer_[*scope.transfer];
    ForEachChunk(scope, [&](std::uint32_t chunk) { of.items_by_chunk[chunk].push_back(item); });
  } else if (scope.officer) {
    by_officer_[*scope.officer].push_back(item);
  } else if (scope.transfer) {
    by_transfer_[*scope.transfer].items.push_back(item);
  } else {
    HF_CHECK(scope.authority.has_value());
    by_authority_[*scope.authority].push_back(item);
  }
}

void ScopeIndex::Remove(std::uint32_t tag, const CompiledScope& scope) {
  HF_CHECK(size_ > 0);
  --size_;
  if (scope.everything) {
    Erase(everything_, tag);
  } else if (scope.person) {
    EraseFrom(by_person_, *scope.person, tag);
  } else if (scope.transfer && !scope.rows.empty() && ChunksTouched(scope) <= kMaxChunksIndexed) {
    OfTransfer& of = by_transfer_[*scope.transfer];
    ForEachChunk(scope, [&](std::uint32_t chunk) { EraseFrom(of.items_by_chunk, chunk, tag); });
    if (of.items.empty() && of.items_by_chunk.empty()) by_transfer_.erase(*scope.transfer);
  } else if (scope.officer) {
    EraseFrom(by_officer_, *scope.officer, tag);
  } else if (scope.transfer) {
    OfTransfer& of = by_transfer_[*scope.transfer];
    Erase(of.items, tag);
    if (of.items.empty() && of.items_by_chunk.empty()) by_transfer_.erase(*scope.transfer);
  } else {
    EraseFrom(by_authority_, *scope.authority, tag);
  }
}

std::optional<std::uint32_t> ScopeIndex::Find(const RecordFacts& record) const {
  if (size_ == 0) return std::nullopt;
  if (!everything_.empty()) return everything_.front().tag;
  if (!by_transfer_.empty()) {
    const auto found = by_transfer_.find(record.transfer);
    if (found != by_transfer_.end()) {
      const OfTransfer& of = found->second;
      if (const auto* tag = FindIn(of.items, record)) return *tag;
      if (const auto* tag = FindUnder(of.items_by_chunk, record.row / kRowsPerChunk, record)) {
        return *tag;
      }
    }
  }
  if (const auto* tag = FindUnder(by_officer_, record.officer, record)) return *tag;
  if (const auto* tag = FindUnder(by_authority_, record.authority, record)) return *tag;
  if (const auto* tag = FindUnder(by_person_, record.pseudonym, record)) return *tag;
  return std::nullopt;
}

std::optional<std::uint32_t> ScopeIndex::FindWhole(std::uint32_t transfer,
                                                   AuthorityNumber authority) const {
  if (!everything_.empty()) return everything_.front().tag;
  const auto of_transfer = by_transfer_.find(transfer);
  if (of_transfer != by_transfer_.end()) {
    for (const Item& item : of_transfer->second.items) {
      if (item.scope.CoversWholeTransfer(transfer, authority)) return item.tag;
    }
  }
  const auto of_authority = by_authority_.find(authority);
  if (of_authority != by_authority_.end()) {
    for (const Item& item : of_authority->second) {
      if (item.scope.CoversWholeTransfer(transfer, authority)) return item.tag;
    }
  }
  return std::nullopt;
}

}  // namespace holdfast::policy
