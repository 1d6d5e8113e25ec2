// SPDX-License-Identifier: Apache-2.0
// What it costs to judge a person. The two gates together have to stay below 5 microseconds a
// subject on one core, without allocation for people of ordinary length in ASCII.

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#include "benchmark/benchmark.h"

#include "policy/name.h"
#include "policy/release_gate.h"
#include "policy/request_gate.h"
#include "tests/policy/gate_fixtures.h"

namespace {

std::atomic<std::size_t> g_allocations{0};

}  // namespace

// Counts what the gates allocate. Not inlined, or the compiler takes malloc and delete for a
// mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  g_allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  g_allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace holdfast::policy {
namespace {

using ::holdfast::test::kToday;
using ::holdfast::test::SomePerson;
using ::holdfast::test::SomeRules;

// Requests that differ in length and form, so that no branch is always predicted.
std::array<SubjectView, 4> Subjects() {
  std::array<SubjectView, 4> subjects;
  for (SubjectView& subject : subjects) subject = {SomePerson(), "officer-17", "2026-CF-0042"};
  subjects[1].person.name = "Maria Fernanda de la Cruz-Hernandez";
  subjects[1].person.address.line1 = "1800 Martin Luther King Jr Boulevard Northwest";
  subjects[1].person.address.line2 = "Building 2, Apartment 1405";
  subjects[2].person.name = "WASHINGTON, DENZEL H JR";
  subjects[2].person.address = {"PO BOX 122366", "", "NEW YORK", "NY", "10001-1234"};
  subjects[3].person.name = "Ann Lee";
  subjects[3].person.address = {"9 Oak Ave", "", "Beverly Hills", "CA", "90210"};
  return subjects;
}

void CountAllocations(benchmark::State& state, std::size_t before) {
  state.counters["allocations"] = benchmark::Counter(
      static_cast<double>(g_allocations.load() - before), benchmark::Counter::kAvgIterations);
}

void BM_RequestGate(benchmark::State& state) {
  const auto subjects = Subjects();
  const GateRules& rules = SomeRules();
  std::size_t i = 0;
  const std::size_t before = g_allocations.load();
  for (auto _ : state) {
    const RequestVerdict verdict = JudgeSubject(rules, subjects[i++ % subjects.size()], kToday);
    if (!verdict.accepted()) state.SkipWithError("refused");
  }
  CountAllocations(state, before);
}
BENCHMARK(BM_RequestGate);

void BM_ReleaseGate(benchmark::State& state) {
  const auto subjects = Subjects();
  const GateRules& rules = SomeRules();
  std::size_t i = 0;
  const std::size_t before = g_allocations.load();
  for (auto _ : state) {
    const PersonView& person = subjects[i++ % subjects.size()].person;
    const ReleaseVerdict verdict = JudgeRelease(rules, person, {&person, 1});
    if (!verdict.released()) state.SkipWithError("not released");
  }
  CountAllocations(state, before);
}
BENCHMARK(BM_ReleaseGate);

// The figure with the limit.
void BM_BothGates(benchmark::State& state) {
  const auto subjects = Subjects();
  const GateRules& rules = SomeRules();
  std::size_t i = 0;
  const std::size_t before = g_allocations.load();
  for (auto _ : state) {
    const SubjectView& subject = subjects[i++ % subjects.size()];
    const RequestVerdict request = JudgeSubject(rules, subject, kToday);
    const ReleaseVerdict release = JudgeRelease(rules, subject.person, {&subject.person, 1});
    if (!request.accepted() || !release.released()) state.SkipWithError("not released");
  }
  CountAllocations(state, before);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_BothGates);

// A person with so many namesakes.
void BM_ReleaseGateNamesakes(benchmark::State& state) {
  const GateRules& rules = SomeRules();
  std::vector<PersonView> candidates(static_cast<std::size_t>(state.range(0)), SomePerson());
  for (std::size_t i = 1; i < candidates.size(); ++i) {
    candidates[i].birth_date = "1980-05-05";
    candidates[i].tax_number = "312-44-1234";
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(JudgeRelease(rules, SomePerson(), candidates));
  }
}
BENCHMARK(BM_ReleaseGateNamesakes)->Arg(8)->Arg(64);

// Text that goes through ICU.
void BM_BothGatesUnicode(benchmark::State& state) {
  SubjectView subject{SomePerson(), "officer-17", "2026-CF-0042"};
  subject.person.name = "José Núñez";
  subject.person.address.line1 = "123 Ñandú Street Apt 5";
  const GateRules& rules = SomeRules();
  for (auto _ : state) {
    benchmark::DoNotOptimize(JudgeSubject(rules, subject, kToday));
    benchmark::DoNotOptimize(JudgeRelease(rules, subject.person, {&subject.person, 1}));
  }
}
BENCHMARK(BM_BothGatesUnicode);

void BM_RefusedPlaceholder(benchmark::State& state) {
  SubjectView subject{SomePerson(), "officer-17", "2026-CF-0042"};
  subject.person.address.line1 = "Faild  to provide 90210";
  const GateRules& rules = SomeRules();
  for (auto _ : state) benchmark::DoNotOptimize(JudgeSubject(rules, subject, kToday));
}
BENCHMARK(BM_RefusedPlaceholder);

}  // namespace
}  // namespace holdfast::policy
