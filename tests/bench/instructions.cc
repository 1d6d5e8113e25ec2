// SPDX-License-Identifier: Apache-2.0
// The work that script/count_instructions counts: how many of the processor's instructions our own
// code takes for a record that is sealed, a key that is released, and a decision among many holds.
//
//   instructions seal|release|decide
//
// Counts are the same in every run and on every machine with the same compiler, so that what became
// slower by a few percent is seen where times would hide it. All randomness has a fixed seed.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/envelope.h"
#include "crypto/key_tree.h"
#include "crypto/lease.h"
#include "daemon/exchange/entry_batch.h"
#include "policy/apply.h"
#include "policy/decide.h"
#include "tests/policy/policy_world.h"
#include "tests/support/seeded_random.h"

namespace holdfast::bench {
namespace {

constexpr int kUsage = 64;
constexpr std::uint32_t kRows = 256;
constexpr std::uint32_t kHolds = 200;
constexpr std::size_t kPayloadBytes = 300;
constexpr std::size_t kPaddedBytes = 1024;
constexpr std::uint64_t kSeed = 7;

class Random final : public crypto::Random {
 public:
  void Fill(std::span<std::byte> out) override { random_.Fill(out); }

 private:
  test::SeededRandom random_{kSeed};
};

// Two officers ask for all of the rows.
test::AgreementOptions Wide() {
  test::AgreementOptions options;
  options.brakes = "officer_open_cases: 4000 officer_share_basis_points: 10000 open_records: 4000";
  return options;
}

// What is counted is what these functions do: script/count_instructions looks for their names.

[[gnu::noinline]] void CountedSeal(Random& random, const crypto::SegmentTree& tree) {
  crypto::LeafCursor cursor(tree);
  crypto::EnvelopeHeader header;
  const Bytes payload(kPayloadBytes, std::byte{'r'});
  Bytes out(crypto::EnvelopeBytes(kPaddedBytes));
  exchange::EntryBatch batch(kRows, random);
  const auto salts = crypto::DrawMany<32>(random, kRows);
  for (std::uint32_t i = 0; i < kRows; ++i) {
    crypto::LeafSeed seed;
    HF_CHECK(cursor.Derive(i, seed).ok());
    header.leaf = i;
    header.salt = salts[i];
    const crypto::RecordKey key = crypto::DeriveRecordKey(seed, header.segment, i);
    HF_CHECK(crypto::SealEnvelope(header, key, payload, kPaddedBytes, out).ok());
    ledger::v1::EnvelopeDeposited& fact = *batch.Add()->mutable_envelope_deposited();
    fact.set_row(i);
    fact.set_leaf(i);
    fact.set_verdict(1);
    fact.set_envelope_digest(std::string(32, 'd'));
    fact.set_commitment(std::string(32, 'c'));
  }
  batch.Seal();
}

[[gnu::noinline]] void CountedRelease(Random& random, test::World& world, std::uint32_t lease,
                                      const crypto::SegmentTree& tree,
                                      const crypto::LeaseIssuer& issuer) {
  exchange::EntryBatch batch(kRows, random);
  for (std::uint32_t row = 0; row < kRows; ++row) {
    *batch.Add()->mutable_key_released() = test::World::Release(lease, row);
  }
  batch.Seal();
  policy::DecisionBatch decisions(world.state());
  for (std::uint32_t i = 0; i < kRows; ++i) {
    HF_CHECK(decisions.Decide({batch.entry(i)}).allowed());
  }
  crypto::LeafCursor cursor(tree);
  const SegmentId segment{};
  crypto::SealedRecordKey sealed{};
  for (std::uint32_t i = 0; i < kRows; ++i) {
    policy::State& state = world.state();
    HF_CHECK(policy::Apply(state, batch.entry(i), nullptr, state.ledger_size()).ok());
    crypto::LeafSeed seed;
    HF_CHECK(cursor.Derive(i, seed).ok());
    issuer.Wrap(crypto::DeriveRecordKey(seed, segment, i), i, i, sealed);
  }
}

[[gnu::noinline]] void CountedDecide(const policy::State& state, ledger::v1::Entry& entry) {
  for (std::uint32_t row = 0; row < kRows; ++row) {
    entry.mutable_key_released()->set_row(row);
    HF_CHECK(policy::Decide(state, {entry}).allowed());
  }
}

void Seal() {
  Random random;
  const auto tree = crypto::SegmentTree::Create(random);
  HF_CHECK(tree.ok());
  CountedSeal(random, *tree);
}

void Release() {
  Random random;
  test::World world(Wide());
  const std::uint32_t lease = world.OpenLease(world.ClosedTransfer(kRows));
  const auto tree = crypto::SegmentTree::Create(random);
  const auto key = crypto::SigningKey::Generate(random);
  HF_CHECK(tree.ok() && key.ok());
  crypto::LeaseOpening opening;
  opening.member = "requester";
  const auto request = crypto::LeaseRequest::Create(opening, *key, random);
  HF_CHECK(request.ok());
  const auto issuer =
      crypto::LeaseIssuer::Issue(crypto::LeaseHeader{}, request->opening().recipient_key, random);
  HF_CHECK(issuer.ok());
  CountedRelease(random, world, lease, *tree, *issuer);
}

// Holds of every kind of scope that look at these records, and cover none of them.
void Decide() {
  test::World world(Wide());
  const std::uint32_t transfer = world.ClosedTransfer(kRows);
  const std::uint32_t lease = world.OpenLease(transfer);
  for (std::uint32_t n = 0; n < kHolds; ++n) {
    v1::Scope scope;
    switch (n % 4) {
      case 0:
        scope = test::OfPerson(1'000'000'000 + n);
        break;
      case 1:
        scope = test::OfOfficer("elsewhere-" + std::to_string(n));
        break;
      case 2:
        scope = test::OfRows(world, transfer, 1'000 + n, 1'000 + n);
        break;
      default:
        scope = test::OfOfficer("smith");
        scope.MergeFrom(test::OfPerson(1'000'000'000 + n));
        break;
    }
    world.PlaceHold("hold-" + std::to_string(n), scope);
  }
  ledger::v1::Entry entry = test::EntryOf(test::World::Release(lease, 0));
  CountedDecide(world.state(), entry);
}

int Main(std::string_view what) {
  if (what == "seal") {
    Seal();
  } else if (what == "release") {
    Release();
  } else if (what == "decide") {
    Decide();
  } else {
    std::fprintf(stderr, "usage: instructions seal|release|decide\n");
    return kUsage;
  }
  std::printf("%u items\n", kRows);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace holdfast::bench

int main(int argc, char** argv) { return holdfast::bench::Main(argc == 2 ? argv[1] : ""); }
