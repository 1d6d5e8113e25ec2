// SPDX-License-Identifier: Apache-2.0
//
// At which address a person was asked for last: so that asking for one person at one address after
// the other, until one is right, is seen (R46).
//
// When to use  Through State. Apply notes each accepted subject under its pseudonym; and if it has
//              a number too, under that of its name and birth date, marked as such.
// Threads      Const methods may be called concurrently; Note must be alone.
// Ownership    A value.
// Errors       None.
//
// Invariants
//   (1) What Note answers depends only on the calls before it: a replay comes to the same.
//   (2) 8 bytes a pseudonym, and less than a sixteenth of that to spare in each shard: 17 bytes for
//       a person with two (R44). Only one that was asked for at a second address takes more.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "base/bytes.h"
#include "policy/person_key.h"

namespace holdfast::policy {

class HashWriter;

class AddressMemory final {
 public:
  // What the ledger says of an address: equal for one address of one person.
  static constexpr std::size_t kTagBytes = 8;

  AddressMemory() : shards_(kShards) {}

  // Notes that the person was asked for at the address with this tag on `day` (since 1970).
  // Returns whether another address of the person was asked for in the `days` before, that day
  // included. Days before the last noted one count as that one: time never runs back.
  // REQUIRES: `tag` has kTagBytes.
  bool Note(const PersonKey& person, ByteSpan tag, std::int64_t day, std::int64_t days);

  // What Note would return, and nothing is noted.
  bool Seen(const PersonKey& person, ByteSpan tag, std::int64_t day, std::int64_t days) const;

  // The key under which those who were asked for by a number too are noted for their name and birth
  // date: apart from who was asked for by these alone, since two numbers are two people.
  static PersonKey KeyWithNumber(const PersonKey& name_and_birth_date);

  // How many pseudonyms it remembers.
  std::size_t size() const { return size_; }
  std::size_t MemoryBytes() const;

  // Feeds everything that Note's answers depend on.
  void AddTo(HashWriter& hash) const;

  // Whether it is one: what was read from bytes may be anything.
  bool Whole() const;

 private:
  friend class StateCodec;  // policy/state_snapshot.cc: makes one anew from its bytes.

  // Of a pseudonym 42 bits count, twelve of them by the shard; of an address 18 bits of its keyed
  // tag. Two people who share theirs make a custodian look at a row in vain: that is to be expected
  // once in a whole exchange of 1.3 million people with two pseudonyms each. A second address that
  // passes for the first has one chance in a quarter of a million, and nobody outside can look for
  // it.
  static constexpr std::size_t kShards = 4'096;

  // From the top: 30 bits of the pseudonym, 18 of the last address's tag, and 16 for the day on
  // which it was asked for last, since 1970. A shard is ascending: nothing is empty between two.
  using Slot = std::uint64_t;
  using Shard = std::vector<Slot>;

  // Where something is, or would be.
  struct Place {
    std::size_t shard = 0;
    std::uint64_t in_shard = 0;  // The pseudonym's bits that count there.
    std::size_t slot = 0;        // At or after it.
    bool found = false;
    std::uint64_t other_day_key() const;
  };
  Place Find(const PersonKey& person) const;
  // Whether the slot or other_day_ says that another address is not more than `days` old.
  bool Elsewhere(const Place& place, std::uint64_t address, std::uint16_t today,
                 std::int64_t days) const;

  std::vector<Shard> shards_;

  // The newest day of any other address than the last, by shard and the slot's 30 bits. Few have
  // one.
  std::map<std::uint64_t, std::uint16_t> other_day_;
  std::size_t size_ = 0;
};

}  // namespace holdfast::policy
