// SPDX-License-Identifier: Apache-2.0
#include "tests/daemon/exchange/attacker.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string_view>

#include <sodium.h>
#include <sqlite3.h>

namespace holdfast::test {
namespace {

constexpr std::size_t kAreaBytes = std::size_t{256} << 10;
constexpr std::size_t kDatabasePageBytes = std::size_t{16} << 10;
constexpr std::size_t kTagBytes = 16;
constexpr std::uint32_t kDepth = 16;

const unsigned char* Raw(ByteSpan bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::uint64_t BigEndian(ByteSpan bytes) {
  std::uint64_t value = 0;
  for (const std::byte byte : bytes) value = value << 8 | std::to_integer<std::uint64_t>(byte);
  return value;
}

// The key stream from the ciphertext's first byte on, without asking the tag.
void DecryptUnchecked(ByteSpan nonce, ByteSpan ciphertext, const Attacker::Key& key,
                      std::byte* plain) {
  crypto_stream_xchacha20_xor_ic(reinterpret_cast<unsigned char*>(plain), Raw(ciphertext),
                                 ciphertext.size(), Raw(nonce), /*ic=*/1, key.data());
}

Bytes DecryptUnchecked(ByteSpan nonce, ByteSpan ciphertext, const Attacker::Key& key) {
  Bytes plain(ciphertext.size());
  DecryptUnchecked(nonce, ciphertext, key, plain.data());
  return plain;
}

bool TagHolds(ByteSpan nonce, ByteSpan sealed, ByteSpan associated, const Attacker::Key& key) {
  Bytes plain(sealed.size());
  return crypto_aead_xchacha20poly1305_ietf_decrypt(
             reinterpret_cast<unsigned char*>(plain.data()), nullptr, nullptr, Raw(sealed),
             sealed.size(), Raw(associated), associated.size(), Raw(nonce), key.data()) == 0;
}

Bytes Join(std::initializer_list<ByteSpan> parts) {
  Bytes joined;
  for (const ByteSpan part : parts) joined.insert(joined.end(), part.begin(), part.end());
  return joined;
}

Attacker::Key KeyFrom(ByteSpan bytes) {
  Attacker::Key key{};
  std::memcpy(key.data(), bytes.data(), key.size());
  return key;
}

Attacker::Key Keyed(const Attacker::Key& key, ByteSpan message) {
  Attacker::Key hash{};
  crypto_generichash(hash.data(), hash.size(), Raw(message), message.size(), key.data(),
                     key.size());
  return hash;
}

// The seeds of the two children of a node.
std::pair<Attacker::Key, Attacker::Key> Children(const Attacker::Key& seed) {
  std::array<unsigned char, 64> block{};
  const std::array<unsigned char, crypto_stream_chacha20_ietf_NONCEBYTES> nonce{};
  crypto_stream_chacha20_ietf(block.data(), block.size(), nonce.data(), seed.data());
  std::pair<Attacker::Key, Attacker::Key> children;
  std::copy_n(block.begin(), 32, children.first.begin());
  std::copy_n(block.begin() + 32, 32, children.second.begin());
  return children;
}

Bytes LeafMessage(std::string_view label, const SegmentId& segment, std::uint32_t leaf) {
  Bytes message = Join({AsBytes(label), BytesOf(segment)});
  for (int shift = 24; shift >= 0; shift -= 8) message.push_back(std::byte(leaf >> shift & 0xffU));
  return message;
}

}  // namespace

void Attacker::TakeFile(ByteSpan bytes) {
  const std::string_view text = AsText(bytes);
  for (std::size_t at = text.find("HF"); at != std::string_view::npos;
       at = text.find("HF", at + 1)) {
    const std::string_view magic = text.substr(at, 4);
    // What stands in the middle of a file is a page's cell; a blob of its own may be longer.
    const ByteSpan from_here =
        bytes.subspan(at, at == 0 ? bytes.size() : std::min(bytes.size() - at, kDatabasePageBytes));
    const Found how = at == 0 ? Found::kWhole : Found::kInTheMiddle;
    if (magic == "HFT1") TakeTopPage(from_here, how);
    if (magic == "HFP1") TakeSegmentPage(from_here, how);
    if (magic == "HFE1") TakeEnvelope(from_here);
    if (magic == "HFK1") TakeKeyslotArea(from_here);
  }
}

void Attacker::Take(Sealed& page, ByteSpan from_here, Found how) {
  Bytes& bytes = how == Found::kWhole ? page.whole : page.in_the_middle;
  if (bytes.size() < from_here.size()) bytes = ToBytes(from_here);
}

void Attacker::TakeTopPage(ByteSpan from_here, Found how) {
  if (from_here.size() < 78 + 2 + kTagBytes) return;
  Nonce nonce{};
  std::copy_n(from_here.begin() + 54, nonce.size(), nonce.begin());
  Take(top_pages_[nonce], from_here, how);
}

void Attacker::TakeSegmentPage(ByteSpan from_here, Found how) {
  if (from_here.size() < 30 + 6 + kTagBytes) return;
  Nonce nonce{};
  std::copy_n(from_here.begin() + 6, nonce.size(), nonce.begin());
  Take(segment_pages_[nonce], from_here, how);
}

void Attacker::TakeEnvelope(ByteSpan from_here) {
  if (from_here.size() < 190 + 32) return;
  const auto segment = IdFromBytes<SegmentId>(from_here.subspan(54, 16));
  const auto leaf = static_cast<std::uint32_t>(BigEndian(from_here.subspan(70, 4)));
  std::vector<Envelope>& there = envelopes_[{*segment, leaf}];
  Envelope envelope{ToBytes(from_here.first(190)), KeyFrom(from_here.subspan(190, 32))};
  for (const Envelope& other : there) {
    if (other.header == envelope.header && other.commitment == envelope.commitment) return;
  }
  there.push_back(std::move(envelope));
}

void Attacker::TakeKeyslotArea(ByteSpan from_here) {
  if (from_here.size() < kAreaBytes) return;
  const ByteSpan area = from_here.first(kAreaBytes);
  crypto_generichash_state state;
  Key area_key{};
  constexpr std::string_view kLabel = "holdfast/1/file-keyslot";
  crypto_generichash_init(&state, nullptr, 0, area_key.size());
  crypto_generichash_update(&state, Raw(AsBytes(kLabel)), kLabel.size());
  crypto_generichash_update(&state, Raw(area.subspan(6, 8)), 8);
  crypto_generichash_update(&state, Raw(area.subspan(86)), area.size() - 86);
  crypto_generichash_final(&state, area_key.data(), area_key.size());
  Key root{};
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(root.data(), nullptr, nullptr,
                                                 Raw(area.subspan(38)), 48, Raw(area), 14,
                                                 Raw(area.subspan(14)), area_key.data()) == 0) {
    AddKey(root);
  }
}

void Attacker::TakeDatabase(const std::string& path) {
  for (const char* suffix : {"", "-wal"}) {
    std::ostringstream text;
    text << std::ifstream(path + suffix, std::ios::binary).rdbuf();
    TakeFile(AsBytes(text.str()));
  }
  sqlite3* opened = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> db(opened, &sqlite3_close);
  if (result != SQLITE_OK) return;
  for (const char* query : {"SELECT bytes FROM top_page", "SELECT bytes FROM segment_page",
                            "SELECT bytes FROM chunk", "SELECT bytes FROM snapshot"}) {
    sqlite3_stmt* prepared = nullptr;
    if (sqlite3_prepare_v2(db.get(), query, -1, &prepared, nullptr) != SQLITE_OK) continue;
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> rows(prepared, &sqlite3_finalize);
    while (sqlite3_step(rows.get()) == SQLITE_ROW) {
      const auto* blob = static_cast<const std::byte*>(sqlite3_column_blob(rows.get(), 0));
      TakeFile({blob, static_cast<std::size_t>(sqlite3_column_bytes(rows.get(), 0))});
    }
  }
}

void Attacker::TakeKey(ByteSpan key) { AddKey(KeyFrom(key)); }

void Attacker::AddKey(const Key& key) {
  if (known_.insert(key).second) keys_.push_back(key);
}

void Attacker::Work() {
  for (std::size_t next = 0; next < keys_.size(); ++next) {
    const Key key = keys_[next];
    for (auto& [nonce, page] : top_pages_) {
      for (const Bytes* bytes : {&page.whole, &page.in_the_middle}) {
        if (!page.opened && !bytes->empty()) page.opened = TryTopPage(*bytes, key);
      }
    }
    for (auto& [nonce, page] : segment_pages_) {
      for (const Bytes* bytes : {&page.whole, &page.in_the_middle}) {
        if (!page.opened && !bytes->empty()) page.opened = TrySegmentPage(*bytes, key);
      }
    }
  }
  OpenEnvelopes();
}

bool Attacker::TryTopPage(ByteSpan bytes, const Key& key) {
  const ByteSpan nonce = bytes.subspan(54, 24);
  std::byte version{};
  DecryptUnchecked(nonce, bytes.subspan(78, 1), key, &version);
  if (version != std::byte{1}) return false;
  const Bytes image = DecryptUnchecked(nonce, bytes.subspan(78), key);

  // Walks the image to its end, which says where the page ends.
  std::vector<std::pair<SegmentId, Key>> segments;
  std::vector<Bytes> secrets;
  std::size_t at = 3;
  const auto count = BigEndian(ByteSpan(image).subspan(1, 2));
  for (std::uint64_t i = 0; i < count; ++i, at += 49) {
    if (at + 49 > image.size()) return false;
    segments.emplace_back(*IdFromBytes<SegmentId>(ByteSpan(image).subspan(at, 16)),
                          KeyFrom(ByteSpan(image).subspan(at + 17, 32)));
  }
  if (at + 1 > image.size()) return false;
  const auto named = std::to_integer<std::size_t>(image[at++]);
  for (std::size_t i = 0; i < named; ++i) {
    if (at + 1 > image.size()) return false;
    at += 1 + std::to_integer<std::size_t>(image[at]);
    if (at + 2 > image.size()) return false;
    const auto size = static_cast<std::size_t>(BigEndian(ByteSpan(image).subspan(at, 2)));
    at += 2;
    if (at + size > image.size()) return false;
    secrets.push_back(ToBytes(ByteSpan(image).subspan(at, size)));
    at += size;
  }
  if (at + kTagBytes > image.size()) return false;
  const Bytes associated =
      Join({AsBytes("holdfast/1/top-page"), BytesOf(exchange_), bytes.first(78)});
  if (!TagHolds(nonce, bytes.subspan(78, at + kTagBytes), associated, key)) return false;

  for (const auto& [segment, page_key] : segments) {
    segments_.insert(segment);
    AddKey(page_key);
  }
  for (const Bytes& secret : secrets) {
    if (secret.size() >= 32) AddKey(KeyFrom(secret));
  }
  return true;
}

bool Attacker::TrySegmentPage(ByteSpan bytes, const Key& key) {
  const ByteSpan nonce = bytes.subspan(6, 24);
  std::array<std::byte, 6> begin{};
  DecryptUnchecked(nonce, bytes.subspan(30, begin.size()), key, begin.data());
  if (begin[0] != std::byte{1} || begin[1] != std::byte{kDepth}) return false;
  const auto nodes = static_cast<std::size_t>(BigEndian(ByteSpan(begin).subspan(2, 4)));
  const std::size_t sealed_bytes = 6 + 36 * nodes + kTagBytes;
  if (nodes > (std::size_t{1} << kDepth) || bytes.size() < 30 + sealed_bytes) return false;
  const ByteSpan sealed = bytes.subspan(30, sealed_bytes);
  for (const SegmentId& segment : segments_) {
    for (const std::byte kind : {std::byte{1}, std::byte{2}}) {
      const Bytes associated = Join({AsBytes("holdfast/1/segment-page"),
                                     BytesOf(exchange_),
                                     BytesOf(segment),
                                     {&kind, 1},
                                     bytes.first(30)});
      if (!TagHolds(nonce, sealed, associated, key)) continue;
      const Bytes image = DecryptUnchecked(nonce, sealed, key);
      for (std::size_t node = 0; node < nodes; ++node) {
        const auto position =
            static_cast<std::uint32_t>(BigEndian(ByteSpan(image).subspan(6 + 4 * node, 4)));
        const Key seed = KeyFrom(ByteSpan(image).subspan(6 + 4 * nodes + 32 * node, 32));
        seeds_[segment][position] = seed;
        // Nobody has promised that a seed is not a key of something else.
        AddKey(seed);
      }
      return true;
    }
  }
  return false;
}

std::vector<Attacker::Key> Attacker::SecretsOf(const SegmentId& segment, std::uint32_t leaf) const {
  const auto found = seeds_.find(segment);
  if (found == seeds_.end()) return {};
  const std::uint32_t position = (std::uint32_t{1} << kDepth) + leaf;
  for (std::uint32_t up = 0; up <= kDepth; ++up) {
    const auto seed = found->second.find(position >> up);
    if (seed == found->second.end()) continue;
    std::vector<Key> path{seed->second};
    for (std::uint32_t down = up; down > 0; --down) {
      const auto [left, right] = Children(path.back());
      path.push_back((position >> (down - 1) & 1U) == 0 ? left : right);
    }
    path.push_back(Keyed(path.back(), LeafMessage("holdfast/1/record", segment, leaf)));
    return path;
  }
  return {};
}

bool Attacker::Derives(const SegmentId& segment, std::uint32_t leaf) const {
  return !SecretsOf(segment, leaf).empty();
}

void Attacker::OpenEnvelopes() {
  for (const auto& [leaf, envelopes] : envelopes_) {
    const std::vector<Key> secrets = SecretsOf(leaf.first, leaf.second);
    if (secrets.empty()) continue;
    for (const Envelope& envelope : envelopes) {
      const Bytes message = Join({AsBytes("holdfast/1/commit"), envelope.header});
      if (Keyed(secrets.back(), message) == envelope.commitment) opened_envelopes_.insert(leaf);
    }
  }
}

std::size_t Attacker::opened_top_pages() const {
  return static_cast<std::size_t>(std::count_if(
      top_pages_.begin(), top_pages_.end(), [](const auto& page) { return page.second.opened; }));
}

std::size_t Attacker::opened_segment_pages() const {
  return static_cast<std::size_t>(
      std::count_if(segment_pages_.begin(), segment_pages_.end(),
                    [](const auto& page) { return page.second.opened; }));
}

}  // namespace holdfast::test
