// SPDX-License-Identifier: Apache-2.0
//
// What the writer does beside commands: what has become due, and what nobody waits for.
#include <algorithm>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "base/status_macros.h"
#include "daemon/exchange/disposal_command.h"
#include "daemon/exchange/notice_board.h"
#include "daemon/exchange/snapshot.h"
#include "daemon/exchange/writer.h"
#include "daemon/observe/log.h"
#include "policy/queries.h"
#include "policy/review.h"

namespace holdfast::exchange {

bool Writer::SomethingIsDue() const {
  const UnixMillis early(core_->present.early_ms);
  return policy::NextDestructionTime(core_->state) <= early ||
         core_->state.holds().NextEffect() <= early;
}

void Writer::LookAgain() {
  if (!std::exchange(look_again_, false)) return;
  // Without a group, which would note the time and so be a commit for nothing.
  if (policy::DueForDestruction(core_->state, 1).due.empty()) {
    if (!destroy_now_) due_since_.reset();
  } else {
    destroy_now_ = true;
  }
}

bool Writer::SweepIsDue() const { return destroy_now_ || SomethingIsDue(); }

void Writer::Tend(bool to_all) {
  absl::Status done = Sweep();
  if (done.ok() && to_all) done = GiveNotices();
  if (!done.ok()) {
    Stop(done);
    return;
  }
  if (!to_all) return;
  tend_at_latest_ = parts_.core_options.clock->SinceBoot() + kLongestUntended;
  AnnounceOverdue();
  if (auto work = core_->keyslot->Prepare(Epoch(core_->vault.epoch().value() + 1))) {
    parts_.post(std::move(work));
  }
}

absl::Status Writer::GiveNotices() {
  // On a full disk there is room for holds alone; the search waits.
  if (restricting_only_ || notice_search_.Idle(core_->state)) return absl::OkStatus();
  const auto missing = notice_search_.Next(core_->state, kChunksALook);
  if (missing.empty()) return absl::OkStatus();
  Group group(core_->state, core_->tiles.size(), *parts_.core_options.random);
  HF_RETURN_IF_ERROR(Begin(group));
  for (const ledger::v1::NoticeGiven& notice : missing) {
    ledger::v1::Entry entry;
    *entry.mutable_notice_given() = notice;
    // The time that has begun may have lifted the hold.
    group.Stamp(entry);
    if (policy::Decide(core_->state, {entry}).allowed())
      group.AppendFact(std::move(entry), nullptr);
  }
  HF_RETURN_IF_ERROR(Commit(group));
  ShowNotices();
  Announce();
  Notice(group);
  return absl::OkStatus();
}

absl::Status Writer::Sweep() {
  const Times now = Now();
  const auto since_boot = parts_.core_options.clock->SinceBoot();
  RegainReserve();
  const bool wanted = core_->state.epoch_pending() || core_->keyslot->wants_epoch();
  if (wanted && since_boot >= next_epoch_attempt_) {
    next_epoch_attempt_ = since_boot + kRetry;
    Group group(core_->state, core_->tiles.size(), *parts_.core_options.random);
    HF_RETURN_IF_ERROR(Begin(group));
    group.ChangeEpoch({}, Anchoring::kMayWait);
    HF_RETURN_IF_ERROR(CommitEpoch(group));
    // What became due while the epoch was missing lies in the past.
    look_again_ = true;
    ShowNotices();
    Announce();
  }
  if (policy::NextReviewTime(core_->state) <= UnixMillis(now.early_ms) &&
      since_boot >= next_review_ && !restricting_only_) {
    next_review_ = since_boot + kRetry;
    parts_.reviews_due(core_->state, UnixMillis(now.early_ms));
  }
  const bool due = SomethingIsDue();
  if (due && !due_since_.has_value()) due_since_ = since_boot;
  AnnounceDestruction(since_boot);
  if (!destroy_now_ && !due) return absl::OkStatus();
  if (since_boot < next_destruction_ || restricting_only_) return absl::OkStatus();
  DestroyDue command;
  destroy_now_ = false;
  HF_RETURN_IF_ERROR(RunAlone(command));
  due_since_.reset();
  // Devices wear: what nobody waits for is destroyed together, once an interval.
  if (command.destroyed() > 0) next_destruction_ = since_boot + core_->keyslot->erase_interval();
  return absl::OkStatus();
}

void Writer::KeepSnapshot(std::uint64_t after) {
  const CoreOptions& options = parts_.core_options;
  const std::uint64_t size = core_->tiles.size();
  // What the reserve was given up for is not written over by this.
  if (!options.write_snapshot || restricting_only_ || size - core_->snapshot_size < after) return;
  if (snapshot_written_.valid() &&
      snapshot_written_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    return;
  }
  core_->snapshot_size = size;  // If it fails, not again at once.
  const auto not_kept = [&options](std::string detail) {
    observe::Error("exchange", "snapshot_not_kept",
                   "the next start folds the ledger from an older one",
                   {{"exchange", options.name}, {"detail", std::move(detail)}});
  };
  SnapshotDraft draft = DraftSnapshot({options.exchange, options.version}, core_->state,
                                      core_->tiles.frontier(), core_->vault.anchor());
  try {
    snapshot_written_ = std::async(
        std::launch::async,
        [&options, not_kept, key = core_->checkpoint_key, draft = std::move(draft)]() mutable {
          const absl::Status kept = options.write_snapshot(SealSnapshot(std::move(draft), *key));
          if (!kept.ok()) not_kept(std::string(kept.message()));
        });
  } catch (const std::system_error&) {  // No thread to be had; nothing depends on one.
    not_kept("no thread could be started");
  }
}

void Writer::WaitForSnapshot() {
  if (snapshot_written_.valid()) snapshot_written_.get();
}

void Writer::RegainReserve() {
  const auto since_boot = parts_.core_options.clock->SinceBoot();
  if (!restricting_only_ || since_boot < next_reserve_attempt_) return;
  next_reserve_attempt_ = since_boot + kRetry;
  restricting_only_ = !core_->store->RestoreReserve().ok();
}

void Writer::ShowNotices() {
  if (notices_shown_ == core_->state.holds().notice_changes()) return;
  notices_shown_ = core_->state.holds().notice_changes();
  parts_.put_up(NoticeBoardOf(core_->state));
  notices_due_.clear();
  core_->state.holds().ForEachUnacknowledged(
      [this](const policy::Hold&, policy::MemberNumber, const policy::Notice& notice) {
        notices_due_.push_back(notice.due_at);
      });
  std::sort(notices_due_.begin(), notices_due_.end());
}

void Writer::ShowWear() {
  const std::uint64_t epochs = KeyslotEpochs(*core_);
  const std::optional<std::uint64_t> budget = core_->keyslot->epoch_budget();
  const std::string& name = parts_.core_options.name;
  if (parts_.metrics != nullptr) parts_.metrics->KeyslotEpochs(name, epochs, budget.value_or(0));
  if (!budget || epochs < *budget / 2 || std::exchange(wear_told_, true)) return;
  observe::Warning("exchange", "keyslot_wears",
                   "half of the epochs that the keyslot's memory bears are used up",
                   {{"exchange", name}, {"epochs", epochs}, {"budget", *budget}});
}

void Writer::Announce() {
  parts_.checkpoints.Update({core_->tiles.size(), core_->tiles.Root()}, core_->checkpoint_key);
  AnnounceOverdue();
  ShowWear();
  if (parts_.metrics == nullptr) return;
  parts_.metrics->Epoch(parts_.core_options.name, core_->vault.epoch().value());
  const std::string& name = parts_.core_options.name;
  const policy::State& state = core_->state;
  parts_.metrics->LedgerSize(name, core_->tiles.size());
  parts_.metrics->HoldsActive(name, observe::HoldKind::kFreeze, state.holds().freezes_in_force());
  parts_.metrics->HoldsActive(name, observe::HoldKind::kPreserve,
                              state.holds().preserves_in_force());
  parts_.metrics->LeasesOpen(name, state.open_leases().size());
  parts_.metrics->ClockTrusted(name, state.now().trusted);
  if (!state.agreement().witnesses().empty()) {
    parts_.metrics->WitnessQuorum(name, state.evidence().quorum_at);
  }
  parts_.metrics->QueueDepth(name, observe::QueueLane::kOrdinary, parts_.queue.depth());
}

void Writer::AnnounceOverdue() {
  const auto waiting = std::upper_bound(notices_due_.begin(), notices_due_.end(),
                                        UnixMillis(core_->present.late_ms));
  const auto overdue = static_cast<std::size_t>(waiting - notices_due_.begin());
  if (parts_.metrics != nullptr) {
    parts_.metrics->NoticesOverdue(parts_.core_options.name, overdue);
  }
  if (std::exchange(overdue_shown_, overdue) != overdue) parts_.notify();
}

void Writer::AnnounceDestruction(std::chrono::milliseconds since_boot) {
  if (parts_.metrics == nullptr || since_boot < next_count_) return;
  next_count_ = since_boot + kRetry;
  const std::string& name = parts_.core_options.name;
  parts_.metrics->ExpiredUndestroyed(name, policy::CountRecords(core_->state).expired);
  parts_.metrics->DestroyLag(
      name, due_since_.has_value() ? since_boot - *due_since_ : std::chrono::milliseconds{0});
}

}  // namespace holdfast::exchange
