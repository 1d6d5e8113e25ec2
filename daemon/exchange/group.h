// SPDX-License-Identifier: Apache-2.0
// A group of commands on its way to one commit.
//
// When to use  By the writer alone.
// Threads      Belongs to the writer's thread.
// Ownership    Borrows the state, which it changes, and the random source. What it keeps of batches
//              and chunks is borrowed from the commands in it.
// Errors       None: what fails is the commit.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "crypto/random.h"
#include "crypto/tiles.h"
#include "daemon/exchange/command.h"
#include "policy/state.h"
#include "store/store.h"

namespace holdfast::exchange {

class Group final : public Turn {
 public:
  // `ledger_size` is the ledger's before the group.
  Group(policy::State& state, std::uint64_t ledger_size, crypto::Random& random);

  // Turn.
  const policy::State& state() const override { return state_; }
  std::uint64_t Append(const EntryBatch& batch) override;
  void Stamp(ledger::v1::Entry& entry) override;
  std::uint64_t AppendFact(ledger::v1::Entry fact, const policy::OpenedOrder* order) override;
  ByteSpan last_entry() const override { return entries_.back(); }
  const Digest32& last_leaf_hash() const override { return leaf_hashes_.back(); }
  std::uint64_t Refuse(ledger::v1::Refused refused) override;
  void WriteChunk(const store::ChunkKey& key, ByteSpan bytes,
                  store::IfChunkExists if_exists) override;
  void ChangeEpoch(std::vector<LeafRef> destroyed, Anchoring anchoring) override;

  // Of the chunks that it stores.
  std::size_t chunk_bytes() const { return chunk_bytes_; }

  // Whether there is anything to commit.
  bool empty() const { return entries_.empty() && chunks_.empty(); }

  struct EpochChange {
    std::vector<LeafRef> destroyed;
    Anchoring anchoring = Anchoring::kRequired;
  };

  // Appends entry 0.
  void AppendOpening(ledger::v1::Entry fact,
                     std::shared_ptr<const policy::OpenedAgreement> agreement);

  // Set once a command asked for an epoch change.
  const std::optional<EpochChange>& epoch_change() const { return epoch_change_; }

  std::uint64_t first_index() const { return first_index_; }
  std::uint64_t next_index() const { return first_index_ + entries_.size(); }

  // Whether an entry changes what people wait for: a transfer's state, a hold, a revocation.
  bool notable() const { return notable_; }

  // Ends the group: nothing is appended after it. Makes `tiles` those of the ledger with the
  // group's entries. REQUIRES: `tiles` are those before; called once.
  void Close(crypto::TileBuilder& tiles);

  // The ledger with the group's entries. REQUIRES: Close() was called.
  const LedgerHead& Head() const { return head_; }

  std::span<const ByteSpan> entries() const { return entries_; }

  // Returns what the store is to commit; the caller adds pages, epoch and checkpoint.
  // REQUIRES: Close() was called; the group lives until the commit.
  store::Group ToStore() const;

 private:
  void Push(const ledger::v1::Entry& entry, ByteSpan bytes, const Digest32& leaf_hash,
            const policy::OpenedOrder* order,
            std::shared_ptr<const policy::OpenedAgreement> agreement);
  void PushOwn(ledger::v1::Entry fact, const policy::OpenedOrder* order,
               std::shared_ptr<const policy::OpenedAgreement> agreement);

  policy::State& state_;
  crypto::Random& random_;
  const std::uint64_t first_index_;

  std::vector<ByteSpan> entries_;
  std::vector<Digest32> leaf_hashes_;
  LedgerHead head_;
  std::vector<crypto::Tile> full_tiles_;
  std::deque<Bytes>
      own_;  // Bytes of the entries that the writer made; a deque keeps them in place.
  std::vector<store::ChunkWrite> chunks_;
  std::size_t chunk_bytes_ = 0;
  std::optional<EpochChange> epoch_change_;
  bool notable_ = false;
};

}  // namespace holdfast::exchange
