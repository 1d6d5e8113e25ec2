// SPDX-License-Identifier: Apache-2.0
#include "policy/disposal.h"

#include "base/check.h"
#include "base/error.h"

namespace holdfast::policy {
namespace {

absl::Status Malformed() {
  return MakeError(Reason::kRequestMalformed, "the list of rows is not in its one form");
}

}  // namespace

void RowRuns::Append(std::uint32_t row) {
  if (!runs.empty()) {
    RowRun& last = runs.back();
    HF_CHECK(row >= last.first + last.count);
    if (row == last.first + last.count) {
      ++last.count;
      return;
    }
  }
  runs.push_back({row, 1});
}

std::uint64_t RowRuns::size() const {
  std::uint64_t sum = 0;
  for (const RowRun& run : runs) sum += run.count;
  return sum;
}

ledger::v1::Rows ToLedgerRows(const RowRuns& rows) {
  ledger::v1::Rows out;
  out.set_transfer(rows.transfer);
  std::uint32_t at = 0;
  for (const RowRun& run : rows.runs) {
    out.add_runs(run.first - at);
    out.add_runs(run.count);
    at = run.first + run.count;
  }
  return out;
}

absl::StatusOr<RowRuns> ReadRows(const ledger::v1::Rows& rows) {
  if (rows.runs_size() == 0 || rows.runs_size() % 2 != 0) return Malformed();
  RowRuns out;
  out.transfer = rows.transfer();
  out.runs.reserve(static_cast<std::size_t>(rows.runs_size()) / 2);
  std::uint64_t at = 0;
  for (int i = 0; i < rows.runs_size(); i += 2) {
    const std::uint32_t skip = rows.runs(i);
    const std::uint32_t take = rows.runs(i + 1);
    if (take == 0 || (skip == 0 && i != 0)) return Malformed();
    at += skip;
    // One past the last row must still be a row number, so that sums cannot wrap.
    if (at + take > 0xffff'ffffULL) return Malformed();
    out.runs.push_back({static_cast<std::uint32_t>(at), take});
    at += take;
  }
  return out;
}

}  // namespace holdfast::policy
