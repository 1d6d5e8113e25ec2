// SPDX-License-Identifier: Apache-2.0
// Entries that a worker prepared: serialised, salted and hashed before the writer sees them.
//
// When to use  For facts about many records (verdicts, deposits, releases). One batch is what one
//              message brought.
// Threads      Built by one thread, then read by the writer. Not safe for concurrent use.
// Ownership    Owns the entries, in an arena, and their bytes, in one buffer.
// Errors       None.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "crypto/random.h"
#include "google/protobuf/arena.h"
#include "holdfast/ledger/v1/entry.pb.h"

namespace holdfast::exchange {

class EntryBatch final {
 public:
  static constexpr std::size_t kSaltBytes = 16;

  // Draws the salts of `capacity` entries at once: a draw is a system call.
  EntryBatch(std::size_t capacity, crypto::Random& random);

  // Returns a new entry with salt and policy version, to be filled in before Seal().
  // REQUIRES: fewer than `capacity` so far.
  ledger::v1::Entry* Add();

  // Serialises and hashes all entries. Nothing is added or changed after it.
  void Seal();

  // Leaves entry `i` out of the ledger.
  void Skip(std::size_t i) { skipped_[i] = true; }
  bool skipped(std::size_t i) const { return skipped_[i]; }

  std::size_t size() const { return entries_.size(); }
  const ledger::v1::Entry& entry(std::size_t i) const { return *entries_[i]; }

  // REQUIRES: Seal() was called.
  ByteSpan bytes(std::size_t i) const {
    return ByteSpan(buffer_).subspan(offsets_[i], offsets_[i + 1] - offsets_[i]);
  }
  const Digest32& leaf_hash(std::size_t i) const { return hashes_[i]; }

 private:
  google::protobuf::Arena arena_;
  Bytes salts_;
  std::vector<ledger::v1::Entry*> entries_;
  std::vector<bool> skipped_;
  Bytes buffer_;
  std::vector<std::size_t> offsets_;
  std::vector<Digest32> hashes_;
};

}  // namespace holdfast::exchange
