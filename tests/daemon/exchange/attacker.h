// SPDX-License-Identifier: Apache-2.0
// Somebody who has files and wants records: tries every page under every key that can be found.
//
//   Attacker attacker(exchange_id);
//   attacker.TakeFile(bytes);           // Whatever there is: each page and key area in it is
//   found. attacker.TakeDatabase("database");  // The same through SQLite, for what spans several
//   pages. attacker.TakeKey(root_key); attacker.Work(); EXPECT_FALSE(attacker.Derives(segment,
//   leaf));
//
// When to use  In tests of destruction. It is written from docs/key-tree.md and
//              docs/envelope-format.md and uses nothing of crypto/, so that a mistake there is not
//              made twice. Keys lie in it in the clear, as with any attacker.
// Threads      One thread.
// Ownership    Owns copies of what it took.
// Errors       None: what does not open does not open. What SQLite cannot read is skipped.
//
// It does not need to know where a page ends: it decrypts the first bytes under a candidate key and
// reads there how long the page has to be, and then checks the tag.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"

namespace holdfast::test {

class Attacker final {
 public:
  using Key = std::array<unsigned char, 32>;
  using Leaf = std::pair<SegmentId, std::uint32_t>;

  explicit Attacker(const ExchangeId& exchange) : exchange_(exchange) {}

  // Looks for pages, envelopes and areas of a file keyslot anywhere in `bytes`.
  void TakeFile(ByteSpan bytes);

  // Looks for them in every blob of every table of the database in `path`, which is opened and so
  // may change: give it a copy. Takes the file itself too.
  void TakeDatabase(const std::string& path);

  // Takes 32 bytes that may be a key of anything.
  void TakeKey(ByteSpan key);

  // Tries everything until nothing new opens.
  void Work();

  // Whether the seed of the leaf can be derived from what was opened.
  bool Derives(const SegmentId& segment, std::uint32_t leaf) const;

  // Whether an envelope of that leaf is among what it took, and opens.
  bool Opens(const SegmentId& segment, std::uint32_t leaf) const {
    return opened_envelopes_.contains({segment, leaf});
  }

  // Every secret that it came to know: root keys, page keys, named secrets, seeds of trees.
  const std::set<Key>& keys() const { return known_; }

  // The seeds of `leaf` and of each node above it that it knows or can derive, and the record key.
  std::vector<Key> SecretsOf(const SegmentId& segment, std::uint32_t leaf) const;

  // What there was, and what of it opened.
  std::size_t top_pages() const { return top_pages_.size(); }
  std::size_t opened_top_pages() const;
  std::size_t segment_pages() const { return segment_pages_.size(); }
  std::size_t opened_segment_pages() const;

 private:
  // Sealed bytes from where one begins; how long it is, nobody has said. Of what stands in the
  // middle of a file the rest may have been overwritten, and it looks longer than what is whole:
  // one is kept of each.
  enum class Found { kWhole, kInTheMiddle };
  struct Sealed {
    Bytes whole;
    Bytes in_the_middle;
    bool opened = false;
  };
  struct Envelope {
    Bytes header;
    Key commitment{};
  };
  using Nonce = std::array<std::byte, 24>;

  static void Take(Sealed& page, ByteSpan from_here, Found how);
  void TakeTopPage(ByteSpan from_here, Found how);
  void TakeSegmentPage(ByteSpan from_here, Found how);
  void TakeEnvelope(ByteSpan from_here);
  void TakeKeyslotArea(ByteSpan from_here);

  // Whether the page opens under that key.
  bool TryTopPage(ByteSpan bytes, const Key& key);
  bool TrySegmentPage(ByteSpan bytes, const Key& key);
  void AddKey(const Key& key);
  void OpenEnvelopes();

  const ExchangeId exchange_;
  std::map<Nonce, Sealed> top_pages_;
  std::map<Nonce, Sealed> segment_pages_;
  std::map<Leaf, std::vector<Envelope>> envelopes_;
  std::set<Leaf> opened_envelopes_;
  std::set<SegmentId> segments_;  // Names that it has seen anywhere.

  std::set<Key> known_;
  std::vector<Key> keys_;  // The same, in the order in which they were found.

  // The seeds that it has of each segment, by position in the tree.
  std::map<SegmentId, std::map<std::uint32_t, Key>> seeds_;
};

}  // namespace holdfast::test
