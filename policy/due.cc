// SPDX-License-Identifier: Apache-2.0
//
// What may be destroyed now, and when that may change.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "policy/queries.h"

namespace holdfast::policy {
namespace {

enum class Fate { kMay, kPreserved, kNotYet };

// The same questions that Decide asks of a row.
Fate FateOf(const State& state, const Transfer& transfer, std::uint32_t row, const Record& record,
            const OverriddenHolds& over) {
  if (transfer.state == TransferState::kApproved && !record.deposited() &&
      state.now().late < transfer.end()) {
    return Fate::kNotYet;
  }
  if (state.holds().nothing_preserves()) return Fate::kMay;
  const RecordFacts facts = transfer.FactsOf(row, record);
  if (state.holds().Preserving(facts, over) != nullptr) return Fate::kPreserved;
  return state.holds().Lingering(facts, over) ? Fate::kNotYet : Fate::kMay;
}

template <typename Visit>
void ForEachRow(const State& state, const RecordList& list, Visit visit) {
  for (const RowRuns& rows : list.transfers) {
    const Transfer& transfer = *state.transfer(rows.transfer);
    for (const RowRun& run : rows.runs) {
      for (std::uint32_t row = run.first; row < run.first + run.count; ++row) {
        if (!visit(transfer, row, *transfer.records.Find(row))) return;
      }
    }
  }
}

Fate FateOf(const State& state, const Disposal& disposal, const OverriddenHolds& over) {
  Fate fate = Fate::kMay;
  ForEachRow(state, disposal.records,
             [&](const Transfer& transfer, std::uint32_t row, const Record& record) {
               const Fate of_row = FateOf(state, transfer, row, record, over);
               if (of_row != Fate::kMay) fate = of_row;
               return fate != Fate::kPreserved;
             });
  return fate;
}

// Whether holds can be overridden for its records by now.
bool IsOverriddenNow(const State& state, const Disposal& disposal) {
  return disposal.authorisation && disposal.authorisation->complete() &&
         state.now().early >= disposal.authorisation->due_at;
}

void AddRevocations(const State& state, DueDestructions& out) {
  for (const std::uint64_t index : state.open_disposals()) {
    const Disposal& disposal = *state.FindDisposal(index);
    if (disposal.state != DisposalState::kApproved || state.now().early < disposal.due_at) {
      continue;
    }
    Fate fate = FateOf(state, disposal, {});
    ledger::v1::RecordsDestroyed fact;
    fact.set_basis(ledger::v1::RecordsDestroyed::REVOCATION);
    if (fate != Fate::kMay && IsOverriddenNow(state, disposal)) {
      fate = FateOf(state, disposal, disposal.overridden());
      fact.set_basis(ledger::v1::RecordsDestroyed::COURT_ORDER);
      fact.set_authorisation_index(disposal.authorisation->second_index);
    }
    if (fate == Fate::kPreserved) out.preserved.push_back(index);
    if (fate != Fate::kMay) continue;
    fact.set_revocation_index(index);
    for (const RowRuns& rows : disposal.records.transfers) *fact.add_rows() = ToLedgerRows(rows);
    fact.set_count(disposal.records.count);
    out.due.push_back(std::move(fact));
  }
}

void AddExpired(const State& state, const Transfer& transfer, std::uint64_t max_records,
                DueDestructions& out) {
  if (state.holds().PreservingWhole(transfer.Facts()) != nullptr) return;
  RowRuns rows{transfer.number, {}};
  std::uint64_t count = 0;
  for (std::uint32_t k = 0; k < transfer.records.chunk_count() && count < max_records; ++k) {
    const RecordChunk* chunk = transfer.records.chunk(k);
    if (chunk == nullptr || chunk->accepted == chunk->destroyed) continue;
    for (std::uint32_t i = 0; i < kRowsPerChunk && count < max_records; ++i) {
      const Record& record = chunk->records[i];
      const std::uint32_t row = k * kRowsPerChunk + i;
      if (!record.accepted() || record.destroyed() || record.revoked()) continue;
      if (FateOf(state, transfer, row, record, {}) != Fate::kMay) continue;
      rows.Append(row);
      ++count;
    }
  }
  if (count == 0) return;
  ledger::v1::RecordsDestroyed fact;
  fact.set_basis(ledger::v1::RecordsDestroyed::EXPIRY);
  *fact.add_rows() = ToLedgerRows(rows);
  fact.set_count(count);
  out.due.push_back(std::move(fact));
}

}  // namespace

DueDestructions DueForDestruction(const State& state, std::uint64_t max_records) {
  DueDestructions out;
  if (!state.open() || !state.now().trusted || state.order_unanchored()) return out;
  AddRevocations(state, out);
  const Terms& terms = state.agreement().terms();
  if (!terms.destroy_on_expiry) return out;
  for (const auto& [not_after, number] : state.expired()) {
    if (state.now().early < not_after + terms.destruction_window) break;
    AddExpired(state, *state.transfer(number), max_records, out);
  }
  return out;
}

UnixMillis NextDestructionTime(const State& state) {
  UnixMillis next = kMaxTime;
  if (!state.open()) return next;
  const Terms& terms = state.agreement().terms();
  const auto consider = [&](UnixMillis time) {
    if (time > state.now().early) next = std::min(next, time);
  };
  consider(state.holds().NextChange(terms.destruction_window));
  for (const std::uint64_t index : state.open_disposals()) {
    const Disposal& disposal = *state.FindDisposal(index);
    if (disposal.state != DisposalState::kApproved) continue;
    consider(disposal.due_at);
    if (disposal.authorisation && disposal.authorisation->complete()) {
      consider(disposal.authorisation->due_at);
    }
  }
  if (terms.destroy_on_expiry) {
    for (const auto* times : {&state.expired(), &state.deadlines()}) {
      // Ascending: the first that lies ahead is the earliest.
      const auto found = times->upper_bound(state.now().early - terms.destruction_window);
      if (found != times->end()) consider(found->first + terms.destruction_window);
    }
  }
  return next;
}

const Hold* PreservingDisposal(const State& state, const Disposal& disposal) {
  const Hold* hold = nullptr;
  if (state.holds().preserves_in_force() == 0) return hold;
  ForEachRow(state, disposal.records,
             [&](const Transfer& transfer, std::uint32_t row, const Record& record) {
               hold =
                   state.holds().Preserving(transfer.FactsOf(row, record), disposal.overridden());
               return hold == nullptr;
             });
  return hold;
}

std::vector<const Hold*> HoldsPreserving(const State& state, const RecordList& list) {
  std::vector<const Hold*> found;
  if (state.holds().preserves_in_force() == 0) return found;
  // What was found is not looked for again: many holds may cover all of a long list.
  ScopeIndex left = state.holds().preserving();
  ForEachRow(state, list, [&](const Transfer& transfer, std::uint32_t row, const Record& record) {
    const RecordFacts facts = transfer.FactsOf(row, record);
    while (const auto number = left.Find(facts)) {
      const Hold& hold = state.holds().all()[*number];
      left.Remove(*number, hold.scope);
      found.push_back(&hold);
    }
    return !left.empty();
  });
  std::sort(found.begin(), found.end(),
            [](const Hold* a, const Hold* b) { return a->id() < b->id(); });
  return found;
}

std::vector<HoldAgainst> HoldsAgainst(const State& state, const RecordList& list) {
  std::map<std::uint32_t, std::uint64_t> found;
  if (state.holds().preserves_in_force() == 0) return {};
  ForEachRow(state, list, [&](const Transfer& transfer, std::uint32_t row, const Record& record) {
    state.holds().ForEachPreserving(transfer.FactsOf(row, record),
                                    [&](const Hold& hold) { ++found[hold.number]; });
    return true;
  });
  std::vector<HoldAgainst> holds;
  holds.reserve(found.size());
  for (const auto& [number, records] : found) holds.push_back({number, records});
  return holds;
}

UnixMillis DisposalDueAt(const State& state, const Disposal& disposal) {
  UnixMillis due = disposal.due_at;
  if (disposal.authorisation && disposal.authorisation->complete()) {
    due = std::max(due, disposal.authorisation->due_at);
  }
  if (state.holds().nothing_preserves()) return due;
  ForEachRow(state, disposal.records,
             [&](const Transfer& transfer, std::uint32_t row, const Record& record) {
               const auto left =
                   state.holds().Lingering(transfer.FactsOf(row, record), disposal.overridden());
               if (left) {
                 due = std::max(due, left->since + state.agreement().terms().destruction_window);
               }
               return true;
             });
  return due;
}

}  // namespace holdfast::policy
