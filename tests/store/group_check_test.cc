// SPDX-License-Identifier: Apache-2.0
#include "store/group_check.h"

#include <functional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "base/error.h"
#include "tests/support/status_matchers.h"

namespace holdfast::store {
namespace {

using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;

const Bytes kTile(kTileBytes);
const Bytes kGiant(kMaxBlobBytes + 1);
const Bytes kGiantEntry(kMaxEntryBytes + 1);

Head Before() {
  Head head;
  head.epoch = 7;
  head.ledger_size = 10;
  head.root[0] = std::byte{1};
  return head;
}

// A group with one of everything.
Group Good() {
  Group group;
  group.first_index = 10;
  group.epoch = 7;
  group.entries = {AsBytes("entry")};
  group.root[0] = std::byte{2};
  group.tiles.emplace_back();
  group.tiles[0].bytes = kTile;
  group.chunks.emplace_back();
  group.chunks[0].key.kind = ChunkKind::kEnvelopes;
  group.chunks[0].bytes = AsBytes("chunk");
  group.pages.emplace_back();
  group.pages[0].segment = 3;
  group.pages[0].bytes = AsBytes("page");
  group.deleted_pages = {4};
  group.top_page = AsBytes("top page");
  group.checkpoint.emplace();
  group.checkpoint->size = 11;
  group.checkpoint->note = "note";
  group.snapshot.emplace();
  group.snapshot->ledger_size = 11;
  group.snapshot->parts = {AsBytes("part")};
  return group;
}

TEST(GroupCheckTest, TakesAGroupWithOneOfEverything) {
  EXPECT_THAT(CheckGroup(Before(), Good()), IsOk());
  EXPECT_EQ(HeadAfter(Good()).ledger_size, 11u);
}

TEST(GroupCheckTest, TakesAGroupThatChangesNothing) {
  Group group;
  group.first_index = 10;
  group.epoch = 7;
  group.root = Before().root;
  EXPECT_THAT(CheckGroup(Before(), group), IsOk());
}

TEST(GroupCheckTest, RefusesWhateverIsWrong) {
  struct Case {
    std::string what;
    std::function<void(Group&)> spoil;
  };
  const std::vector<Case> cases = {
      {"a gap", [](Group& g) { g.first_index = 11; }},
      {"an overlap", [](Group& g) { g.first_index = 9; }},
      {"an earlier epoch", [](Group& g) { g.epoch = 6; }},
      {"an epoch out of range", [](Group& g) { g.epoch = ~std::uint64_t{0}; }},
      {"an empty entry", [](Group& g) { g.entries.emplace_back(); }},
      {"a giant entry", [](Group& g) { g.entries.emplace_back(kGiantEntry); }},
      {"a root without a cause",
       [](Group& g) {
         g.entries.clear();
         g.checkpoint.reset();
         g.snapshot.reset();
       }},
      {"a short tile", [](Group& g) { g.tiles[0].bytes = ByteSpan(kTile).subspan(1); }},
      {"a tile's level", [](Group& g) { g.tiles[0].level = kMaxTileLevel + 1; }},
      {"a tile's index", [](Group& g) { g.tiles[0].index = kMaxTileIndex + 1; }},
      {"a tile twice", [](Group& g) { g.tiles.push_back(g.tiles[0]); }},
      {"a chunk of no kind", [](Group& g) { g.chunks[0].key.kind = ChunkKind::kUnspecified; }},
      {"a chunk of an unknown kind",
       [](Group& g) { g.chunks[0].key.kind = static_cast<ChunkKind>(4); }},
      {"a chunk's number", [](Group& g) { g.chunks[0].key.chunk = kMaxChunksPerTransfer; }},
      {"an empty chunk", [](Group& g) { g.chunks[0].bytes = {}; }},
      {"a giant chunk", [](Group& g) { g.chunks[0].bytes = kGiant; }},
      {"a chunk twice", [](Group& g) { g.chunks.push_back(g.chunks[0]); }},
      {"an empty page", [](Group& g) { g.pages[0].bytes = {}; }},
      {"a page twice", [](Group& g) { g.pages.push_back(g.pages[0]); }},
      {"a page written and deleted", [](Group& g) { g.deleted_pages.push_back(3); }},
      {"a page deleted twice", [](Group& g) { g.deleted_pages.push_back(4); }},
      {"an empty top page", [](Group& g) { g.top_page = ByteSpan(); }},
      {"a checkpoint of the future", [](Group& g) { g.checkpoint->size = 12; }},
      {"an empty checkpoint", [](Group& g) { g.checkpoint->note = ""; }},
      {"a snapshot of the future", [](Group& g) { g.snapshot->ledger_size = 12; }},
      {"a snapshot without a part", [](Group& g) { g.snapshot->parts.clear(); }},
      {"a snapshot with an empty part", [](Group& g) { g.snapshot->parts.emplace_back(); }},
  };
  for (const Case& c : cases) {
    Group group = Good();
    c.spoil(group);
    EXPECT_THAT(CheckGroup(Before(), group), HasReason(Reason::kInternal)) << c.what;
  }
}

TEST(GroupCheckTest, RefusesALedgerThatIsTooLarge) {
  Head head = Before();
  head.ledger_size = kMaxLedgerSize;
  Group group = Good();
  group.first_index = kMaxLedgerSize;
  EXPECT_THAT(CheckGroup(head, group), HasReason(Reason::kInternal));
}

}  // namespace
}  // namespace holdfast::store
