// SPDX-License-Identifier: Apache-2.0
#include "evidence/explain.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "crypto/dsse.h"
#include "policy/keyslot_strike_off.h"
#include "policy/order_json.h"
#include "policy/queries.h"
#include "policy/refusal.h"
#include "policy/release_gate.h"
#include "policy/replay.h"
#include "policy/request_gate.h"
#include "policy/restore_order.h"

namespace holdfast::evidence {
namespace {

using ledger::v1::Entry;

std::string Time(std::int64_t millis) { return FormatRfc3339(UnixMillis(millis)); }

std::string Count(std::uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

std::string Count(std::uint64_t count, std::string_view one) {
  return Count(count, one, std::string(one) + "s");
}

// "transfers/…" of a transfer's number, or the number where the state does not know it.
std::string TransferOf(const policy::State& state, std::uint32_t number) {
  const policy::Transfer* transfer = state.transfer(number);
  return transfer == nullptr ? "transfer number " + std::to_string(number)
                             : policy::TransferName(transfer->id);
}

std::string RowOf(const policy::State& state, std::uint32_t transfer, std::uint32_t row) {
  return "row " + std::to_string(row) + " of " + TransferOf(state, transfer);
}

std::string ChunkOf(const policy::State& state, std::uint32_t transfer, std::uint32_t chunk) {
  const std::uint64_t first = std::uint64_t{chunk} * kRowsPerChunk;
  return "rows " + std::to_string(first) + " to " + std::to_string(first + kRowsPerChunk - 1) +
         " of " + TransferOf(state, transfer);
}

// Who acted, with the name that the agreement gives.
std::string Member(const policy::State& state, std::string_view id) {
  const policy::Member* member = state.open() ? state.agreement().FindMember(id) : nullptr;
  return member == nullptr || member->display_name.empty()
             ? std::string(id)
             : member->display_name + " (" + member->id + ")";
}

std::string ExplainOrder(const policy::State& state, const ledger::v1::OrderAccepted& fact) {
  const auto envelope = crypto::ParseDsse(fact.order_dsse());
  if (!envelope.ok()) return "An order that cannot be read was accepted.";
  const auto order = policy::ParseOrder(envelope->payload);
  if (!order.ok()) return "An order that cannot be read was accepted.";
  return "A signed order of " + Member(state, order->person()) + " was accepted.\n" +
         policy::DescribeOrder(*order);
}

std::string ExplainRefused(const policy::State& state, const ledger::v1::Refused& fact) {
  const auto refusal = policy::RefusalFromNumber(fact.refusal());
  std::string text =
      Member(state, fact.member()) + " asked for " + ledger::v1::Refused::Act_Name(fact.act()) +
      " and was refused: " + std::string(refusal ? policy::RefusalName(*refusal) : "UNKNOWN");
  if (fact.has_transfer()) text += ", in " + TransferOf(state, fact.transfer());
  if (const policy::Hold* hold = state.holds().FindByPlacing(fact.hold_index())) {
    text += ". Matter " + hold->order->matter() + ", hold " + hold->id() +
            ", in force since ledger entry " + std::to_string(hold->placed_index);
  }
  return text + ".";
}

std::string ExplainDestroyed(const policy::State& state, const ledger::v1::RecordsDestroyed& fact) {
  std::string text = "The keys of " + Count(fact.count(), "record") + " were destroyed, ";
  if (fact.basis() == ledger::v1::RecordsDestroyed::COURT_ORDER) {
    text += "although holds preserved them, because a court ordered it: ledger entry " +
            std::to_string(fact.authorisation_index()) + " is the second authorisation; ";
  }
  if (fact.basis() != ledger::v1::RecordsDestroyed::EXPIRY) {
    text += "on the revocation in ledger entry " + std::to_string(fact.revocation_index());
    if (const policy::Disposal* disposal = state.FindDisposal(fact.revocation_index())) {
      text += ", which " + Count(disposal->approvals.size(), "other person") + " approved";
    }
  } else {
    text += "because the agreement's period had ended";
  }
  for (const auto& rows : fact.rows()) text += ", in " + TransferOf(state, rows.transfer());
  return text + ".";
}

std::string ExplainNotice(const policy::State& state, const ledger::v1::NoticeGiven& fact) {
  std::string text = Member(state, fact.requester()) + " got notice of ";
  const policy::Hold* hold = state.holds().FindByPlacing(fact.placed_index());
  text += hold == nullptr ? "the hold" : "hold " + hold->id() + " in matter " + hold->matter();
  return text + ", last placed by ledger entry " + std::to_string(fact.placed_index()) +
         ", because it has a copy of a record in its scope.";
}

std::string ExplainRelease(const policy::State& state, const ledger::v1::KeyReleased& fact) {
  const auto found = state.open_leases().find(fact.lease());
  if (found == state.open_leases().end()) {
    return "The key of row " + std::to_string(fact.row()) + " left under lease number " +
           std::to_string(fact.lease()) + ".";
  }
  const policy::Lease& lease = found->second;
  return "The key of " + RowOf(state, lease.transfer, fact.row()) + " left to " +
         Member(state, state.agreement().member(lease.requester).id) +
         ", under the lease of ledger entry " + std::to_string(lease.opened_index) +
         " that ends at " + FormatRfc3339(lease.not_after) + ".";
}

// How the gates name a verdict.
std::string RequestVerdict(std::uint32_t verdict) {
  return std::string(
      policy::RequestReasonName(static_cast<policy::RequestReason>(verdict & 0xFFU)));
}
std::string ReleaseVerdict(std::uint32_t verdict) {
  return std::string(
      policy::ReleaseReasonName(static_cast<policy::ReleaseReason>(verdict & 0xFFU)));
}

std::string ExplainDeposit(const policy::State& state, const ledger::v1::EnvelopeDeposited& fact) {
  const std::string row = RowOf(state, fact.transfer(), fact.row());
  const std::string verdict = ReleaseVerdict(fact.verdict());
  if (policy::IsOfReview(static_cast<policy::ReleaseReason>(fact.verdict() & 0xFFU))) {
    return "The case of " + row + " was settled: " + verdict +
           "; its envelope was sealed and stored.";
  }
  return "The release gate, version " + std::to_string(fact.gate_version()) + ", judged " + row +
         ": " + verdict + "; its envelope was sealed and stored.";
}

std::string ExplainReview(const policy::State& state, const ledger::v1::ReviewOpened& fact) {
  return "The release gate, version " + std::to_string(fact.gate_version()) + ", judged " +
         RowOf(state, fact.transfer(), fact.row()) + ": " + ReleaseVerdict(fact.verdict()) +
         ", of " + Count(fact.candidates(), "candidate") +
         "; it waits for a custodian and has no envelope yet.";
}

std::string ExplainRerun(const policy::State& state, const ledger::v1::VerdictRerun& fact) {
  return Member(state, fact.custodian()) + " had the verdict of ledger entry " +
         std::to_string(fact.verdict_index()) + " about " +
         RowOf(state, fact.transfer(), fact.row()) +
         " run again: " + ledger::v1::VerdictRerun::Result_Name(fact.result()) + ".";
}

// The schema's words where no sentence of ours says more.
std::string Generic(const Entry& entry) {
  return "A fact of kind " + policy::FactName(entry) + ".";
}

std::string ExplainWitnessed(const ledger::v1::CheckpointWitnessed& fact) {
  std::string text =
      "The first " + Count(fact.size(), "entry", "entries") + " of this ledger were signed by";
  for (int i = 0; i < fact.cosignatures_size(); ++i) {
    const ledger::v1::Cosignature& by = fact.cosignatures(i);
    text += (i == 0 ? " the witness " : ", the witness ") + by.witness() + " at " +
            Time(by.time() * 1'000);
  }
  return text + ".";
}

std::string ExplainRestored(const policy::State& state, const ledger::v1::ExchangeRestored& fact) {
  const std::string unread = "The exchange went on from a backup, by an order that does not count.";
  if (!state.open()) return unread;
  const auto order = policy::OpenRestore(fact.order_dsse(), state.agreement(), state.struck_off());
  if (!order.ok()) return unread;
  std::string who;
  for (const std::string& member : order->members) {
    who += (who.empty() ? "" : " and ") + Member(state, member);
  }
  return who + " let the exchange go on from a backup of " +
         Count(order->terms.ledger_size, "entry", "entries") + ". Lost, as far as was known: " +
         (order->terms.newest_known == order->terms.ledger_size
              ? std::string("no entry")
              : "the entries from there to " + std::to_string(order->terms.newest_known)) +
         ". Their words: " + order->terms.lost + ".";
}

std::string ExplainStruckOff(const policy::State& state, const ledger::v1::KeyslotStruckOff& fact) {
  const std::string unread = "A keyslot was struck off, by an order that does not count.";
  const auto read = policy::ReadKeyslotStrikeOff(fact.order_dsse());
  if (!read.ok() || !state.open()) return unread;
  const auto members = policy::OpenKeyslotStrikeOff(*read, state.agreement(), state.struck_off());
  if (!members.ok()) return unread;
  std::string who;
  for (const std::string& member : *members) {
    who += (who.empty() ? "" : " and ") + Member(state, member);
  }
  std::string lost;
  for (const std::uint32_t place : read->terms.members) {
    lost += (lost.empty() ? "" : ", ") + std::to_string(place);
  }
  return who + " struck keyslot " + lost + " off " + read->terms.keyslots +
         ": it is lost, and nobody erased what it held. The exchange goes on with " + read->left +
         ". Their words: " + read->terms.reason + ".";
}

std::string ExplainExchange(const Entry& entry) {
  switch (entry.fact_case()) {
    case Entry::kExchangeOpened:
      return "The exchange was opened with the agreement that both principals signed.";
    case Entry::kProcessStarted:
      return "The gateway started, version " + entry.process_started().version() +
             ", with a keyslot of kind " + entry.process_started().keyslot_kind() + ".";
    case Entry::kTimeAdvanced:
      return "From here on it is between " + Time(entry.time_advanced().early_ms()) + " and " +
             Time(entry.time_advanced().late_ms()) + " by the gateway's clock, which is " +
             (entry.time_advanced().trusted() ? "trusted." : "NOT trusted.");
    case Entry::kEpochAdvanced:
      return "Epoch " + std::to_string(entry.epoch_advanced().epoch()) +
             " began: the root key was replaced.";
    case Entry::kEpochErased:
      return "The root key of epoch " + std::to_string(entry.epoch_erased().epoch()) +
             " was erased in its keyslot (" + entry.epoch_erased().keyslot_kind() +
             ", erasure class " + entry.epoch_erased().erasure_class() + ").";
    case Entry::kCheckpointWitnessed:
      return ExplainWitnessed(entry.checkpoint_witnessed());
    default:
      return Generic(entry);
  }
}

std::string ExplainTransfer(const policy::State& state, const Entry& entry) {
  switch (entry.fact_case()) {
    case Entry::kSegmentOpened:
      return "A segment of the key tree came into use for " +
             TransferOf(state, entry.segment_opened().transfer()) + ".";
    case Entry::kTransferCreated:
      return Member(state, entry.transfer_created().requester()) +
             " opened a transfer under authority " + entry.transfer_created().authority() + ".";
    case Entry::kSubjectJudged:
      return "The request gate, version " + std::to_string(entry.subject_judged().gate_version()) +
             ", judged " +
             RowOf(state, entry.subject_judged().transfer(), entry.subject_judged().row()) + ": " +
             RequestVerdict(entry.subject_judged().verdict()) + ".";
    case Entry::kSubmissionFinished:
      return "The submission of " + TransferOf(state, entry.submission_finished().transfer()) +
             " ended with " + Count(entry.submission_finished().rows(), "row") + ".";
    case Entry::kSubjectsFetched:
      return "The accepted subjects in " +
             ChunkOf(state, entry.subjects_fetched().transfer(), entry.subjects_fetched().chunk()) +
             " left for " + Member(state, entry.subjects_fetched().source()) + ".";
    case Entry::kEnvelopeDeposited:
      return ExplainDeposit(state, entry.envelope_deposited());
    case Entry::kReviewOpened:
      return ExplainReview(state, entry.review_opened());
    case Entry::kCaseShown:
      return "The case of " +
             RowOf(state, entry.case_shown().transfer(), entry.case_shown().row()) +
             " was shown to " + Member(state, entry.case_shown().custodian()) + ".";
    case Entry::kVerdictRerun:
      return ExplainRerun(state, entry.verdict_rerun());
    case Entry::kPersonIdentified:
      return Member(state, entry.person_identified().member()) +
             " was told under which pseudonyms the ledger has a person: " +
             Count(static_cast<std::uint64_t>(entry.person_identified().people_size()),
                   "pseudonym") +
             ".";
    case Entry::kTransferClosed:
      return Member(state, entry.transfer_closed().source()) + " closed " +
             TransferOf(state, entry.transfer_closed().transfer()) + " with " +
             Count(entry.transfer_closed().envelopes(), "envelope") + ", and signed their root.";
    case Entry::kEnvelopesCollected:
      return "Envelopes of " +
             ChunkOf(state, entry.envelopes_collected().transfer(),
                     entry.envelopes_collected().chunk()) +
             " left for " + Member(state, entry.envelopes_collected().requester()) + ".";
    case Entry::kLeaseOpened:
      return Member(state, entry.lease_opened().requester()) + " opened a lease for " +
             TransferOf(state, entry.lease_opened().transfer()) + " that ends at " +
             Time(entry.lease_opened().not_after_ms()) + ".";
    case Entry::kKeyReleased:
      return ExplainRelease(state, entry.key_released());
    case Entry::kOrderAccepted:
      return ExplainOrder(state, entry.order_accepted());
    case Entry::kRecordsDestroyed:
      return ExplainDestroyed(state, entry.records_destroyed());
    case Entry::kNoticeGiven:
      return ExplainNotice(state, entry.notice_given());
    case Entry::kRefused:
      return ExplainRefused(state, entry.refused());
    case Entry::kExchangeRestored:
      return ExplainRestored(state, entry.exchange_restored());
    case Entry::kKeyslotStruckOff:
      return ExplainStruckOff(state, entry.keyslot_struck_off());
    case Entry::kLedgerRead:
      return Member(state, entry.ledger_read().member()) + " read the ledger from entry " +
             std::to_string(entry.ledger_read().first()) + " on.";
    default:
      return ExplainExchange(entry);
  }
}

}  // namespace

std::string ExplainEntry(const policy::State& before, const Entry& entry) {
  std::string text = ExplainTransfer(before, entry);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::string RuleOf(const Entry& entry) {
  switch (entry.fact_case()) {
    case Entry::kKeyReleased:
      return "A key leaves only while no FREEZE in force covers its record, the record is neither "
             "expired, revoked nor destroyed, its transfer is neither suspended, ended nor at its "
             "cap, the lease is open, the clock is trusted, every restricting act has its epoch, "
             "and, where the agreement names witnesses, one of each side has signed the ledger "
             "within the agreed time.";
    case Entry::kCheckpointWitnessed:
      return "A cosignature counts if a witness that the agreement names made it over a prefix of "
             "this very ledger.";
    case Entry::kLedgerRead:
      return "Whoever reads entries is on the record, before the entries leave.";
    case Entry::kEnvelopesCollected:
      return "Envelopes leave only after the transfer was closed, while it is neither suspended "
             "nor "
             "ended, and while no FREEZE in force covers one of them.";
    case Entry::kEnvelopeDeposited:
      return "An outcome is sealed only for an accepted subject of an approved transfer, once, "
             "while no FREEZE in force covers it, and, where the gate was in doubt, only after a "
             "custodian's order or the end of the review window.";
    case Entry::kReviewOpened:
      return "A doubtful row gets no envelope before a custodian's order or the end of the review "
             "window has settled it.";
    case Entry::kCaseShown:
      return "A case is shown to custodians only, and only after this entry is in the ledger.";
    case Entry::kSubjectsFetched:
      return "Subjects go to the source only after a custodian let the transfer go on where brakes "
             "had stopped it, and the agreement's number of custodians approved the dossier.";
    case Entry::kRecordsDestroyed:
      return "A key is destroyed only while no PRESERVE in force covers its record, or where two "
             "people, one of them counsel, authorised it on a court's order that names the hold; "
             "after the agreement's window and with its approvals, at a trusted time.";
    case Entry::kNoticeGiven:
      return "A requester gets notice of a hold, once for each placing, that covers a record of "
             "which it has the envelope or the key.";
    case Entry::kOrderAccepted:
      return "An order is accepted once, from an enrolled person with the role for it, signed with "
             "a key that was valid then and not struck off, after that person's last order and on "
             "this very ledger.";
    case Entry::kLeaseOpened:
      return "A lease is opened by the transfer's requester with its enrolled key, for no longer "
             "than the agreement says.";
    case Entry::kTransferClosed:
      return "A transfer is closed by the source's signature over the root of exactly the "
             "envelopes that were deposited.";
    case Entry::kSubjectJudged:
      return "Each row is judged once, while the transfer is open for subjects.";
    case Entry::kSubmissionFinished:
      return "A submission ends when every row is judged. If the agreement's brakes trip by what "
             "was "
             "submitted, the transfer waits for a custodian's order to let it go on.";
    case Entry::kExchangeRestored:
      return "An exchange goes on from a backup only by one envelope that two people signed, not "
             "both of the requester's side, which names this very ledger; and an epoch follows.";
    case Entry::kKeyslotStruckOff:
      return "A keyslot is left out of a mirror only by one envelope that two people signed, not "
             "both of the requester's side, which names it and the epoch; and an epoch follows.";
    case Entry::kProcessStarted:
      return "A process starts with the keyslots of the last one, or those of a move, or what two "
             "people left of a mirror.";
    case Entry::kRefused:
      return "Whatever is asked for and declined is on the record, with the reason.";
    default:
      return "";
  }
}

}  // namespace holdfast::evidence
