// SPDX-License-Identifier: Apache-2.0
#include "policy/address_memory.h"

#include <algorithm>

#include "base/check.h"
#include "policy/hash_writer.h"

namespace holdfast::policy {
namespace {

constexpr unsigned kPersonBits = 30;
constexpr unsigned kTagBits = 18;
constexpr unsigned kDayBits = 16;
static_assert(kPersonBits + kTagBits + kDayBits == 64);
constexpr unsigned kPersonShift = kTagBits + kDayBits;

// A node of a std::map of two words: three links and a colour before them.
constexpr std::size_t kOtherDayBytes = 6 * sizeof(void*);

std::uint64_t Number(ByteSpan bytes) {
  std::uint64_t number = 0;
  for (const std::byte byte : bytes.first(8)) {
    number = number << 8 | std::to_integer<std::uint64_t>(byte);
  }
  return number;
}

std::uint64_t PersonOf(std::uint64_t slot) { return slot >> kPersonShift; }
std::uint64_t TagOf(std::uint64_t slot) { return slot >> kDayBits & ((1U << kTagBits) - 1); }
std::uint16_t DayOf(std::uint64_t slot) { return static_cast<std::uint16_t>(slot); }

std::uint64_t SlotOf(std::uint64_t person, std::uint64_t tag, std::uint16_t day) {
  return person << kPersonShift | tag << kDayBits | day;
}

// Of an address, what a slot has of its tag.
std::uint64_t AddressOf(ByteSpan tag) {
  HF_CHECK(tag.size() == AddressMemory::kTagBytes);
  return Number(tag) >> (64 - kTagBits);
}

// Where a person's slot is in an ascending shard, or would be. Pseudonyms are hashes, so its place
// is known to within a few slots: two cache lines are read, and not one for each halving.
std::size_t PlaceIn(const std::vector<std::uint64_t>& shard, std::uint64_t person) {
  const std::uint64_t wanted = SlotOf(person, 0, 0);
  std::size_t low = 0;
  std::size_t high = shard.size();
  const std::size_t likely = person * shard.size() >> kPersonBits;
  std::size_t reach = 8;
  if (likely < high && shard[likely] < wanted) {
    low = likely + 1;
    for (; low + reach < high; reach *= 2) {
      if (shard[low + reach] >= wanted) {
        high = low + reach;
        break;
      }
      low += reach + 1;
    }
  } else {
    high = likely;
    for (; high > low + reach; reach *= 2) {
      if (shard[high - 1 - reach] < wanted) {
        low = high - reach;
        break;
      }
      high -= reach + 1;
    }
  }
  const auto begin = shard.begin();
  const auto place = std::lower_bound(begin + static_cast<std::ptrdiff_t>(low),
                                      begin + static_cast<std::ptrdiff_t>(high), wanted);
  return static_cast<std::size_t>(place - begin);
}

std::uint16_t Stored(std::int64_t day) {
  return static_cast<std::uint16_t>(std::clamp<std::int64_t>(day, 0, 65'535));
}

}  // namespace

std::uint64_t AddressMemory::Place::other_day_key() const {
  return shard << kPersonBits | in_shard;
}

AddressMemory::Place AddressMemory::Find(const PersonKey& person) const {
  const std::uint64_t name = Number(BytesOf(person));
  Place place;
  place.shard = name % kShards;
  place.in_shard = name >> (64 - kPersonBits);
  const Shard& shard = shards_[place.shard];
  place.slot = PlaceIn(shard, place.in_shard);
  place.found = place.slot < shard.size() && PersonOf(shard[place.slot]) == place.in_shard;
  return place;
}

bool AddressMemory::Elsewhere(const Place& place, std::uint64_t address, std::uint16_t today,
                              std::int64_t days) const {
  if (!place.found) return false;
  const Slot slot = shards_[place.shard][place.slot];
  const std::uint16_t now = std::max(DayOf(slot), today);
  if (TagOf(slot) != address) return now - DayOf(slot) <= days;
  const auto other = other_day_.find(place.other_day_key());
  return other != other_day_.end() && now - other->second <= days;
}

bool AddressMemory::Seen(const PersonKey& person, ByteSpan tag, std::int64_t day,
                         std::int64_t days) const {
  return Elsewhere(Find(person), AddressOf(tag), Stored(day), days);
}

bool AddressMemory::Note(const PersonKey& person, ByteSpan tag, std::int64_t day,
                         std::int64_t days) {
  const std::uint64_t address = AddressOf(tag);
  const std::uint16_t today = Stored(day);
  const Place place = Find(person);
  const bool elsewhere = Elsewhere(place, address, today, days);
  Shard& shard = shards_[place.shard];
  if (!place.found) {
    if (shard.size() == shard.capacity()) shard.reserve(shard.size() + shard.size() / 16 + 1);
    shard.insert(shard.begin() + static_cast<std::ptrdiff_t>(place.slot),
                 SlotOf(place.in_shard, address, today));
    ++size_;
    return elsewhere;
  }
  Slot& slot = shard[place.slot];
  if (TagOf(slot) != address) other_day_[place.other_day_key()] = DayOf(slot);
  slot = SlotOf(place.in_shard, address, std::max(DayOf(slot), today));
  return elsewhere;
}

PersonKey AddressMemory::KeyWithNumber(const PersonKey& name_and_birth_date) {
  PersonKey::value_type key = name_and_birth_date.value();
  for (std::byte& byte : key) byte = ~byte;
  return PersonKey(key);
}

bool AddressMemory::Whole() const {
  if (shards_.size() != kShards) return false;
  std::size_t size = 0;
  for (const Shard& shard : shards_) {
    const auto out_of_order = [](Slot a, Slot b) { return PersonOf(a) >= PersonOf(b); };
    if (std::adjacent_find(shard.begin(), shard.end(), out_of_order) != shard.end()) return false;
    size += shard.size();
  }
  return size == size_;
}

std::size_t AddressMemory::MemoryBytes() const {
  std::size_t bytes = shards_.capacity() * sizeof(Shard) + other_day_.size() * kOtherDayBytes;
  for (const Shard& shard : shards_) bytes += shard.capacity() * sizeof(Slot);
  return bytes;
}

void AddressMemory::AddTo(HashWriter& hash) const {
  for (const Shard& shard : shards_) {
    hash.U32(static_cast<std::uint32_t>(shard.size()));
    for (const Slot slot : shard) hash.U64(slot);
  }
  hash.U64(other_day_.size());
  for (const auto& [person, day] : other_day_) hash.U64(person).U16(day);
}

}  // namespace holdfast::policy
