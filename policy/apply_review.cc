// SPDX-License-Identifier: Apache-2.0
//
// How the outcome of a row changes a state: its envelope, or its case and what becomes of it.
#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "base/error.h"
#include "policy/fold.h"
#include "policy/queries.h"
#include "policy/review.h"

namespace holdfast::policy {
namespace {

absl::Status Inconsistent(const char* what) { return MakeError(Reason::kLedgerInconsistent, what); }

void NoteReview(Record& record, std::uint32_t verdict) {
  for (unsigned i = 1; i < std::size(kReviewOutcomes); ++i) {
    if (kReviewOutcomes[i] == verdict) {
      record.flags = static_cast<std::uint8_t>(record.flags | i << kRecordReviewShift);
    }
  }
}

static_assert(kReviewOutcomes[1] == static_cast<std::uint8_t>(ReleaseReason::kReleasedByReview) &&
              kReviewOutcomes[2] == static_cast<std::uint8_t>(ReleaseReason::kRefusedByReview) &&
              kReviewOutcomes[3] == static_cast<std::uint8_t>(ReleaseReason::kReviewExpired));

}  // namespace

absl::Status Fold::Add(const ledger::v1::EnvelopeDeposited& fact, std::uint64_t index) {
  Transfer* transfer = FindTransfer(fact.transfer());
  Record* record = transfer == nullptr ? nullptr : transfer->records.Find(fact.row());
  if (record == nullptr || !record->accepted() || record->deposited() || record->destroyed() ||
      transfer->state != TransferState::kApproved || fact.verdict() == 0 ||
      fact.verdict() > std::numeric_limits<std::uint8_t>::max()) {
    return Inconsistent("an envelope cannot be placed");
  }
  const auto digest = ArrayFromBytes<Digest32>(AsBytes(fact.envelope_digest()));
  if (!digest.ok()) return Inconsistent("an envelope's digest is malformed");
  const std::uint32_t number = fact.row() / kRowsPerChunk;
  RecordChunk& chunk = *transfer->records.chunk(number);
  std::uint32_t position = 0;
  for (std::uint32_t i = 0; i < fact.row() % kRowsPerChunk; ++i) {
    if (chunk.records[i].due()) ++position;
  }
  transfer->envelopes.Add(number, position, *digest);
  if (record->waiting()) {
    EndReview(*transfer, fact.row(), *record);
  } else if (!KeepLeaf(*record, fact.segment(), fact.leaf())) {
    return Inconsistent("an envelope has no leaf");
  }
  if (chunk.first_outcome == 0) chunk.first_outcome = index;
  if (record->release_verdict == 0) {
    record->release_verdict = static_cast<std::uint8_t>(fact.verdict());
    record->gate_version = static_cast<std::uint8_t>(fact.gate_version());
  } else {
    NoteReview(*record, fact.verdict());
  }
  record->deposited_at = RecordSeconds(s_.now_.late);
  ++chunk.deposited;
  ++transfer->deposited;
  ++transfer->release_verdicts[record->outcome()];
  return absl::OkStatus();
}

absl::Status Fold::Add(const ledger::v1::ReviewOpened& fact, std::uint64_t index) {
  Transfer* transfer = FindTransfer(fact.transfer());
  Record* record = transfer == nullptr ? nullptr : transfer->records.Find(fact.row());
  const auto commitment = ArrayFromBytes<Digest32>(AsBytes(fact.commitment()));
  if (record == nullptr || !record->accepted() || record->deposited() || record->destroyed() ||
      record->waiting() || !commitment.ok() ||
      fact.verdict() > std::numeric_limits<std::uint8_t>::max()) {
    return Inconsistent("a case cannot be placed");
  }
  if (!KeepLeaf(*record, fact.segment(), fact.leaf())) return Inconsistent("a case has no leaf");
  ReviewCase waiting;
  waiting.opened_index = index;
  waiting.opened_at = s_.now_.late;
  waiting.due_at = s_.now_.late + s_.agreement_->terms().review_window;
  waiting.commitment = *commitment;
  waiting.digest = CaseDigest(transfer->id, index, fact);
  waiting.releasable = fact.releasable();
  waiting.gate_version = fact.gate_version();
  waiting.verdict = static_cast<ReleaseReason>(fact.verdict());
  waiting.address = static_cast<AddressComparison>(fact.address());
  waiting.candidates = static_cast<std::uint8_t>(
      std::min<std::uint32_t>(fact.candidates(), std::numeric_limits<std::uint8_t>::max()));
  RecordChunk& chunk = *transfer->records.chunk(fact.row() / kRowsPerChunk);
  if (chunk.first_outcome == 0) chunk.first_outcome = index;
  record->release_verdict = static_cast<std::uint8_t>(fact.verdict());
  record->gate_version = static_cast<std::uint8_t>(fact.gate_version());
  record->flags |= kRecordIsWaiting;
  s_.reviews_.insert(
      {waiting.due_at, transfer->officers[record->officer], transfer->number, fact.row()});
  ++s_.review_verdicts_[static_cast<std::uint8_t>(fact.verdict())];
  transfer->cases.emplace(fact.row(), waiting);
  return absl::OkStatus();
}

absl::Status Fold::Add(const ledger::v1::CaseShown& fact) {
  Transfer* transfer = FindTransfer(fact.transfer());
  const auto found =
      transfer == nullptr ? decltype(transfer->cases.end()){} : transfer->cases.find(fact.row());
  if (transfer == nullptr || found == transfer->cases.end()) return Inconsistent("no such case");
  ++found->second.shown;
  return absl::OkStatus();
}

absl::Status Fold::Act(const order::v1::ReleaseCase& act) {
  Transfer* transfer = FindTransfer(act.transfer());
  if (transfer == nullptr || transfer->FindCase(act.row()) == nullptr) {
    return Inconsistent("no such case");
  }
  transfer->cases[act.row()].ordered = ReleaseReason::kReleasedByReview;
  ++s_.unsettled_;
  return absl::OkStatus();
}

absl::Status Fold::Act(const order::v1::RefuseCases& act) {
  Transfer* transfer = FindTransfer(act.transfer());
  if (transfer == nullptr) return Inconsistent("no such transfer");
  for (const std::uint32_t row : WaitingRows(*transfer, act.rows(), kMaxCasesPerOrder)) {
    transfer->cases[row].ordered = ReleaseReason::kRefusedByReview;
    ++s_.unsettled_;
  }
  return absl::OkStatus();
}

bool Fold::KeepLeaf(Record& record, std::uint32_t segment, std::uint32_t leaf) {
  if (!s_.segments_.InUse(segment) || leaf >= kLeavesPerSegment) return false;
  s_.segments_.UseLeaf(segment, leaf);
  record.record_segment = static_cast<std::uint16_t>(segment);
  record.record_leaf = static_cast<std::uint16_t>(leaf);
  return true;
}

void Fold::EndReview(Transfer& transfer, std::uint32_t row, Record& record) {
  const auto found = transfer.cases.find(row);
  const ReviewCase& waiting = found->second;
  if (waiting.ordered != ReleaseReason::kUnspecified) --s_.unsettled_;
  s_.reviews_.erase({waiting.due_at, transfer.officers[record.officer], transfer.number, row});
  const auto counted = s_.review_verdicts_.find(static_cast<std::uint8_t>(waiting.verdict));
  if (--counted->second == 0) s_.review_verdicts_.erase(counted);
  transfer.cases.erase(found);
  record.flags = static_cast<std::uint8_t>(record.flags & ~kRecordIsWaiting);
}

}  // namespace holdfast::policy
