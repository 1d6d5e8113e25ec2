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

// The one whose tag is `wanted` and which covers the record, or null.
template <typename Items, typename Wanted>
const std::uint32_t* FindIn(const Items& items, const RecordFacts& record, Wanted& wanted) {
  for (const auto& item : items) {
    if (item.scope.Covers(record) && wanted(item.tag)) return &item.tag;
  }
  return nullptr;
}

template <typename Map, typename Key, typename Wanted>
const std::uint32_t* FindUnder(const Map& map, const Key& key, const RecordFacts& record,
                               Wanted& wanted) {
  if (map.empty()) return nullptr;
  const auto found = map.find(key);
  return found == map.end() ? nullptr : FindIn(found->second, record, wanted);
}

// A record's times of one kind, [first, last]; {0, 0} if it has none.
std::pair<std::uint32_t, std::uint32_t> TimesOf(const RecordFacts& record, RecordDate date) {
  switch (date) {
    case RecordDate::kRequested:
      return {record.requested_at, record.requested_at};
    case RecordDate::kApproved:
      return {record.approved_at, record.approved_at};
    case RecordDate::kDeposited:
      return {record.deposited_at, record.deposited_at};
    case RecordDate::kReleased:
      return {record.first_released_at, record.last_released_at};
  }
  return {0, 0};
}

template <typename Dates, typename Wanted>
const std::uint32_t* FindInDates(const Dates& dates, const RecordFacts& record, Wanted& wanted) {
  const std::uint32_t* found = nullptr;
  for (std::size_t i = 0; i < dates.size() && found == nullptr; ++i) {
    if (dates[i].empty()) continue;
    const auto [first, last] = TimesOf(record, static_cast<RecordDate>(i + 1));
    if (last == 0) continue;
    dates[i].Visit(first, last, [&](const internal::ScopeItem& item) {
      if (!item.scope.Covers(record) || !wanted(item.tag)) return false;
      found = &item.tag;
      return true;
    });
  }
  return found;
}

template <typename Dates>
bool NoDates(const Dates& dates) {
  return std::all_of(dates.begin(), dates.end(), [](const auto& index) { return index.empty(); });
}

template <typename Dates>
auto& DatesOf(Dates& dates, RecordDate date) {
  return dates[static_cast<std::size_t>(date) - 1];
}

bool Includes(const std::vector<RowSpan>& wide, const std::vector<RowSpan>& narrow) {
  if (wide.empty()) return true;  // All rows.
  if (narrow.empty()) return false;
  return std::all_of(narrow.begin(), narrow.end(), [&](const RowSpan& span) {
    return std::any_of(wide.begin(), wide.end(), [&](const RowSpan& around) {
      return around.first <= span.first && span.last <= around.last;
    });
  });
}

template <typename Part>
bool SameIfSet(const std::optional<Part>& wide, const std::optional<Part>& narrow) {
  return !wide || wide == narrow;
}

}  // namespace

RecordFacts RecordFacts::ReleasedAt(std::uint32_t second) const {
  RecordFacts facts = *this;
  facts.last_released_at = second;
  if (facts.first_released_at == 0) facts.first_released_at = second;
  return facts;
}

bool DateSpan::Meets(const RecordFacts& record) const {
  const auto [first, last] = TimesOf(record, of);
  return last != 0 && first < until && last >= from;
}

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
  if (!people.empty()) {
    const auto named = [&](const PersonKey& person) {
      return person != PersonKey() && std::binary_search(people.begin(), people.end(), person);
    };
    if (!named(record.person) && !named(record.alias)) return false;
    any = true;
  }
  if (dates) {
    if (!dates->Meets(record)) return false;
    any = true;
  }
  if (verdicts.any()) {
    if (!verdicts[record.release_verdict] && !verdicts[record.outcome]) return false;
    if (gate_version != 0 && gate_version != record.gate_version) return false;
    any = true;
  }
  return any;
}

bool CompiledScope::CoversWholeTransfer(const TransferFacts& of) const {
  if (everything) return true;
  if (officer || !people.empty() || !rows.empty() || verdicts.any()) return false;
  // What is only known of a single record is not known of all.
  if (dates && dates->of != RecordDate::kRequested && dates->of != RecordDate::kApproved) {
    return false;
  }
  if (!transfer && !authority && !dates) return false;
  return Touches(of);
}

bool CompiledScope::Touches(const TransferFacts& of) const {
  if (everything) return true;
  if ((transfer && *transfer != of.number) || (authority && *authority != of.authority)) {
    return false;
  }
  if (!dates) return true;
  const auto inside = [&](std::uint32_t time) {
    return dates->from <= time && time < dates->until;
  };
  switch (dates->of) {
    case RecordDate::kRequested:
      return inside(of.requested_at);
    case RecordDate::kApproved:
      return inside(of.approved_at);
    case RecordDate::kDeposited:
    case RecordDate::kReleased:
      return true;
  }
  return true;
}

bool CompiledScope::Contains(const CompiledScope& other) const {
  if (everything) return true;
  if (other.everything) return false;
  if (dates) {
    if (!other.dates || dates->of != other.dates->of || dates->from > other.dates->from ||
        dates->until < other.dates->until) {
      return false;
    }
  }
  if (verdicts.any() && (other.verdicts.none() || (other.verdicts & ~verdicts).any())) return false;
  if (gate_version != 0 && gate_version != other.gate_version) return false;
  return SameIfSet(transfer, other.transfer) && Includes(rows, other.rows) &&
         SameIfSet(officer, other.officer) && SameIfSet(authority, other.authority) &&
         (people.empty() ||
          (!other.people.empty() &&
           std::includes(people.begin(), people.end(), other.people.begin(), other.people.end())));
}

namespace internal {

void DateIndex::Rebuild() {
  std::size_t leaves = 1;
  while (leaves < spans_.size()) leaves *= 2;
  latest_.assign(2 * leaves, 0);
  for (std::size_t i = 0; i < spans_.size(); ++i) latest_[leaves + i] = spans_[i].until;
  for (std::size_t i = leaves - 1; i > 0; --i) {
    latest_[i] = std::max(latest_[2 * i], latest_[2 * i + 1]);
  }
}

void DateIndex::Add(std::uint32_t tag, const CompiledScope& scope) {
  const auto after =
      std::upper_bound(spans_.begin(), spans_.end(), scope.dates->from,
                       [](std::uint32_t from, const Span& span) { return from < span.from; });
  spans_.insert(after, {scope.dates->from, scope.dates->until,
                        std::make_shared<const ScopeItem>(ScopeItem{tag, scope})});
  Rebuild();
}

void DateIndex::Remove(std::uint32_t tag, const CompiledScope& scope) {
  auto span = std::lower_bound(spans_.begin(), spans_.end(), scope.dates->from,
                               [](const Span& of, std::uint32_t from) { return of.from < from; });
  while (span != spans_.end() && span->item->tag != tag) ++span;
  HF_CHECK(span != spans_.end());
  spans_.erase(span);
  Rebuild();
}

bool DateIndex::Visit(std::uint32_t first, std::uint32_t last,
                      absl::FunctionRef<bool(const ScopeItem&)> visit) const {
  if (spans_.empty()) return false;
  // Those that begin at `last` or before, and of them those that end after `first`.
  const auto end =
      std::upper_bound(spans_.begin(), spans_.end(), last,
                       [](std::uint32_t second, const Span& span) { return second < span.from; });
  return VisitNode(1, 0, latest_.size() / 2, static_cast<std::size_t>(end - spans_.begin()), first,
                   visit);
}

bool DateIndex::VisitNode(std::size_t node, std::size_t begin, std::size_t size, std::size_t end,
                          std::uint32_t after,
                          absl::FunctionRef<bool(const ScopeItem&)> visit) const {
  if (begin >= end || latest_[node] <= after) return false;
  if (size == 1) return visit(*spans_[begin].item);
  const std::size_t half = size / 2;
  return VisitNode(2 * node, begin, half, end, after, visit) ||
         VisitNode(2 * node + 1, begin + half, half, end, after, visit);
}

}  // namespace internal

bool ScopeIndex::OfTransfer::empty() const {
  return items.empty() && items_by_chunk.empty() && NoDates(dates);
}

template <typename InItems, typename InDates>
void ScopeIndex::Place(const CompiledScope& scope, InItems in_items, InDates in_dates) {
  const auto under = [&](auto& map, const auto& key) {
    const auto at = map.try_emplace(key).first;
    in_items(at->second);
    if (at->second.empty()) map.erase(at);
  };
  if (scope.everything) {
    in_items(everything_);
  } else if (!scope.people.empty()) {
    for (const PersonKey& person : scope.people) under(by_person_, person);
  } else if (scope.officer && (!scope.transfer || scope.rows.empty())) {
    under(by_officer_, *scope.officer);
  } else if (scope.transfer) {
    const auto at = by_transfer_.try_emplace(*scope.transfer).first;
    OfTransfer& of = at->second;
    if (!scope.rows.empty() && ChunksTouched(scope) <= kMaxChunksIndexed) {
      ForEachChunk(scope, [&](std::uint32_t chunk) { under(of.items_by_chunk, chunk); });
    } else if (scope.officer) {
      under(by_officer_, *scope.officer);
    } else if (scope.dates) {
      in_dates(DatesOf(of.dates, scope.dates->of));
    } else {
      in_items(of.items);
    }
    if (of.empty()) by_transfer_.erase(at);
  } else if (scope.dates) {
    in_dates(DatesOf(by_date_, scope.dates->of));
  } else if (scope.verdicts.any()) {
    for (std::size_t verdict = 0; verdict < scope.verdicts.size(); ++verdict) {
      if (scope.verdicts[verdict]) under(by_verdict_, static_cast<std::uint8_t>(verdict));
    }
  } else {
    HF_CHECK(scope.authority.has_value());
    under(by_authority_, *scope.authority);
  }
}

void ScopeIndex::Add(std::uint32_t tag, const CompiledScope& scope) {
  ++size_;
  Place(
      scope,
      [&](Items& items) {
        items.push_back({tag, scope});
      },
      [&](internal::DateIndex& dates) { dates.Add(tag, scope); });
}

void ScopeIndex::Remove(std::uint32_t tag, const CompiledScope& scope) {
  HF_CHECK(size_ > 0);
  --size_;
  Place(
      scope, [&](Items& items) { Erase(items, tag); },
      [&](internal::DateIndex& dates) { dates.Remove(tag, scope); });
}

std::optional<std::uint32_t> ScopeIndex::Find(const RecordFacts& record) const {
  return FindIf(record, [](std::uint32_t) { return true; });
}

std::optional<std::uint32_t> ScopeIndex::FindIf(
    const RecordFacts& record, absl::FunctionRef<bool(std::uint32_t)> wanted) const {
  if (size_ == 0) return std::nullopt;
  if (const auto* tag = FindIn(everything_, record, wanted)) return *tag;
  if (!by_transfer_.empty()) {
    const auto found = by_transfer_.find(record.transfer);
    if (found != by_transfer_.end()) {
      const OfTransfer& of = found->second;
      if (const auto* tag = FindIn(of.items, record, wanted)) return *tag;
      const std::uint32_t chunk = record.row / kRowsPerChunk;
      if (const auto* tag = FindUnder(of.items_by_chunk, chunk, record, wanted)) return *tag;
      if (const auto* tag = FindInDates(of.dates, record, wanted)) return *tag;
    }
  }
  if (const auto* tag = FindUnder(by_officer_, record.officer, record, wanted)) return *tag;
  if (const auto* tag = FindUnder(by_authority_, record.authority, record, wanted)) return *tag;
  if (const auto* tag = FindUnder(by_person_, record.person, record, wanted)) return *tag;
  if (record.alias != PersonKey()) {
    if (const auto* tag = FindUnder(by_person_, record.alias, record, wanted)) return *tag;
  }
  if (const auto* tag = FindInDates(by_date_, record, wanted)) return *tag;
  if (const auto* tag = FindUnder(by_verdict_, record.release_verdict, record, wanted)) return *tag;
  if (record.outcome != record.release_verdict) {
    if (const auto* tag = FindUnder(by_verdict_, record.outcome, record, wanted)) return *tag;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> ScopeIndex::FindWhole(const TransferFacts& of) const {
  std::optional<std::uint32_t> found;
  const auto look_at = [&](const Item& item) {
    if (item.scope.CoversWholeTransfer(of)) found = item.tag;
    return found.has_value();
  };
  // The dates that all records of a transfer share.
  const auto look_at_dates = [&](const Dates& dates) {
    return dates[0].Visit(of.requested_at, of.requested_at, look_at) ||
           (of.approved_at != 0 && dates[1].Visit(of.approved_at, of.approved_at, look_at));
  };
  const auto look_in = [&](const Items& items) {
    return std::any_of(items.begin(), items.end(), look_at);
  };
  if (look_in(everything_)) return found;
  const auto of_transfer = by_transfer_.find(of.number);
  if (of_transfer != by_transfer_.end() &&
      (look_in(of_transfer->second.items) || look_at_dates(of_transfer->second.dates))) {
    return found;
  }
  const auto of_authority = by_authority_.find(of.authority);
  if (of_authority != by_authority_.end() && look_in(of_authority->second)) return found;
  look_at_dates(by_date_);
  return found;
}

}  // namespace holdfast::policy
