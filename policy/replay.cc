// SPDX-License-Identifier: Apache-2.0
#include "policy/replay.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/status_macros.h"
#include "policy/apply.h"
#include "policy/replay_refusal.h"
#include "policy/restore_order.h"
#include "policy/signatures.h"

namespace holdfast::policy {
namespace {

using ledger::v1::Entry;

absl::Status At(std::uint64_t index, std::string_view rule, std::string what) {
  absl::Status status = MakeError(Reason::kLedgerInconsistent, std::move(what));
  status = AddMetadata(std::move(status), "index", std::to_string(index));
  return AddMetadata(std::move(status), "rule", std::string(rule));
}

std::string NameOfFact(int number) {
  const auto* field = Entry::descriptor()->FindFieldByNumber(number);
  return field == nullptr ? std::string("none") : field->name();
}

// By its number, each kind of fact that has no message inside.
std::vector<const google::protobuf::FieldDescriptor*> FindFlatFacts() {
  std::vector<const google::protobuf::FieldDescriptor*> flat;
  const auto* facts = Entry::descriptor()->FindOneofByName("fact");
  HF_CHECK(facts != nullptr);
  for (int i = 0; i < facts->field_count(); ++i) {
    const auto* fact = facts->field(i);
    const auto number = static_cast<std::size_t>(fact->number());
    if (flat.size() <= number) flat.resize(number + 1);
    bool deep = false;
    for (int part = 0; part < fact->message_type()->field_count(); ++part) {
      deep = deep || fact->message_type()->field(part)->message_type() != nullptr;
    }
    if (!deep) flat[number] = fact;
  }
  return flat;
}

bool HasUnknownFields(Entry& entry) {
  static const auto flat_facts = FindFlatFacts();
  const auto number = static_cast<std::size_t>(entry.fact_case());
  const auto* flat = number < flat_facts.size() ? flat_facts[number] : nullptr;
  if (flat != nullptr) {
    // Most entries of a ledger, and a fraction of what the general way costs.
    const google::protobuf::Reflection& of = *entry.GetReflection();
    const google::protobuf::Message& fact = of.GetMessage(entry, flat);
    return !of.GetUnknownFields(entry).empty() ||
           !fact.GetReflection()->GetUnknownFields(fact).empty();
  }
  const std::size_t before = entry.ByteSizeLong();
  entry.DiscardUnknownFields();
  return entry.ByteSizeLong() != before;
}

}  // namespace

absl::Status ParseEntry(ByteSpan bytes, std::uint64_t index, Replayer::Mode mode, Entry& entry) {
  if (!entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return At(index, "ENTRY", "an entry cannot be read");
  }
  if (mode == Replayer::Mode::kDecideAgain && HasUnknownFields(entry)) {
    return At(index, "ENTRY", "an entry has unknown fields");
  }
  return absl::OkStatus();
}

std::string FactName(const Entry& entry) { return NameOfFact(static_cast<int>(entry.fact_case())); }

Replayer::Replayer(Mode mode, Checks checks) : mode_(mode), checks_(std::move(checks)) {}

Replayer::Replayer(Mode mode, State state) : mode_(mode), state_(std::move(state)) {}

State Replayer::Take() {
  facts_.clear();
  refusals_.clear();
  entries_ = 0;
  decided_again_ = 0;
  by_court_order_ = 0;
  return std::exchange(state_, State());
}

absl::Status Replayer::Step(ByteSpan bytes) {
  Entry entry;
  HF_RETURN_IF_ERROR(ParseEntry(bytes, state_.ledger_size(), mode_, entry));
  return Step(entry);
}

absl::Status Replayer::Step(const Entry& entry) {
  const std::uint64_t index = state_.ledger_size();
  const bool decides = mode_ == Mode::kDecideAgain;
  std::optional<OpenedOrder> order;
  std::shared_ptr<const OpenedAgreement> agreement;
  if (entry.has_exchange_opened()) {
    auto opened = OpenAgreement(AsBytes(entry.exchange_opened().agreement_dsse()));
    if (!opened.ok()) return At(index, "AGREEMENT", std::string(opened.status().message()));
    agreement = std::make_shared<const OpenedAgreement>(*std::move(opened));
  }
  if (entry.has_order_accepted()) {
    if (!state_.open()) return At(index, "NOT_OPEN", "an order before the exchange was opened");
    auto opened = OpenOrder(AsBytes(entry.order_accepted().order_dsse()), state_.agreement());
    if (!opened.ok()) return At(index, "ORDER", std::string(opened.status().message()));
    order = *std::move(opened);
    const bool prefix =
        !checks_.head_is_prefix || checks_.head_is_prefix(order->head_size, order->head_root);
    order->head_check = prefix ? HeadCheck::kPrefix : HeadCheck::kNotAPrefix;
  }
  if (decides) {
    const Decision decision = Decide(state_, {entry, order ? &*order : nullptr, agreement.get()});
    if (!decision.allowed()) {
      return At(index, RefusalName(decision.refusal), "an entry that the policy refuses");
    }
    HF_RETURN_IF_ERROR(CheckSignatures(entry));
    if (entry.has_refused()) HF_RETURN_IF_ERROR(CheckRefused(entry.refused()));
    ++decided_again_;
  }
  const absl::Status applied =
      Apply(state_, entry, order ? &*order : nullptr, index, std::move(agreement));
  if (!applied.ok()) return At(index, "FOLD", std::string(applied.message()));

  ++entries_;
  const auto number = static_cast<std::size_t>(entry.fact_case());
  if (facts_.size() <= number) facts_.resize(number + 1);
  ++facts_[number];
  if (entry.has_refused()) ++refusals_[entry.refused().refusal()].all;
  if (entry.records_destroyed().basis() == ledger::v1::RecordsDestroyed::COURT_ORDER) {
    ++by_court_order_;
  }
  return absl::OkStatus();
}

ReplayReport Replayer::report() const {
  ReplayReport report;
  report.entries = entries_;
  report.decided_again = decided_again_;
  report.destroyed_by_court_order = by_court_order_;
  for (std::size_t number = 0; number < facts_.size(); ++number) {
    if (facts_[number] > 0) report.facts[NameOfFact(static_cast<int>(number))] = facts_[number];
  }
  for (const auto& [number, counted] : refusals_) {
    const auto refusal = RefusalFromNumber(number);
    const std::string name(refusal ? RefusalName(*refusal) : "UNKNOWN");
    report.refusals[name] += counted.all;
    report.refusals_decided_again += counted.again;
    if (counted.again > 0) report.refusals_again[name] += counted.again;
  }
  return report;
}

absl::Status Replayer::CheckSignatures(const Entry& entry) const {
  const std::uint64_t index = state_.ledger_size();
  if (entry.has_transfer_closed()) {
    const auto& fact = entry.transfer_closed();
    const Transfer* transfer = state_.transfer(fact.transfer());
    HF_CHECK(transfer != nullptr);  // Decide has allowed it.
    if (!CheckClosingSignature(state_.agreement(), state_.struck_off(),
                               state_.agreement().exchange_id(), transfer->id, fact,
                               state_.now().late)
             .ok()) {
      return At(index, "CLOSING_SIGNATURE", "the source did not sign the closing");
    }
  }
  if (entry.has_checkpoint_witnessed()) {
    const auto& fact = entry.checkpoint_witnessed();
    const auto root = ArrayFromBytes<Digest32>(AsBytes(fact.root()));
    if (!root.ok() || (checks_.head_is_prefix && !checks_.head_is_prefix(fact.size(), *root)) ||
        (checks_.cosignatures_agree && !checks_.cosignatures_agree(fact, state_))) {
      return At(index, "COSIGNATURE", "a witness did not sign this ledger");
    }
  }
  if (entry.has_exchange_restored() && checks_.head_is_prefix) {
    const auto order = ReadRestore(entry.exchange_restored().order_dsse());
    if (!order.ok() || !checks_.head_is_prefix(order->terms.ledger_size, order->terms.root)) {
      return At(index, "RESTORE", "the exchange went on from another backup than was ordered");
    }
  }
  if (entry.has_lease_opened()) {
    const auto& fact = entry.lease_opened();
    if (!CheckLeaseSignature(state_.agreement(), state_.struck_off(), fact, state_.now().late)
             .ok() ||
        (checks_.opening_agrees && !checks_.opening_agrees(fact, state_))) {
      return At(index, "LEASE_SIGNATURE", "the requester did not sign this opening");
    }
  }
  return absl::OkStatus();
}

absl::Status Replayer::CheckRefused(const ledger::v1::Refused& fact) {
  switch (DecideRefusedAgain(state_, fact)) {
    case RefusedAgain::kAgrees:
      ++refusals_[fact.refusal()].again;
      return absl::OkStatus();
    case RefusedAgain::kCannotTell:
      return absl::OkStatus();
    case RefusedAgain::kDisagrees:
      break;
  }
  return At(state_.ledger_size(), "REFUSED", "a refusal for a reason that did not hold");
}

}  // namespace holdfast::policy
