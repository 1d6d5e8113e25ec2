// SPDX-License-Identifier: Apache-2.0
#include "evidence/prior_releases.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace holdfast::evidence {
namespace {

constexpr std::uint32_t kNone = 0xffff'ffff;

// Sums of keys, which come in the ledger's order.
struct Sum {
  std::uint64_t leases = 0;
  std::uint64_t records = 0;
  std::optional<std::pair<UnixMillis, UnixMillis>> times;

  void Take(UnixMillis late) {
    if (!times) times = {late, late};
    times->second = late;
  }
};

PriorRelease ReleaseOf(const Sum& sum, std::string requester, std::uint64_t lease) {
  return {std::move(requester), lease, sum.leases, sum.records, sum.times->first,
          sum.times->second};
}

// Which of the records of a transfer are meant.
std::vector<bool> BitsOf(const policy::RowRuns& rows) {
  std::vector<bool> bits;
  for (const policy::RowRun& run : rows.runs) {
    bits.resize(run.first);
    bits.resize(std::size_t{run.first} + run.count, true);
  }
  return bits;
}

template <typename T>
void SortOnce(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

void PriorReleaseSearch::Take(std::uint64_t index, const ledger::v1::LeaseOpened& fact,
                              const policy::State& before) {
  // A reader sees an entry before it is verified: only one that does not verify names nobody.
  const policy::Member* requester =
      before.open() ? before.agreement().FindMember(fact.requester()) : nullptr;
  leases_.push_back(
      {index, fact.transfer(), requester == nullptr ? policy::MemberNumber() : requester->number});
}

void PriorReleaseSearch::Take(const ledger::v1::KeyReleased& fact, UnixMillis late) {
  if (instants_.empty() || instants_.back().late != late) instants_.push_back({keys_.size(), late});
  keys_.push_back({fact.lease(), fact.row()});
}

PriorReleases PriorReleaseSearch::Of(std::span<const policy::RowRuns> records,
                                     const policy::OpenedAgreement& agreement) const {
  std::vector<std::vector<bool>> wanted;
  wanted.reserve(records.size());
  for (const policy::RowRuns& rows : records) wanted.push_back(BitsOf(rows));
  std::vector<std::uint32_t> place_of(leases_.size(), kNone);  // In `records`, by lease.
  for (std::size_t lease = 0; lease < leases_.size(); ++lease) {
    const auto rows = std::lower_bound(
        records.begin(), records.end(), leases_[lease].transfer,
        [](const policy::RowRuns& one, std::uint32_t transfer) { return one.transfer < transfer; });
    if (rows == records.end() || rows->transfer != leases_[lease].transfer) continue;
    place_of[lease] = static_cast<std::uint32_t>(rows - records.begin());
  }

  // The leases, and the requesters, with when; and each record of theirs, once.
  std::vector<Sum> of_lease(leases_.size());
  std::vector<Sum> of_requester(agreement.members().size());
  std::vector<std::pair<std::uint32_t, std::uint32_t>> by_lease;  // Lease, row.
  std::size_t instant = 0;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    while (instant + 1 < instants_.size() && instants_[instant + 1].first <= i) ++instant;
    const Key& key = keys_[i];
    if (key.lease >= leases_.size() || place_of[key.lease] == kNone) continue;
    const std::vector<bool>& bits = wanted[place_of[key.lease]];
    if (key.row >= bits.size() || !bits[key.row]) continue;
    const UnixMillis late = instants_[instant].late;
    of_lease[key.lease].Take(late);
    of_requester[leases_[key.lease].requester.value()].Take(late);
    by_lease.emplace_back(key.lease, key.row);
  }
  SortOnce(by_lease);
  std::vector<std::tuple<std::uint16_t, std::uint32_t, std::uint32_t>> by_requester;
  by_requester.reserve(by_lease.size());
  for (const auto& [lease, row] : by_lease) {
    ++of_lease[lease].records;
    by_requester.emplace_back(leases_[lease].requester.value(), leases_[lease].transfer, row);
  }
  SortOnce(by_requester);
  for (const auto& [requester, transfer, row] : by_requester) ++of_requester[requester].records;

  PriorReleases found;
  Sum more;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> more_records;  // Transfer, row.
  auto record = by_lease.begin();
  for (std::uint32_t lease = 0; lease < leases_.size(); ++lease) {
    if (!of_lease[lease].times) continue;
    Sum& sum = of_lease[lease];
    sum.leases = 1;
    ++of_requester[leases_[lease].requester.value()].leases;
    if (found.leases.size() < kMaxPriorLeases) {
      const std::string& requester = agreement.member(leases_[lease].requester).id;
      found.leases.push_back(ReleaseOf(sum, requester, leases_[lease].index));
      record += static_cast<std::ptrdiff_t>(sum.records);
      continue;
    }
    ++more.leases;
    // Leases overlap: the first key of a later one may have left before the last of an earlier.
    if (!more.times) more.times = sum.times;
    more.times->first = std::min(more.times->first, sum.times->first);
    more.times->second = std::max(more.times->second, sum.times->second);
    for (; record != by_lease.end() && record->first == lease; ++record) {
      more_records.emplace_back(leases_[lease].transfer, record->second);
    }
  }
  if (more.times) {
    SortOnce(more_records);
    more.records = more_records.size();
    found.more_leases = ReleaseOf(more, "", 0);
  }
  Sum others;
  for (const policy::Member& member : agreement.members()) {
    const Sum& sum = of_requester[member.number.value()];
    if (!sum.times) continue;
    if (found.requesters.size() < kMaxPriorRequesters) {
      found.requesters.push_back(ReleaseOf(sum, member.id, 0));
      continue;
    }
    others.leases += sum.leases;
    others.records += sum.records;  // A record is one requester's.
    if (!others.times) others.times = sum.times;
    others.times->first = std::min(others.times->first, sum.times->first);
    others.times->second = std::max(others.times->second, sum.times->second);
  }
  if (others.times) found.more_requesters = ReleaseOf(others, "", 0);
  return found;
}

}  // namespace holdfast::evidence
