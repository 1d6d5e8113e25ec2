// SPDX-License-Identifier: Apache-2.0
#include "policy/state_digest.h"

#include <vector>

#include "policy/hash_writer.h"
#include "policy/state.h"

namespace holdfast::policy {
namespace {

void AddTime(HashWriter& hash, UnixMillis time) {
  hash.U64(static_cast<std::uint64_t>(time.value()));
}

void AddRecord(HashWriter& hash, const Record& record) {
  hash.Fixed(BytesOf(record.person))
      .Fixed(BytesOf(record.alias))
      .U16(record.officer)
      .U16(record.subject_segment)
      .U16(record.subject_leaf)
      .U16(record.record_segment)
      .U16(record.record_leaf)
      .U16(record.releases)
      .U8(record.open_leases)
      .U8(record.request_verdict)
      .U8(record.release_verdict)
      .U8(record.flags)
      .U8(record.gate_version)
      .U32(record.deposited_at)
      .U32(record.first_released_at)
      .U32(record.last_released_at);
}

void AddCase(HashWriter& hash, std::uint32_t row, const ReviewCase& waiting) {
  hash.U32(row)
      .Fixed(waiting.digest)
      .U64(waiting.opened_index)
      .U32(waiting.shown)
      .U8(static_cast<std::uint8_t>(waiting.ordered));
  AddTime(hash, waiting.opened_at);
  AddTime(hash, waiting.due_at);
}

void AddTransfer(HashWriter& hash, const Transfer& transfer) {
  hash.Fixed(BytesOf(transfer.id))
      .U16(transfer.requester.value())
      .U16(transfer.authority.value())
      .Text(transfer.terms->SerializeAsString())
      .U64(transfer.created_index)
      .U8(static_cast<std::uint8_t>(transfer.state))
      .U32(transfer.brakes)
      .U32(transfer.let_go)
      .U32(transfer.second_addresses)
      .U64(transfer.suspended_index)
      .U64(transfer.record_cap)
      .U32(transfer.judged)
      .U32(transfer.accepted)
      .U32(transfer.deposited)
      .U32(transfer.released)
      .U32(transfer.revoked)
      .U32(transfer.destroyed)
      .U32(transfer.rows)
      .U32(transfer.envelopes_due)
      .Fixed(transfer.dossier_digest)
      .Fixed(transfer.envelopes_root)
      .U8(transfer.over ? 1 : 0);
  AddTime(hash, transfer.not_before);
  AddTime(hash, transfer.not_after);
  AddTime(hash, transfer.ends_at);
  for (const std::uint64_t cases : transfer.officer_open_cases) hash.U64(cases);
  for (const std::uint32_t count : transfer.accepted_by_officer) hash.U32(count);
  for (const MemberNumber member : transfer.approvals) hash.U16(member.value());
  for (std::uint32_t k = 0; k < transfer.records.chunk_count(); ++k) {
    const RecordChunk* chunk = transfer.records.chunk(k);
    hash.U8(chunk == nullptr ? 0 : 1);
    if (chunk == nullptr) continue;
    hash.U16(chunk->judged).U16(chunk->accepted).U16(chunk->deposited).U16(chunk->destroyed);
    hash.U64(chunk->first_outcome);
    hash.U8(chunk->fetched ? 1 : 0).U8(chunk->collected ? 1 : 0);
    for (const Record& record : chunk->records) AddRecord(hash, record);
  }
  for (const auto& [row, waiting] : transfer.cases) AddCase(hash, row, waiting);
}

void AddHold(HashWriter& hash, const Hold& hold) {
  hash.Text(hold.order->SerializeAsString())
      .Text(hold.placed->SerializeAsString())
      .U64(hold.placed_index)
      .U64(hold.last_placed_index)
      .U16(hold.placed_by.value())
      .U8(hold.sides)
      .U8(static_cast<std::uint8_t>(hold.state))
      .U64(hold.proposal_index)
      .U16(hold.proposed_by.value())
      .U64(hold.confirm_index)
      .Text(hold.amendment ? hold.amendment->order->SerializeAsString() : std::string());
  AddTime(hash, hold.lift_at);
  AddTime(hash, hold.lifted_at);
  hash.U64(hold.history.size());
  for (const auto& [requester, notice] : hold.notices) {
    hash.U16(requester.value()).U64(notice.index).U64(notice.acknowledged_index);
    AddTime(hash, notice.due_at);
  }
}

void AddDisposal(HashWriter& hash, const Disposal& disposal) {
  hash.U64(disposal.revocation_index)
      .U64(disposal.records.count)
      .Fixed(disposal.records.digest)
      .U16(disposal.revoked_by.value())
      .U8(static_cast<std::uint8_t>(disposal.state))
      .U64(disposal.destroyed_index)
      .U8(disposal.authorisation ? 1 : 0);
  AddTime(hash, disposal.due_at);
  for (const MemberNumber member : disposal.approvals) hash.U16(member.value());
  if (!disposal.authorisation) return;
  const Authorisation& authorisation = *disposal.authorisation;
  hash.Text(authorisation.order->SerializeAsString())
      .U64(authorisation.first_index)
      .U16(authorisation.first_by.value())
      .U64(authorisation.second_index)
      .U16(authorisation.second_by.value());
  AddTime(hash, authorisation.due_at);
  for (const auto& [hold, placed] : authorisation.over) hash.U32(hold).U64(placed);
}

void AddEvidence(HashWriter& hash, const EvidenceRecord& evidence) {
  for (const WitnessedHead& head : evidence.witnesses) {
    hash.U64(head.size);
    AddTime(hash, head.at);
  }
  AddTime(hash, evidence.quorum_at);
  hash.U64(evidence.newest_act);
  for (const auto& [index, account] : evidence.accounts) {
    hash.U64(index).U16(account.reader.value());
    for (const PersonKey& person : account.people) hash.Fixed(BytesOf(person));
  }
  hash.U64(evidence.key_destruction_index)
      .U16(evidence.key_destruction_by.value())
      .Text(evidence.key_destruction_reason)
      .U64(evidence.key_destroyed_index)
      .Text(evidence.keyslots)
      .U64(evidence.keyslots_since_epoch);
  for (const StruckOffKeyslots& lost : evidence.struck_off_keyslots) {
    hash.U64(lost.index).U64(lost.epoch).Text(lost.keyslots);
    hash.U32(static_cast<std::uint32_t>(lost.members.size()));
    for (const std::uint32_t member : lost.members) hash.U32(member);
  }
}

}  // namespace

Digest32 DigestOf(const State& state) {
  HashWriter hash;
  hash.U64(state.ledger_size());
  if (!state.open()) return hash.Finish();
  hash.Fixed(state.agreement().digest());
  AddTime(hash, state.now().late);
  AddTime(hash, state.now().early);
  AddTime(hash, state.now().wall);
  hash.U8(state.now().trusted ? 1 : 0)
      .U64(state.untrusted_since().value_or(0))
      .U8(state.trust_ordered() ? 1 : 0)
      .U64(static_cast<std::uint64_t>(state.time_ahead().count()))
      .U64(state.epoch())
      .U64(state.erased_epoch())
      .U64(state.process_starts())
      .U8(state.epoch_pending() ? 1 : 0)
      .U8(state.order_unanchored() ? 1 : 0)
      .U64(state.refusals());
  for (const Transfer& transfer : state.transfers()) AddTransfer(hash, transfer);
  for (std::uint32_t i = 0; i < state.segments().size(); ++i) {
    hash.Fixed(BytesOf(state.segments().Find(i)->id)).U8(state.segments().InUse(i) ? 1 : 0);
  }
  for (const Hold& hold : state.holds().all()) AddHold(hash, hold);
  for (const auto& [index, disposal] : state.disposals()) {
    static_cast<void>(index);
    AddDisposal(hash, disposal);
  }
  for (const auto& [number, lease] : state.open_leases()) {
    hash.U32(number).U32(lease.transfer).U32(lease.rows.size());
    AddTime(hash, lease.not_after);
  }
  hash.U32(state.lease_count());
  for (const ReviewKey& key : state.reviews()) {
    AddTime(hash, key.due_at);
    hash.U32(key.officer.value()).U32(key.transfer).U32(key.row);
  }
  hash.U32(state.unsettled());
  for (const Member& member : state.agreement().members()) {
    const OrderPrev last = state.LastOrderOf(member.number);
    hash.U32(state.OpenRecords(member.number)).U32(state.OpenLeasesOf(member.number));
    hash.U8(last.any ? 1 : 0).Fixed(last.digest);
    const State::Volume volume = state.VolumeOf(member.number);
    hash.U64(static_cast<std::uint64_t>(volume.day)).U64(volume.on_day).U64(volume.total);
  }
  hash.U64(state.holds().overdue_notices()).U64(state.copies());
  for (const MemberNumber member : state.struck_off().members()) hash.U16(member.value());
  for (const auto& key : state.struck_off().keys()) hash.Fixed(key);
  const ClockRecord& clock = state.clock();
  hash.Text(clock.boot)
      .U64(static_cast<std::uint64_t>(clock.since_boot_ms))
      .U64(static_cast<std::uint64_t>(clock.elapsed_ms))
      .U64(static_cast<std::uint64_t>(clock.unexplained_ms))
      .U64(clock.unexplained_since)
      .U64(static_cast<std::uint64_t>(clock.drift.sum_ms()));
  state.addresses().AddTo(hash);
  AddEvidence(hash, state.evidence());
  return hash.Finish();
}

}  // namespace holdfast::policy
