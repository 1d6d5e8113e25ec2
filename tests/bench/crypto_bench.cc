// SPDX-License-Identifier: Apache-2.0
// What sealing, releasing and destroying cost, and what of it the cipher alone would.
//
// Machines differ, so each line about one record has a counter `x_raw_aead`: its time over that of
// XChaCha20-Poly1305 alone for a payload and associated data of the same sizes, measured in the
// same run.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <time.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/file_system.h"
#include "crypto/envelope.h"
#include "crypto/internal/primitives.h"
#include "crypto/key_tree.h"
#include "crypto/keyslot/file_keyslot.h"
#include "crypto/lease.h"
#include "crypto/pseudonym.h"
#include "crypto/random.h"
#include "crypto/sealed_subject.h"
#include "crypto/segment_page.h"
#include "crypto/top_page.h"
#include "tests/support/seeded_random.h"

namespace holdfast::crypto {
namespace {

// Of this thread, so that a busy machine does not spoil a ratio.
double CpuSeconds() {
  timespec now{};
  HF_CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// A structured record, and the transfer's one size for it.
constexpr std::size_t kPayloadBytes = 288;
constexpr std::size_t kPaddedBytes = 320;
constexpr std::size_t kBatch = 256;

void SealRaw(std::span<std::byte> out) {
  static const std::array<std::byte, 32> key{};
  static const std::array<std::byte, 24> nonce{};
  static const std::array<std::byte, 222> associated{};
  internal::SealAead(key, nonce, associated, out.first(kPaddedBytes),
                     out.first(kPaddedBytes + internal::kTagBytes));
}

// The best of a few rounds: whatever disturbs one makes it slower.
double RawSecondsPerSeal() {
  static const double seconds = [] {
    Bytes out(kPaddedBytes + internal::kTagBytes);
    double best = 1;
    for (int round = 0; round < 10; ++round) {
      constexpr int kSeals = 10'000;
      const double begin = CpuSeconds();
      for (int i = 0; i < kSeals; ++i) SealRaw(out);
      best = std::min(best, (CpuSeconds() - begin) / kSeals);
    }
    return best;
  }();
  return seconds;
}

// Runs `batch`, which handles kBatch records, and reports records and the ratio.
template <typename F>
void MeasureBatches(benchmark::State& state, F batch) {
  const double raw = RawSecondsPerSeal();
  const double begin = CpuSeconds();
  for (auto unused : state) {
    (void)unused;
    batch();
  }
  const double taken = CpuSeconds() - begin;
  const auto records = static_cast<double>(state.iterations()) * double{kBatch};
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
  state.counters["x_raw_aead"] = taken / records / raw;
}

// Hands out the leaves of one segment in order, over and over.
class Leaves final {
 public:
  explicit Leaves(Random& random) : tree_(SegmentTree::Create(random).value()), cursor_(tree_) {}

  std::uint32_t Next(LeafSeed& seed) {
    const std::uint32_t leaf = next_++ % tree_.leaves();
    HF_CHECK(cursor_.Derive(leaf, seed).ok());
    return leaf;
  }

 private:
  SegmentTree tree_;
  LeafCursor cursor_;
  std::uint32_t next_ = 0;
};

void RawAead(benchmark::State& state) {
  Bytes out(kPaddedBytes + internal::kTagBytes);
  MeasureBatches(state, [&] {
    for (std::size_t i = 0; i < kBatch; ++i) SealRaw(out);
  });
}
BENCHMARK(RawAead);

void DeriveLeaves(benchmark::State& state) {
  SystemRandom random;
  Leaves leaves(random);
  LeafSeed seed;
  MeasureBatches(state, [&] {
    for (std::size_t i = 0; i < kBatch; ++i) leaves.Next(seed);
  });
}
BENCHMARK(DeriveLeaves);

// All that a deposit costs in crypto/: leaf, record key, salt, seal.
void SealEnvelopes(benchmark::State& state) {
  SystemRandom random;
  Leaves leaves(random);
  EnvelopeHeader header;
  header.segment = SegmentId(Draw<16>(random));
  const Bytes payload(kPayloadBytes, std::byte{'r'});
  Bytes out(kBatch * EnvelopeBytes(kPaddedBytes));
  MeasureBatches(state, [&] {
    const auto salts = DrawMany<32>(random, kBatch);
    LeafSeed seed;
    for (std::size_t i = 0; i < kBatch; ++i) {
      header.leaf = leaves.Next(seed);
      header.salt = salts[i];
      const RecordKey key = DeriveRecordKey(seed, header.segment, header.leaf);
      HF_CHECK(SealEnvelope(header, key, payload, kPaddedBytes,
                            std::span(out).subspan(i * EnvelopeBytes(kPaddedBytes),
                                                   EnvelopeBytes(kPaddedBytes)))
                   .ok());
    }
  });
}
BENCHMARK(SealEnvelopes);

void OpenEnvelopes(benchmark::State& state) {
  SystemRandom random;
  Leaves leaves(random);
  EnvelopeHeader header;
  LeafSeed seed;
  header.leaf = leaves.Next(seed);
  const RecordKey key = DeriveRecordKey(seed, header.segment, header.leaf);
  const Bytes payload(kPayloadBytes, std::byte{'r'});
  Bytes envelope(EnvelopeBytes(kPaddedBytes));
  HF_CHECK(SealEnvelope(header, key, payload, kPaddedBytes, envelope).ok());
  const ExpectedEnvelope expected;
  MeasureBatches(state, [&] {
    for (std::size_t i = 0; i < kBatch; ++i) {
      HF_CHECK(OpenEnvelope(envelope, key, expected).ok());
    }
  });
}
BENCHMARK(OpenEnvelopes);

void SealSubjects(benchmark::State& state) {
  SystemRandom random;
  Leaves leaves(random);
  SubjectName name;
  const Bytes payload(kPayloadBytes, std::byte{'s'});
  Bytes out(SealedSubjectBytes(kPaddedBytes));
  MeasureBatches(state, [&] {
    const auto nonces = DrawMany<kSubjectNonceBytes>(random, kBatch);
    LeafSeed seed;
    for (std::size_t i = 0; i < kBatch; ++i) {
      name.leaf = leaves.Next(seed);
      HF_CHECK(SealSubject(name, seed, nonces[i], payload, kPaddedBytes, out).ok());
    }
  });
}
BENCHMARK(SealSubjects);

// All that a release costs in crypto/: leaf, record key, wrap.
void WrapRecordKeys(benchmark::State& state) {
  SystemRandom random;
  Leaves leaves(random);
  LeaseOpening opening;
  opening.member = "requester";
  const auto request =
      LeaseRequest::Create(opening, SigningKey::Generate(random).value(), random).value();
  const auto issuer =
      LeaseIssuer::Issue(LeaseHeader{}, request.opening().recipient_key, random).value();
  const SegmentId segment(Draw<16>(random));
  SealedRecordKey sealed{};
  std::uint64_t ledger_index = 0;
  MeasureBatches(state, [&] {
    LeafSeed seed;
    for (std::size_t i = 0; i < kBatch; ++i) {
      const std::uint32_t leaf = leaves.Next(seed);
      issuer.Wrap(DeriveRecordKey(seed, segment, leaf), leaf, ledger_index++, sealed);
    }
  });
}
BENCHMARK(WrapRecordKeys);

void Pseudonyms(benchmark::State& state) {
  SystemRandom random;
  const SecretBytes key = SecretBytes::FromRandom(random, 32).value();
  const Bytes identity(60, std::byte{'p'});
  MeasureBatches(state, [&] {
    for (std::size_t i = 0; i < kBatch; ++i) benchmark::DoNotOptimize(PseudonymOf(key, identity));
  });
}
BENCHMARK(Pseudonyms);

// 47,289 of 1.3 million records, in 20 segments.
struct Destruction {
  static constexpr std::size_t kSegments = 20;
  static constexpr std::size_t kLeaves = 47'289;

  Destruction() {
    test::SeededRandom choose(20);
    for (std::size_t i = 0; i < kSegments; ++i) {
      before.push_back(SegmentTree::Create(random).value());
      std::set<std::uint32_t> some;
      const std::size_t count = kLeaves * (i + 1) / kSegments - kLeaves * i / kSegments;
      while (some.size() < count) {
        some.insert(static_cast<std::uint32_t>(choose.Below(kLeavesPerSegment)));
      }
      destroyed.emplace_back(some.begin(), some.end());
    }
  }

  SystemRandom random;
  std::vector<SegmentTree> before;
  std::vector<std::vector<std::uint32_t>> destroyed;
};

void PunctureSegments(benchmark::State& state) {
  const Destruction work;
  std::size_t nodes = 0;
  for (auto unused : state) {
    (void)unused;
    nodes = 0;
    for (std::size_t i = 0; i < Destruction::kSegments; ++i) {
      nodes += work.before[i].Puncture(work.destroyed[i]).value().positions().size();
    }
  }
  state.counters["nodes"] = static_cast<double>(nodes);
}
BENCHMARK(PunctureSegments)->Unit(benchmark::kMillisecond);

void VerifyPunctures(benchmark::State& state) {
  const Destruction work;
  std::vector<SegmentTree> after;
  for (std::size_t i = 0; i < Destruction::kSegments; ++i) {
    after.push_back(work.before[i].Puncture(work.destroyed[i]).value());
  }
  for (auto unused : state) {
    (void)unused;
    for (std::size_t i = 0; i < Destruction::kSegments; ++i) {
      HF_CHECK(VerifyPuncture(work.before[i], after[i], work.destroyed[i]).ok());
    }
  }
}
BENCHMARK(VerifyPunctures)->Unit(benchmark::kMillisecond);

// Puncture, seal, open again, verify: all that crypto/ does before the commit.
void DestroyRecords(benchmark::State& state) {
  Destruction work;
  TopPage page = TopPage::Create().value();
  std::vector<SegmentName> names;
  for (const SegmentTree& tree : work.before) {
    names.push_back({.exchange = ExchangeId(),
                     .segment = SegmentId(Draw<16>(work.random)),
                     .kind = SegmentKind::kRecord});
    HF_CHECK(page.AddSegment(names.back(), tree, work.random).ok());
  }
  std::size_t bytes = 0;
  for (auto unused : state) {
    (void)unused;
    TopPage next = page.Duplicate().value();
    bytes = 0;
    for (std::size_t i = 0; i < Destruction::kSegments; ++i) {
      const SegmentTree after = work.before[i].Puncture(work.destroyed[i]).value();
      const Bytes sealed = next.ReplaceSegment(names[i], after, work.random).value();
      const SegmentTree opened = next.OpenSegment(names[i], sealed).value();
      HF_CHECK(VerifyPuncture(work.before[i], opened, work.destroyed[i]).ok());
      bytes += sealed.size();
    }
    const SecretBytes root_key = NewRootKey(work.random).value();
    bytes += next.Seal(root_key, ExchangeId(), {.epoch = Epoch(2), .anchor = {}}, work.random)
                 .value()
                 .size();
  }
  state.counters["page_bytes"] = static_cast<double>(bytes);
}
BENCHMARK(DestroyRecords)->Unit(benchmark::kMillisecond);

// Two syncs of a quarter of a megabyte on the disk that the temporary folder is
// on.
void FileKeyslotEpoch(benchmark::State& state) {
  PosixFileSystem files;
  SystemRandom random;
  const std::string folder =
      (std::filesystem::temp_directory_path() / ("holdfast-bench-" + Hex(Draw<8>(random))))
          .string();
  {
    const auto slot =
        FileKeyslot::Open(files, folder, random, FileKeyslot::MediumCheck::kNoneForTests).value();
    const SecretBytes key = NewRootKey(random).value();
    HF_CHECK(slot->Stage(Epoch(1), key).ok());
    std::uint64_t epoch = 1;
    for (auto unused : state) {
      (void)unused;
      HF_CHECK(slot->Stage(Epoch(epoch + 1), key).ok());
      HF_CHECK(slot->Erase(Epoch(epoch)).ok());
      ++epoch;
    }
  }
  std::filesystem::remove_all(folder);
}
BENCHMARK(FileKeyslotEpoch)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace holdfast::crypto
