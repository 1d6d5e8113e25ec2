// SPDX-License-Identifier: Apache-2.0
#include "crypto/merkle.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/check.h"
#include "base/error.h"
#include "crypto/sha256.h"

namespace holdfast::crypto {
namespace {

constexpr std::array<std::byte, 1> kLeafPrefix{std::byte{0}};
constexpr std::byte kNodePrefix{1};
constexpr std::size_t kHashBytes = sizeof(Digest32);
constexpr std::size_t kSizeBytes = 8;

}  // namespace

Digest32 EmptyRoot() { return Sha256Of(ByteSpan()); }

Digest32 LeafHash(ByteSpan entry) { return Sha256Of({kLeafPrefix, entry}); }

Digest32 NodeHash(const Digest32& left, const Digest32& right) {
  // One call of the hash instead of three: a third of what a node costs.
  std::array<std::byte, 1 + 2 * kHashBytes> input;
  input[0] = kNodePrefix;
  std::copy(left.begin(), left.end(), input.begin() + 1);
  std::copy(right.begin(), right.end(), input.begin() + 1 + kHashBytes);
  return Sha256Of(input);
}

void LeafHashes(std::span<const ByteSpan> entries, std::span<Digest32> hashes) {
  Sha256Batch(kLeafPrefix, entries, hashes);
}

Digest32 RootOf(std::span<const Digest32> leaves) {
  Frontier frontier;
  frontier.AppendLeafHashes(leaves);
  return frontier.Root();
}

absl::StatusOr<Frontier> Frontier::Parse(ByteSpan bytes) {
  const auto corrupt = [] {
    return MakeError(Reason::kStoreCorrupt, "not the frontier of a Merkle tree");
  };
  if (bytes.size() < kSizeBytes) return corrupt();
  Frontier frontier;
  for (const std::byte b : bytes.first(kSizeBytes)) {
    frontier.size_ = (frontier.size_ << 8) | std::to_integer<std::uint64_t>(b);
  }
  const ByteSpan hashes = bytes.subspan(kSizeBytes);
  if ((frontier.size_ >> 63) != 0 ||
      hashes.size() != static_cast<std::size_t>(std::popcount(frontier.size_)) * kHashBytes) {
    return corrupt();
  }
  for (std::size_t at = 0; at < hashes.size(); at += kHashBytes) {
    Digest32 hash;
    std::copy_n(hashes.begin() + static_cast<std::ptrdiff_t>(at), kHashBytes, hash.begin());
    frontier.hashes_.push_back(hash);
  }
  return frontier;
}

Digest32 Frontier::Root() const {
  if (hashes_.empty()) return EmptyRoot();
  Digest32 root = hashes_.back();
  for (std::size_t i = hashes_.size() - 1; i > 0; --i) root = NodeHash(hashes_[i - 1], root);
  return root;
}

Bytes Frontier::Serialize() const {
  Bytes bytes;
  bytes.reserve(kSizeBytes + hashes_.size() * kHashBytes);
  for (unsigned shift = 64; shift > 0; shift -= 8) {
    bytes.push_back(static_cast<std::byte>((size_ >> (shift - 8)) & 0xff));
  }
  for (const Digest32& hash : hashes_) bytes.insert(bytes.end(), hash.begin(), hash.end());
  return bytes;
}

void Frontier::CheckRoomForOne() const { HF_CHECK((size_ >> 63) == 0); }

}  // namespace holdfast::crypto
