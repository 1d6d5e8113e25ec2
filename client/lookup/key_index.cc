// SPDX-License-Identifier: Apache-2.0
#include "client/lookup/key_index.h"

#include <algorithm>
#include <functional>

#include "client/lookup/person_keys.h"

namespace holdfast::client {
namespace {

std::uint64_t HashOfKey(std::string_view key) { return std::hash<std::string_view>{}(key); }

}  // namespace

void KeyIndex::Add(std::uint32_t person, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    const std::uint64_t hash = HashOfKey(key);
    entries_.push_back(
        {static_cast<std::uint32_t>(hash >> 32U), static_cast<std::uint32_t>(hash), person});
  }
}

void KeyIndex::Seal() {
  entries_.shrink_to_fit();
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return HashOf(a) != HashOf(b) ? HashOf(a) < HashOf(b) : a.person < b.person;
  });
}

std::vector<std::uint32_t> KeyIndex::Find(const std::vector<std::string>& keys) const {
  std::vector<std::uint32_t> people;
  for (const std::string& key : keys) {
    const std::uint64_t hash = HashOfKey(key);
    const auto begin =
        std::lower_bound(entries_.begin(), entries_.end(), hash,
                         [](const Entry& e, std::uint64_t h) { return HashOf(e) < h; });
    auto end = begin;
    while (end != entries_.end() && HashOf(*end) == hash) ++end;
    if (IsPlaceKey(key) && static_cast<std::size_t>(end - begin) > kMostByPlace) continue;
    for (auto entry = begin; entry != end; ++entry) people.push_back(entry->person);
  }
  std::sort(people.begin(), people.end());
  people.erase(std::unique(people.begin(), people.end()), people.end());
  return people;
}

}  // namespace holdfast::client
