// SPDX-License-Identifier: Apache-2.0
// What a decision costs on the writer's thread, and what a record costs in memory (R44).
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"

#include "base/check.h"
#include "policy/apply.h"
#include "policy/decide.h"
#include "policy/queries.h"
#include "policy/request_gate.h"
#include "tests/policy/policy_world.h"

namespace holdfast::test {
namespace {

constexpr std::uint32_t kMillion = 1'300'000;

AgreementOptions Wide() {
  AgreementOptions options;
  options.brakes =
      "officer_open_cases: 4000000 officer_share_basis_points: 10000 open_records: 4000000";
  return options;
}

// A closed transfer of so many rows, without keeping its entries.
class Large final {
 public:
  explicit Large(std::uint32_t rows) : world_(Wide()), state_(world_.state().Clone()) {
    ledger::v1::TransferCreated created;
    created.set_transfer(std::string(16, 't'));
    created.set_requester("ice");
    created.set_authority("statute");
    created.set_purpose("A reason that is specific.");
    created.set_requesting_official("director");
    for (int i = 0; i < 40; ++i) created.add_officers("officer-" + std::to_string(i));
    created.add_periods()->set_first_year(2024);
    created.mutable_periods(0)->set_last_year(2024);
    created.set_attestation_digest(std::string(32, 'a'));
    created.set_binding_nonce(std::string(32, 'b'));
    created.set_request_id(std::string(16, 'r'));
    Do(EntryOf(created));
    Fill(rows, ledger::v1::SUBJECT);
    ledger::v1::SubmissionFinished finished;
    finished.set_rows(rows);
    Do(EntryOf(finished));
    order::v1::Order act;
    act.mutable_approve_transfer()->set_transfer(policy::TransferName(state_.transfers()[0].id));
    act.mutable_approve_transfer()->set_dossier_digest(Hex(state_.transfers()[0].dossier_digest));
    DoOrder(world_.Order("paula", act));
    Fill(rows, ledger::v1::RECORD);
    bytes_before_closing_ = state_.MemoryBytes();
    ledger::v1::TransferClosed closed;
    closed.set_source("irs");
    closed.set_envelopes(rows);
    closed.set_envelopes_root(std::string(AsText(state_.transfers()[0].envelopes.Root())));
    closed.set_signature(std::string(64, 's'));
    Do(EntryOf(closed));
    Do(EntryOf(world_.LeaseFact(OtherTransfer())));
  }

  policy::State& state() { return state_; }
  std::size_t bytes_before_closing() const { return bytes_before_closing_; }

  void Do(const ledger::v1::Entry& entry) {
    HF_CHECK(policy::Apply(state_, entry, nullptr, state_.ledger_size()).ok());
  }
  void DoOrder(const OpenedOrder& order) {
    HF_CHECK(
        policy::Apply(state_, EntryOf(ledger::v1::OrderAccepted()), &order, state_.ledger_size())
            .ok());
  }

  // Standing holds that cover other people, rows, officers, dates of deposit and verdicts, and
  // conjunctions of them, in equal parts.
  void PlaceHolds(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) PlaceOne(static_cast<std::uint32_t>(i));
    ledger::v1::EpochAdvanced epoch;
    epoch.set_epoch(state_.epoch() + 1);
    Do(EntryOf(epoch));
  }

  void PlaceOne(std::uint32_t n) {
    v1::Scope scope;
    switch (n % 6) {
      case 0:
        scope = OfPerson(1'000'000'000 + n);
        break;
      case 1:
        scope = OfOfficer("elsewhere-" + std::to_string(n));
        break;
      case 2:
        scope = OfDates(v1::DEPOSITED, World::kStart + (1'000 + n) * 1'000LL,
                        World::kStart + (1'002 + n) * 1'000LL);
        break;
      case 3:
        scope = OfTransfer(0);
        scope.MergeFrom(OfDates(v1::RELEASED, World::kStart + (1'000 + n) * 1'000LL,
                                World::kStart + (90'000 + n) * 1'000LL));
        break;
      case 4:
        scope = OfOfficer("officer-1");
        scope.MergeFrom(OfPerson(1'000'000'000 + n));
        scope.MergeFrom(OfVerdict("ADDRESS_NOT_COMPARABLE"));
        break;
      default:
        scope = OfTransfer(0);
        scope.add_rows()->set_first(2 * n + 1);
        scope.mutable_rows(0)->set_last(2 * n + 1);
        break;
    }
    const OpenedOrder order =
        world_.Order("carol", world_.HoldAct("hold-" + std::to_string(n), scope));
    HF_CHECK(policy::CompileScope(state_, scope).ok());
    DoOrder(order);
  }

  // Two people lift it; the cooling period is still to pass.
  void AgreeToLift(std::uint32_t n) {
    const policy::Hold& hold = *state_.holds().Find("hold-" + std::to_string(n));
    order::v1::Order propose;
    propose.mutable_propose_lift()->set_hold_id(hold.id());
    propose.mutable_propose_lift()->set_placed_index(hold.last_placed_index);
    propose.mutable_propose_lift()->set_reason("vacated");
    DoOrder(world_.Order("carol", propose));
    order::v1::Order confirm;
    confirm.mutable_confirm_lift()->set_hold_id(hold.id());
    confirm.mutable_confirm_lift()->set_placed_index(hold.last_placed_index);
    confirm.mutable_confirm_lift()->set_proposal_index(hold.proposal_index);
    DoOrder(world_.Order("erin", confirm));
  }

  void Pass(std::chrono::milliseconds duration) {
    const std::int64_t now = (state_.now().late + duration).value();
    ledger::v1::TimeAdvanced fact;
    fact.set_wall_ms(now);
    fact.set_late_ms(now);
    fact.set_early_ms(now);
    fact.set_trusted(true);
    Do(EntryOf(fact));
  }

 private:
  v1::Scope OfTransfer(std::size_t number) const {
    v1::Scope scope;
    scope.set_transfer(policy::TransferName(state_.transfers()[number].id));
    return scope;
  }

  // The world's own facts need a transfer there too; the lease is then of number 0 in both.
  std::uint32_t OtherTransfer() {
    world_.ClosedTransfer(1);
    return 0;
  }

  void Fill(std::uint32_t rows, ledger::v1::SegmentKind kind) {
    std::uint32_t segment = 0;
    for (std::uint32_t row = 0; row < rows; ++row) {
      const std::uint32_t leaf = row % kLeavesPerSegment;
      if (leaf == 0) {
        ledger::v1::SegmentOpened opened;
        segment = static_cast<std::uint32_t>(state_.segments().size());
        std::string id(16, 'g');
        id.replace(0, 4, std::to_string(1'000 + segment));
        opened.set_segment(id);
        opened.set_kind(kind);
        Do(EntryOf(opened));
      }
      if (kind == ledger::v1::SUBJECT) {
        ledger::v1::SubjectJudged fact;
        fact.set_row(row);
        fact.set_verdict(1);
        fact.set_gate_version(policy::kGateVersion);
        fact.set_officer(row % 40);
        // Uniform, as keyed ones are.
        fact.set_pseudonym(ToString(BytesOf(PseudonymOf(row))));
        fact.set_commitment(std::string(32, 'c'));
        fact.set_address_tag("address1");
        fact.set_segment(segment);
        fact.set_leaf(leaf);
        Do(EntryOf(fact));
      } else {
        ledger::v1::EnvelopeDeposited fact;
        fact.set_row(row);
        fact.set_verdict(1);
        fact.set_gate_version(policy::kGateVersion);
        fact.set_segment(segment);
        fact.set_leaf(leaf);
        fact.set_envelope_digest(std::string(32, static_cast<char>(row)));
        fact.set_commitment(std::string(32, 'c'));
        fact.set_address(1);
        fact.set_gate_version(1);
        Do(EntryOf(fact));
      }
    }
  }

  World world_;
  policy::State state_;
  std::size_t bytes_before_closing_ = 0;
};

void DecideRelease(benchmark::State& bench) {
  Large large(20'000);
  large.PlaceHolds(bench.range(0));
  std::uint32_t row = 0;
  ledger::v1::Entry entry = EntryOf(World::Release(0, 0));
  for (auto _ : bench) {
    entry.mutable_key_released()->set_row(row);
    const Decision decision = policy::Decide(large.state(), {entry});
    HF_CHECK(decision.allowed());
    row = (row + 2) % 20'000;
  }
}
BENCHMARK(DecideRelease)->Arg(0)->Arg(100)->Arg(10'000);

// One more hold among many: what its placing costs the writer, but for the commit and the keyslot.
void DecideAndApplyAHold(benchmark::State& bench) {
  Large large(20'000);
  large.PlaceHolds(bench.range(0));
  auto n = static_cast<std::uint32_t>(bench.range(0));
  for (auto _ : bench) large.PlaceOne(n++);
}
BENCHMARK(DecideAndApplyAHold)->Arg(0)->Arg(10'000)->Iterations(3'000);

// A lift of one hold among many: two people's orders, and its taking effect with the time that
// passes then, a hundred at a time.
void DecideAndApplyALift(benchmark::State& bench) {
  constexpr std::uint32_t kTogether = 100;
  Large large(20'000);
  large.PlaceHolds(bench.range(0));
  auto n = static_cast<std::uint32_t>(bench.range(0));
  large.Pass(std::chrono::hours(24 * 400));  // What else time does, it has done.
  for (auto _ : bench) {
    bench.PauseTiming();
    const std::size_t before = large.state().holds().freezes_in_force();
    for (std::uint32_t i = 0; i < kTogether; ++i) large.PlaceOne(n + i);
    bench.ResumeTiming();
    for (std::uint32_t i = 0; i < kTogether; ++i) large.AgreeToLift(n + i);
    large.Pass(large.state().agreement().terms().cooling_period);
    HF_CHECK(large.state().holds().freezes_in_force() == before);
    n += kTogether;
  }
  bench.SetItemsProcessed(bench.iterations() * kTogether);
}
BENCHMARK(DecideAndApplyALift)->Arg(0)->Arg(10'000)->Iterations(30);

void DecideAndApplyABatchOfReleases(benchmark::State& bench) {
  Large large(20'000);
  std::vector<ledger::v1::Entry> entries;
  for (std::uint32_t row = 0; row < 256; ++row) entries.push_back(EntryOf(World::Release(0, row)));
  for (auto _ : bench) {
    policy::DecisionBatch batch(large.state());
    for (const auto& entry : entries) HF_CHECK(batch.Decide({entry}).allowed());
    for (const auto& entry : entries) large.Do(entry);
  }
  bench.SetItemsProcessed(static_cast<std::int64_t>(bench.iterations()) * 256);
}
BENCHMARK(DecideAndApplyABatchOfReleases);

void DecideACollection(benchmark::State& bench) {
  Large large(20'000);
  large.PlaceHolds(bench.range(0));
  ledger::v1::EnvelopesCollected fact;
  fact.set_requester("ice");
  // Beyond the rows that are held.
  fact.set_chunk(70);
  const auto entry = EntryOf(fact);
  for (auto _ : bench) HF_CHECK(policy::Decide(large.state(), {entry}).allowed());
}
BENCHMARK(DecideACollection)->Arg(0)->Arg(100)->Arg(1'000);

void MillionRecords(benchmark::State& bench) {
  for (auto _ : bench) {
    Large large(kMillion);
    const auto per_record = [](std::size_t bytes) { return static_cast<double>(bytes) / kMillion; };
    bench.counters["bytes_before_closing"] = per_record(large.bytes_before_closing());
    bench.counters["bytes_closed"] = per_record(large.state().MemoryBytes());
  }
  bench.SetItemsProcessed(static_cast<std::int64_t>(bench.iterations()) * kMillion);
}
BENCHMARK(MillionRecords)->Iterations(1)->Unit(benchmark::kMillisecond);

void ListAMillion(benchmark::State& bench) {
  Large large(kMillion);
  const auto scope = policy::CompileScope(large.state(), Everything());
  for (auto _ : bench) {
    const auto list = policy::ListForScope(large.state(), scope.scope);
    HF_CHECK(list.count == kMillion);
  }
}
BENCHMARK(ListAMillion)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace holdfast::test
