// SPDX-License-Identifier: Apache-2.0
#include "policy/review.h"

#include <algorithm>
#include <map>
#include <utility>

#include "policy/hash_writer.h"
#include "policy/state.h"

namespace holdfast::policy {

Digest32 CaseDigest(const TransferId& transfer, std::uint64_t opened_index,
                    const ledger::v1::ReviewOpened& fact) {
  // Spec: docs/ledger-format.md#case
  HashWriter hash;
  hash.Text("holdfast/case/v1")
      .Fixed(BytesOf(transfer))
      .U64(opened_index)
      .U32(fact.row())
      .U32(fact.verdict())
      .U32(fact.address())
      .U32(fact.gate_version())
      .U32(fact.candidates())
      .U64(fact.releasable())
      .Text(fact.commitment());
  return hash.Finish();
}

std::vector<std::uint32_t> WaitingRows(
    const Transfer& transfer, const google::protobuf::RepeatedPtrField<v1::RowRange>& ranges,
    std::size_t most) {
  std::vector<std::uint32_t> rows;
  bool first = true;
  std::uint32_t last = 0;
  for (const v1::RowRange& range : ranges) {
    if (range.first() > range.last() || (!first && range.first() <= last)) return {};
    first = false;
    last = range.last();
    for (auto at = transfer.cases.lower_bound(range.first());
         at != transfer.cases.end() && at->first <= range.last() && rows.size() <= most; ++at) {
      rows.push_back(at->first);
    }
  }
  return rows;
}

std::vector<ChunkOfCases> DueReviews(const State& state, UnixMillis early, std::size_t max_chunks) {
  std::vector<ChunkOfCases> out;
  if (!state.open() || !state.now().trusted) return out;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::uint32_t>> chunks;
  for (const ReviewKey& key : state.reviews()) {
    if (key.due_at > early) break;
    const Transfer& transfer = *state.transfer(key.transfer);
    if (transfer.state != TransferState::kApproved || transfer.suspended() ||
        state.now().late >= transfer.end() || state.Freezing({key.transfer, key.row}) != nullptr) {
      continue;
    }
    const auto name = std::make_pair(key.transfer, key.row / kRowsPerChunk);
    if (chunks.size() >= max_chunks && chunks.count(name) == 0) continue;
    chunks[name].push_back(key.row);
  }
  out.reserve(chunks.size());
  for (auto& [name, rows] : chunks) {
    std::sort(rows.begin(), rows.end());
    out.push_back({name.first, name.second, std::move(rows)});
  }
  return out;
}

UnixMillis NextReviewTime(const State& state) {
  return state.reviews().empty() ? kMaxTime : state.reviews().begin()->due_at;
}

}  // namespace holdfast::policy
