// SPDX-License-Identifier: Apache-2.0
// Which people of a file have a key: a sorted list of hashes, 12 bytes a key.
//
// Two keys may share a hash (one pair in 2^64), so whoever reads a person's record compares the
// keys again; a record that has none of them is not the one that was indexed: the file has changed.
//
// When to use  Behind a lookup whose people stay where they are.
// Threads      Immutable once sealed: Find() may be called concurrently.
// Ownership    Owns its list. No text of a person is kept.
// Errors       None.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::client {

class KeyIndex final {
 public:
  // Adds a person, by number, with its keys. REQUIRES: not sealed.
  void Add(std::uint32_t person, const std::vector<std::string>& keys);

  // Sorts. No Add() after it.
  void Seal();

  // Returns the numbers of all who have one of the keys, ascending, each once. A key of postal code
  // and name that more than kMostByPlace have is left out. REQUIRES: sealed.
  std::vector<std::uint32_t> Find(const std::vector<std::string>& keys) const;

 private:
  // Two halves of the hash, so that an entry has no padding.
  struct Entry {
    std::uint32_t high = 0;
    std::uint32_t low = 0;
    std::uint32_t person = 0;
  };
  static std::uint64_t HashOf(const Entry& entry) {
    return (std::uint64_t{entry.high} << 32U) | entry.low;
  }

  std::vector<Entry> entries_;
};

}  // namespace holdfast::client
