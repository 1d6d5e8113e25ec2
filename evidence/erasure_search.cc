// SPDX-License-Identifier: Apache-2.0
#include "evidence/erasure_search.h"

#include <algorithm>
#include <utility>

#include "evidence/ledger_verifier.h"

#include "base/error.h"
#include "base/status_macros.h"
#include "crypto/dsse.h"
#include "policy/disposal.h"
#include "policy/holds.h"
#include "policy/order_json.h"

namespace holdfast::evidence {

using ledger::v1::Entry;
using ledger::v1::RecordsDestroyed;

void ErasureSearch::Take(std::uint64_t index, ByteSpan bytes, const Entry& entry,
                         const policy::State& before) {
  if (erased_ || (size_ && index >= *size_)) return;
  switch (entry.fact_case()) {
    case Entry::kExchangeOpened:
      Keep(index, bytes);
      break;
    case Entry::kProcessStarted:
      tool_ = "holdfastd " + entry.process_started().version();
      break;
    case Entry::kTimeAdvanced:
      if (!destroyed_) time_ = ProvenEntry{index, ToBytes(bytes), {}};
      break;
    case Entry::kLeaseOpened:
      if (!destroyed_) prior_.Take(index, entry.lease_opened(), before);
      break;
    case Entry::kKeyReleased:
      if (!destroyed_) prior_.Take(entry.key_released(), before.now().late);
      break;
    case Entry::kOrderAccepted:
      if (!destroyed_) TakeOrder(index, bytes, entry.order_accepted());
      break;
    case Entry::kRecordsDestroyed: {
      const RecordsDestroyed& fact = entry.records_destroyed();
      const bool expired = fact.basis() == RecordsDestroyed::EXPIRY;
      if (destroyed_ || (expired ? index : fact.revocation_index()) != index_) break;
      if (time_) found_.evidence.entries.push_back(*time_);
      Keep(index, bytes);
      TakeDestruction(fact, before);
      destroyed_ = true;
      break;
    }
    case Entry::kEpochAdvanced:
      if (!destroyed_ || epoch_ != 0) break;
      epoch_ = entry.epoch_advanced().epoch();
      Keep(index, bytes);
      break;
    case Entry::kKeyslotStruckOff:
      Keep(index, bytes);
      break;
    case Entry::kEpochErased:
      if (epoch_ == 0 || entry.epoch_erased().epoch() + 1 != epoch_) break;
      Keep(index, bytes);
      erased_ = true;
      break;
    default:
      break;
  }
}

void ErasureSearch::TakeOrder(std::uint64_t index, ByteSpan bytes,
                              const ledger::v1::OrderAccepted& fact) {
  const auto envelope = crypto::ParseDsse(fact.order_dsse());
  if (!envelope.ok()) return;
  const auto order = policy::ParseOrder(envelope->payload);
  if (!order.ok()) return;
  const bool about_it = (order->has_revoke_records() && index == index_) ||
                        (order->has_approve_destruction() &&
                         order->approve_destruction().revocation_index() == index_) ||
                        (order->has_authorise_destruction() &&
                         order->authorise_destruction().revocation_index() == index_);
  if (about_it) Keep(index, bytes);
}

void ErasureSearch::TakeDestruction(const RecordsDestroyed& fact, const policy::State& before) {
  ErasureAsserted& asserted = found_.asserted;
  asserted.tool = tool_;
  for (const policy::Hold& hold : before.holds().all()) {
    if (hold.in_force()) ++asserted.holds_in_force;
  }
  if (fact.basis() == RecordsDestroyed::COURT_ORDER) {
    const policy::Disposal* disposal = before.FindDisposal(fact.revocation_index());
    if (disposal != nullptr && disposal->authorisation) {
      asserted.overridden =
          static_cast<std::uint64_t>(disposal->authorisation->order->holds_size());
    }
  }
  // A reader sees an entry before it is verified: one with rows that are none goes no further.
  std::vector<policy::RowRuns> destroyed;
  for (const ledger::v1::Rows& runs : fact.rows()) {
    auto rows = policy::ReadRows(runs);
    if (!rows.ok()) return;
    for (const policy::RowRun& run : rows->runs) {
      for (std::uint32_t row = run.first; row < run.first + run.count; ++row) {
        const policy::Record* record = before.FindRecord({rows->transfer, row});
        if (record == nullptr) return;
        if (record->releases == 0) continue;
        ++asserted.released_before;
        if (record->open_leases > 0) ++asserted.under_open_leases;
      }
    }
    destroyed.push_back(*std::move(rows));
  }
  asserted.prior = prior_.Of(destroyed, before.agreement());
  prior_ = {};
}

void ErasureSearch::Folded(std::uint64_t index, const policy::State& after) {
  if (agreement_ == nullptr) agreement_ = after.shared_agreement();
  const policy::StruckOff& all = after.struck_off();
  if (all.empty()) return;
  if (!struck_.empty() && struck_.back().all.members().size() == all.members().size() &&
      struck_.back().all.keys().size() == all.keys().size()) {
    return;
  }
  struck_.push_back({{index, after.now().late}, all});
}

void ErasureSearch::End(const LedgerVerifier& ledger) {
  for (ProvenEntry& entry : found_.evidence.entries) {
    auto path = ledger.Prove(entry.index, size_.value_or(ledger.size()));
    if (!path.ok()) {
      proven_ = path.status();
      return;
    }
    entry.path = *std::move(path);
  }
  std::sort(found_.evidence.entries.begin(), found_.evidence.entries.end(),
            [](const ProvenEntry& a, const ProvenEntry& b) { return a.index < b.index; });
}

std::optional<ErasureSearch::StrikeOff> ErasureSearch::FindStrikeOff(
    const std::string& member, const crypto::PublicKey& key) const {
  const policy::Member* person = agreement_ == nullptr ? nullptr : agreement_->FindMember(member);
  for (const Struck& struck : struck_) {
    if (struck.all.Has(key) || (person != nullptr && struck.all.Has(person->number))) {
      return struck.when;
    }
  }
  return std::nullopt;
}

absl::Status ErasureSearch::CheckVerifier(const std::string& member, const crypto::PublicKey& key,
                                          UnixMillis at) const {
  const std::optional<StrikeOff> struck = FindStrikeOff(member, key);
  if (!struck || (size_ && struck->index >= *size_ && at < struck->at)) return absl::OkStatus();
  const std::string index = std::to_string(struck->index);
  return AddMetadata(
      MakeError(Reason::kSignatureInvalid, "who verified was struck off in ledger entry " + index),
      "index", index);
}

absl::StatusOr<ErasureSearch::Found> ErasureSearch::Result(std::string checkpoint) const {
  HF_RETURN_IF_ERROR(proven_);
  const std::string entry = "ledger entry " + std::to_string(index_);
  if (!destroyed_) {
    return MakeError(Reason::kNotFound,
                     "nothing was destroyed for " + entry +
                         " in this ledger: name a revocation whose records are destroyed, or the "
                         "destruction of records that had expired");
  }
  if (!erased_) {
    return MakeError(Reason::kNotFound,
                     "this ledger ends before the old root key was erased: export it again");
  }
  Found found = found_;
  found.evidence.checkpoint = std::move(checkpoint);
  return found;
}

}  // namespace holdfast::evidence
