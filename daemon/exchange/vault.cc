// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/vault.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "daemon/exchange/in_parallel.h"

namespace holdfast::exchange {
namespace {

using crypto::SecretBytes;
using crypto::SegmentTree;
using crypto::TopPage;

constexpr std::size_t kSecretBytes = 32;

absl::StatusOr<std::shared_ptr<const SegmentTree>> Share(absl::StatusOr<SegmentTree> tree) {
  if (!tree.ok()) return std::move(tree).status();
  return std::make_shared<const SegmentTree>(*std::move(tree));
}

// A segment of which leaves are destroyed, on its way into a plan.
struct Punctured {
  const VaultSegment* before = nullptr;
  std::vector<std::uint32_t> leaves;
  absl::StatusOr<std::shared_ptr<const SegmentTree>> tree;  // Made; from then on as it is stored.
  Bytes page;
  absl::Status checked = absl::UnknownError("not checked");
};

// Few segments are done before another thread has begun.
void ForEach(std::vector<Punctured>& changed, const std::function<void(Punctured&)>& work) {
  constexpr std::size_t kFew = 3;
  if (changed.size() <= kFew) {
    std::for_each(changed.begin(), changed.end(), work);
  } else {
    DoInParallel(changed.size(), [&](std::size_t i) { work(changed[i]); });
  }
}

}  // namespace

VaultView::VaultView(std::vector<VaultSegment> segments,
                     std::shared_ptr<const SecretBytes> pseudonym_key)
    : segments_(std::move(segments)), pseudonym_key_(std::move(pseudonym_key)) {
  by_id_.reserve(segments_.size());
  for (const VaultSegment& segment : segments_) {
    by_id_.emplace(segment.name.segment, segment.number);
  }
}

const VaultSegment* VaultView::Find(const SegmentId& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &segments_[found->second];
}

const VaultSegment& VaultView::segment(std::uint32_t number) const {
  HF_CHECK(number < segments_.size());
  return segments_[number];
}

absl::StatusOr<EpochPlan> Vault::PlanFirst(crypto::Random& random) {
  HF_ASSIGN_OR_RETURN(SecretBytes root_key, crypto::NewRootKey(random));
  HF_ASSIGN_OR_RETURN(TopPage top, TopPage::Create());
  for (const std::string_view name : {crypto::kPseudonymSecret, crypto::kCheckpointSecret}) {
    HF_ASSIGN_OR_RETURN(SecretBytes secret, SecretBytes::FromRandom(random, kSecretBytes));
    HF_RETURN_IF_ERROR(top.AddSecret(name, std::move(secret)));
  }
  return EpochPlan{Epoch(1), std::move(root_key), std::move(top), {}, {}};
}

Vault::Vault(const ExchangeId& exchange, EpochPlan first, const crypto::Anchor& anchor,
             crypto::Random& random)
    : Vault(exchange, first.epoch, anchor, std::move(first.root_key), std::move(first.top), {},
            random) {}

Vault::Vault(const ExchangeId& exchange, Epoch epoch, const crypto::Anchor& anchor,
             SecretBytes root_key, TopPage top, std::vector<VaultSegment> segments,
             crypto::Random& random)
    : exchange_(exchange),
      epoch_(epoch),
      anchor_(anchor),
      root_key_(std::move(root_key)),
      top_(std::move(top)),
      segments_(std::move(segments)),
      random_(&random) {}

absl::StatusOr<Vault> Vault::Open(const ExchangeId& exchange, ByteSpan sealed_top,
                                  SecretBytes root_key, const crypto::TopPageHeader& header,
                                  std::vector<VaultSegment> segments, std::span<const Bytes> pages,
                                  crypto::Random& random) {
  HF_CHECK(segments.size() == pages.size());
  HF_ASSIGN_OR_RETURN(TopPage top, TopPage::Open(sealed_top, root_key, exchange, header));
  if (top.segments().size() != segments.size()) {
    return MakeError(Reason::kStoreCorrupt, "top page and ledger name different segments");
  }
  for (std::size_t i = 0; i < segments.size(); ++i) {
    HF_ASSIGN_OR_RETURN(segments[i].tree, Share(top.OpenSegment(segments[i].name, pages[i])));
  }
  return Vault(exchange, header.epoch, header.anchor, std::move(root_key), std::move(top),
               std::move(segments), random);
}

absl::StatusOr<std::vector<SealedPage>> Vault::AddSegments(std::span<const VaultSegment> added) {
  HF_ASSIGN_OR_RETURN(TopPage grown, top_.Duplicate());
  std::vector<SealedPage> pages;
  pages.reserve(added.size());
  for (const VaultSegment& segment : added) {
    HF_CHECK(segment.number == segments_.size() + pages.size());
    HF_ASSIGN_OR_RETURN(Bytes page, grown.AddSegment(segment.name, *segment.tree, *random_));
    pages.push_back({segment.number, std::move(page)});
  }
  if (!grown.OnlyGainsOver(top_)) {  // I2
    return MakeError(Reason::kInternal, "a top page lost an entry within its epoch");
  }
  top_ = std::move(grown);
  segments_.insert(segments_.end(), added.begin(), added.end());
  return pages;
}

absl::StatusOr<Bytes> Vault::SealTop() const {
  return top_.Seal(root_key_, exchange_, {epoch_, anchor_}, *random_);
}

absl::StatusOr<EpochPlan> Vault::PlanNext(std::span<const LeafRef> destroyed,
                                          PseudonymKey pseudonym_key) const {
  std::map<std::uint32_t, std::vector<std::uint32_t>> leaves_of;
  for (const LeafRef& ref : destroyed) leaves_of[ref.segment].push_back(ref.leaf);

  HF_ASSIGN_OR_RETURN(SecretBytes root_key, crypto::NewRootKey(*random_));  // I3
  HF_ASSIGN_OR_RETURN(TopPage top, top_.Duplicate());
  if (pseudonym_key == PseudonymKey::kDestroy &&
      top.FindSecret(crypto::kPseudonymSecret) != nullptr) {
    HF_RETURN_IF_ERROR(top.RemoveSecret(crypto::kPseudonymSecret));
  }
  EpochPlan plan{Epoch(epoch_.value() + 1), std::move(root_key), std::move(top), {}, {}};
  std::vector<Punctured> changed;
  changed.reserve(leaves_of.size());
  for (auto& [number, leaves] : leaves_of) {
    HF_CHECK(number < segments_.size());
    Punctured& one = changed.emplace_back();
    one.before = &segments_[number];
    one.leaves = std::move(leaves);
  }
  ForEach(changed, [](Punctured& one) {
    std::sort(one.leaves.begin(), one.leaves.end());
    one.leaves.erase(std::unique(one.leaves.begin(), one.leaves.end()), one.leaves.end());
    one.tree = Share(one.before->tree->Puncture(one.leaves));
  });
  for (Punctured& one : changed) {
    HF_RETURN_IF_ERROR(one.tree.status());
    HF_ASSIGN_OR_RETURN(one.page, plan.top.ReplaceSegment(one.before->name, **one.tree,
                                                          *random_));  // I1
  }
  ForEach(changed, [&top = std::as_const(plan.top)](Punctured& one) {
    // Checked on the image as it will be stored, not on the tree from which it was made.
    one.tree = Share(top.OpenSegment(one.before->name, one.page));
    if (one.tree.ok()) {
      one.checked = crypto::VerifyPuncture(*one.before->tree, **one.tree, one.leaves);  // I6
    }
  });
  for (Punctured& one : changed) {
    HF_ASSIGN_OR_RETURN(std::shared_ptr<const SegmentTree> stored, std::move(one.tree));
    HF_RETURN_IF_ERROR(one.checked);
    plan.changed.push_back({one.before->number, one.before->name, std::move(stored)});
    plan.pages.push_back({one.before->number, std::move(one.page)});
  }
  return plan;
}

absl::StatusOr<Bytes> Vault::SealTop(const EpochPlan& plan, const crypto::Anchor& anchor) const {
  return plan.top.Seal(plan.root_key, exchange_, {plan.epoch, anchor}, *random_);
}

void Vault::Adopt(EpochPlan plan, const crypto::Anchor& anchor) {
  HF_CHECK(plan.epoch.value() == epoch_.value() + 1);
  epoch_ = plan.epoch;
  anchor_ = anchor;
  root_key_ = std::move(plan.root_key);
  top_ = std::move(plan.top);
  for (VaultSegment& segment : plan.changed) {
    segments_[segment.number].tree = std::move(segment.tree);
  }
}

absl::Status Vault::CheckOpens(ByteSpan sealed_top, const SecretBytes& root_key,
                               const crypto::TopPageHeader& header) const {
  return TopPage::Open(sealed_top, root_key, exchange_, header).status();
}

absl::StatusOr<std::shared_ptr<const VaultView>> Vault::MakeView() const {
  const SecretBytes* key = top_.FindSecret(crypto::kPseudonymSecret);
  if (key == nullptr) return std::make_shared<const VaultView>(segments_, nullptr);
  HF_ASSIGN_OR_RETURN(SecretBytes copy, key->Duplicate());
  return std::make_shared<const VaultView>(segments_,
                                           std::make_shared<const SecretBytes>(std::move(copy)));
}

}  // namespace holdfast::exchange
