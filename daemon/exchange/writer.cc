// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/writer.h"

#include <algorithm>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "daemon/exchange/disposal_command.h"
#include "daemon/exchange/notice_board.h"
#include "daemon/exchange/snapshot.h"
#include "daemon/observe/log.h"
#include "policy/queries.h"
#include "policy/review.h"

namespace holdfast::exchange {
namespace {

constexpr std::chrono::milliseconds kDrainTick{20};

ledger::v1::Entry SegmentFact(const PendingSegment& pending) {
  ledger::v1::Entry entry;
  auto& opened = *entry.mutable_segment_opened();
  opened.set_segment(ToString(BytesOf(pending.segment.name.segment)));
  opened.set_kind(pending.segment.name.kind == crypto::SegmentKind::kRecord ? ledger::v1::RECORD
                                                                            : ledger::v1::SUBJECT);
  opened.set_transfer(pending.transfer);
  return entry;
}

absl::Status Unknown() {
  return MakeError(Reason::kStoreFailed,
                   "the exchange stopped: whether this took effect is unknown");
}

absl::Status DiskIsFull() {
  return MakeError(Reason::kStoreFull, "the disk is full: only what restricts is done");
}

// Whether the passing of time has made something due that the ledger does not say yet.
bool SomethingIsDue(const policy::State& state, UnixMillis early) {
  if (policy::NextDestructionTime(state) <= early) return true;
  return state.holds().NextEffect() <= early;
}

// Stages the plan's root key and shows that the slot gives it back.
absl::Status Stage(crypto::Keyslot& keyslot, const EpochPlan& plan, bool stale) {
  if (stale) HF_RETURN_IF_ERROR(keyslot.Erase(plan.epoch));
  HF_RETURN_IF_ERROR(keyslot.Stage(plan.epoch, plan.root_key));
  HF_ASSIGN_OR_RETURN(const crypto::SecretBytes read, keyslot.Read(plan.epoch));
  if (!ConstantTimeEquals(read, plan.root_key)) {
    return MakeError(Reason::kKeyslotFailed, "the keyslot returned another key than was staged");
  }
  return absl::OkStatus();
}

}  // namespace

Writer::Writer(Parts parts, std::unique_ptr<Core> core)
    : parts_(std::move(parts)), core_(std::move(core)) {}

void Writer::Loop() {
  Commands taken;
  bool more = true;
  if (core_ != nullptr) Serve();
  while (more) {
    taken.clear();
    // Now, and not while somebody waits for a hold.
    if (core_ != nullptr) core_->keyslot->Prepare(Epoch(core_->vault.epoch().value() + 1));
    const auto patience = parts_.egress.waiting() ? kDrainTick : kTick;
    more = parts_.queue.Take(kMostCommands, patience, taken);
    const bool idle = taken.empty();
    parts_.egress.Tick();
    if (core_ == nullptr) Recover();
    if (core_ != nullptr) static_cast<void>(Now());
    Process(taken);
    if (core_ != nullptr) {
      absl::Status swept = Sweep();
      if (swept.ok()) swept = GiveNotices();
      if (!swept.ok()) Stop(swept);
    }
    if (core_ != nullptr) AnnounceOverdue();
    if (core_ != nullptr && idle && !parts_.egress.waiting()) {
      // Nobody waits just now, and whoever comes waits for as long as the state is copied. That
      // grows with the state, so it has to have become stale by as much.
      const std::uint64_t stale = core_->state.records() / kRecordsAnEntry;
      KeepSnapshot(std::max(parts_.core_options.snapshot_after, stale));
    }
  }
  WaitForSnapshot();
  if (core_ != nullptr) KeepSnapshot(parts_.core_options.snapshot_after);
  WaitForSnapshot();
  static_cast<void>(parts_.publish(nullptr));
}

void Writer::Process(Commands& taken) {
  std::size_t next = 0;
  while (core_ != nullptr && next < taken.size()) {
    std::size_t end = next;
    while (end < taken.size() && !taken[end]->changes_epoch()) ++end;
    absl::Status status;
    if (end > next) {
      status = RunTogether(std::span(taken).first(end), next);
    } else {
      status = RunAlone(*taken[next]);
      next += 1;
    }
    if (status.ok()) continue;
    Stop(status);
    // A hold may be the next one: what a full disk stopped goes on at once, on the reserve.
    if (disk_is_full_) Recover();
  }
  for (; next < taken.size(); ++next) {
    taken[next]->Done(MakeError(Reason::kExchangeStopped, "the exchange is stopped"), {});
  }
}

absl::Status Writer::RunTogether(std::span<const std::unique_ptr<Command>> commands,
                                 std::size_t& next) {
  Group group(core_->state, core_->tiles.size(), *parts_.core_options.random);
  bool begun = false;
  std::vector<Command*> run;
  absl::Status status;
  while (status.ok() && next < commands.size() && group.chunk_bytes() < kMostGroupBytes) {
    Command* command = commands[next++].get();
    if (restricting_only_ && !command->reads_only() && !command->restricts()) {
      command->Done(DiskIsFull(), {});
      continue;
    }
    run.push_back(command);
    if (!begun && !command->reads_only()) {
      status = Begin(group);
      begun = true;
    }
    if (status.ok()) command->Run(group);
  }
  if (status.ok()) status = TrustIfOrdered(group);
  if (status.ok()) status = Commit(group);
  if (!status.ok()) {
    for (Command* command : run) command->Done(Unknown(), {});
    return status;
  }
  const LedgerHead head = group.Head();
  ShowNotices();
  for (Command* command : run) command->Done(absl::OkStatus(), head);
  // After the answers: nobody waits for what is told here.
  if (!group.empty()) Announce();
  Notice(group);
  return absl::OkStatus();
}

absl::Status Writer::RunAlone(Command& command) {
  if (restricting_only_ && !command.restricts()) {
    command.Done(DiskIsFull(), {});
    return absl::OkStatus();
  }
  for (bool reserve_used = false;; reserve_used = true) {
    Group group(core_->state, core_->tiles.size(), *parts_.core_options.random);
    absl::Status status = Begin(group);
    if (status.ok()) {
      command.Run(group);
      status = group.epoch_change().has_value() ? CommitEpoch(group) : Commit(group);
    }
    if (status.ok()) {
      ShowNotices();
      command.Done(absl::OkStatus(), group.Head());
      Announce();
      Notice(group);
      return status;
    }
    if (!reserve_used && command.restricts() && ReasonOf(status) == Reason::kStoreFull) {
      // What restricts never fails for want of disk: the reserve gives way, and it is tried again.
      Stop(status);
      Recover();
      if (core_ != nullptr) continue;
    }
    command.Done(Unknown(), {});
    return status;
  }
}

Times Writer::Now() {
  core_->present = core_->time.Read();
  return core_->present;
}

absl::Status Writer::Begin(Group& group) {
  const Times now = Now();
  // What becomes due by this group's time lies in the past when the sweep looks next.
  if (SomethingIsDue(core_->state, UnixMillis(now.early_ms))) look_again_ = true;
  if (now != TimesOf(core_->state)) HF_RETURN_IF_ERROR(AppendDecided(group, TimeFact(now)));

  const std::vector<PendingSegment> pending = core_->allocator->TakePending();
  if (pending.empty()) return absl::OkStatus();
  std::vector<VaultSegment> segments;
  segments.reserve(pending.size());
  for (const PendingSegment& opened : pending) {
    HF_RETURN_IF_ERROR(AppendDecided(group, SegmentFact(opened)));
    segments.push_back(opened.segment);
  }
  HF_ASSIGN_OR_RETURN(new_pages_, core_->vault.AddSegments(segments));
  return absl::OkStatus();
}

absl::Status Writer::TrustIfOrdered(Group& group) {
  if (!core_->state.trust_ordered()) return absl::OkStatus();
  core_->time.Trust();
  return AppendDecided(group, TimeFact(core_->time.Read()));
}

absl::Status Writer::Commit(Group& group) {
  group.Close(core_->tiles);
  if (group.empty()) return absl::OkStatus();
  const auto begun = parts_.core_options.clock->SinceBoot();
  store::Group out = group.ToStore();
  out.epoch = core_->vault.epoch().value();

  Bytes top;
  if (!new_pages_.empty()) {
    HF_ASSIGN_OR_RETURN(top, core_->vault.SealTop());
    out.top_page = top;
    for (const SealedPage& page : new_pages_) out.pages.push_back({page.segment, page.bytes});
  }
  HF_RETURN_IF_ERROR(CommitToStore(out));
  if (!std::exchange(new_pages_, {}).empty()) HF_RETURN_IF_ERROR(parts_.publish(core_.get()));
  if (parts_.metrics != nullptr) {
    parts_.metrics->Committed(parts_.core_options.name, group.entries().size(),
                              parts_.core_options.clock->SinceBoot() - begun);
  }
  return absl::OkStatus();
}

absl::Status Writer::CommitToStore(store::Group& out) {
  const std::shared_ptr<const SignedHead> signed_head = parts_.checkpoints.newest();
  const auto since_boot = parts_.core_options.clock->SinceBoot();
  if (signed_head != nullptr && signed_head->head.size > stored_checkpoint_ &&
      since_boot >= next_stored_checkpoint_) {
    out.checkpoint = store::CheckpointWrite{signed_head->head.size, signed_head->note};
    stored_checkpoint_ = signed_head->head.size;
    next_stored_checkpoint_ = since_boot + kStoredCheckpointInterval;
  }
  return core_->store->Commit(out);
}

absl::Status Writer::CommitEpoch(Group& group) {
  const Group::EpochChange& change = *group.epoch_change();
  const PseudonymKey pseudonym_key = core_->state.evidence().pseudonym_key_destroyed()
                                         ? PseudonymKey::kDestroy
                                         : PseudonymKey::kKeep;
  HF_ASSIGN_OR_RETURN(EpochPlan plan, core_->vault.PlanNext(change.destroyed, pseudonym_key));
  HF_RETURN_IF_ERROR(Failpoint(EpochStep::kPlanned));

  const absl::Status staged = Stage(*core_->keyslot, plan, stale_stage_);
  stale_stage_ = !staged.ok() && !core_->keyslot->Erase(plan.epoch).ok();
  if (!staged.ok()) {
    if (change.anchoring == Anchoring::kRequired) return staged;
    // A hold never fails for its keyslot. The policy lets nothing out until its epoch is made.
    observe::Error("exchange", "keyslot_failed", "a hold was committed without its epoch",
                   {{"exchange", parts_.core_options.name}});
    return Commit(group);
  }
  HF_RETURN_IF_ERROR(Failpoint(EpochStep::kStaged));

  ledger::v1::Entry advanced;
  advanced.mutable_epoch_advanced()->set_epoch(plan.epoch.value());
  HF_RETURN_IF_ERROR(AppendDecided(group, std::move(advanced)));

  group.Close(core_->tiles);
  const crypto::Anchor anchor{group.Head().size, group.Head().root};
  HF_ASSIGN_OR_RETURN(const Bytes top, core_->vault.SealTop(plan, anchor));
  store::Group out = group.ToStore();
  out.epoch = plan.epoch.value();
  out.top_page = top;
  for (const SealedPage& page : new_pages_) out.pages.push_back({page.segment, page.bytes});
  for (const SealedPage& page : plan.pages) {
    // A segment that was opened in this very group has nothing to destroy yet.
    out.pages.push_back({page.segment, page.bytes});
  }
  HF_RETURN_IF_ERROR(CommitToStore(out));
  new_pages_.clear();
  HF_RETURN_IF_ERROR(Failpoint(EpochStep::kCommitted));

  return AdoptEpoch(std::move(plan), anchor);
}

absl::Status Writer::AdoptEpoch(EpochPlan plan, const crypto::Anchor& anchor) {
  const Epoch old = core_->vault.epoch();
  const Epoch now = plan.epoch;
  {  // I8
    HF_ASSIGN_OR_RETURN(const Bytes top, core_->store->ReadTopPage());
    HF_ASSIGN_OR_RETURN(const crypto::SecretBytes key, core_->keyslot->Read(now));
    HF_RETURN_IF_ERROR(core_->vault.CheckOpens(top, key, {now, anchor}));
  }
  HF_RETURN_IF_ERROR(Failpoint(EpochStep::kReadBack));

  HF_RETURN_IF_ERROR(core_->keyslot->Erase(old));
  HF_ASSIGN_OR_RETURN(const std::vector<Epoch> held, core_->keyslot->List());
  if (held != std::vector<Epoch>{now}) {
    return MakeError(Reason::kKeyslotFailed, "the keyslot still holds an erased epoch");
  }
  HF_RETURN_IF_ERROR(Failpoint(EpochStep::kErased));

  core_->vault.Adopt(std::move(plan), anchor);
  core_->allocator->UseTreesOf(core_->vault.segments());
  HF_RETURN_IF_ERROR(parts_.publish(core_.get()));
  if (!parts_.wait_for_old_views(kViewPatience)) {
    return MakeError(Reason::kInternal, "a worker still uses keys of the epoch before");
  }
  HF_RETURN_IF_ERROR(Failpoint(EpochStep::kAdopted));
  HF_RETURN_IF_ERROR(RecordErased(old));
  return Failpoint(EpochStep::kRecorded);
}

absl::Status Writer::RecordErased(Epoch erased) {
  Group group(core_->state, core_->tiles.size(), *parts_.core_options.random);
  HF_RETURN_IF_ERROR(AppendErased(*core_, erased, group));
  return Commit(group);
}

absl::Status Writer::Failpoint(EpochStep step) const {
  const auto& failpoint = parts_.core_options.failpoint;
  return failpoint ? failpoint(step) : absl::OkStatus();
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
    ShowNotices();
    Announce();
  }
  if (policy::NextReviewTime(core_->state) <= UnixMillis(now.early_ms) &&
      since_boot >= next_review_ && !restricting_only_) {
    next_review_ = since_boot + kRetry;
    parts_.reviews_due(core_->state, UnixMillis(now.early_ms));
  }
  const bool due = SomethingIsDue(core_->state, UnixMillis(now.early_ms));
  if (due && !due_since_.has_value()) due_since_ = since_boot;
  AnnounceDestruction(since_boot);
  if (!look_again_ && !due) return absl::OkStatus();
  if (since_boot < next_destruction_ || restricting_only_) return absl::OkStatus();
  DestroyDue command;
  look_again_ = false;
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

bool Writer::Serve() {
  // An earlier process, or the opening, may have used it up.
  if (!restricting_only_) restricting_only_ = !core_->store->RestoreReserve().ok();
  if (const absl::Status published = parts_.publish(core_.get()); !published.ok()) {
    Stop(published);
    return false;
  }
  static_cast<void>(Now());
  ShowNotices();
  Announce();
  return true;
}

void Writer::RegainReserve() {
  const auto since_boot = parts_.core_options.clock->SinceBoot();
  if (!restricting_only_ || since_boot < next_reserve_attempt_) return;
  next_reserve_attempt_ = since_boot + kRetry;
  restricting_only_ = !core_->store->RestoreReserve().ok();
}

void Writer::Notice(const Group& group) {
  if (!group.notable()) return;
  look_again_ = true;
  parts_.notify();
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

void Writer::Stop(const absl::Status& why) {
  observe::Error("exchange", "exchange_stopped", "the exchange stopped and will be opened again",
                 {{"exchange", parts_.core_options.name},
                  {"reason", ReasonName(ReasonOf(why).value_or(Reason::kInternal))},
                  {"detail", std::string(why.message())}});
  static_cast<void>(parts_.publish(nullptr));
  core_.reset();
  new_pages_.clear();
  disk_is_full_ = ReasonOf(why) == Reason::kStoreFull;
  next_recovery_ = disk_is_full_ ? std::chrono::milliseconds{0}
                                 : parts_.core_options.clock->SinceBoot() + parts_.recovery_delay;
}

void Writer::Recover() {
  if (parts_.core_options.clock->SinceBoot() < next_recovery_) return;
  WaitForSnapshot();  // It is read again.
  // Opening frees what the log took, which may be enough to open and too little for a hold. So what
  // a full disk stopped always gives the reserve up.
  restricting_only_ = std::exchange(disk_is_full_, false);
  absl::StatusOr<std::unique_ptr<Core>> core =
      OpenCore(parts_.core_options, restricting_only_ ? Reserve::kGiveUp : Reserve::kKeep);
  if (!restricting_only_ && ReasonOf(core.status()) == Reason::kStoreFull) {
    restricting_only_ = true;
    core = OpenCore(parts_.core_options, Reserve::kGiveUp);
  }
  if (restricting_only_) {
    observe::Error("exchange", "disk_full",
                   "the disk is full: the reserve is used, and only what restricts is done",
                   {{"exchange", parts_.core_options.name}});
  }
  if (!core.ok()) {
    observe::Error("exchange", "recovery_failed", "the exchange could not be opened",
                   {{"exchange", parts_.core_options.name},
                    {"reason", ReasonName(ReasonOf(core.status()).value_or(Reason::kInternal))},
                    {"detail", std::string(core.status().message())}});
    next_recovery_ = parts_.core_options.clock->SinceBoot() + parts_.recovery_delay;
    return;
  }
  core_ = *std::move(core);
  stored_checkpoint_ = 0;
  notice_search_ = policy::NoticeSearch();
  notices_shown_ = 0;
  notices_due_.clear();
  overdue_shown_ = 0;
  look_again_ = true;
  if (!Serve()) return;
  observe::Info("exchange", "exchange_recovered", "the exchange serves again",
                {{"exchange", parts_.core_options.name}, {"ledger_size", core_->tiles.size()}});
}

}  // namespace holdfast::exchange
