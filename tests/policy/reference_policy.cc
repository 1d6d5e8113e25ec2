// SPDX-License-Identifier: Apache-2.0
#include "tests/policy/reference_policy.h"

#include <algorithm>

#include "base/bytes.h"
#include "policy/release_gate.h"
#include "policy/request_gate.h"
#include "tests/policy/policy_world.h"

namespace holdfast::test {

const ReferenceRecord* ReferencePolicy::Find(std::uint32_t transfer, std::uint32_t row) const {
  if (transfer >= transfers.size()) return nullptr;
  const auto found = transfers[transfer].rows.find(row);
  return found == transfers[transfer].rows.end() ? nullptr : &found->second;
}

bool ReferencePolicy::Covers(const v1::Scope& scope, std::uint32_t transfer,
                             std::uint32_t row) const {
  const ReferenceTransfer& of = transfers[transfer];
  const ReferenceRecord& record = of.rows.at(row);
  if (scope.everything()) return true;
  if (!scope.transfer().empty() && scope.transfer() != of.name) return false;
  if (scope.rows_size() > 0) {
    bool inside = false;
    for (const auto& range : scope.rows()) {
      inside = inside || (range.first() <= row && row <= range.last());
    }
    if (!inside) return false;
  }
  if (!scope.officer().empty() && scope.officer() != record.officer) return false;
  if (!scope.authority().empty() && scope.authority() != of.authority) return false;
  std::set<std::string> wanted(scope.people().begin(), scope.people().end());
  if (!scope.person().empty()) wanted.insert(scope.person());
  if (!wanted.empty() && std::none_of(record.people.begin(), record.people.end(), [&](int person) {
        return wanted.count(Hex(BytesOf(PseudonymOf(static_cast<std::uint32_t>(person))))) > 0;
      })) {
    return false;
  }
  if (scope.has_dates() && !InDates(scope.dates(), transfer, record)) return false;
  if (scope.has_verdicts()) {
    const std::string name(
        policy::ReleaseReasonName(static_cast<policy::ReleaseReason>(record.verdict)));
    const auto& names = scope.verdicts().release();
    const std::string gate(
        policy::ReleaseReasonName(static_cast<policy::ReleaseReason>(record.gate_verdict)));
    if (std::find(names.begin(), names.end(), name) == names.end() &&
        std::find(names.begin(), names.end(), gate) == names.end()) {
      return false;
    }
    // There is one version of the gates so far.
    const std::uint32_t version = scope.verdicts().gate_version();
    if (version != 0 && version != policy::kGateVersion) return false;
  }
  return true;
}

bool ReferencePolicy::InDates(const v1::DateRange& range, std::uint32_t transfer,
                              const ReferenceRecord& record) const {
  const ReferenceTransfer& of = transfers[transfer];
  const std::int64_t from = range.from().seconds() * 1'000;
  const std::int64_t until = range.until().seconds() * 1'000;
  const auto inside = [&](std::int64_t time) { return from <= time && time < until; };
  switch (static_cast<int>(range.of())) {
    case v1::REQUESTED:
      return inside(of.created_at);
    case v1::APPROVED:
      return of.approved() && inside(of.not_before);
    case v1::DEPOSITED:
      return inside(record.deposited_at);
    case v1::RELEASED:
      return record.last_released_at >= from && record.first_released_at < until;
    default:
      return false;
  }
}

bool ReferencePolicy::FrozenForRelease(std::uint32_t transfer, std::uint32_t row) const {
  ReferencePolicy after = *this;
  ReferenceRecord& record = after.transfers[transfer].rows.at(row);
  record.last_released_at = late;
  if (record.first_released_at < 0) record.first_released_at = late;
  return after.Frozen(transfer, row);
}

bool ReferencePolicy::Frozen(std::uint32_t transfer, std::uint32_t row) const {
  return std::any_of(holds.begin(), holds.end(), [&](const auto& hold) {
    return hold.second.freezes && !hold.second.lifted && Covers(hold.second.scope, transfer, row);
  });
}

bool ReferencePolicy::Preserved(std::uint32_t transfer, std::uint32_t row,
                                const ReferenceOver& but) const {
  return std::any_of(holds.begin(), holds.end(), [&](const auto& hold) {
    const auto over = but.find(hold.first);
    if (over != but.end() && over->second == hold.second.placed_index) return false;
    return hold.second.preserves && !hold.second.lifted && Covers(hold.second.scope, transfer, row);
  });
}

bool ReferencePolicy::Lingering(std::uint32_t transfer, std::uint32_t row,
                                const ReferenceOver& but) const {
  return std::any_of(left.begin(), left.end(), [&](const ReferenceLeft& one) {
    const auto over = but.find(one.hold);
    if (over != but.end() && over->second == one.placed_index) return false;
    return trusted_early < one.since + terms.destruction_window && Covers(one.scope, transfer, row);
  });
}

bool ReferencePolicy::HasCopy(std::uint32_t transfer, std::uint32_t row) const {
  const ReferenceRecord* record = Find(transfer, row);
  if (record == nullptr) return false;
  return record->first_released_at >= 0 || (record->deposited && transfers[transfer].collected);
}

ReferenceOver ReferencePolicy::Against(std::uint64_t revocation) const {
  ReferenceOver against;
  for (const auto& [t, row] : disposals.at(revocation).records) {
    for (const auto& [id, hold] : holds) {
      if (hold.preserves && !hold.lifted && Covers(hold.scope, t, row)) {
        against[id] = hold.placed_index;
      }
    }
  }
  return against;
}

std::size_t ReferencePolicy::OverdueNotices() const {
  std::size_t overdue = 0;
  for (const auto& [id, hold] : holds) {
    static_cast<void>(id);
    for (const auto& [requester, notice] : hold.notices) {
      static_cast<void>(requester);
      if (!hold.lifted && !notice.acknowledged && notice.given_at + terms.notice_deadline <= late) {
        ++overdue;
      }
    }
  }
  return overdue;
}

std::set<std::pair<std::uint32_t, std::uint32_t>> ReferencePolicy::OpenRecords(
    const std::string& requester) const {
  std::set<std::pair<std::uint32_t, std::uint32_t>> open;
  for (const ReferenceLease& lease : leases) {
    if (lease.requester != requester || lease.not_after <= late) continue;
    for (const std::uint32_t row : lease.rows) open.emplace(lease.transfer, row);
  }
  return open;
}

std::size_t ReferencePolicy::OpenLeases(const std::string& requester) const {
  return static_cast<std::size_t>(
      std::count_if(leases.begin(), leases.end(), [&](const ReferenceLease& lease) {
        return lease.requester == requester && lease.not_after > late;
      }));
}

std::size_t ReferencePolicy::OpenCases(const std::string& officer) const {
  std::size_t open = 0;
  for (const ReferenceTransfer& transfer : transfers) {
    if (transfer.state == ReferenceTransfer::kDenied) continue;
    if (transfer.approved() && late >= transfer.not_after) continue;
    if (transfer.ends_at && late >= *transfer.ends_at) continue;
    for (const auto& [row, record] : transfer.rows) {
      static_cast<void>(row);
      if (record.accepted && record.officer == officer) ++open;
    }
  }
  return open;
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> ReferencePolicy::List(
    const v1::Scope& scope) const {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> list;
  for (std::uint32_t t = 0; t < transfers.size(); ++t) {
    for (const auto& [row, record] : transfers[t].rows) {
      if (record.accepted && !record.destroyed && !record.pending && Covers(scope, t, row)) {
        list.emplace_back(t, row);
      }
    }
  }
  return list;
}

bool ReferencePolicy::MayJudge(std::uint32_t transfer, std::uint32_t row, bool accepted,
                               const std::string& officer) const {
  return transfers[transfer].state == ReferenceTransfer::kSubmitting && !Stopped(transfer) &&
         Find(transfer, row) == nullptr &&
         (!accepted || OpenCases(officer) < terms.officer_open_cases ||
          transfers[transfer].let_go.count(order::v1::OFFICER_LOAD) > 0);
}

bool ReferencePolicy::MayFinish(std::uint32_t transfer) const {
  const ReferenceTransfer& of = transfers[transfer];
  if (of.state != ReferenceTransfer::kSubmitting || of.rows.empty() || Stopped(transfer)) {
    return false;
  }
  return of.rows.rbegin()->first + 1 == of.rows.size();
}

bool ReferencePolicy::MayDeposit(std::uint32_t transfer, std::uint32_t row) const {
  const ReferenceTransfer& of = transfers[transfer];
  const ReferenceRecord* record = Find(transfer, row);
  if (Stopped(transfer)) return false;
  return of.state == ReferenceTransfer::kApproved && late < of.not_after && record != nullptr &&
         record->accepted && !record->deposited && !record->waiting && !record->destroyed &&
         !Frozen(transfer, row);
}

bool ReferencePolicy::MayReleaseCase(const std::string& person, std::uint32_t transfer,
                                     std::uint32_t row, std::uint32_t candidate) const {
  const ReferenceTransfer& of = transfers[transfer];
  const ReferenceRecord* record = Find(transfer, row);
  return IsCustodian(person) && trusted && of.state == ReferenceTransfer::kApproved &&
         !Stopped(transfer) && late < of.not_after && record != nullptr && record->waiting &&
         !record->revoked && (record->releasable >> candidate & 1) != 0 &&
         late < record->review_until && !Frozen(transfer, row);
}

bool ReferencePolicy::MayRefuseCases(const std::string& person, std::uint32_t transfer,
                                     std::uint32_t first, std::uint32_t last) const {
  const ReferenceTransfer& of = transfers[transfer];
  if (!IsCustodian(person) || of.state != ReferenceTransfer::kApproved || Stopped(transfer) ||
      late >= of.not_after) {
    return false;
  }
  bool any = false;
  for (const auto& [row, record] : of.rows) {
    if (row < first || row > last || !record.waiting) continue;
    if (Frozen(transfer, row)) return false;
    any = true;
  }
  return any;
}

bool ReferencePolicy::MayExpireCase(std::uint32_t transfer, std::uint32_t row) const {
  const ReferenceTransfer& of = transfers[transfer];
  const ReferenceRecord* record = Find(transfer, row);
  return trusted && of.state == ReferenceTransfer::kApproved && !Stopped(transfer) &&
         late < of.not_after && record != nullptr && record->waiting &&
         early >= record->review_until && !Frozen(transfer, row);
}

bool ReferencePolicy::MayClose(std::uint32_t transfer) const {
  const ReferenceTransfer& of = transfers[transfer];
  if (of.state != ReferenceTransfer::kApproved || late >= of.not_after || Stopped(transfer)) {
    return false;
  }
  return std::all_of(of.rows.begin(), of.rows.end(), [](const auto& row) {
    return !row.second.accepted || row.second.deposited || row.second.destroyed;
  });
}

bool ReferencePolicy::MayCollect(std::uint32_t transfer, const std::string& requester) const {
  const ReferenceTransfer& of = transfers[transfer];
  if (of.state != ReferenceTransfer::kClosed || of.requester != requester) return false;
  if (Stopped(transfer) || struck.count(requester) > 0) return false;
  if (order_unanchored || destruction_unanchored) return false;
  return std::none_of(of.rows.begin(), of.rows.end(), [&](const auto& row) {
    return row.second.deposited && !row.second.destroyed && Frozen(transfer, row.first);
  });
}

bool ReferencePolicy::MayLease(std::uint32_t transfer, const std::string& requester) const {
  const ReferenceTransfer& of = transfers[transfer];
  if (of.state != ReferenceTransfer::kClosed || of.requester != requester || !trusted ||
      struck.count(requester) > 0 || Stopped(transfer) || order_unanchored ||
      destruction_unanchored || late >= of.not_after) {
    return false;
  }
  if (OpenLeases(requester) >= terms.open_leases) return false;
  // No hold says that all of this transfer's records are frozen.
  return std::none_of(holds.begin(), holds.end(), [&](const auto& hold) {
    const v1::Scope& scope = hold.second.scope;
    if (!hold.second.freezes || hold.second.lifted) return false;
    if (scope.everything()) return true;
    if (scope.rows_size() > 0 || !scope.officer().empty() || !scope.person().empty() ||
        scope.people_size() > 0 || scope.has_verdicts()) {
      return false;
    }
    if (scope.has_dates()) {
      // The dates that all records of a transfer share.
      const auto date = scope.dates().of();
      if (date != v1::REQUESTED && date != v1::APPROVED) return false;
      if (!InDates(scope.dates(), transfer, {})) return false;
    }
    return (scope.transfer().empty() || scope.transfer() == of.name) &&
           (scope.authority().empty() || scope.authority() == of.authority);
  });
}

bool ReferencePolicy::MayRelease(std::uint32_t lease, std::uint32_t row) const {
  if (lease >= leases.size()) return false;
  const ReferenceLease& under = leases[lease];
  const ReferenceTransfer& of = transfers[under.transfer];
  const ReferenceRecord* record = Find(under.transfer, row);
  if (struck.count(under.requester) > 0) return false;
  if (late >= under.not_after || !trusted || order_unanchored || destruction_unanchored) {
    return false;
  }
  if (record == nullptr || !record->accepted || !record->deposited || record->revoked ||
      record->destroyed || FrozenForRelease(under.transfer, row)) {
    return false;
  }
  if (of.state != ReferenceTransfer::kClosed || late < of.not_before || late >= of.not_after) {
    return false;
  }
  if (Stopped(under.transfer)) return false;
  if (of.cap && of.released.count(row) == 0 && of.released.size() >= *of.cap) return false;
  const auto open = OpenRecords(under.requester);
  return open.count({under.transfer, row}) > 0 || open.size() < terms.open_records;
}

bool ReferencePolicy::IsCounsel(const std::string& person) const {
  const auto found = persons.find(person);
  return found != persons.end() && found->second.role == ReferencePerson::kCounsel;
}

bool ReferencePolicy::IsCustodian(const std::string& person) const {
  const auto found = persons.find(person);
  return found != persons.end() && found->second.role == ReferencePerson::kCustodian;
}

bool ReferencePolicy::MayApprove(const std::string& person, std::uint32_t transfer) const {
  const ReferenceTransfer& of = transfers[transfer];
  return IsCustodian(person) && trusted && of.state == ReferenceTransfer::kAwaiting &&
         of.approvals.count(person) == 0 && !Stopped(transfer) && of.brakes.empty();
}

bool ReferencePolicy::Stopped(std::uint32_t transfer) const {
  const ReferenceTransfer& of = transfers[transfer];
  return of.suspended.has_value() || (of.ends_at && late >= *of.ends_at);
}

bool ReferencePolicy::Over(std::uint32_t transfer) const {
  const ReferenceTransfer& of = transfers[transfer];
  return of.state == ReferenceTransfer::kDenied || (of.approved() && late >= of.not_after) ||
         (of.ends_at && late >= *of.ends_at);
}

bool ReferencePolicy::Ask(std::optional<int> number, std::optional<int> name, int address) {
  const std::int64_t day = late / 86'400'000;
  // Two numbers are two people. Where one of the two has none, the name has to do.
  const auto may_be = [&](const ReferenceAsked& other) {
    return number && other.number ? *number == *other.number : name && name == other.name;
  };
  const bool another = std::any_of(asked.begin(), asked.end(), [&](const ReferenceAsked& other) {
    return may_be(other) && other.address != address && day - other.day <= terms.address_days;
  });
  asked.push_back({number, name, address, day});
  return another;
}

std::set<int> ReferencePolicy::Brakes(std::uint32_t transfer) const {
  const ReferenceTransfer& of = transfers[transfer];
  std::set<int> brakes;
  std::size_t refused = 0;
  std::size_t placeholders = 0;
  for (const auto& [row, record] : of.rows) {
    static_cast<void>(row);
    if (record.request_verdict == kReferenceLoad) brakes.insert(order::v1::OFFICER_LOAD);
    if (record.request_verdict == kReferencePlaceholder) ++placeholders;
    if (!record.accepted) ++refused;
  }
  if (of.state == ReferenceTransfer::kSubmitting) return brakes;
  std::size_t on_day = 0;
  std::size_t total = 0;
  for (const ReferenceTransfer& other : transfers) {
    if (other.requester != of.requester || other.finished_day < 0) continue;
    for (const auto& [row, record] : other.rows) {
      static_cast<void>(row);
      if (!record.accepted) continue;
      ++total;
      if (other.finished_day == of.finished_day) ++on_day;
    }
  }
  if (placeholders * 100 > of.rows.size()) brakes.insert(order::v1::PLACEHOLDER_SHARE);
  if (refused * 5 > of.rows.size()) brakes.insert(order::v1::REFUSED_SHARE);
  if (on_day > terms.daily_subjects) brakes.insert(order::v1::DAILY_VOLUME);
  if (total > terms.total_subjects) brakes.insert(order::v1::TOTAL_VOLUME);
  if (of.second_addresses > 0) brakes.insert(order::v1::SECOND_ADDRESS);
  return brakes;
}

bool ReferencePolicy::MaySuspend(const std::string& person, std::uint32_t transfer) const {
  return IsCustodian(person) && !Over(transfer) && !transfers[transfer].suspended;
}

bool ReferencePolicy::MayResume(const std::string& person, std::uint32_t transfer) const {
  return IsCustodian(person) && trusted && transfers[transfer].suspended.has_value();
}

bool ReferencePolicy::MayCap(const std::string& person, std::uint32_t transfer,
                             std::uint64_t records) const {
  const ReferenceTransfer& of = transfers[transfer];
  return IsCustodian(person) && !Over(transfer) && (!of.cap || records < *of.cap);
}

bool ReferencePolicy::MayEnd(const std::string& person, std::uint32_t transfer,
                             std::int64_t at) const {
  const ReferenceTransfer& of = transfers[transfer];
  return IsCustodian(person) && !Over(transfer) && (!of.approved() || at < of.not_after) &&
         (!of.ends_at || at < *of.ends_at);
}

bool ReferencePolicy::MayGoOn(const std::string& person, std::uint32_t transfer) const {
  return IsCustodian(person) && trusted && !transfers[transfer].brakes.empty() &&
         (transfers[transfer].state == ReferenceTransfer::kSubmitting ||
          transfers[transfer].state == ReferenceTransfer::kAwaiting);
}

bool ReferencePolicy::MayDeny(const std::string& person, std::uint32_t transfer) const {
  const ReferenceTransfer& of = transfers[transfer];
  return IsCustodian(person) &&
         (of.state == ReferenceTransfer::kAwaiting || of.state == ReferenceTransfer::kSubmitting);
}

bool ReferencePolicy::MayPlace(const std::string& person, const std::string& hold) const {
  return IsCounsel(person) && holds.count(hold) == 0;
}

bool ReferencePolicy::MayLiftAtAll(const std::string& person, const ReferenceHold& hold) const {
  if (hold.lifted || (!IsCounsel(person) && !IsCustodian(person))) return false;
  return persons.at(person).side != ReferencePerson::kRequester ||
         std::all_of(hold.wanted_by.begin(), hold.wanted_by.end(), [&](const std::string& other) {
           return persons.at(other).side == ReferencePerson::kRequester;
         });
}

bool ReferencePolicy::IsAPair(const std::string& first, const std::string& second,
                              const ReferenceHold& hold) const {
  if (first.empty() || first == second) return false;
  if (!MayLiftAtAll(first, hold) || !MayLiftAtAll(second, hold)) return false;
  if (!IsCounsel(first) && !IsCounsel(second)) return false;
  const bool own = MayLiftAtAll("dan", hold);  // The requester's.
  for (const std::string& other : hold.wanted_by) {
    const auto side = persons.at(other).side;
    if (side == ReferencePerson::kRequester && !own) continue;
    if (persons.at(first).side != side && persons.at(second).side != side) return false;
  }
  return true;
}

bool ReferencePolicy::MayAmend(const std::string& person, const std::string& hold,
                               bool widens) const {
  const ReferenceHold& of = holds.at(hold);
  if (!IsCounsel(person) || of.lifted) return false;
  return widens || (!of.lift_at && MayLiftAtAll(person, of));
}

bool ReferencePolicy::MayConfirmAmendment(const std::string& person,
                                          const std::string& hold) const {
  const ReferenceHold& of = holds.at(hold);
  return trusted && !of.lift_at && of.amendment && IsAPair(of.proposed_by, person, of);
}

bool ReferencePolicy::MayRestore(const std::string& person, const std::string& hold) const {
  return IsCounsel(person) && holds.at(hold).lifted;
}

bool ReferencePolicy::MayNotice(const std::string& hold, const std::string& requester,
                                std::uint32_t transfer, std::uint32_t row) const {
  const ReferenceHold& of = holds.at(hold);
  return !of.lifted && of.notices.count(requester) == 0 && struck.count(requester) == 0 &&
         transfers[transfer].requester == requester && HasCopy(transfer, row) &&
         Covers(of.scope, transfer, row);
}

bool ReferencePolicy::MayAcknowledge(const std::string& person, const std::string& hold,
                                     const std::string& requester) const {
  const auto notice = holds.at(hold).notices.find(requester);
  return IsCounsel(person) && persons.at(person).side == ReferencePerson::kRequester &&
         notice != holds.at(hold).notices.end() && !notice->second.acknowledged;
}

bool ReferencePolicy::MayAuthorise(const std::string& person, std::uint64_t revocation,
                                   bool second) const {
  const ReferenceDisposal& of = disposals.at(revocation);
  const ReferenceOver against = Against(revocation);
  if (!trusted || of.cancelled || of.destroyed || against.empty()) return false;
  if (!IsCounsel(person) && !IsCustodian(person)) return false;
  for (const auto& [id, index] : against) {
    static_cast<void>(index);
    if (!MayLiftAtAll(person, holds.at(id))) return false;
  }
  if (!second) return true;
  return of.first_index != 0 && of.second_index == 0 && of.over == against &&
         of.first_by != person && (IsCounsel(person) || IsCounsel(of.first_by));
}

bool ReferencePolicy::CanLift(ReferencePerson::Side side,
                              const std::set<std::string>& without) const {
  for (const auto& [first, a] : persons) {
    for (const auto& [second, b] : persons) {
      if (first == second || without.count(first) > 0 || without.count(second) > 0) continue;
      if (side != ReferencePerson::kRequester &&
          (a.side == ReferencePerson::kRequester || b.side == ReferencePerson::kRequester)) {
        continue;
      }
      if ((a.role == ReferencePerson::kCounsel || b.role == ReferencePerson::kCounsel) &&
          (a.side == side || b.side == side)) {
        return true;
      }
    }
  }
  return false;
}

bool ReferencePolicy::MayStrike(const std::string& person, const std::string& member) const {
  if (!IsCounsel(person) && !IsCustodian(person)) return false;
  const auto found = persons.find(member);
  const auto side =
      found == persons.end() ? ReferencePerson::kRequester : found->second.side;  // "ice2"
  if (persons.at(person).side != side && persons.at(person).side != ReferencePerson::kCourt) {
    return false;
  }
  if (struck.count(member) > 0) return false;
  std::set<std::string> after = struck;
  after.insert(member);
  for (const auto of :
       {ReferencePerson::kSource, ReferencePerson::kRequester, ReferencePerson::kCourt}) {
    if (CanLift(of, struck) && !CanLift(of, after)) return false;
  }
  return true;
}

void ReferencePolicy::Withdraw(const std::string& person) {
  struck.insert(person);
  for (auto& [id, hold] : holds) {
    static_cast<void>(id);
    if (!hold.lifted && (hold.proposed_by == person || hold.confirmed_by == person)) hold.Settle();
  }
  for (ReferenceTransfer& transfer : transfers) {
    if (transfer.state == ReferenceTransfer::kAwaiting) transfer.approvals.erase(person);
  }
  for (auto& [index, disposal] : disposals) {
    static_cast<void>(index);
    if (disposal.cancelled || disposal.destroyed) continue;
    disposal.approvals.erase(person);
    if (disposal.first_by == person || disposal.second_by == person) {
      disposal.first_by.clear();
      disposal.second_by.clear();
      disposal.first_index = 0;
      disposal.second_index = 0;
      disposal.over.clear();
    }
  }
}

bool ReferencePolicy::MayPropose(const std::string& person, const std::string& hold) const {
  const ReferenceHold& of = holds.at(hold);
  return MayLiftAtAll(person, of) && !of.lift_at;
}

bool ReferencePolicy::MayConfirm(const std::string& person, const std::string& hold) const {
  const ReferenceHold& of = holds.at(hold);
  return trusted && !of.lift_at && !of.amendment && IsAPair(of.proposed_by, person, of);
}

bool ReferencePolicy::MayCancelLift(const std::string& person, const std::string& hold) const {
  const ReferenceHold& of = holds.at(hold);
  return IsCounsel(person) && !of.lifted && !of.proposed_by.empty();
}

bool ReferencePolicy::MayRevoke(const std::string& person, const v1::Scope& scope) const {
  return IsCustodian(person) && !List(scope).empty();
}

bool ReferencePolicy::MayApproveDestruction(const std::string& person,
                                            std::uint64_t revocation) const {
  const ReferenceDisposal& of = disposals.at(revocation);
  return IsCustodian(person) && !of.cancelled && !of.destroyed && of.revoked_by != person &&
         of.approvals.count(person) == 0;
}

bool ReferencePolicy::MayCancelDestruction(const std::string& person,
                                           std::uint64_t revocation) const {
  const ReferenceDisposal& of = disposals.at(revocation);
  return IsCustodian(person) && !of.cancelled && !of.destroyed;
}

bool ReferencePolicy::MayTrustClock(const std::string& person) const {
  return IsCustodian(person) && !trusted && !trust_ordered;
}

bool ReferencePolicy::MaySetTime(bool is_trusted) const {
  return !is_trusted || trusted || trust_ordered;
}

bool ReferencePolicy::MayDestroyRow(std::uint32_t transfer, std::uint32_t row,
                                    const ReferenceOver& but) const {
  const ReferenceTransfer& of = transfers[transfer];
  const ReferenceRecord* record = Find(transfer, row);
  if (record == nullptr || !record->accepted || record->destroyed) return false;
  if (of.state == ReferenceTransfer::kApproved && !record->deposited && late < of.not_after &&
      !(of.ends_at && late >= *of.ends_at)) {
    return false;
  }
  return !Preserved(transfer, row, but) && !Lingering(transfer, row, but);
}

bool ReferencePolicy::MayDestroy(std::uint64_t revocation) const {
  return MayDestroyList(revocation, {});
}

bool ReferencePolicy::MayDestroyByCourt(std::uint64_t revocation) const {
  const ReferenceDisposal& of = disposals.at(revocation);
  return of.second_index != 0 && early >= of.court_due && MayDestroyList(revocation, of.over);
}

bool ReferencePolicy::MayDestroyList(std::uint64_t revocation, const ReferenceOver& but) const {
  const ReferenceDisposal& of = disposals.at(revocation);
  if (!trusted || order_unanchored || of.cancelled || of.destroyed) return false;
  if (of.approvals.size() < terms.destruction_approvals) return false;
  if (early < of.revoked_at + terms.destruction_window) return false;
  return std::all_of(of.records.begin(), of.records.end(), [&](const auto& record) {
    return MayDestroyRow(record.first, record.second, but);
  });
}

bool ReferencePolicy::MayExpire(std::uint32_t transfer,
                                const std::vector<std::uint32_t>& rows) const {
  const ReferenceTransfer& of = transfers[transfer];
  if (!trusted || order_unanchored || !of.approved() || rows.empty()) return false;
  if (early < of.not_after + terms.destruction_window) return false;
  return std::all_of(rows.begin(), rows.end(), [&](std::uint32_t row) {
    const ReferenceRecord* record = Find(transfer, row);
    return record != nullptr && !record->revoked && MayDestroyRow(transfer, row);
  });
}

void ReferencePolicy::SetTime(std::int64_t new_late, std::int64_t new_early, bool is_trusted) {
  late = new_late;
  early = new_early;
  trusted = is_trusted;
  if (!trusted) return;
  trust_ordered = false;
  trusted_early = early;
  for (auto& [id, hold] : holds) {
    if (hold.lifted || !hold.lift_at || *hold.lift_at > early) continue;
    LeaveForce(id);
    if (!hold.amendment) {
      hold.lifted = true;
      continue;
    }
    static_cast<ReferenceForm&>(hold) = *hold.amendment;
    hold.placed_index = hold.proposal_index;
    hold.Settle();
  }
}

void ReferencePolicy::LeaveForce(const std::string& id) {
  const ReferenceHold& hold = holds.at(id);
  if (hold.preserves) left.push_back({id, hold.placed_index, hold.scope, early});
}

}  // namespace holdfast::test
