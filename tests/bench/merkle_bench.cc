// SPDX-License-Identifier: Apache-2.0
// What the ledger's tree costs: leaf hashes on workers, the frontier and the tiles on the writer.
//
// The case to watch is 1,300,000 entries of 65 bytes, one large transfer's releases.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/ed25519.h"
#include "crypto/merkle.h"
#include "crypto/merkle_proof.h"
#include "crypto/random.h"
#include "crypto/sha256.h"
#include "crypto/tiles.h"

namespace holdfast::crypto {
namespace {

constexpr std::size_t kEntryBytes = 65;
constexpr std::size_t kBatch = 256;

std::vector<ByteSpan> SpansOf(const Bytes& bytes) {
  std::vector<ByteSpan> spans;
  for (std::size_t at = 0; at + kEntryBytes <= bytes.size(); at += kEntryBytes) {
    spans.push_back(ByteSpan(bytes).subspan(at, kEntryBytes));
  }
  return spans;
}

Bytes RandomBytes(std::size_t size) {
  Bytes bytes(size);
  SystemRandom().Fill(bytes);
  return bytes;
}

class TileMap final : public TileSource {
 public:
  void Put(std::vector<Tile>& tiles) {
    for (Tile& tile : tiles) tiles_.emplace(tile.id, std::move(tile.bytes));
  }
  absl::StatusOr<Bytes> ReadTile(const TileId& id) override { return tiles_.at(id); }

 private:
  std::map<TileId, Bytes> tiles_;
};

void LeafHashesOfABatch(benchmark::State& state) {
  const Bytes bytes = RandomBytes(kBatch * kEntryBytes);
  const std::vector<ByteSpan> spans = SpansOf(bytes);
  std::vector<Digest32> hashes(spans.size());
  for (auto _ : state) {
    LeafHashes(spans, hashes);
    benchmark::DoNotOptimize(hashes.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
}
BENCHMARK(LeafHashesOfABatch);

void FrontierAppend(benchmark::State& state) {
  const Digest32 leaf = LeafHash(AsBytes("entry"));
  Frontier frontier;
  for (auto _ : state) frontier.Append(leaf);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(FrontierAppend);

// Everything that the ledger hashes for so many entries: leaves, nodes, full tiles, the root.
void WholeLedger(benchmark::State& state) {
  const auto entries = static_cast<std::size_t>(state.range(0));
  const Bytes bytes = RandomBytes(entries * kEntryBytes);
  const std::vector<ByteSpan> spans = SpansOf(bytes);
  std::vector<Digest32> hashes(kBatch);
  for (auto _ : state) {
    TileBuilder builder;
    for (std::size_t at = 0; at < spans.size(); at += kBatch) {
      const auto batch = std::span(spans).subspan(at, std::min(kBatch, spans.size() - at));
      const auto into = std::span(hashes).first(batch.size());
      LeafHashes(batch, into);
      std::vector<Tile> full;
      builder.Append(into, full);
      benchmark::DoNotOptimize(full.data());
    }
    Digest32 root = builder.Root();
    benchmark::DoNotOptimize(root);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(WholeLedger)->Arg(1'300'000)->Unit(benchmark::kMillisecond);

void InclusionProofFromTiles(benchmark::State& state) {
  constexpr std::uint64_t kSize = 1'300'000;
  TileBuilder builder;
  std::vector<Tile> full;
  builder.Append(std::vector<Digest32>(kSize, LeafHash(AsBytes("entry"))), full);
  TileMap store;
  store.Put(full);
  LiveTiles tiles(store, builder);
  std::uint64_t index = 0;
  for (auto _ : state) {
    TileReader reader(kSize, tiles);
    const auto proof = MakeInclusionProof(index, kSize, reader);
    HF_CHECK(proof.ok());
    index = (index + 7919) % kSize;
  }
}
BENCHMARK(InclusionProofFromTiles)->Unit(benchmark::kMicrosecond);

void SignAndVerify(benchmark::State& state) {
  SystemRandom random;
  const auto key = SigningKey::Generate(random);
  HF_CHECK(key.ok());
  const Bytes message = RandomBytes(200);
  for (auto _ : state) {
    const Signature signature = key->Sign(message);
    HF_CHECK(key->public_key().Verify(message, signature).ok());
  }
}
BENCHMARK(SignAndVerify)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace holdfast::crypto
