// SPDX-License-Identifier: Apache-2.0
// Vault and SegmentAllocator: the invariants of docs/key-tree.md that they keep, by number.
#include "daemon/exchange/vault.h"

#include <memory>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "base/limits.h"
#include "crypto/random.h"
#include "daemon/exchange/segment_allocator.h"
#include "tests/support/status_matchers.h"

namespace holdfast::exchange {
namespace {

using test::HasReason;
using test::IsOk;

constexpr crypto::Anchor kAnchor{7, {}};

class VaultTest : public ::testing::Test {
 protected:
  // A vault with `count` segments of one transfer each, and their stored pages.
  void Open(std::uint32_t count) {
    absl::StatusOr<EpochPlan> first = Vault::PlanFirst(random_);
    ASSERT_THAT(first.status(), IsOk());
    vault_.emplace(exchange_, *std::move(first), kAnchor, random_);
    std::vector<VaultSegment> segments;
    for (std::uint32_t i = 0; i < count; ++i) {
      ASSERT_THAT(allocator_.Take(i, crypto::SegmentKind::kRecord, 1).status(), IsOk());
    }
    for (PendingSegment& pending : allocator_.TakePending()) {
      segments.push_back(pending.segment);
    }
    absl::StatusOr<std::vector<SealedPage>> pages = vault_->AddSegments(segments);
    ASSERT_THAT(pages.status(), IsOk());
    for (SealedPage& page : *pages) pages_.push_back(std::move(page.bytes));
  }

  absl::StatusOr<Vault> Reopen(ByteSpan top, const crypto::SecretBytes& root_key,
                               const crypto::TopPageHeader& header,
                               const std::vector<Bytes>& pages) {
    std::vector<VaultSegment> segments = vault_->segments();
    for (VaultSegment& segment : segments) segment.tree = nullptr;
    return Vault::Open(exchange_, top, *root_key.Duplicate(), header, std::move(segments), pages,
                       random_);
  }

  crypto::SystemRandom random_;
  ExchangeId exchange_{crypto::Draw<32>(random_)};
  SegmentAllocator allocator_{exchange_, 0, random_};
  std::optional<Vault> vault_;
  std::vector<Bytes> pages_;
};

TEST_F(VaultTest, APlanDestroysExactlyWhatItIsToldTo) {  // I6
  Open(2);
  absl::StatusOr<EpochPlan> plan = vault_->PlanNext(std::vector<LeafRef>{{0, 5}, {0, 9}, {0, 5}});
  ASSERT_THAT(plan.status(), IsOk());
  ASSERT_EQ(plan->changed.size(), 1U);
  EXPECT_EQ(plan->changed[0].number, 0U);
  EXPECT_FALSE(plan->changed[0].tree->IsDerivable(5));
  EXPECT_FALSE(plan->changed[0].tree->IsDerivable(9));
  EXPECT_TRUE(plan->changed[0].tree->IsDerivable(6));
  EXPECT_TRUE(vault_->segments()[0].tree->IsDerivable(5));  // Until it is adopted.
}

TEST_F(VaultTest, APlanForManySegmentsIsThatOfEachOfThem) {  // I6
  constexpr std::uint32_t kSegments = 12;                    // Enough for several threads.
  Open(kSegments);
  std::vector<LeafRef> destroyed;
  for (std::uint32_t i = kSegments; i-- > 1;) {  // All but the first, and out of order.
    destroyed.push_back({i, 7 * i});
    destroyed.push_back({i, i});
  }
  absl::StatusOr<EpochPlan> plan = vault_->PlanNext(destroyed);
  ASSERT_THAT(plan.status(), IsOk());
  ASSERT_EQ(plan->changed.size(), kSegments - 1);
  ASSERT_EQ(plan->pages.size(), kSegments - 1);
  for (std::uint32_t i = 1; i < kSegments; ++i) {
    const VaultSegment& changed = plan->changed[i - 1];
    EXPECT_EQ(changed.number, i);
    EXPECT_EQ(plan->pages[i - 1].segment, i);
    std::uint32_t gone = 0;
    for (std::uint32_t leaf = 0; leaf < changed.tree->leaves(); ++leaf) {
      if (!changed.tree->IsDerivable(leaf)) ++gone;
    }
    EXPECT_EQ(gone, 2U);
    EXPECT_FALSE(changed.tree->IsDerivable(i));
    EXPECT_FALSE(changed.tree->IsDerivable(7 * i));
    EXPECT_THAT(plan->top.OpenSegment(changed.name, plan->pages[i - 1].bytes).status(), IsOk());
  }
}

TEST_F(VaultTest, EveryImageHasAPageKeyOfItsOwn) {  // I1
  Open(1);
  absl::StatusOr<EpochPlan> plan = vault_->PlanNext(std::vector<LeafRef>{{0, 5}});
  ASSERT_THAT(plan.status(), IsOk());
  const crypto::SegmentName name = vault_->segments()[0].name;
  EXPECT_THAT(plan->top.OpenSegment(name, plan->pages[0].bytes).status(), IsOk());
  EXPECT_THAT(plan->top.OpenSegment(name, pages_[0]).status(), HasReason(Reason::kStoreCorrupt));
}

TEST_F(VaultTest, EachEpochHasARootKeyThatOpensNoOtherTopPage) {  // I3
  Open(1);
  absl::StatusOr<EpochPlan> plan = vault_->PlanNext({});
  ASSERT_THAT(plan.status(), IsOk());
  const absl::StatusOr<Bytes> old_top = vault_->SealTop();
  const absl::StatusOr<Bytes> new_top = vault_->SealTop(*plan, {9, {}});
  ASSERT_THAT(old_top.status(), IsOk());
  ASSERT_THAT(new_top.status(), IsOk());
  EXPECT_THAT(vault_->CheckOpens(*new_top, plan->root_key, {Epoch(2), {9, {}}}), IsOk());
  EXPECT_THAT(vault_->CheckOpens(*old_top, plan->root_key, {Epoch(1), kAnchor}),
              HasReason(Reason::kStoreCorrupt));
  // Neither another epoch nor another anchor goes with it.
  EXPECT_THAT(vault_->CheckOpens(*new_top, plan->root_key, {Epoch(3), {9, {}}}),
              HasReason(Reason::kStoreCorrupt));
  EXPECT_THAT(vault_->CheckOpens(*new_top, plan->root_key, {Epoch(2), {8, {}}}),
              HasReason(Reason::kStoreCorrupt));
}

TEST_F(VaultTest, OpensWhatItStoredAndNothingOlder) {
  Open(2);
  absl::StatusOr<EpochPlan> plan = vault_->PlanNext(std::vector<LeafRef>{{1, 3}});
  ASSERT_THAT(plan.status(), IsOk());
  const crypto::Anchor anchor{12, {}};
  const absl::StatusOr<Bytes> top = vault_->SealTop(*plan, anchor);
  ASSERT_THAT(top.status(), IsOk());
  std::vector<Bytes> pages = pages_;
  pages[1] = plan->pages[0].bytes;

  const absl::StatusOr<Vault> opened = Reopen(*top, plan->root_key, {Epoch(2), anchor}, pages);
  ASSERT_THAT(opened.status(), IsOk());
  EXPECT_FALSE(opened->segments()[1].tree->IsDerivable(3));
  EXPECT_TRUE(opened->segments()[0].tree->IsDerivable(3));
  // Yesterday's page does not open under today's top page.
  EXPECT_THAT(Reopen(*top, plan->root_key, {Epoch(2), anchor}, pages_).status(),
              HasReason(Reason::kStoreCorrupt));
}

TEST_F(VaultTest, AViewKeepsItsKeysWhileTheVaultGoesOn) {
  Open(1);
  const absl::StatusOr<std::shared_ptr<const VaultView>> before = vault_->MakeView();
  ASSERT_THAT(before.status(), IsOk());
  absl::StatusOr<EpochPlan> plan = vault_->PlanNext(std::vector<LeafRef>{{0, 1}});
  ASSERT_THAT(plan.status(), IsOk());
  vault_->Adopt(*std::move(plan), {20, {}});
  EXPECT_TRUE((*before)->segment(0).tree->IsDerivable(1));
  const absl::StatusOr<std::shared_ptr<const VaultView>> after = vault_->MakeView();
  ASSERT_THAT(after.status(), IsOk());
  EXPECT_FALSE((*after)->segment(0).tree->IsDerivable(1));
  EXPECT_NE((*after)->Find((*after)->segment(0).name.segment), nullptr);
  EXPECT_EQ((*after)->Find(SegmentId{}), nullptr);
}

TEST_F(VaultTest, APlanWithoutThePseudonymKeyHasNothingOfIt) {
  Open(1);
  absl::StatusOr<EpochPlan> plan = vault_->PlanNext({}, PseudonymKey::kDestroy);
  ASSERT_THAT(plan.status(), IsOk());
  const crypto::Anchor anchor{12, {}};
  const absl::StatusOr<Bytes> top = vault_->SealTop(*plan, anchor);
  ASSERT_THAT(top.status(), IsOk());
  const absl::StatusOr<Vault> opened = Reopen(*top, plan->root_key, {Epoch(2), anchor}, pages_);
  ASSERT_THAT(opened.status(), IsOk());
  EXPECT_EQ(opened->FindSecret(crypto::kPseudonymSecret), nullptr);
  EXPECT_NE(opened->FindSecret(crypto::kCheckpointSecret), nullptr);
  const absl::StatusOr<std::shared_ptr<const VaultView>> view = opened->MakeView();
  ASSERT_THAT(view.status(), IsOk());
  EXPECT_EQ((*view)->pseudonym_key(), nullptr);
  // Until it is adopted the key is there; afterwards it is named again in vain.
  EXPECT_NE(vault_->FindSecret(crypto::kPseudonymSecret), nullptr);
  vault_->Adopt(*std::move(plan), anchor);
  EXPECT_THAT(vault_->PlanNext({}, PseudonymKey::kDestroy).status(), IsOk());
}

TEST_F(VaultTest, NoLeafIsHandedOutTwice) {  // I5
  const auto first = *allocator_.Take(0, crypto::SegmentKind::kRecord, 256);
  const auto second = *allocator_.Take(0, crypto::SegmentKind::kRecord, 256);
  EXPECT_EQ(second.segment, first.segment);
  EXPECT_EQ(second.first, 256U);
  // Another kind and another transfer have segments of their own.
  EXPECT_NE(allocator_.Take(0, crypto::SegmentKind::kSubject, 1)->segment, first.segment);
  EXPECT_NE(allocator_.Take(1, crypto::SegmentKind::kRecord, 1)->segment, first.segment);
  // What does not fit into the rest of a segment begins a new one.
  const auto all = *allocator_.Take(0, crypto::SegmentKind::kRecord, kLeavesPerSegment);
  EXPECT_NE(all.segment, first.segment);
  EXPECT_EQ(all.first, 0U);
  EXPECT_EQ(allocator_.Take(0, crypto::SegmentKind::kRecord, 1)->first, 0U);

  std::vector<std::uint32_t> numbers;
  for (const PendingSegment& pending : allocator_.TakePending()) {
    numbers.push_back(pending.segment.number);
  }
  EXPECT_THAT(numbers, testing::ElementsAre(0, 1, 2, 3, 4));
  EXPECT_TRUE(allocator_.TakePending().empty());
}

TEST_F(VaultTest, NoLeafIsHandedOutWithATreeThatStillHasWhatWasDestroyed) {
  Open(1);
  ASSERT_EQ(allocator_.Take(0, crypto::SegmentKind::kRecord, 2)->segment, 0U);
  absl::StatusOr<EpochPlan> plan = vault_->PlanNext(std::vector<LeafRef>{{0, 1}});
  ASSERT_THAT(plan.status(), IsOk());
  vault_->Adopt(*std::move(plan), {20, {}});
  // One that no group has stored yet is not the vault's.
  const auto pending = *allocator_.Take(1, crypto::SegmentKind::kRecord, 1);
  allocator_.UseTreesOf(vault_->segments());
  const auto next = *allocator_.Take(0, crypto::SegmentKind::kRecord, 1);
  EXPECT_EQ(next.segment, 0U);
  EXPECT_EQ(next.first, 3U);
  EXPECT_FALSE(next.tree->IsDerivable(1));
  EXPECT_TRUE(next.tree->IsDerivable(2));
  EXPECT_EQ(allocator_.Take(1, crypto::SegmentKind::kRecord, 1)->tree, pending.tree);
}

TEST_F(VaultTest, ThereIsABoundOnSegments) {
  SegmentAllocator full(exchange_, kMaxSegments, random_);
  EXPECT_THAT(full.Take(0, crypto::SegmentKind::kRecord, 1).status(),
              HasReason(Reason::kStoreFull));
}

}  // namespace
}  // namespace holdfast::exchange
