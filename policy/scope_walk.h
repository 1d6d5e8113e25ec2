// SPDX-License-Identifier: Apache-2.0
//
// Visits the records that a scope covers now, without looking at transfers that it cannot touch.
//
// When to use  Inside policy/.
// Threads      Reads the state: not while Apply runs.
// Ownership    Borrows for the call.
// Errors       None.
#pragma once

#include <algorithm>
#include <cstdint>

#include "policy/state.h"

namespace holdfast::policy {

// Calls `visit(transfer, row, record)` for each accepted record of `transfer` that the scope
// covers, in ascending order. A row is accepted or it is no record.
template <typename Visit>
void ForEachCovered(const Transfer& transfer, const CompiledScope& scope, Visit visit) {
  if (!scope.Touches(transfer.Facts())) return;
  const auto visit_chunk = [&](std::uint32_t number, std::uint32_t first, std::uint32_t last) {
    const RecordChunk* chunk = transfer.records.chunk(number);
    if (chunk == nullptr || chunk->accepted == 0) return;
    const std::uint32_t base = number * kRowsPerChunk;
    for (std::uint32_t row = std::max(base, first); row <= std::min(base + kRowsPerChunk - 1, last);
         ++row) {
      const Record& record = chunk->records[row - base];
      if (record.accepted() && scope.Covers(transfer.FactsOf(row, record))) {
        visit(transfer, row, record);
      }
    }
  };
  const std::uint32_t chunks = transfer.records.chunk_count();
  if (chunks == 0) return;
  if (scope.rows.empty()) {
    for (std::uint32_t k = 0; k < chunks; ++k) {
      visit_chunk(k, 0, chunks * kRowsPerChunk - 1);
    }
    return;
  }
  for (const RowSpan& span : scope.rows) {
    for (std::uint32_t k = span.first / kRowsPerChunk; k <= span.last / kRowsPerChunk && k < chunks;
         ++k) {
      visit_chunk(k, span.first, span.last);
    }
  }
}

// The same for every transfer, ascending.
template <typename Visit>
void ForEachCovered(const State& state, const CompiledScope& scope, Visit visit) {
  if (scope.transfer) {
    const Transfer* transfer = state.transfer(*scope.transfer);
    if (transfer != nullptr) ForEachCovered(*transfer, scope, visit);
    return;
  }
  for (const Transfer& transfer : state.transfers()) ForEachCovered(transfer, scope, visit);
}

}  // namespace holdfast::policy
