// SPDX-License-Identifier: Apache-2.0
#include "policy/state.h"

#include "base/check.h"
#include "policy/request_key.h"
#include "policy/state_digest.h"

namespace holdfast::policy {
namespace {

// What a hash map's slots and control bytes take, nearly.
template <typename Map>
std::size_t MapBytes(const Map& map) {
  return map.capacity() * (sizeof(typename Map::value_type) + 1);
}

// A node of a std::map: three pointers, a colour, the allocator's own.
constexpr std::size_t kTreeNodeBytes = 48;

}  // namespace

State State::Clone() const { return State(*this); }

const Transfer* State::FindTransfer(const TransferId& id) const {
  const auto found = transfer_by_id_.find(id);
  return found == transfer_by_id_.end() ? nullptr : &transfers_[found->second];
}

const Transfer* State::FindTransferByRequestId(MemberNumber requester, std::string_view id) const {
  const auto found = transfer_by_request_.find(RequestKey(requester, id));
  return found == transfer_by_request_.end() ? nullptr : &transfers_[found->second];
}

const Record* State::FindRecord(RecordId id) const {
  const Transfer* found = transfer(id.transfer);
  return found == nullptr ? nullptr : found->records.Find(id.row);
}

std::optional<OfficerNumber> State::FindOfficer(std::string_view id) const {
  const auto found = officer_by_id_.find(absl::string_view(id.data(), id.size()));
  if (found == officer_by_id_.end()) return std::nullopt;
  return found->second;
}

std::uint64_t State::OpenCases(OfficerNumber officer) const {
  return officer.value() < open_cases_.size() ? open_cases_[officer.value()] : 0;
}

const Hold* State::Freezing(RecordId id) const {
  if (holds_.nothing_freezes()) return nullptr;
  const Record* record = FindRecord(id);
  if (record == nullptr) return nullptr;
  return holds_.Freezing(transfers_[id.transfer].FactsOf(id.row, *record));
}

const Hold* State::Preserving(RecordId id) const {
  if (holds_.nothing_preserves()) return nullptr;
  const Record* record = FindRecord(id);
  if (record == nullptr) return nullptr;
  return holds_.Preserving(transfers_[id.transfer].FactsOf(id.row, *record));
}

const Disposal* State::FindDisposal(std::uint64_t revocation_index) const {
  const auto found = disposals_.find(revocation_index);
  return found == disposals_.end() ? nullptr : &found->second;
}

std::uint32_t State::OpenRecords(MemberNumber requester) const {
  return requester.value() < open_records_.size() ? open_records_[requester.value()] : 0;
}

std::uint32_t State::OpenLeasesOf(MemberNumber requester) const {
  return requester.value() < open_leases_of_.size() ? open_leases_of_[requester.value()] : 0;
}

State::Volume State::VolumeOf(MemberNumber requester) const {
  return requester.value() < volumes_.size() ? volumes_[requester.value()] : Volume{};
}

OrderPrev State::LastOrderOf(MemberNumber person) const {
  return person.value() < last_orders_.size() ? last_orders_[person.value()] : OrderPrev{};
}

std::optional<std::uint64_t> State::FindOrder(const Digest32& payload_digest) const {
  const auto found = order_by_digest_.find(payload_digest);
  if (found == order_by_digest_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::uint64_t> State::FindOrderById(const OrderId& id) const {
  const auto found = order_by_id_.find(id);
  if (found == order_by_id_.end()) return std::nullopt;
  return found->second;
}

Digest32 State::Digest() const { return DigestOf(*this); }

std::size_t State::MemoryBytes() const {
  std::size_t bytes = sizeof(*this) + segments_.MemoryBytes() + addresses_.MemoryBytes();
  bytes += transfers_.capacity() * sizeof(Transfer);
  for (const Transfer& transfer : transfers_) {
    bytes += transfer.records.MemoryBytes() + transfer.envelopes.MemoryBytes();
    bytes += transfer.officers.capacity() * sizeof(OfficerNumber);
    bytes += transfer.accepted_by_officer.capacity() * sizeof(std::uint32_t);
    bytes += transfer.officer_open_cases.capacity() * sizeof(std::uint64_t);
    bytes += (transfer.request_verdicts.size() + transfer.release_verdicts.size()) * kTreeNodeBytes;
    bytes += transfer.terms->SpaceUsedLong();
    bytes += transfer.cases.size() * (kTreeNodeBytes + sizeof(ReviewCase));
  }
  bytes += MapBytes(transfer_by_id_) + MapBytes(transfer_by_request_);
  bytes += MapBytes(officer_by_id_) + officers_.capacity() * sizeof(std::string) +
           open_cases_.capacity() * sizeof(std::uint64_t);
  for (const auto& [number, lease] : open_leases_) {
    static_cast<void>(number);
    bytes += kTreeNodeBytes + sizeof(Lease) + lease.rows.MemoryBytes();
  }
  for (const auto& [index, disposal] : disposals_) {
    static_cast<void>(index);
    bytes += kTreeNodeBytes + sizeof(Disposal);
    for (const RowRuns& rows : disposal.records.transfers) {
      bytes += sizeof(rows) + rows.runs.capacity() * sizeof(RowRun);
    }
  }
  for (const Hold& hold : holds_.all()) {
    bytes += sizeof(Hold) + hold.order->SpaceUsedLong() +
             hold.notices.size() * (kTreeNodeBytes + sizeof(Notice)) +
             hold.history.capacity() * sizeof(HoldEvent);
  }
  bytes += reviews_.size() * (kTreeNodeBytes + sizeof(ReviewKey));
  bytes += MapBytes(order_by_digest_) + MapBytes(order_by_id_);
  return bytes;
}

}  // namespace holdfast::policy
