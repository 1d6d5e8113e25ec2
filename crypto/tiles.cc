// SPDX-License-Identifier: Apache-2.0
#include "crypto/tiles.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "base/check.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace holdfast::crypto {
namespace {

constexpr std::size_t kHashBytes = sizeof(Digest32);

// Returns "x001/x234/067" for 1234067.
std::string IndexPath(std::uint64_t index) {
  const auto three = [](std::uint64_t n) {
    char text[4];
    std::snprintf(text, sizeof(text), "%03u", static_cast<unsigned>(n));
    return std::string(text);
  };
  std::string path = three(index % 1000);
  for (index /= 1000; index != 0; index /= 1000) path = "x" + three(index % 1000) + "/" + path;
  return path;
}

std::string PathBelow(const std::string& folder, std::uint64_t index, std::uint32_t width) {
  HF_CHECK(width >= 1 && width <= kTileWidth);
  std::string path = folder + "/" + IndexPath(index);
  if (width < kTileWidth) path += ".p/" + std::to_string(width);
  return path;
}

// Reads a decimal number from the front of `text`. Which texts are allowed is decided by writing
// the result again.
template <typename Number>
bool TakeNumber(std::string_view& text, Number& number) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(result.ptr - text.data()));
  return true;
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool TakeTile(std::string_view text, TileId& id) {
  if (!TakePrefix(text, "tile/") || !TakeNumber(text, id.level) || id.level > kMaxTileLevel) {
    return false;
  }
  // 6 groups of three digits: no tile of a tree of 2^63 leaves needs more.
  id.index = 0;
  bool more = true;
  for (int group = 0; more; ++group) {
    if (group == 6 || !TakePrefix(text, "/")) return false;
    more = TakePrefix(text, "x");
    unsigned digits = 0;
    if (!TakeNumber(text, digits) || digits > 999) return false;
    id.index = id.index * 1000 + digits;
  }
  id.width = kTileWidth;
  if (TakePrefix(text, ".p/")) {
    if (!TakeNumber(text, id.width) || id.width < 1 || id.width >= kTileWidth) return false;
  }
  return text.empty();
}

Digest32 HashAt(ByteSpan tile, std::uint64_t position) {
  Digest32 hash;
  const ByteSpan bytes = tile.subspan(static_cast<std::size_t>(position) * kHashBytes, kHashBytes);
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

// Returns the root of the perfect subtree over `count` hashes of `tile` from `first` on.
// REQUIRES: `count` is a power of two.
Digest32 SubtreeRoot(ByteSpan tile, std::uint64_t first, std::uint64_t count) {
  if (count == 1) return HashAt(tile, first);
  const std::uint64_t half = count / 2;
  return NodeHash(SubtreeRoot(tile, first, half), SubtreeRoot(tile, first + half, half));
}

absl::Status WrongTile() {
  return MakeError(Reason::kLedgerInconsistent, "a tile is not one of a tree of that size");
}

}  // namespace

std::string TilePath(const TileId& id) {
  HF_CHECK(id.level <= kMaxTileLevel);
  return PathBelow("tile/" + std::to_string(id.level), id.index, id.width);
}

std::string EntriesPath(std::uint64_t index, std::uint32_t width) {
  return PathBelow("tile/entries", index, width);
}

absl::StatusOr<TileId> ParseTilePath(std::string_view path) {
  TileId id;
  if (!TakeTile(path, id) || TilePath(id) != path) {
    return MakeError(Reason::kRequestMalformed, "not the path of a tile");
  }
  return id;
}

std::vector<TileId> TilesOf(std::uint64_t size) {
  std::vector<TileId> ids;
  std::uint64_t hashes = size;
  for (unsigned level = 0; hashes != 0 && level <= kMaxTileLevel; ++level) {
    const auto tile_level = static_cast<std::uint8_t>(level);
    const std::uint64_t full = hashes / kTileWidth;
    for (std::uint64_t i = 0; i < full; ++i) ids.push_back(TileId{tile_level, i, kTileWidth});
    const auto rest = static_cast<std::uint32_t>(hashes % kTileWidth);
    if (rest != 0) ids.push_back(TileId{tile_level, full, rest});
    hashes = full;
  }
  return ids;
}

absl::StatusOr<Digest32> TileReader::ReadNode(unsigned level, std::uint64_t index) {
  const unsigned tile_level = level / kTileHeight;
  const unsigned within = level % kTileHeight;  // How far above the tile's own hashes.
  if (tile_level > kMaxTileLevel) return WrongTile();
  const std::uint64_t count = std::uint64_t{1} << within;
  const std::uint64_t hashes = size_ >> (kTileHeight * tile_level);  // Of that level, in the tree.
  if (index >= (hashes >> within)) return WrongTile();
  const std::uint64_t first = index << within;
  const std::uint64_t tile_index = first / kTileWidth;
  const auto width = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(kTileWidth, hashes - tile_index * kTileWidth));
  const TileId id{static_cast<std::uint8_t>(tile_level), tile_index, width};

  auto found = read_.find(id);
  if (found == read_.end()) {
    HF_ASSIGN_OR_RETURN(Bytes bytes, source_.ReadTile(id));
    if (bytes.size() != id.width * kHashBytes) return WrongTile();
    found = read_.emplace(id, std::move(bytes)).first;
  }
  return SubtreeRoot(found->second, first % kTileWidth, count);
}

absl::StatusOr<TileBuilder> TileBuilder::Restore(std::uint64_t size, TileSource& full_tiles,
                                                 std::span<const Digest32> last_leaves) {
  if (last_leaves.size() != size % kTileWidth || (size >> 63) != 0) return WrongTile();
  TileBuilder builder;
  for (const Digest32& hash : last_leaves) {
    builder.open_[0].insert(builder.open_[0].end(), hash.begin(), hash.end());
  }
  // An open tile above holds the roots of the full tiles below it.
  std::uint64_t below = size / kTileWidth;
  for (unsigned level = 1; below != 0 && level <= kMaxTileLevel; ++level) {
    for (std::uint64_t i = below - below % kTileWidth; i < below; ++i) {
      const TileId id{static_cast<std::uint8_t>(level - 1), i, kTileWidth};
      HF_ASSIGN_OR_RETURN(const Bytes tile, full_tiles.ReadTile(id));
      if (tile.size() != kFullTileBytes) return WrongTile();
      const Digest32 root = SubtreeRoot(tile, 0, kTileWidth);
      builder.open_[level].insert(builder.open_[level].end(), root.begin(), root.end());
    }
    below /= kTileWidth;
  }
  HF_ASSIGN_OR_RETURN(builder.frontier_, builder.FrontierOfOpenTiles(size));
  return builder;
}

// Each bit of the size is one perfect subtree, and all of it lies in one open tile.
absl::StatusOr<Frontier> TileBuilder::FrontierOfOpenTiles(std::uint64_t size) const {
  Bytes serialized;
  for (unsigned shift = 64; shift > 0; shift -= 8) {
    serialized.push_back(static_cast<std::byte>((size >> (shift - 8)) & 0xff));
  }
  for (unsigned level = kMaxTileLevel + 1; level > 0; --level) {
    const ByteSpan tile = open_[level - 1];
    std::uint64_t first = 0;
    for (std::uint64_t count = kTileWidth / 2; count != 0; count /= 2) {
      if (((tile.size() / kHashBytes) & count) == 0) continue;
      const Digest32 root = SubtreeRoot(tile, first, count);
      serialized.insert(serialized.end(), root.begin(), root.end());
      first += count;
    }
  }
  return Frontier::Parse(serialized);
}

void TileBuilder::Append(std::span<const Digest32> leaf_hashes, std::vector<Tile>& full) {
  for (const Digest32& leaf : leaf_hashes) {
    Add(0, leaf, full);
    frontier_.AppendAnd(leaf, [this, &full](unsigned level, const Digest32& hash) {
      if (level % kTileHeight == 0 && level / kTileHeight <= kMaxTileLevel) {
        Add(level / kTileHeight, hash, full);
      }
    });
  }
}

// The frontier still has its old size while it reports nodes, and the leaf itself is added before:
// so a tile's index is what lies below it in that size.
void TileBuilder::Add(unsigned tile_level, const Digest32& hash, std::vector<Tile>& full) {
  Bytes& open = open_[tile_level];
  if (open.empty()) open.reserve(kFullTileBytes);
  open.insert(open.end(), hash.begin(), hash.end());
  if (open.size() < kFullTileBytes) return;
  const unsigned shift = kTileHeight * (tile_level + 1);
  const std::uint64_t index = shift < 64 ? frontier_.size() >> shift : 0;
  full.push_back(
      Tile{TileId{static_cast<std::uint8_t>(tile_level), index, kTileWidth}, std::move(open)});
  open.clear();
}

ByteSpan TileBuilder::OpenTile(unsigned level) const {
  HF_CHECK(level <= kMaxTileLevel);
  return open_[level];
}

std::vector<Tile> TileBuilder::PartialTiles() const {
  std::vector<Tile> tiles;
  for (unsigned level = 0; level <= kMaxTileLevel; ++level) {
    if (open_[level].empty()) continue;
    const unsigned shift = kTileHeight * (level + 1);
    const std::uint64_t index = shift < 64 ? size() >> shift : 0;
    const auto width = static_cast<std::uint32_t>(open_[level].size() / kHashBytes);
    tiles.push_back(Tile{TileId{static_cast<std::uint8_t>(level), index, width}, open_[level]});
  }
  return tiles;
}

absl::StatusOr<Bytes> LiveTiles::ReadTile(const TileId& id) {
  if (id.level > kMaxTileLevel || id.width < 1 || id.width > kTileWidth) return WrongTile();
  const unsigned shift = kTileHeight * (id.level + 1u);
  const std::uint64_t open_index = shift < 64 ? builder_.size() >> shift : 0;
  if (id.index > open_index) return WrongTile();
  if (id.index < open_index) {
    // Full by now, whatever it was in the tree that is asked about.
    HF_ASSIGN_OR_RETURN(Bytes tile, full_tiles_.ReadTile(TileId{id.level, id.index, kTileWidth}));
    if (tile.size() != kFullTileBytes) return WrongTile();
    tile.resize(id.width * kHashBytes);
    return tile;
  }
  const ByteSpan open = builder_.OpenTile(id.level);
  if (open.size() < id.width * kHashBytes) return WrongTile();
  return ToBytes(open.first(id.width * kHashBytes));
}

}  // namespace holdfast::crypto
