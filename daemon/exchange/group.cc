// SPDX-License-Identifier: Apache-2.0
#include "daemon/exchange/group.h"

#include <utility>

#include "base/check.h"
#include "crypto/merkle.h"
#include "policy/apply.h"
#include "policy/release_gate.h"

namespace holdfast::exchange {
namespace {

// Whether an envelope ends the wait for a review: the source and custodians watch for it.
bool SettlesCase(const ledger::v1::Entry& entry) {
  return entry.has_envelope_deposited() && policy::IsOfReview(static_cast<policy::ReleaseReason>(
                                               entry.envelope_deposited().verdict()));
}

}  // namespace

Group::Group(policy::State& state, std::uint64_t ledger_size, crypto::Random& random)
    : state_(state), random_(random), first_index_(ledger_size) {}

void Group::Push(const ledger::v1::Entry& entry, ByteSpan bytes, const Digest32& leaf_hash,
                 const policy::OpenedOrder* order,
                 std::shared_ptr<const policy::OpenedAgreement> agreement) {
  HF_CHECK(policy::Apply(state_, entry, order, next_index(), std::move(agreement)).ok());
  notable_ = notable_ || entry.has_submission_finished() || entry.has_transfer_closed() ||
             entry.has_order_accepted() || entry.has_records_destroyed() ||
             entry.has_notice_given() || SettlesCase(entry);
  entries_.push_back(bytes);
  leaf_hashes_.push_back(leaf_hash);
}

std::uint64_t Group::Append(const EntryBatch& batch) {
  const std::uint64_t first = next_index();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!batch.skipped(i))
      Push(batch.entry(i), batch.bytes(i), batch.leaf_hash(i), nullptr, nullptr);
  }
  return first;
}

void Group::Stamp(ledger::v1::Entry& entry) {
  entry.set_salt(ToString(crypto::Draw<EntryBatch::kSaltBytes>(random_)));
  entry.set_policy_version(policy::kPolicyVersion);
}

std::uint64_t Group::AppendFact(ledger::v1::Entry fact, const policy::OpenedOrder* order) {
  const std::uint64_t index = next_index();
  PushOwn(std::move(fact), order, nullptr);
  return index;
}

void Group::AppendOpening(ledger::v1::Entry fact,
                          std::shared_ptr<const policy::OpenedAgreement> agreement) {
  PushOwn(std::move(fact), nullptr, std::move(agreement));
}

void Group::PushOwn(ledger::v1::Entry fact, const policy::OpenedOrder* order,
                    std::shared_ptr<const policy::OpenedAgreement> agreement) {
  Bytes& bytes = own_.emplace_back(fact.ByteSizeLong());
  fact.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(bytes.data()));
  Push(fact, bytes, crypto::LeafHash(bytes), order, std::move(agreement));
}

std::uint64_t Group::Refuse(ledger::v1::Refused refused) {
  ledger::v1::Entry entry;
  *entry.mutable_refused() = std::move(refused);
  Stamp(entry);
  return AppendFact(std::move(entry), nullptr);
}

void Group::WriteChunk(const store::ChunkKey& key, ByteSpan bytes, store::IfChunkExists if_exists) {
  chunks_.push_back({key, bytes, if_exists});
  chunk_bytes_ += bytes.size();
}

void Group::ChangeEpoch(std::vector<LeafRef> destroyed, Anchoring anchoring) {
  HF_CHECK(!epoch_change_.has_value());
  epoch_change_ = EpochChange{std::move(destroyed), anchoring};
}

void Group::Close(crypto::TileBuilder& tiles) {
  HF_CHECK(tiles.size() == first_index_);
  tiles.Append(leaf_hashes_, full_tiles_);
  head_ = {tiles.size(), tiles.Root()};
}

store::Group Group::ToStore() const {
  store::Group group;
  group.first_index = first_index_;
  group.entries = entries_;
  group.root = head_.root;
  group.chunks = chunks_;
  for (const crypto::Tile& tile : full_tiles_) {
    group.tiles.push_back({tile.id.level, tile.id.index, tile.bytes});
  }
  return group;
}

}  // namespace holdfast::exchange
