// SPDX-License-Identifier: Apache-2.0
//
// The rules of what is recorded for evidence's sake: cosignatures, readings, accounts of a person,
// the end of the key that makes pseudonyms, and what two people order of a daemon that stands
// still.
#include <algorithm>
#include <optional>
#include <utility>

#include "policy/decide_parts.h"
#include "policy/fold.h"
#include "policy/joint_order.h"
#include "policy/keyslot_strike_off.h"
#include "policy/permissions.h"
#include "policy/restore_order.h"

namespace holdfast::policy {
namespace {

constexpr int kMaxPeople = 8;

std::optional<Pseudonym> PseudonymFromHex(const std::string& hex) {
  const auto bytes = FromHex(hex);
  if (!bytes.ok() || Hex(*bytes) != hex) return std::nullopt;
  const auto person = IdFromBytes<Pseudonym>(*bytes);
  return person.ok() ? std::optional(*person) : std::nullopt;
}

// By the witness's clock; kMinTime where that cannot be.
UnixMillis CosignedAt(const ledger::v1::Cosignature& cosignature) {
  constexpr std::int64_t kMillis = 1'000;
  if (cosignature.time() <= 0 || cosignature.time() > kMaxTime.value() / kMillis) return kMinTime;
  return UnixMillis(cosignature.time() * kMillis);
}

}  // namespace

Decision DecideFact(const State& state, const ledger::v1::CheckpointWitnessed& fact) {
  if (fact.size() == 0 || fact.size() > state.ledger_size() ||
      fact.root().size() != sizeof(Digest32) || fact.cosignatures_size() == 0) {
    return Refuse(Refusal::kMalformed);
  }
  const auto witnesses = state.agreement().witnesses();
  std::size_t next = 0;
  for (const ledger::v1::Cosignature& by : fact.cosignatures()) {
    const bool known = std::any_of(witnesses.begin(), witnesses.end(),
                                   [&](const WitnessTerm& w) { return w.name == by.witness(); });
    if (!known) return Refuse(Refusal::kWitnessUnknown);
    while (next < witnesses.size() && witnesses[next].name != by.witness()) ++next;
    if (next == witnesses.size()) return Refuse(Refusal::kMalformed);
    if (CosignedAt(by) == kMinTime || by.signature().size() != 64) {
      return Refuse(Refusal::kMalformed);
    }
    if (fact.size() < state.evidence().witnesses[next].size) return Refuse(Refusal::kOutOfOrder);
    ++next;
  }
  return Allow();
}

Decision DecideFact(const State& state, const ledger::v1::LedgerRead& fact) {
  const Member* member = state.agreement().FindMember(fact.member());
  if (member == nullptr) return Refuse(Refusal::kMemberUnknown);
  if (state.struck_off().Has(member->number)) return Refuse(Refusal::kStruckOff);
  if (!RoleAllows(member->role, kReadLedgerPermission)) return Refuse(Refusal::kRoleForbids);
  if (fact.first() > state.evidence().newest_act) return Refuse(Refusal::kReadRecorded);
  return Allow();
}

Decision DecideFact(const State& state, const ledger::v1::ExchangeRestored& fact) {
  const auto order = ReadRestore(fact.order_dsse());
  if (!order.ok()) return Refuse(Refusal::kMalformed);
  const RestoreTerms& terms = order->terms;
  if (terms.exchange != state.agreement().exchange_id() || terms.epoch != state.epoch() ||
      terms.ledger_size != state.ledger_size()) {
    return Refuse(Refusal::kJointOrderVoid);
  }
  return Refuse(CheckJointSigners(order->envelope, kRestorePayloadType, terms.made_at,
                                  state.agreement(), state.struck_off())
                    .refusal);
}

Decision DecideFact(const State& state, const ledger::v1::KeyslotStruckOff& fact) {
  const auto order = ReadKeyslotStrikeOff(fact.order_dsse());
  if (!order.ok()) return Refuse(Refusal::kMalformed);
  const KeyslotStrikeOffTerms& terms = order->terms;
  if (terms.exchange != state.agreement().exchange_id() || terms.epoch != state.epoch()) {
    return Refuse(Refusal::kJointOrderVoid);
  }
  if (terms.keyslots != state.evidence().keyslots) return Refuse(Refusal::kKeyslotsDiffer);
  return Refuse(CheckJointSigners(order->envelope, kKeyslotStrikeOffPayloadType, terms.made_at,
                                  state.agreement(), state.struck_off())
                    .refusal);
}

Refusal CheckWitnessed(const State& state) {
  return state.evidence().IsWitnessed(state.now().late, state.agreement().terms().witness_max_age)
             ? Refusal::kAllowed
             : Refusal::kNotWitnessed;
}

Refusal DecideEvidence(const State& state, const OpenedOrder&,
                       const order::v1::AccountPerson& act) {
  if (!IsText(act.reason()) || act.people().empty() || act.people_size() > kMaxPeople) {
    return Refusal::kMalformed;
  }
  for (int i = 0; i < act.people_size(); ++i) {
    if (!PseudonymFromHex(act.people(i)) || (i > 0 && act.people(i - 1) >= act.people(i))) {
      return Refusal::kMalformed;
    }
  }
  return state.evidence().pseudonym_key_destroyed() ? Refusal::kPseudonymKeyDestroyed
                                                    : Refusal::kAllowed;
}

Refusal DecideEvidence(const State& state, const OpenedOrder& order,
                       const order::v1::DestroyPseudonymKey& act) {
  const EvidenceRecord& record = state.evidence();
  if (!IsText(act.reason())) return Refusal::kMalformed;
  if (record.pseudonym_key_destroyed()) return Refusal::kPseudonymKeyDestroyed;
  // Whom a hold is about can be shown only with the key; and what a court wants preserved is of use
  // to it only while a person can be found in it.
  if (!state.holds().nothing_preserves() ||
      std::any_of(state.holds().all().begin(), state.holds().all().end(),
                  [](const Hold& hold) { return hold.in_force() && !hold.scope.people.empty(); })) {
    return Refusal::kPseudonymKeyNeeded;
  }
  if (act.first_index() == 0) return Refusal::kAllowed;
  if (record.key_destruction_index != act.first_index()) return Refusal::kProposalUnknown;
  if (record.key_destruction_by == order.person) return Refusal::kKeyDestructionSamePerson;
  return record.key_destruction_reason == act.reason() ? Refusal::kAllowed
                                                       : Refusal::kKeyDestructionDiffers;
}

absl::Status Fold::Add(const ledger::v1::CheckpointWitnessed& fact) {
  const auto witnesses = s_.agreement_->witnesses();
  EvidenceRecord& record = s_.evidence_;
  for (const ledger::v1::Cosignature& by : fact.cosignatures()) {
    const auto found = std::find_if(witnesses.begin(), witnesses.end(),
                                    [&](const WitnessTerm& w) { return w.name == by.witness(); });
    if (found == witnesses.end()) {
      return MakeError(Reason::kLedgerInconsistent, "no such witness");
    }
    WitnessedHead& head = record.witnesses[static_cast<std::size_t>(found - witnesses.begin())];
    head.size = fact.size();
    head.at = std::max(head.at, std::min(CosignedAt(by), s_.now_.late));
  }
  // One of each side, since opposed interests are the quorum.
  UnixMillis quorum = kMaxTime;
  for (const WitnessTerm& of : witnesses) {
    UnixMillis newest = kMinTime;
    for (std::size_t i = 0; i < witnesses.size(); ++i) {
      if (witnesses[i].side == of.side) newest = std::max(newest, record.witnesses[i].at);
    }
    quorum = std::min(quorum, newest);
  }
  record.quorum_at = quorum;
  return absl::OkStatus();
}

void Fold::Add(const ledger::v1::ProcessStarted& fact) {
  s_.segments_.StartProcess();
  ++s_.process_starts_;
  // A run that is not known to be another one goes on.
  if (fact.boot() != s_.clock_.boot) {
    s_.clock_.boot = fact.boot();
    s_.clock_.drift.StartRun();
  }
  EvidenceRecord& record = s_.evidence_;
  if (record.keyslots == fact.keyslot_kind()) return;
  record.keyslots = fact.keyslot_kind();
  record.keyslots_since_epoch = s_.epoch_;
}

absl::Status Fold::Add(const ledger::v1::KeyslotStruckOff& fact, std::uint64_t index) {
  auto order = ReadKeyslotStrikeOff(fact.order_dsse());
  if (!order.ok()) return MakeError(Reason::kLedgerInconsistent, "an order of two is malformed");
  KeyslotStrikeOffTerms& terms = order->terms;
  EvidenceRecord& record = s_.evidence_;
  record.struck_off_keyslots.push_back(
      {index, terms.epoch, std::move(terms.keyslots), std::move(terms.members)});
  // Those that are left have borne what they have borne: no count begins anew.
  record.keyslots = std::move(order->left);
  // What the lost members hold is void from the next epoch on.
  s_.order_unanchored_ = true;
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::AccountPerson& act,
                       std::uint64_t index) {
  PersonAccount account;
  account.reader = order.person;
  for (const std::string& text : act.people()) {
    const auto person = PseudonymFromHex(text);
    if (!person) return MakeError(Reason::kLedgerInconsistent, "a pseudonym is malformed");
    account.people.push_back(KeyOf(*person));
  }
  s_.evidence_.accounts.emplace(index, std::move(account));
  return absl::OkStatus();
}

absl::Status Fold::Act(const OpenedOrder& order, const order::v1::DestroyPseudonymKey& act,
                       std::uint64_t index) {
  EvidenceRecord& record = s_.evidence_;
  if (act.first_index() != 0) {
    record.key_destroyed_index = index;
    return absl::OkStatus();
  }
  record.key_destruction_index = index;
  record.key_destruction_by = order.person;
  record.key_destruction_reason = act.reason();
  return absl::OkStatus();
}

}  // namespace holdfast::policy
