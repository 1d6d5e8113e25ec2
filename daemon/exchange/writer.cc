// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/writer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "daemon/observe/log.h"

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

}  // namespace

Writer::Writer(Parts parts, std::unique_ptr<Core> core)
    : parts_(std::move(parts)), core_(std::move(core)) {}

void Writer::Loop() {
  Commands taken;
  bool more = true;
  bool tended = true;  // Since the last commands.
  if (core_ != nullptr) Serve();
  while (more) {
    taken.clear();
    const auto patience = parts_.egress.waiting() ? kDrainTick : kTick;
    more = parts_.queue.Take(kMostCommands, tended ? patience : kPause, taken);
    const bool idle = taken.empty() && tended;
    parts_.egress.Tick();
    if (core_ == nullptr) Recover();
    if (core_ != nullptr) static_cast<void>(Now());
    Process(taken);
    if (core_ != nullptr) LookAgain();
    tended = taken.empty() || parts_.core_options.clock->SinceBoot() >= tend_at_latest_;
    if (core_ != nullptr && (tended || SweepIsDue())) Tend(tended);
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
  while (status.ok() && next < commands.size() && group.chunk_bytes() < kMostGroupBytes &&
         group.entries().size() < kMostGroupEntries) {
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
  if (SomethingIsDue()) look_again_ = true;
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

void Writer::Notice(const Group& group) {
  if (!group.notable()) return;
  look_again_ = true;
  parts_.notify();
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
