// SPDX-License-Identifier: Apache-2.0
// The ledger's tree as files that never change (C2SP tlog-tiles, height 8).
//
// Tile (L, N) holds the roots of the subtrees of 256^L leaves with numbers 256 * N to 256 * N +
// 255. A tile that is full is final; a partial one has the first W of them and is found under a
// name with W.
//
// When to use  TileBuilder in the writer, once for each ledger: it has the frontier inside, so keep
// no
//              second one. TileReader to prove, TilePath and ParseTilePath for an export.
// Threads      A TileBuilder is used by one thread at a time. Functions may be called concurrently.
// Ownership    A TileReader borrows its source. All else are values.
// Errors       By Reason at each function.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "crypto/merkle.h"
#include "crypto/merkle_proof.h"

namespace holdfast::crypto {

inline constexpr std::uint32_t kTileWidth = 256;
inline constexpr unsigned kTileHeight = 8;
inline constexpr unsigned kMaxTileLevel = 7;  // 256^8 leaves would not fit 64 bits.
inline constexpr std::size_t kFullTileBytes = kTileWidth * sizeof(Digest32);

struct TileId {
  std::uint8_t level = 0;
  std::uint64_t index = 0;
  std::uint32_t width = kTileWidth;  // 1 to 256; 256 is full.

  friend bool operator==(const TileId&, const TileId&) = default;
  friend auto operator<=>(const TileId&, const TileId&) = default;
};

struct Tile {
  TileId id;
  Bytes bytes;  // id.width hashes of 32 bytes.
};

// Returns the path under an export's root, such as "tile/0/x001/x234/067" or "tile/1/000.p/112".
// REQUIRES: level <= kMaxTileLevel and width in [1, 256].
std::string TilePath(const TileId& id);

// Returns the path of a bundle of `width` entries, such as "tile/entries/000.p/12".
// REQUIRES: width in [1, 256].
std::string EntriesPath(std::uint64_t index, std::uint32_t width);

// Returns the tile whose TilePath() is `path`. One tile has one path: everything else is refused.
// Errors: kRequestMalformed.
absl::StatusOr<TileId> ParseTilePath(std::string_view path);

// Returns every tile of a tree of `size` leaves, full and partial, by level and index.
std::vector<TileId> TilesOf(std::uint64_t size);

// Where tiles are kept.
class TileSource {
 public:
  TileSource() = default;
  TileSource(const TileSource&) = delete;
  TileSource& operator=(const TileSource&) = delete;
  virtual ~TileSource() = default;

  // Returns id.width hashes. A source that has a wider tile returns the first of its hashes.
  virtual absl::StatusOr<Bytes> ReadTile(const TileId& id) = 0;
};

// Reads nodes out of the tiles of a tree of a fixed size. Remembers the tiles that it has read, so
// make one for a question, not for a process.
//
// Errors: the source's; kLedgerInconsistent for a tile of another length, and for a node that the
// tree does not have.
class TileReader final : public NodeReader {
 public:
  TileReader(std::uint64_t size, TileSource& source) : size_(size), source_(source) {}

  absl::StatusOr<Digest32> ReadNode(unsigned level, std::uint64_t index) override;

 private:
  const std::uint64_t size_;
  TileSource& source_;
  std::map<TileId, Bytes> read_;
};

// Makes the tiles of a tree that grows.
class TileBuilder final {
 public:
  TileBuilder() = default;

  // Returns the builder as it was at `size`, from the full tiles and the hashes of the leaves after
  // the last full tile of level 0. Compare Root() with the root that is known before relying on it.
  // Errors: the source's; kLedgerInconsistent if tiles or leaves are not those of such a tree.
  static absl::StatusOr<TileBuilder> Restore(std::uint64_t size, TileSource& full_tiles,
                                             std::span<const Digest32> last_leaves);

  std::uint64_t size() const { return frontier_.size(); }
  Digest32 Root() const { return frontier_.Root(); }
  const Frontier& frontier() const { return frontier_; }

  // Appends leaves, and adds the tiles that they fill to `full`, in the order in which they filled.
  void Append(std::span<const Digest32> leaf_hashes, std::vector<Tile>& full);

  // Returns the hashes that the open tile of `level` has so far, as bytes: fewer than 256. Borrowed
  // until the next Append().
  ByteSpan OpenTile(unsigned level) const;

  // Returns the tiles that are open, by level; those without a hash are left out.
  std::vector<Tile> PartialTiles() const;

 private:
  absl::StatusOr<Frontier> FrontierOfOpenTiles(std::uint64_t size) const;
  void Add(unsigned tile_level, const Digest32& hash, std::vector<Tile>& full);

  Frontier frontier_;
  std::array<Bytes, kMaxTileLevel + 1> open_;
};

// The full tiles of a store and the open ones of a builder, as one source. Borrows both.
class LiveTiles final : public TileSource {
 public:
  LiveTiles(TileSource& full_tiles, const TileBuilder& builder)
      : full_tiles_(full_tiles), builder_(builder) {}

  absl::StatusOr<Bytes> ReadTile(const TileId& id) override;

 private:
  TileSource& full_tiles_;
  const TileBuilder& builder_;
};

}  // namespace holdfast::crypto
