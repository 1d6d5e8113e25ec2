// SPDX-License-Identifier: Apache-2.0
//
// What is true in an exchange: the fold of Apply (policy/apply.h) over its ledger.
//
// When to use  One for each exchange, on the writer's thread; one in the offline verifier. It is
//              read through this class and policy/queries.h, and changed by Apply alone.
// Threads      Const methods may be called concurrently while nothing changes it. The daemon reads
//              and changes it on the writer's thread only.
// Ownership    Move-only: a copy by accident would be a hundred megabytes. Clone() is for tests.
// Errors       None; what is unknown is null.
//
// Invariants
//   (1) Two states that folded the same entries are equal: Digest() is the same.
//   (2) Memory is at most 64 bytes a record at 1.3 million records (R44).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "base/ids.h"
#include "base/time.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/address_memory.h"
#include "policy/agreement.h"
#include "policy/clock_record.h"
#include "policy/disposal.h"
#include "policy/evidence_record.h"
#include "policy/holds.h"
#include "policy/leases.h"
#include "policy/opened_order.h"
#include "policy/segments.h"
#include "policy/struck_off.h"
#include "policy/transfer.h"

namespace holdfast::policy {

// The times that decisions use, from the newest TimeAdvanced.
struct Now {
  UnixMillis late = kMinTime;
  UnixMillis early = kMinTime;
  bool trusted = false;
  UnixMillis wall = kMinTime;  // What the machine's clock said.
};

// A row of a transfer, by number.
struct RecordId {
  std::uint32_t transfer = 0;
  std::uint32_t row = 0;
};

class State final {
 public:
  // Before entry 0.
  State() = default;
  State(State&&) noexcept = default;
  State& operator=(State&&) noexcept = default;
  State& operator=(const State&) = delete;

  State Clone() const;

  // Entries folded so far. The next one's index.
  std::uint64_t ledger_size() const { return ledger_size_; }

  // Whether entry 0 has been applied. The agreement exists from then on.
  bool open() const { return agreement_ != nullptr; }
  const OpenedAgreement& agreement() const { return *agreement_; }
  const std::shared_ptr<const OpenedAgreement>& shared_agreement() const { return agreement_; }
  const std::array<std::byte, 32>& checkpoint_key() const { return checkpoint_key_; }

  const Now& now() const { return now_; }
  std::uint64_t epoch() const { return epoch_; }  // 0 before the first.
  std::uint64_t erased_epoch() const { return erased_epoch_; }
  std::uint64_t process_starts() const { return process_starts_; }

  // Whether a restricting act has been applied since the last EpochAdvanced. While it is, nothing
  // is released, collected or destroyed.
  bool epoch_pending() const { return order_unanchored_ || destruction_unanchored_; }
  bool order_unanchored() const { return order_unanchored_; }

  // Transfers, by number.
  std::span<const Transfer> transfers() const { return transfers_; }
  const Transfer* transfer(std::uint32_t number) const {
    return number < transfers_.size() ? &transfers_[number] : nullptr;
  }
  const Transfer* FindTransfer(const TransferId& id) const;

  // The transfer that this requester created with this request id, or null.
  const Transfer* FindTransferByRequestId(MemberNumber requester, std::string_view id) const;

  // Null if the transfer or the row is unknown.
  const Record* FindRecord(RecordId id) const;

  // Officers, exchange-wide.
  std::optional<OfficerNumber> FindOfficer(std::string_view id) const;
  std::uint64_t OpenCases(OfficerNumber officer) const;
  const std::string& officer(OfficerNumber number) const { return officers_[number.value()]; }

  const SegmentTable& segments() const { return segments_; }

  // Holds. The record need not exist.
  const HoldBook& holds() const { return holds_; }
  const Hold* Freezing(RecordId id) const;    // Null also for an unknown record.
  const Hold* Preserving(RecordId id) const;  // The same.

  // Members and keys that were struck off.
  const StruckOff& struck_off() const { return struck_off_; }

  // How often a requester got something of which it had no copy before: a chunk of envelopes, or a
  // record's first key.
  std::uint64_t copies() const { return copies_; }

  // What is known of the machine's clock.
  const ClockRecord& clock() const { return clock_; }

  // Witnesses, accounts of persons, and the pseudonym key.
  const EvidenceRecord& evidence() const { return evidence_; }

  // Revocations by ledger index, and those that were neither carried out nor cancelled.
  const std::map<std::uint64_t, Disposal>& disposals() const { return disposals_; }
  const std::set<std::uint64_t>& open_disposals() const { return open_disposals_; }
  const Disposal* FindDisposal(std::uint64_t revocation_index) const;

  // The entry since which the clock is not trusted, and whether it has been ordered to be.
  std::optional<std::uint64_t> untrusted_since() const { return untrusted_since_; }
  bool trust_ordered() const { return trust_ordered_; }

  // How far the ledger's time was ahead of the clock when that was ordered to be trusted, less what
  // the clock has made good since.
  std::chrono::milliseconds time_ahead() const { return time_ahead_; }

  // Leases that are open.
  const OpenLeases& open_leases() const { return open_leases_; }
  std::uint32_t lease_count() const { return lease_count_; }  // Ever opened.
  std::uint32_t OpenRecords(MemberNumber requester) const;    // For the brake of R51.

  // Accepted subjects of a requester's finished submissions, on the day of the newest, and in all.
  struct Volume {
    std::int64_t day = 0;  // Since 1970, UTC.
    std::uint64_t on_day = 0;
    std::uint64_t total = 0;
  };
  Volume VolumeOf(MemberNumber requester) const;

  // The addresses at which people were asked for.
  const AddressMemory& addresses() const { return addresses_; }
  std::uint32_t OpenLeasesOf(MemberNumber requester) const;

  // Orders.
  OrderPrev LastOrderOf(MemberNumber person) const;
  // Ledger index of the accepted order whose payload has this digest.
  std::optional<std::uint64_t> FindOrder(const Digest32& payload_digest) const;
  std::optional<std::uint64_t> FindOrderById(const OrderId& id) const;

  // Cases that wait for a review, in the order in which they expire; how many, by verdict; and how
  // many of them an order has settled whose envelopes are still to follow (in the same command).
  const std::set<ReviewKey>& reviews() const { return reviews_; }
  const std::map<std::uint8_t, std::uint32_t>& review_verdicts() const { return review_verdicts_; }
  std::uint32_t unsettled() const { return unsettled_; }

  // Counts over all transfers.
  std::uint64_t records() const { return records_; }  // Accepted rows, destroyed ones included.
  std::uint64_t refusals() const { return refusals_; }

  // Approved transfers by the end of their records' life: those whose end lies ahead, and those
  // that are past it and have records that were not destroyed.
  const std::multimap<UnixMillis, std::uint32_t>& deadlines() const { return deadlines_; }
  const std::multimap<UnixMillis, std::uint32_t>& expired() const { return expired_; }

  // SHA-256 over everything that decisions depend on. For tests and for drills.
  Digest32 Digest() const;

  // Heap memory, nearly.
  std::size_t MemoryBytes() const;

 private:
  friend class Fold;        // policy/fold.h: the only one that changes a state.
  friend class StateCodec;  // policy/state_snapshot.cc: makes one anew from its bytes.

  State(const State&) = default;  // For Clone() alone.

  std::uint64_t ledger_size_ = 0;
  std::shared_ptr<const OpenedAgreement> agreement_;
  std::array<std::byte, 32> checkpoint_key_{};
  Now now_;
  std::optional<std::uint64_t> untrusted_since_;
  bool trust_ordered_ = false;
  std::chrono::milliseconds time_ahead_{0};
  std::uint64_t epoch_ = 0;
  std::uint64_t erased_epoch_ = 0;
  std::uint64_t process_starts_ = 0;
  bool order_unanchored_ = false;
  bool destruction_unanchored_ = false;

  std::vector<Transfer> transfers_;
  absl::flat_hash_map<TransferId, std::uint32_t> transfer_by_id_;
  absl::flat_hash_map<std::string, std::uint32_t> transfer_by_request_;  // Requester and id.
  std::multimap<UnixMillis, std::uint32_t> deadlines_;                   // Not yet passed.
  std::multimap<UnixMillis, std::uint32_t> expired_;  // Passed, and not all destroyed.
  std::uint64_t records_ = 0;
  std::uint64_t refusals_ = 0;

  std::multimap<UnixMillis, std::uint32_t> ends_;  // Ordered ends that lie ahead.

  std::set<ReviewKey> reviews_;
  std::map<std::uint8_t, std::uint32_t> review_verdicts_;
  std::uint32_t unsettled_ = 0;

  std::vector<std::string> officers_;
  absl::flat_hash_map<std::string, OfficerNumber> officer_by_id_;
  std::vector<std::uint64_t> open_cases_;  // By officer.

  SegmentTable segments_;
  HoldBook holds_;
  std::map<std::uint64_t, Disposal> disposals_;
  std::set<std::uint64_t> open_disposals_;
  OpenLeases open_leases_;
  std::multimap<UnixMillis, std::uint32_t> lease_ends_;
  std::uint32_t lease_count_ = 0;
  std::vector<std::uint32_t> open_records_;    // By member.
  std::vector<std::uint32_t> open_leases_of_;  // By member.
  std::vector<Volume> volumes_;                // By member.
  AddressMemory addresses_;
  StruckOff struck_off_;
  std::uint64_t copies_ = 0;
  ClockRecord clock_;
  EvidenceRecord evidence_;

  std::vector<OrderPrev> last_orders_;  // By member.
  absl::flat_hash_map<Digest32, std::uint64_t> order_by_digest_;
  absl::flat_hash_map<OrderId, std::uint64_t> order_by_id_;
};

}  // namespace holdfast::policy
