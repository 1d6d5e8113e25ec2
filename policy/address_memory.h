// SPDX-License-Identifier: Apache-2.0
//
// At which address a person was asked for last: so that asking for one person at one address after
// the other, until one is right, is seen (R46).
//
// When to use  Through State. Apply notes each accepted subject.
// Threads      Const methods may be called concurrently; Note must be alone.
// Ownership    A value.
// Errors       None.
//
// Invariants
//   (1) What Note answers depends only on the calls before it: a replay comes to the same.
//   (2) 12 bytes a person at a load of at least 0.7: at most 17 bytes, and no rehashing takes more
//       than a 256th of the table beside it (R44).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"

namespace holdfast::policy {

class HashWriter;

class AddressMemory final {
 public:
  // What the ledger says of an address: equal for one address of one person.
  static constexpr std::size_t kTagBytes = 8;

  // Notes that the person was asked for at the address with this tag on `day` (since 1970).
  // Returns whether another address of the person was asked for in the `days` before, that day
  // included. Days before the last noted one count as that one: time never runs back.
  // REQUIRES: `tag` has kTagBytes.
  bool Note(const Pseudonym& person, ByteSpan tag, std::int64_t day, std::int64_t days);

  std::size_t size() const { return size_; }
  std::size_t MemoryBytes() const;

  // Feeds everything that Note's answers depend on, in an order that does not depend on the
  // table's.
  void AddTo(HashWriter& hash) const;

  // Whether it is one: what was read from bytes may be anything.
  bool Whole() const;

 private:
  friend class StateCodec;  // policy/state_snapshot.cc: makes one anew from its bytes.

  // Of a person 48 bits of the keyed pseudonym, eight of them by the shard; of an address 24 bits
  // of its keyed tag. Two people who share theirs make a custodian look at a row in vain: one
  // chance in three hundred in a whole exchange of 1.3 million. A second address that passes for
  // the first has one chance in sixteen million, and nobody outside can look for it.
  struct Slot {
    std::uint32_t person = 0;
    std::uint32_t tag_and_high = 0;  // The tag's 24 bits, then eight more of the person's.
    std::uint16_t last_day = 0;      // Of this address: days since 1970, plus 1. 0: an empty slot.
    std::uint16_t other_day = 0;     // The newest day of any other address; 0 is never.
  };
  static_assert(sizeof(Slot) == 12);
  using Shard = std::vector<Slot>;

  static Slot& Find(Shard& shard, std::uint32_t person, std::uint32_t high);
  static void Grow(Shard& shard);

  std::array<Shard, 256> shards_;
  std::array<std::uint32_t, 256> used_{};
  std::size_t size_ = 0;
};

}  // namespace holdfast::policy
