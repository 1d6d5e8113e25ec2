// SPDX-License-Identifier: Apache-2.0
#include "policy/address_memory.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "policy/hash_writer.h"

namespace holdfast::policy {
namespace {

constexpr std::uint32_t kHigh = 0xff;

// A shard is full at 85 %, and grows by a fifth.
bool IsFull(std::size_t used, std::size_t slots) { return (used + 1) * 100 > slots * 85; }

std::uint16_t Stored(std::int64_t day) {
  return static_cast<std::uint16_t>(std::clamp<std::int64_t>(day, 0, 65'534) + 1);
}

std::uint32_t Number(ByteSpan bytes) {
  std::uint32_t number = 0;
  for (const std::byte byte : bytes.first(4)) {
    number = number << 8 | std::to_integer<std::uint32_t>(byte);
  }
  return number;
}

}  // namespace

AddressMemory::Slot& AddressMemory::Find(Shard& shard, std::uint32_t person, std::uint32_t high) {
  const std::uint32_t mixed = (person ^ high << 16) * 0x9e37'79b1U;
  auto at = static_cast<std::size_t>(std::uint64_t{mixed} * shard.size() >> 32);
  while (shard[at].last_day != 0 &&
         (shard[at].person != person || (shard[at].tag_and_high & kHigh) != high)) {
    if (++at == shard.size()) at = 0;
  }
  return shard[at];
}

void AddressMemory::Grow(Shard& shard) {
  Shard larger(shard.empty() ? 16 : shard.size() + shard.size() / 5);
  for (const Slot& slot : shard) {
    if (slot.last_day != 0) Find(larger, slot.person, slot.tag_and_high & kHigh) = slot;
  }
  shard = std::move(larger);
}

bool AddressMemory::Note(const Pseudonym& person, ByteSpan tag, std::int64_t day,
                         std::int64_t days) {
  HF_CHECK(tag.size() == kTagBytes);
  const ByteSpan name = BytesOf(person);
  const auto shard_number = std::to_integer<std::size_t>(name[5]);
  const auto high = std::to_integer<std::uint32_t>(name[4]);
  const std::uint32_t low = Number(name);
  const std::uint32_t tag_and_high = (Number(tag) & ~kHigh) | high;
  Shard& shard = shards_[shard_number];
  std::uint32_t& used = used_[shard_number];
  if (IsFull(used, shard.size())) Grow(shard);
  Slot& slot = Find(shard, low, high);
  const std::uint16_t today = Stored(day);
  if (slot.last_day == 0) {
    slot = {low, tag_and_high, today, 0};
    ++used;
    ++size_;
    return false;
  }
  if (slot.tag_and_high != tag_and_high) {
    slot = {low, tag_and_high, slot.last_day, slot.last_day};
  }
  slot.last_day = std::max(slot.last_day, today);
  return slot.other_day != 0 && slot.last_day - slot.other_day <= days;
}

bool AddressMemory::Whole() const {
  std::size_t size = 0;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    const auto used = std::count_if(shards_[i].begin(), shards_[i].end(),
                                    [](const Slot& slot) { return slot.last_day != 0; });
    // Find ends at an empty slot: there must be one.
    if (used_[i] != static_cast<std::size_t>(used) ||
        (!shards_[i].empty() && used_[i] == shards_[i].size())) {
      return false;
    }
    size += used_[i];
  }
  return size == size_;
}

std::size_t AddressMemory::MemoryBytes() const {
  std::size_t bytes = 0;
  for (const Shard& shard : shards_) bytes += shard.capacity() * sizeof(Slot);
  return bytes;
}

void AddressMemory::AddTo(HashWriter& hash) const {
  for (const Shard& shard : shards_) {
    Shard sorted;
    for (const Slot& slot : shard) {
      if (slot.last_day != 0) sorted.push_back(slot);
    }
    std::sort(sorted.begin(), sorted.end(), [](const Slot& a, const Slot& b) {
      return a.person != b.person ? a.person < b.person
                                  : (a.tag_and_high & kHigh) < (b.tag_and_high & kHigh);
    });
    hash.U32(static_cast<std::uint32_t>(sorted.size()));
    for (const Slot& slot : sorted) {
      hash.U32(slot.person).U32(slot.tag_and_high).U16(slot.last_day).U16(slot.other_day);
    }
  }
}

}  // namespace holdfast::policy
