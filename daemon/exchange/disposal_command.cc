// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/disposal_command.h"

#include <utility>
#include <vector>

#include "base/check.h"
#include "daemon/observe/log.h"
#include "policy/disposal.h"
#include "policy/queries.h"

namespace holdfast::exchange {
namespace {

// Appends every leaf that holds something of these rows.
void CollectLeaves(const policy::State& state, const ledger::v1::RecordsDestroyed& destroyed,
                   std::vector<LeafRef>& leaves) {
  for (const ledger::v1::Rows& rows : destroyed.rows()) {
    const absl::StatusOr<policy::RowRuns> runs = policy::ReadRows(rows);
    HF_CHECK(runs.ok());
    for (const policy::RowRun& run : runs->runs) {
      for (std::uint32_t i = 0; i < run.count; ++i) {
        const policy::Record* record = state.FindRecord({runs->transfer, run.first + i});
        HF_CHECK(record != nullptr && record->accepted());
        leaves.push_back({record->subject_segment, record->subject_leaf});
        // Also the leaf that is kept for a row in review.
        if (record->record_segment != policy::kNoSegment) {
          leaves.push_back({record->record_segment, record->record_leaf});
        }
      }
    }
  }
}

}  // namespace

void DestroyDue::Run(Turn& turn) {
  proposed_ = 0;
  policy::DueDestructions due = policy::DueForDestruction(turn.state(), kMostRecords);
  // All of them in one epoch: a device that wears makes none for long after this one.
  std::vector<LeafRef> leaves;
  for (ledger::v1::RecordsDestroyed& destroyed : due.due) {
    if (proposed_ >= kMostRecords) break;
    ledger::v1::Entry entry;
    *entry.mutable_records_destroyed() = std::move(destroyed);
    turn.Stamp(entry);
    if (!policy::Decide(turn.state(), {entry}).allowed()) continue;
    CollectLeaves(turn.state(), entry.records_destroyed(), leaves);
    proposed_ += entry.records_destroyed().count();
    turn.AppendFact(std::move(entry), nullptr);
  }
  if (proposed_ > 0) turn.ChangeEpoch(std::move(leaves), Anchoring::kRequired);
}

void DestroyDue::Done(const absl::Status& status, const LedgerHead& head) {
  if (!status.ok() || proposed_ == 0) return;
  destroyed_ = proposed_;
  observe::Info("exchange", "records_destroyed", "keys were destroyed",
                {{"records", destroyed_}, {"ledger_size", head.size}});
}

}  // namespace holdfast::exchange
