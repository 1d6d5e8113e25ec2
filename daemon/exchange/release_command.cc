// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/release_command.h"

#include <algorithm>
#include <map>

#include "daemon/exchange/act_command.h"
#include "policy/disposal.h"

namespace holdfast::exchange {
namespace {

// Whether a refusal is about one record, so that others of the batch may still go.
bool ConcernsOneRow(policy::Refusal refusal) {
  switch (refusal) {
    case policy::Refusal::kRowNotAccepted:
    case policy::Refusal::kRecordNotDeposited:
    case policy::Refusal::kRecordNotYetValid:
    case policy::Refusal::kRecordExpired:
    case policy::Refusal::kRecordRevoked:
    case policy::Refusal::kRecordDestroyed:
      return true;
    default:
      return false;
  }
}

}  // namespace

void ReleaseCommand::Refuse(Turn& turn, policy::Decision decision,
                            std::vector<std::uint32_t> rows) {
  ledger::v1::Refused refused;
  refused.set_member(release_.member);
  refused.set_act(ledger::v1::Refused::RELEASE_KEYS);
  refused.set_refusal(static_cast<std::uint32_t>(decision.refusal));
  refused.set_transfer(release_.transfer);
  refused.set_has_transfer(true);
  refused.set_hold_index(decision.hold_index);
  std::sort(rows.begin(), rows.end());
  policy::RowRuns runs{release_.transfer, {}};
  for (const std::uint32_t row : rows) runs.Append(row);
  *refused.mutable_rows() = policy::ToLedgerRows(runs);
  const std::uint64_t index = turn.Refuse(std::move(refused));
  if (outcome_.refusal_index == 0) outcome_.refusal_index = index;
}

void ReleaseCommand::Run(Turn& turn) {
  outcome_ = {};
  EntryBatch& batch = *release_.batch;
  const policy::State& state = turn.state();
  policy::DecisionBatch decisions(state);
  std::map<policy::Refusal, std::vector<std::uint32_t>> refused;
  outcome_.released.reserve(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::uint32_t row = batch.entry(i).key_released().row();
    const policy::Decision decision = decisions.Decide({batch.entry(i)});
    if (decision.allowed()) {
      const policy::Record* record = state.FindRecord({release_.transfer, row});
      outcome_.released.push_back({row, {record->record_segment, record->record_leaf}});
    } else if (ConcernsOneRow(decision.refusal)) {
      batch.Skip(i);
      refused[decision.refusal].push_back(row);
      outcome_.refused_rows.push_back(row);
    } else {
      outcome_.released.clear();
      outcome_.refused_rows.clear();
      outcome_.decision = decision;
      outcome_.matter = MatterOf(state, decision.hold_index);
      std::vector<std::uint32_t> rows;
      for (std::size_t j = 0; j < batch.size(); ++j) {
        rows.push_back(batch.entry(j).key_released().row());
      }
      Refuse(turn, decision, std::move(rows));
      return;
    }
  }
  outcome_.decision.refusal = policy::Refusal::kAllowed;
  outcome_.first_index = turn.Append(batch);
  for (auto& [refusal, rows] : refused) Refuse(turn, {refusal}, std::move(rows));
}

void ReleaseCommand::Done(const absl::Status& status, const LedgerHead&) {
  outcome_.status = status;
  if (status.ok() && !outcome_.released.empty()) {
    outcome_.egress =
        egress_->Begin(outcome_.first_index, release_.transfer, std::move(release_.cut));
  }
  auto outcome = std::make_shared<ReleaseOutcome>(std::move(outcome_));
  executor_.Post([done = std::move(release_.done), outcome] { done(std::move(*outcome)); });
}

}  // namespace holdfast::exchange
