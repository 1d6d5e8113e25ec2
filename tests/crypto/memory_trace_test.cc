// SPDX-License-Identifier: Apache-2.0
// After a destruction nothing in this process's own memory holds what was destroyed: not the heap,
// not a stack, not a guarded page. The needles are kept masked, so that the search does not find
// itself.
// Secrets come from the system's source: what a seeded one gives, other tests of this program had
// too.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/bytes.h"
#include "crypto/envelope.h"
#include "crypto/internal/secret_access.h"
#include "crypto/key_tree.h"
#include "crypto/lease.h"
#include "crypto/random.h"
#include "crypto/sealed_subject.h"
#include "crypto/top_page.h"
#include "tests/support/status_matchers.h"

namespace holdfast::crypto {
namespace {

using ::holdfast::crypto::internal::SecretAccess;
using ::holdfast::test::IsOk;

constexpr std::byte kMask{0xa5};

// 32 bytes to look for, masked.
struct Needle {
  std::string name;
  std::array<std::byte, 32> masked{};
};

Needle NeedleOf(std::string name, ByteSpan bytes) {
  Needle needle{std::move(name), {}};
  for (std::size_t i = 0; i < 32; ++i) needle.masked[i] = bytes[i] ^ kMask;
  return needle;
}

bool MatchesAt(const std::byte* at, const Needle& needle) {
  for (std::size_t i = 0; i < 32; ++i) {
    if ((at[i] ^ kMask) != needle.masked[i]) return false;
  }
  return true;
}

std::size_t AnchorOf(const Needle& needle) {
  std::size_t anchor = 0;
  while (anchor < 31 && (needle.masked[anchor] ^ kMask) == std::byte{0}) ++anchor;
  return anchor;
}

// What may be read of this process and can hold data of ours. A sanitizer's shadow is left out: it
// is many times larger than the machine, and holds no copies.
std::vector<std::pair<std::uint64_t, std::uint64_t>> WritableRegions() {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> regions;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    char dash = 0;
    std::string permissions;
    fields >> std::hex >> from >> dash >> to >> permissions;
    if (permissions.starts_with("rw") && to - from < (std::uint64_t{1} << 30)) {
      regions.emplace_back(from, to);
    }
  }
  return regions;
}

// Returns the names of the needles that are found, each once for each place.
std::vector<std::string> FindInMemory(const std::vector<Needle>& needles) {
  std::vector<std::string> found;
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  EXPECT_GE(memory, 0);
  constexpr std::size_t kChunk = std::size_t{1} << 20;
  Bytes buffer(kChunk + 31);
  const auto own_from = reinterpret_cast<std::uint64_t>(buffer.data());
  for (const auto& region : WritableRegions()) {
    for (std::uint64_t at = region.first; at < region.second; at += kChunk) {
      const std::size_t want =
          static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), region.second - at));
      const ssize_t got = pread(memory, buffer.data(), want, static_cast<off_t>(at));
      if (got < 32) continue;
      const auto size = static_cast<std::size_t>(got);
      for (const Needle& needle : needles) {
        // Memory is full of zeros, so the byte to look for first is another one.
        const std::size_t anchor = AnchorOf(needle);
        const char wanted = static_cast<char>(needle.masked[anchor] ^ kMask);
        const std::string_view text = AsText(ByteSpan(buffer).first(size - 31 + anchor));
        for (std::size_t hit = text.find(wanted, anchor); hit != std::string_view::npos;
             hit = text.find(wanted, hit + 1)) {
          const std::size_t offset = hit - anchor;
          const bool is_own = at + offset + 32 > own_from && at + offset < own_from + buffer.size();
          if (!is_own && MatchesAt(buffer.data() + offset, needle)) found.push_back(needle.name);
        }
      }
    }
    std::fill(buffer.begin(), buffer.end(), std::byte{0});
  }
  close(memory);
  return found;
}

TEST(MemoryTraceTest, FindsWhatIsThere) {
  SystemRandom random;
  const SecretBytes secret = SecretBytes::FromRandom(random, 32).value();
  const std::vector<Needle> needles = {NeedleOf("secret", SecretAccess::Read(secret))};
  EXPECT_THAT(FindInMemory(needles), testing::ElementsAre("secret"));
  const Bytes copy = ToBytes(SecretAccess::Read(secret));
  EXPECT_THAT(FindInMemory(needles), testing::ElementsAre("secret", "secret"));
}

TEST(MemoryTraceTest, FindsNothingOfADestroyedRecord) {
  SystemRandom random;
  std::vector<Needle> needles;
  std::optional<TopPage> page = TopPage::Create().value();
  const SegmentName name{.exchange = ExchangeId(Draw<32>(random)),
                         .segment = SegmentId(Draw<16>(random)),
                         .kind = SegmentKind::kRecord};
  constexpr std::uint32_t kLeaf = 4711;
  Bytes sealed_segment;
  {
    const SegmentTree tree = SegmentTree::Create(random).value();
    needles.push_back(
        NeedleOf("root of the segment", SecretAccess::Read(tree.Serialize().value()).last(32)));
    sealed_segment = page->AddSegment(name, tree, random).value();

    // The whole life of a record: sealed, opened, leased, unwrapped; and a subject's.
    LeafCursor cursor(tree);
    LeafSeed seed;
    ASSERT_THAT(cursor.Derive(kLeaf, seed), IsOk());
    needles.push_back(NeedleOf("leaf seed", SecretAccess::Read(seed)));
    const RecordKey key = DeriveRecordKey(seed, name.segment, kLeaf);
    needles.push_back(NeedleOf("record key", SecretAccess::Read(key)));
    EnvelopeHeader header;
    header.segment = name.segment;
    header.leaf = kLeaf;
    const std::string payload = "a payload of a record, long enough to search for";
    Bytes envelope(EnvelopeBytes(256));
    ASSERT_THAT(SealEnvelope(header, key, AsBytes(payload), 256, envelope), IsOk());
    ASSERT_THAT(OpenEnvelope(envelope, key, ExpectedEnvelope{}), IsOk());
    Bytes subject(SealedSubjectBytes(256));
    ASSERT_THAT(SealSubject({}, seed, SubjectNonce{}, AsBytes(payload), 256, subject), IsOk());
    ASSERT_THAT(OpenSubject(subject, {}, seed), IsOk());

    LeaseOpening opening;
    opening.member = "requester";
    const auto request =
        LeaseRequest::Create(opening, SigningKey::Generate(random).value(), random).value();
    const auto issuer = LeaseIssuer::Issue({.exchange = {},
                                            .transfer = {},
                                            .opening = request.digest(),
                                            .lease = 0,
                                            .ledger_index = 0,
                                            .not_after = {}},
                                           request.opening().recipient_key, random)
                            .value();
    SealedRecordKey wrapped{};
    issuer.Wrap(key, 0, 1, wrapped);
    const auto lease = request.Accept(issuer.header_bytes(), issuer.sealed_lease_key());
    ASSERT_THAT(lease, IsOk());
    ASSERT_THAT(lease->Unwrap(wrapped, 0, 1), IsOk());
    EXPECT_FALSE(FindInMemory(needles).empty());
  }
  {
    const SecretBytes old_root_key = NewRootKey(random).value();
    needles.push_back(NeedleOf("old root key", SecretAccess::Read(old_root_key)));
    const Bytes top =
        page->Seal(old_root_key, name.exchange, {.epoch = Epoch(1), .anchor = {}}, random).value();
    TopPage next =
        TopPage::Open(top, old_root_key, name.exchange, {.epoch = Epoch(1), .anchor = {}}).value();
    const std::vector<std::uint32_t> destroyed{kLeaf};
    const SegmentTree before = next.OpenSegment(name, sealed_segment).value();
    const SegmentTree after = before.Puncture(destroyed).value();
    ASSERT_THAT(VerifyPuncture(before, after, destroyed), IsOk());
    sealed_segment = next.ReplaceSegment(name, after, random).value();
    page = std::move(next);
  }
  EXPECT_THAT(FindInMemory(needles), testing::IsEmpty());
  // And yet the page is alive.
  EXPECT_THAT(page->OpenSegment(name, sealed_segment), IsOk());
}

}  // namespace
}  // namespace holdfast::crypto
