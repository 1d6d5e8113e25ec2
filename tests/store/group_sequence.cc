// SPDX-License-Identifier: Apache-2.0
#include "tests/store/group_sequence.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"

#include "base/error.h"
#include "tests/support/memory_store.h"

namespace holdfast::store {
namespace {

// Small mostly, and now and then one that needs the long form of the bundle, or many pages.
std::size_t EntrySize(test::SeededRandom& random) {
  if (random.OneIn(400)) return 65530 + static_cast<std::size_t>(random.Below(10));
  return 1 + static_cast<std::size_t>(random.Below(300));
}

std::size_t BlobSize(test::SeededRandom& random) {
  if (random.OneIn(20)) return 1 + static_cast<std::size_t>(random.Below(140'000));
  return 1 + static_cast<std::size_t>(random.Below(3000));
}

std::size_t EntryCount(test::SeededRandom& random) {
  switch (random.Below(6)) {
    case 0:
      return 0;
    case 1:
      return 256;
    case 2:
      return static_cast<std::size_t>(random.Below(900));
    default:
      return 1 + static_cast<std::size_t>(random.Below(5));
  }
}

std::string Describe(const absl::StatusOr<Bytes>& bytes) {
  if (bytes.ok()) return ToString(*bytes);
  return std::string(ReasonName(*ReasonOf(bytes.status())));
}

// The length makes one text out of different lines impossible.
void AppendLine(std::string& text, const std::string& name, std::string_view value) {
  text.append(name).append(" ").append(std::to_string(value.size())).append(" ");
  text.append(value).append("\n");
}

}  // namespace

MadeGroup GroupSequence::Next() {
  MadeGroup made;
  made.group.first_index = head_.ledger_size;
  made.group.epoch = head_.epoch + 1;
  made.group.root = head_.root;
  AddEntries(made);
  AddTiles(made);
  AddChunks(made);
  AddPages(made);
  AddDerived(made);
  head_.epoch = made.group.epoch;
  head_.ledger_size += made.group.entries.size();
  head_.root = made.group.root;
  return made;
}

void GroupSequence::AddEntries(MadeGroup& made) {
  const std::size_t count = EntryCount(random_);
  for (std::size_t i = 0; i < count; ++i) {
    made.group.entries.push_back(made.Keep(random_.MakeBytes(EntrySize(random_))));
  }
  if (count > 0) random_.Fill(made.group.root);
}

void GroupSequence::AddTiles(MadeGroup& made) {
  if (!random_.OneIn(4) || tiles_ == kTileLevels * kTileIndices) return;
  TileWrite& tile = made.group.tiles.emplace_back();
  tile.level = static_cast<std::uint8_t>(tiles_ / kTileIndices);
  tile.index = tiles_ % kTileIndices;
  tile.bytes = made.Keep(random_.MakeBytes(kTileBytes));
  ++tiles_;
}

void GroupSequence::AddChunks(MadeGroup& made) {
  for (const ChunkKey& key : ChunkNames()) {
    if (!random_.OneIn(16)) continue;
    ChunkWrite& chunk = made.group.chunks.emplace_back();
    chunk.key = key;
    chunk.bytes = made.Keep(random_.MakeBytes(BlobSize(random_)));
    if (!chunks_.insert(key).second) chunk.if_exists = IfChunkExists::kReplace;
  }
}

void GroupSequence::AddPages(MadeGroup& made) {
  for (std::uint32_t segment = 0; segment < kSegments; ++segment) {
    if (!random_.OneIn(6)) continue;
    if (pages_.contains(segment) && random_.OneIn(3)) {
      made.group.deleted_pages.push_back(segment);
      pages_.erase(segment);
      continue;
    }
    PageWrite& page = made.group.pages.emplace_back();
    page.segment = segment;
    page.bytes = made.Keep(random_.MakeBytes(BlobSize(random_)));
    pages_.insert(segment);
  }
  if (random_.OneIn(2)) made.group.top_page = made.Keep(random_.MakeBytes(BlobSize(random_)));
}

void GroupSequence::AddDerived(MadeGroup& made) {
  const std::uint64_t size = head_.ledger_size + made.group.entries.size();
  if (random_.OneIn(3)) {
    CheckpointWrite& checkpoint = made.group.checkpoint.emplace();
    checkpoint.size = random_.Below(size + 1);
    checkpoint.note = AsText(made.Keep(ToBytes("a note of " + std::to_string(random_.Next()))));
  }
  if (random_.OneIn(8)) {
    SnapshotWrite& snapshot = made.group.snapshot.emplace();
    snapshot.ledger_size = random_.Below(size + 1);
    const std::uint64_t parts = 1 + random_.Below(3);
    for (std::uint64_t i = 0; i < parts; ++i) {
      snapshot.parts.push_back(made.Keep(random_.MakeBytes(BlobSize(random_))));
    }
  }
}

std::vector<ChunkKey> GroupSequence::ChunkNames() {
  std::vector<ChunkKey> names;
  for (const ChunkKind kind : {ChunkKind::kSubjects, ChunkKind::kEnvelopes}) {
    for (const std::uint32_t transfer : {0u, 1u, 0xffff'ffffu}) {
      for (const std::uint32_t chunk : {0u, 1u, kMaxChunksPerTransfer - 1}) {
        ChunkKey& key = names.emplace_back();
        key.kind = kind;
        key.transfer = transfer;
        key.chunk = chunk;
      }
    }
  }
  return names;
}

std::string Dump(Reader& reader) {
  std::string text;
  const absl::StatusOr<Head> head = reader.ReadHead();
  if (!head.ok()) return "no head";
  AppendLine(text, "epoch", std::to_string(head->epoch));
  AppendLine(text, "ledger", std::to_string(head->ledger_size) + " " + Hex(head->root));

  const absl::Status walked =
      reader.ForEachEntry(0, [&text](std::uint64_t index, ByteSpan entry) -> absl::Status {
        AppendLine(text, "entry " + std::to_string(index), AsText(entry));
        return absl::OkStatus();
      });
  AppendLine(text, "entries", walked.ok() ? "complete" : walked.ToString());
  const std::uint64_t bundles = (head->ledger_size + kEntriesPerBundle - 1) / kEntriesPerBundle;
  for (std::uint64_t i = 0; i <= bundles; ++i) {
    AppendLine(text, "bundle " + std::to_string(i), Describe(reader.ReadBundle(i)));
  }
  for (std::uint8_t level = 0; level < GroupSequence::kTileLevels; ++level) {
    for (std::uint64_t index = 0; index < GroupSequence::kTileIndices; ++index) {
      AppendLine(text, "tile", Describe(reader.ReadTile(level, index)));
    }
  }
  for (const ChunkKey& key : GroupSequence::ChunkNames()) {
    const absl::StatusOr<bool> has = reader.HasChunk(key);
    AppendLine(text, has.ok() && *has ? "chunk" : "no chunk", Describe(reader.ReadChunk(key)));
  }
  for (std::uint32_t segment = 0; segment < GroupSequence::kSegments; ++segment) {
    AppendLine(text, "page", Describe(reader.ReadPage(segment)));
  }
  const absl::StatusOr<std::vector<SegmentPage>> pages = reader.AllPages();
  if (!pages.ok()) return text + "no pages";
  for (const SegmentPage& page : *pages) {
    AppendLine(text, "page " + std::to_string(page.segment), AsText(page.bytes));
  }
  AppendLine(text, "top page", Describe(reader.ReadTopPage()));
  const absl::StatusOr<std::optional<CheckpointNote>> checkpoint = reader.LatestCheckpoint();
  if (!checkpoint.ok()) return text + "no checkpoint";
  if (checkpoint->has_value()) {
    AppendLine(text, "checkpoint " + std::to_string((*checkpoint)->size), (*checkpoint)->note);
  }
  const absl::StatusOr<std::optional<Snapshot>> snapshot = reader.ReadSnapshot();
  if (!snapshot.ok()) return text + "no snapshot";
  if (snapshot->has_value()) {
    for (const Bytes& part : (*snapshot)->parts) {
      AppendLine(text, "snapshot " + std::to_string((*snapshot)->ledger_size), AsText(part));
    }
  }
  return text;
}

std::string DumpAfter(std::uint64_t seed, std::uint64_t groups) {
  test::MemoryStoreDisk disk;
  const auto model = test::MemoryStore::Open(disk);
  GroupSequence sequence(seed);
  for (std::uint64_t i = 0; i < groups; ++i) {
    if (!(*model)->Commit(sequence.Next().group).ok()) return "the model refused a group";
  }
  return Dump(**model);
}

}  // namespace holdfast::store
