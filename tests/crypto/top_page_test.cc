// SPDX-License-Identifier: Apache-2.0
// Top pages: the contract in crypto/top_page.h.
#include "crypto/top_page.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "crypto/internal/secret_access.h"
#include "tests/support/mutations.h"
#include "tests/support/seeded_crypto_random.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using ::holdfast::crypto::internal::SecretAccess;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;
using ::holdfast::test::Mutation;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;

class TopPageTest : public ::testing::Test {
 protected:
  SegmentName NewName(SegmentKind kind = SegmentKind::kRecord) {
    return {.exchange = exchange_, .segment = SegmentId(Draw<16>(random_)), .kind = kind};
  }
  SegmentTree NewTree() { return SegmentTree::Create(random_, 3).value(); }
  SecretBytes NewSecret() { return SecretBytes::FromRandom(random_, 32).value(); }

  Bytes MustSeal(const TopPage& page) {
    return page.Seal(root_key_, exchange_, header_, random_).value();
  }
  absl::StatusOr<TopPage> Open(ByteSpan sealed) {
    return TopPage::Open(sealed, root_key_, exchange_, header_);
  }

  test::SeededCryptoRandom random_;
  ExchangeId exchange_{Draw<32>(random_)};
  SecretBytes root_key_ = NewRootKey(random_).value();
  TopPageHeader header_{.epoch = Epoch(7),
                        .anchor = {.ledger_size = 1234, .ledger_root = Draw<32>(random_)}};
};

bool SameTree(const SegmentTree& a, const SegmentTree& b) {
  return VerifyPuncture(a, b, {}).ok() && VerifyPuncture(b, a, {}).ok();
}

TEST_F(TopPageTest, OpensWhatItSealed) {
  TopPage page = TopPage::Create().value();
  const SegmentName name = NewName(SegmentKind::kSubject);
  const SegmentTree tree = NewTree();
  const auto sealed_segment = page.AddSegment(name, tree, random_);
  ASSERT_THAT(sealed_segment, IsOk());
  const SecretBytes secret = NewSecret();
  ASSERT_THAT(page.AddSecret(kPseudonymSecret, secret.Duplicate().value()), IsOk());

  const auto opened = Open(MustSeal(page));
  ASSERT_THAT(opened, IsOk());
  EXPECT_THAT(opened->segments(),
              ElementsAre(TopPage::Segment{.id = name.segment, .kind = SegmentKind::kSubject}));
  const auto opened_tree = opened->OpenSegment(name, *sealed_segment);
  ASSERT_THAT(opened_tree, IsOk());
  EXPECT_TRUE(SameTree(*opened_tree, tree));
  EXPECT_THAT(opened->SecretNames(), ElementsAre("pseudonym"));
  ASSERT_NE(opened->FindSecret(kPseudonymSecret), nullptr);
  EXPECT_TRUE(ConstantTimeEquals(*opened->FindSecret(kPseudonymSecret), secret));
  EXPECT_EQ(opened->FindSecret(kCheckpointSecret), nullptr);
}

TEST_F(TopPageTest, OpensWithoutEntries) {
  const auto opened = Open(MustSeal(TopPage::Create().value()));
  ASSERT_THAT(opened, IsOk());
  EXPECT_THAT(opened->segments(), IsEmpty());
  EXPECT_THAT(opened->SecretNames(), IsEmpty());
}

TEST_F(TopPageTest, ShowsEpochAndAnchorWithoutAKey) {
  EXPECT_THAT(TopPage::Inspect(MustSeal(TopPage::Create().value())), IsOkAndHolds(Eq(header_)));
}

TEST_F(TopPageTest, RejectsEveryBitFlipEveryTruncationAndEveryExtension) {
  TopPage page = TopPage::Create().value();
  ASSERT_THAT(page.AddSegment(NewName(), NewTree(), random_), IsOk());
  ASSERT_THAT(page.AddSecret("a", NewSecret()), IsOk());
  for (const Mutation& m : test::BitFlipsAndTruncations(MustSeal(page))) {
    SCOPED_TRACE(m.description);
    ASSERT_THAT(Open(m.bytes), HasReason(Reason::kStoreCorrupt));
    // Nor does it help to believe what the page says about itself.
    const auto header = TopPage::Inspect(m.bytes);
    if (!header.ok()) continue;
    ASSERT_THAT(TopPage::Open(m.bytes, root_key_, exchange_, *header),
                HasReason(Reason::kStoreCorrupt));
  }
}

TEST_F(TopPageTest, RejectsAnotherKeyExchangeEpochOrAnchor) {
  const Bytes sealed = MustSeal(TopPage::Create().value());
  EXPECT_THAT(TopPage::Open(sealed, NewSecret(), exchange_, header_),
              HasReason(Reason::kStoreCorrupt));
  EXPECT_THAT(TopPage::Open(sealed, root_key_, ExchangeId(), header_),
              HasReason(Reason::kStoreCorrupt));
  TopPageHeader other = header_;
  other.epoch = Epoch(8);
  EXPECT_THAT(TopPage::Open(sealed, root_key_, exchange_, other), HasReason(Reason::kStoreCorrupt));
  other = header_;
  other.anchor.ledger_size += 1;
  EXPECT_THAT(TopPage::Open(sealed, root_key_, exchange_, other), HasReason(Reason::kStoreCorrupt));
  other = header_;
  other.anchor.ledger_root[0] ^= std::byte{1};
  EXPECT_THAT(TopPage::Open(sealed, root_key_, exchange_, other), HasReason(Reason::kStoreCorrupt));
}

TEST_F(TopPageTest, NeverSealsTheSamePageTwiceAlike) {
  const TopPage page = TopPage::Create().value();
  EXPECT_NE(MustSeal(page), MustSeal(page));
}

TEST_F(TopPageTest, ReplacesAndRemovesSegments) {
  TopPage page = TopPage::Create().value();
  const SegmentName name = NewName();
  const SegmentTree tree = NewTree();
  const auto first = page.AddSegment(name, tree, random_);
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(page.AddSegment(name, tree, random_), HasReason(Reason::kAlreadyExists));

  const std::vector<std::uint32_t> destroyed{2};
  const auto punctured = tree.Puncture(destroyed);
  const auto second = page.ReplaceSegment(name, *punctured, random_);
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(page.OpenSegment(name, *first), HasReason(Reason::kStoreCorrupt));  // I1
  const auto opened = page.OpenSegment(name, *second);
  ASSERT_THAT(opened, IsOk());
  EXPECT_THAT(VerifyPuncture(tree, *opened, destroyed), IsOk());

  SegmentName other = name;
  other.kind = SegmentKind::kSubject;
  EXPECT_THAT(page.ReplaceSegment(other, tree, random_), HasReason(Reason::kNotFound));
  EXPECT_THAT(page.OpenSegment(other, *second), HasReason(Reason::kNotFound));
  EXPECT_THAT(page.RemoveSegment(name.segment), IsOk());
  EXPECT_THAT(page.RemoveSegment(name.segment), HasReason(Reason::kNotFound));
  EXPECT_THAT(page.OpenSegment(name, *second), HasReason(Reason::kNotFound));
}

TEST_F(TopPageTest, ReplacesAndRemovesSecrets) {
  TopPage page = TopPage::Create().value();
  ASSERT_THAT(page.AddSecret("a", NewSecret()), IsOk());
  EXPECT_THAT(page.AddSecret("a", NewSecret()), HasReason(Reason::kAlreadyExists));
  const SecretBytes next = NewSecret();
  ASSERT_THAT(page.ReplaceSecret("a", next.Duplicate().value()), IsOk());
  EXPECT_TRUE(ConstantTimeEquals(*page.FindSecret("a"), next));
  EXPECT_THAT(page.RemoveSecret("a"), IsOk());
  EXPECT_THAT(page.RemoveSecret("a"), HasReason(Reason::kNotFound));
  EXPECT_THAT(page.ReplaceSecret("a", NewSecret()), HasReason(Reason::kNotFound));
}

TEST_F(TopPageTest, TakesSoManySecretsAndNoMore) {
  TopPage page = TopPage::Create().value();
  for (std::size_t i = 0; i < TopPage::kMaxSecrets; ++i) {
    ASSERT_THAT(page.AddSecret("s" + std::to_string(i), NewSecret()), IsOk());
  }
  EXPECT_THAT(page.AddSecret("one-more", NewSecret()), HasReason(Reason::kStoreFull));
  EXPECT_THAT(Open(MustSeal(page)), IsOk());
}

TEST_F(TopPageTest, TakesSoManySegmentsAndNoMore) {
  TopPage page = TopPage::Create().value();
  const SegmentTree tree = NewTree();
  std::map<SegmentId, Bytes> pages;
  for (std::size_t i = 0; i < kMaxSegments; ++i) {
    EXPECT_FALSE(page.full());
    const SegmentName name = NewName();
    auto sealed = page.AddSegment(name, tree, random_);
    ASSERT_THAT(sealed, IsOk());
    pages.emplace(name.segment, *std::move(sealed));
  }
  EXPECT_TRUE(page.full());
  EXPECT_THAT(page.AddSegment(NewName(), tree, random_), HasReason(Reason::kStoreFull));
  const auto opened = Open(MustSeal(page));
  ASSERT_THAT(opened, IsOk());
  EXPECT_TRUE(opened->OnlyGainsOver(page));
  EXPECT_TRUE(page.OnlyGainsOver(*opened));
  for (const auto& [segment, sealed] : pages) {
    const SegmentName name{.exchange = exchange_, .segment = segment, .kind = SegmentKind::kRecord};
    ASSERT_THAT(opened->OpenSegment(name, sealed), IsOk());
  }
}

TEST_F(TopPageTest, TellsGainsFromOtherChanges) {  // I2
  TopPage before = TopPage::Create().value();
  const SegmentName name = NewName();
  ASSERT_THAT(before.AddSegment(name, NewTree(), random_), IsOk());
  ASSERT_THAT(before.AddSecret("a", NewSecret()), IsOk());
  EXPECT_TRUE(before.OnlyGainsOver(before));

  const auto changed = [&](const auto& change) {
    TopPage after = before.Duplicate().value();
    change(after);
    return after.OnlyGainsOver(before);
  };
  EXPECT_TRUE(changed([&](TopPage& page) {
    EXPECT_THAT(page.AddSegment(NewName(), NewTree(), random_), IsOk());
    EXPECT_THAT(page.AddSecret("b", NewSecret()), IsOk());
  }));
  EXPECT_FALSE(changed(
      [&](TopPage& page) { EXPECT_THAT(page.ReplaceSegment(name, NewTree(), random_), IsOk()); }));
  EXPECT_FALSE(
      changed([&](TopPage& page) { EXPECT_THAT(page.RemoveSegment(name.segment), IsOk()); }));
  EXPECT_FALSE(
      changed([&](TopPage& page) { EXPECT_THAT(page.ReplaceSecret("a", NewSecret()), IsOk()); }));
  EXPECT_FALSE(changed([](TopPage& page) { EXPECT_THAT(page.RemoveSecret("a"), IsOk()); }));
}

TEST_F(TopPageTest, AgreesWithAMapAfterAnySequenceOfChanges) {
  test::SeededRandom choose;
  TopPage page = TopPage::Create().value();
  struct Entry {
    SegmentName name;
    SegmentTree tree;
    Bytes sealed;
  };
  std::vector<Entry> model;
  for (int step = 0; step < 400; ++step) {
    if (model.empty() || choose.OneIn(2)) {
      const SegmentName name =
          NewName(choose.OneIn(2) ? SegmentKind::kRecord : SegmentKind::kSubject);
      SegmentTree tree = NewTree();
      auto sealed = page.AddSegment(name, tree, random_);
      ASSERT_THAT(sealed, IsOk());
      model.push_back(Entry{name, std::move(tree), *std::move(sealed)});
    } else {
      const auto at = static_cast<std::ptrdiff_t>(choose.Below(model.size()));
      if (choose.OneIn(2)) {
        ASSERT_THAT(page.RemoveSegment(model[static_cast<std::size_t>(at)].name.segment), IsOk());
        model.erase(model.begin() + at);
      } else {
        Entry& entry = model[static_cast<std::size_t>(at)];
        entry.tree = NewTree();
        auto sealed = page.ReplaceSegment(entry.name, entry.tree, random_);
        ASSERT_THAT(sealed, IsOk());
        entry.sealed = *std::move(sealed);
      }
    }
    if (step % 40 == 0) {
      auto opened = Open(MustSeal(page));
      ASSERT_THAT(opened, IsOk());
      page = *std::move(opened);
    }
    ASSERT_EQ(page.segments().size(), model.size());
  }
  for (const Entry& entry : model) {
    const auto tree = page.OpenSegment(entry.name, entry.sealed);
    ASSERT_THAT(tree, IsOk());
    EXPECT_TRUE(SameTree(*tree, entry.tree));
  }
}

}  // namespace
}  // namespace holdfast::crypto
