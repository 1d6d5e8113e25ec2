// SPDX-License-Identifier: Apache-2.0
#include "policy/apply.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "policy/brakes.h"
#include "policy/dossier.h"
#include "policy/fold.h"
#include "policy/queries.h"
#include "policy/request_gate.h"
#include "policy/request_key.h"

namespace holdfast::policy {
namespace {

absl::Status Inconsistent(const char* what) { return MakeError(Reason::kLedgerInconsistent, what); }

// How many days an address is remembered, a part of one included.
std::int64_t MemoryDays(const OpenedAgreement& agreement) {
  constexpr std::chrono::hours kDay{24};
  return (agreement.brakes().address_memory + kDay - std::chrono::milliseconds(1)) / kDay;
}

}  // namespace

absl::Status Apply(State& state, const ledger::v1::Entry& entry, const OpenedOrder* order,
                   std::uint64_t index, std::shared_ptr<const OpenedAgreement> agreement) {
  return Fold(state).Entry(entry, order, index, std::move(agreement));
}

absl::Status Fold::Entry(const ledger::v1::Entry& entry, const OpenedOrder* order,
                         std::uint64_t index, std::shared_ptr<const OpenedAgreement> agreement) {
  if (index != s_.ledger_size_) return Inconsistent("an entry is out of its place");
  if (s_.open() == entry.has_exchange_opened()) {
    return Inconsistent("entry 0, and no other, opens the exchange");
  }
  absl::Status status = absl::OkStatus();
  switch (entry.fact_case()) {
    case ledger::v1::Entry::kExchangeOpened:
      status = Open(entry.exchange_opened(), std::move(agreement));
      break;
    case ledger::v1::Entry::kProcessStarted:
      Add(entry.process_started());
      break;
    case ledger::v1::Entry::kTimeAdvanced:
      status = Add(entry.time_advanced(), index);
      break;
    case ledger::v1::Entry::kSegmentOpened:
      status = Add(entry.segment_opened(), index);
      break;
    case ledger::v1::Entry::kEpochAdvanced:
      s_.epoch_ = entry.epoch_advanced().epoch();
      s_.order_unanchored_ = false;
      s_.destruction_unanchored_ = false;
      break;
    case ledger::v1::Entry::kEpochErased:
      s_.erased_epoch_ = entry.epoch_erased().epoch();
      break;
    case ledger::v1::Entry::kCheckpointWitnessed:
      status = Add(entry.checkpoint_witnessed());
      break;
    case ledger::v1::Entry::kTransferCreated:
      status = Add(entry.transfer_created(), index);
      break;
    case ledger::v1::Entry::kSubjectJudged:
      status = Add(entry.subject_judged());
      break;
    case ledger::v1::Entry::kSubmissionFinished:
      status = Add(entry.submission_finished());
      break;
    case ledger::v1::Entry::kSubjectsFetched:
      status = Add(entry.subjects_fetched());
      break;
    case ledger::v1::Entry::kEnvelopeDeposited:
      status = Add(entry.envelope_deposited(), index);
      break;
    case ledger::v1::Entry::kTransferClosed:
      status = Add(entry.transfer_closed(), index);
      break;
    case ledger::v1::Entry::kEnvelopesCollected:
      status = Add(entry.envelopes_collected());
      break;
    case ledger::v1::Entry::kReviewOpened:
      status = Add(entry.review_opened(), index);
      break;
    case ledger::v1::Entry::kCaseShown:
      status = Add(entry.case_shown());
      break;
    case ledger::v1::Entry::kVerdictRerun:
    case ledger::v1::Entry::kPersonIdentified:
      break;  // Changes nothing: it is there to be read.
    case ledger::v1::Entry::kLeaseOpened:
      status = Add(entry.lease_opened(), index);
      break;
    case ledger::v1::Entry::kKeyReleased:
      status = Add(entry.key_released());
      break;
    case ledger::v1::Entry::kOrderAccepted:
      status = order == nullptr ? Inconsistent("an order is missing") : Add(*order, index);
      break;
    case ledger::v1::Entry::kRecordsDestroyed:
      status = Add(entry.records_destroyed(), index);
      break;
    case ledger::v1::Entry::kNoticeGiven:
      status = Add(entry.notice_given(), index);
      break;
    case ledger::v1::Entry::kRefused:
      ++s_.refusals_;
      break;
    case ledger::v1::Entry::kLedgerRead:
      break;  // Changes nothing: it is there to be read.
    case ledger::v1::Entry::kExchangeRestored:
      s_.order_unanchored_ = true;  // The epoch that follows makes the backup void.
      break;
    case ledger::v1::Entry::kKeyslotStruckOff:
      status = Add(entry.keyslot_struck_off(), index);
      break;
    case ledger::v1::Entry::FACT_NOT_SET:
      status = Inconsistent("an entry says nothing");
      break;
  }
  HF_RETURN_IF_ERROR(status);
  if (!entry.has_ledger_read() && !entry.has_time_advanced() && !entry.has_checkpoint_witnessed()) {
    s_.evidence_.newest_act = index;
  }
  ++s_.ledger_size_;
  return absl::OkStatus();
}

Transfer* Fold::FindTransfer(std::uint32_t number) {
  return number < s_.transfers_.size() ? &s_.transfers_[number] : nullptr;
}

OfficerNumber Fold::InternOfficer(const std::string& id) {
  const auto [at, is_new] =
      s_.officer_by_id_.emplace(id, OfficerNumber(static_cast<std::uint32_t>(s_.officers_.size())));
  if (is_new) {
    s_.officers_.push_back(id);
    s_.open_cases_.push_back(0);
  }
  return at->second;
}

void Fold::EndCases(Transfer& transfer) {
  if (std::exchange(transfer.over, true)) return;
  for (std::size_t i = 0; i < transfer.officers.size(); ++i) {
    s_.open_cases_[transfer.officers[i].value()] -= transfer.accepted_by_officer[i];
  }
}

void Fold::EndLease(const Lease& lease) {
  Transfer& transfer = s_.transfers_[lease.transfer];
  --s_.open_leases_of_[lease.requester.value()];
  std::uint32_t& open = s_.open_records_[lease.requester.value()];
  lease.rows.ForEach([&](std::uint32_t row) {
    if (--transfer.records.Find(row)->open_leases == 0) --open;
  });
}

absl::Status Fold::Open(const ledger::v1::ExchangeOpened& fact,
                        std::shared_ptr<const OpenedAgreement> agreement) {
  if (agreement == nullptr) return Inconsistent("the agreement is missing");
  const auto key = ArrayFromBytes<std::array<std::byte, 32>>(AsBytes(fact.checkpoint_key()));
  if (!key.ok()) return Inconsistent("the checkpoint key is malformed");
  s_.agreement_ = std::move(agreement);
  s_.checkpoint_key_ = *key;
  s_.open_records_.resize(s_.agreement_->members().size());
  s_.open_leases_of_.resize(s_.agreement_->members().size());
  s_.last_orders_.resize(s_.agreement_->members().size());
  s_.volumes_.resize(s_.agreement_->members().size());
  s_.evidence_.witnesses.resize(s_.agreement_->witnesses().size());
  if (!s_.evidence_.witnesses.empty()) s_.evidence_.quorum_at = kMinTime;
  return absl::OkStatus();
}

absl::Status Fold::Add(const ledger::v1::TimeAdvanced& fact, std::uint64_t index) {
  s_.now_ = {UnixMillis(fact.late_ms()), UnixMillis(fact.early_ms()), fact.trusted(),
             UnixMillis(fact.wall_ms())};
  NoteClock(fact, index);
  const std::chrono::milliseconds ahead = s_.now_.late - s_.now_.wall;
  if (!fact.trusted()) {
    if (!s_.untrusted_since_) s_.untrusted_since_ = index;
  } else {
    if (std::exchange(s_.trust_ordered_, false)) s_.time_ahead_ = ahead;
    s_.untrusted_since_.reset();
  }
  s_.time_ahead_ = std::max(std::min(s_.time_ahead_, ahead), std::chrono::milliseconds(0));
  while (!s_.lease_ends_.empty() && s_.lease_ends_.begin()->first <= s_.now_.late) {
    const auto lease = s_.open_leases_.find(s_.lease_ends_.begin()->second);
    s_.lease_ends_.erase(s_.lease_ends_.begin());
    if (lease == s_.open_leases_.end()) return Inconsistent("a lease is missing");
    EndLease(lease->second);
    s_.open_leases_.erase(lease);
  }
  while (!s_.deadlines_.empty() && s_.deadlines_.begin()->first <= s_.now_.late) {
    auto node = s_.deadlines_.extract(s_.deadlines_.begin());
    Transfer& transfer = s_.transfers_[node.mapped()];
    EndCases(transfer);
    if (transfer.destroyed < transfer.accepted) s_.expired_.insert(std::move(node));
  }
  while (!s_.ends_.empty() && s_.ends_.begin()->first <= s_.now_.late) {
    EndCases(s_.transfers_[s_.ends_.begin()->second]);
    s_.ends_.erase(s_.ends_.begin());
  }
  // A clock in doubt lifts nothing, whatever it says.
  if (s_.now_.trusted) {
    s_.holds_.Advance(s_.now_.early, s_.agreement_->terms().destruction_window, index,
                      s_.now_.late);
  }
  s_.holds_.AdvanceNotices(s_.now_.late);
  return absl::OkStatus();
}

void Fold::NoteClock(const ledger::v1::TimeAdvanced& fact, std::uint64_t index) {
  ClockRecord& clock = s_.clock_;
  if (fact.trusted() && s_.trust_ordered_) clock.drift.Forget();
  // The time since boot runs back only where another run of the machine has begun.
  if (fact.since_boot_ms() < clock.since_boot_ms) clock.drift.StartRun();
  if (fact.since_boot_ms() > 0) clock.drift.Note(fact.wall_ms(), fact.since_boot_ms());
  if (fact.unexplained_ms() > clock.unexplained_ms) clock.unexplained_since = index;
  if (fact.unexplained_ms() == 0) clock.unexplained_since = 0;
  clock.since_boot_ms = fact.since_boot_ms();
  clock.elapsed_ms = fact.elapsed_ms();
  clock.unexplained_ms = fact.unexplained_ms();
}

absl::Status Fold::Add(const ledger::v1::SegmentOpened& fact, std::uint64_t index) {
  const auto id = IdFromBytes<SegmentId>(AsBytes(fact.segment()));
  if (!id.ok() || s_.segments_.size() >= SegmentTable::kMax) return Inconsistent("a segment");
  s_.segments_.Open({*id, fact.kind(), fact.transfer(), index});
  return absl::OkStatus();
}

absl::Status Fold::Add(const ledger::v1::TransferCreated& fact, std::uint64_t index) {
  const auto id = IdFromBytes<TransferId>(AsBytes(fact.transfer()));
  const Member* requester = s_.agreement_->FindMember(fact.requester());
  const Authority* authority = s_.agreement_->FindAuthority(fact.authority());
  if (!id.ok() || requester == nullptr || authority == nullptr) {
    return Inconsistent("a transfer names what the agreement does not");
  }
  Transfer transfer;
  transfer.number = static_cast<std::uint32_t>(s_.transfers_.size());
  transfer.id = *id;
  transfer.requester = requester->number;
  transfer.authority = authority->number;
  transfer.terms = std::make_shared<const ledger::v1::TransferCreated>(fact);
  transfer.created_index = index;
  transfer.created_at = s_.now_.late;
  for (const std::string& officer : fact.officers()) {
    transfer.officers.push_back(InternOfficer(officer));
  }
  transfer.accepted_by_officer.resize(transfer.officers.size());
  if (!s_.transfer_by_id_.emplace(*id, transfer.number).second ||
      !s_.transfer_by_request_
           .emplace(RequestKey(transfer.requester, fact.request_id()), transfer.number)
           .second) {
    return Inconsistent("a transfer is there already");
  }
  s_.transfers_.push_back(std::move(transfer));
  return absl::OkStatus();
}

absl::Status Fold::Add(const ledger::v1::SubjectJudged& fact) {
  Transfer* transfer = FindTransfer(fact.transfer());
  if (transfer == nullptr || transfer->records.Find(fact.row()) != nullptr ||
      fact.officer() >= transfer->officers.size() || fact.verdict() == 0 ||
      fact.verdict() > std::numeric_limits<std::uint8_t>::max()) {
    return Inconsistent("a subject cannot be placed");
  }
  RecordChunk& chunk = transfer->records.Obtain(fact.row() / kRowsPerChunk);
  Record& record = chunk.records[fact.row() % kRowsPerChunk];
  chunk.tails.resize(kRowsPerChunk);
  if (!fact.pseudonym().empty()) {
    const auto pseudonym = IdFromBytes<Pseudonym>(AsBytes(fact.pseudonym()));
    if (!pseudonym.ok()) return Inconsistent("a pseudonym is malformed");
    record.person = KeyOf(*pseudonym);
    chunk.tails[fact.row() % kRowsPerChunk] = TailOf(*pseudonym);
  }
  record.officer = static_cast<std::uint16_t>(fact.officer());
  record.request_verdict = static_cast<std::uint8_t>(fact.verdict());
  ++chunk.judged;
  ++transfer->judged;
  ++transfer->request_verdicts[record.request_verdict];
  if (record.request_verdict == static_cast<std::uint8_t>(RequestReason::kOfficerLoadExceeded)) {
    transfer->brakes |= BrakeBit(order::v1::OFFICER_LOAD);
  }
  if (!record.accepted()) return absl::OkStatus();
  if (fact.address_tag().size() != AddressMemory::kTagBytes) {
    return Inconsistent("an address has no tag");
  }
  AddressMemory& addresses = s_.addresses_;
  const std::int64_t day = DayNumber(s_.now_.late);
  const std::int64_t days = MemoryDays(*s_.agreement_);
  const ByteSpan tag = AsBytes(fact.address_tag());
  const bool noted = addresses.Note(record.person, tag, day, days);
  // Who is asked for without a number may be anybody of that name and birth date who was asked for
  // with one.
  bool second_address =
      addresses.Seen(AddressMemory::KeyWithNumber(record.person), tag, day, days) || noted;
  if (!fact.alias().empty()) {
    const auto alias = IdFromBytes<Pseudonym>(AsBytes(fact.alias()));
    if (!alias.ok() || fact.alias_address_tag().size() != AddressMemory::kTagBytes) {
      return Inconsistent("an alias is malformed");
    }
    record.alias = KeyOf(*alias);
    // Who was asked for without a number may be this one. Who was asked for with another number is
    // not, name and birth date or no: that is noted for those who leave theirs out.
    const ByteSpan alias_tag = AsBytes(fact.alias_address_tag());
    second_address = addresses.Seen(record.alias, alias_tag, day, days) || second_address;
    addresses.Note(AddressMemory::KeyWithNumber(record.alias), alias_tag, day, days);
  }
  if (second_address) {
    record.flags |= kRecordIsSecondAddress;
    ++transfer->second_addresses;
  }
  if (!s_.segments_.InUse(fact.segment()) || fact.leaf() >= kLeavesPerSegment) {
    return Inconsistent("a leaf is not one");
  }
  s_.segments_.UseLeaf(fact.segment(), fact.leaf());
  record.subject_segment = static_cast<std::uint16_t>(fact.segment());
  record.subject_leaf = static_cast<std::uint16_t>(fact.leaf());
  ++chunk.accepted;
  ++transfer->accepted;
  ++transfer->accepted_by_officer[fact.officer()];
  ++s_.open_cases_[transfer->officers[fact.officer()].value()];
  ++s_.records_;
  return absl::OkStatus();
}

absl::Status Fold::Add(const ledger::v1::SubmissionFinished& fact) {
  Transfer* transfer = FindTransfer(fact.transfer());
  if (transfer == nullptr || fact.rows() == 0) return Inconsistent("no such transfer");
  transfer->state = TransferState::kAwaitingApproval;
  transfer->rows = fact.rows();
  State::Volume& volume = s_.volumes_[transfer->requester.value()];
  const std::int64_t today = DayNumber(s_.now_.late);
  if (volume.day != today) volume = {today, 0, volume.total};
  volume.on_day += transfer->accepted;
  volume.total += transfer->accepted;
  transfer->brakes = BrakesAtTheEnd(*s_.agreement_, *transfer, volume);
  for (const OfficerNumber officer : transfer->officers) {
    transfer->officer_open_cases.push_back(s_.open_cases_[officer.value()]);
  }
  transfer->subjects_digest = SubjectsDigest(*transfer);
  transfer->records.DropTails();
  transfer->dossier_digest = DossierDigest(DossierOf(s_, *transfer));
  return absl::OkStatus();
}

absl::Status Fold::Add(const ledger::v1::SubjectsFetched& fact) {
  Transfer* transfer = FindTransfer(fact.transfer());
  RecordChunk* chunk = transfer == nullptr ? nullptr : transfer->records.chunk(fact.chunk());
  if (chunk == nullptr) return Inconsistent("no such chunk");
  chunk->fetched = true;
  return absl::OkStatus();
}

absl::Status Fold::Add(const ledger::v1::TransferClosed& fact, std::uint64_t index) {
  Transfer* transfer = FindTransfer(fact.transfer());
  const auto root = ArrayFromBytes<Digest32>(AsBytes(fact.envelopes_root()));
  if (transfer == nullptr || !root.ok()) return Inconsistent("no such transfer");
  transfer->state = TransferState::kClosed;
  transfer->envelopes_root = *root;
  transfer->closed_index = index;
  transfer->envelopes = EnvelopesRoot();
  return absl::OkStatus();
}

absl::Status Fold::Add(const ledger::v1::EnvelopesCollected& fact) {
  Transfer* transfer = FindTransfer(fact.transfer());
  RecordChunk* chunk = transfer == nullptr ? nullptr : transfer->records.chunk(fact.chunk());
  if (chunk == nullptr) return Inconsistent("no such chunk");
  chunk->collected = true;
  ++s_.copies_;
  return absl::OkStatus();
}

absl::Status Fold::Add(const ledger::v1::LeaseOpened& fact, std::uint64_t index) {
  const Transfer* transfer = FindTransfer(fact.transfer());
  if (transfer == nullptr) return Inconsistent("no such transfer");
  Lease lease;
  lease.number = s_.lease_count_++;
  lease.transfer = transfer->number;
  lease.requester = transfer->requester;
  lease.not_after = UnixMillis(fact.not_after_ms());
  lease.opened_index = index;
  ++s_.open_leases_of_[lease.requester.value()];
  s_.lease_ends_.emplace(lease.not_after, lease.number);
  s_.open_leases_.emplace(lease.number, std::move(lease));
  return absl::OkStatus();
}

absl::Status Fold::Add(const ledger::v1::KeyReleased& fact) {
  const auto found = s_.open_leases_.find(fact.lease());
  if (found == s_.open_leases_.end()) return Inconsistent("no such lease");
  Lease& lease = found->second;
  Transfer& transfer = s_.transfers_[lease.transfer];
  Record* record = transfer.records.Find(fact.row());
  if (record == nullptr || !record->deposited()) return Inconsistent("no such record");
  if (record->releases == 0) {
    ++transfer.released;
    ++s_.copies_;
  }
  record->last_released_at = RecordSeconds(s_.now_.late);
  if (record->first_released_at == 0) record->first_released_at = record->last_released_at;
  if (record->releases != std::numeric_limits<std::uint16_t>::max()) ++record->releases;
  if (lease.rows.Insert(fact.row())) {
    if (record->open_leases++ == 0) ++s_.open_records_[lease.requester.value()];
  }
  return absl::OkStatus();
}

absl::Status Fold::Add(const ledger::v1::RecordsDestroyed& fact, std::uint64_t index) {
  for (const ledger::v1::Rows& proto : fact.rows()) {
    const auto rows = ReadRows(proto);
    Transfer* transfer = rows.ok() ? FindTransfer(rows->transfer) : nullptr;
    if (transfer == nullptr) return Inconsistent("a list of rows is malformed");
    for (const RowRun& run : rows->runs) {
      for (std::uint32_t row = run.first; row < run.first + run.count; ++row) {
        Record* record = transfer->records.Find(row);
        if (record == nullptr || !record->accepted() || record->destroyed()) {
          return Inconsistent("a destroyed row is no record");
        }
        if (record->revoked()) --transfer->revoked;
        if (record->waiting()) {
          EndReview(*transfer, row, *record);
          record->release_verdict = 0;  // It never had an envelope, and never will.
          record->gate_version = 0;
        }
        record->flags =
            static_cast<std::uint8_t>((record->flags & ~kRecordIsPending) | kRecordIsDestroyed);
        ++transfer->destroyed;
        ++transfer->records.chunk(row / kRowsPerChunk)->destroyed;
      }
    }
    if (transfer->destroyed == transfer->accepted) {
      auto [at, end] = s_.expired_.equal_range(transfer->not_after);
      while (at != end && at->second != transfer->number) ++at;
      if (at != end) s_.expired_.erase(at);
    }
  }
  if (fact.basis() != ledger::v1::RecordsDestroyed::EXPIRY) {
    const auto disposal = s_.disposals_.find(fact.revocation_index());
    if (disposal == s_.disposals_.end()) return Inconsistent("no such revocation");
    disposal->second.state = DisposalState::kDestroyed;
    disposal->second.destroyed_index = index;
    s_.open_disposals_.erase(fact.revocation_index());
  }
  s_.destruction_unanchored_ = true;
  return absl::OkStatus();
}

}  // namespace holdfast::policy
