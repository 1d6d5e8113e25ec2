// SPDX-License-Identifier: Apache-2.0
//
// How the writer makes an epoch: docs/key-tree.md, "Epochs".
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/status_macros.h"
#include "daemon/exchange/writer.h"
#include "daemon/observe/log.h"

namespace holdfast::exchange {
namespace {

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

}  // namespace holdfast::exchange
