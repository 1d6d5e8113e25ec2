// SPDX-License-Identifier: Apache-2.0
#include "policy/notice_search.h"

#include <algorithm>
#include <utility>

#include "policy/queries.h"

namespace holdfast::policy {

bool NoticeSearch::Idle(const State& state) const {
  return !passing_ && !again_ && changes_ == state.holds().changes() && copies_ == state.copies();
}

void NoticeSearch::Remove(std::uint32_t hold) {
  for (std::size_t member = 0; member < missing_.size(); ++member) {
    if (hold >= indexed_[member].size() || !indexed_[member][hold]) continue;
    missing_[member].Remove(hold, known_[hold].scope);
    indexed_[member][hold] = false;
  }
}

void NoticeSearch::NoteHolds(const State& state) {
  if (changes_ == state.holds().changes()) return;
  changes_ = state.holds().changes();
  const auto members = state.agreement().members();
  missing_.resize(members.size());
  indexed_.resize(members.size());
  const auto holds = state.holds().all();
  known_.resize(holds.size());
  for (const Hold& hold : holds) {
    Known& known = known_[hold.number];
    const std::uint64_t placed = hold.in_force() ? hold.last_placed_index : 0;
    if (known.placed_index == placed) continue;
    Remove(hold.number);
    known = {placed, hold.scope};
    if (placed == 0) continue;
    for (const Member& member : members) {
      // Who was struck off gets nothing more, and so no notice.
      if (member.role != agreement::v1::ROLE_REQUESTER || hold.notices.count(member.number) > 0 ||
          state.struck_off().Has(member.number)) {
        continue;
      }
      std::vector<bool>& indexed = indexed_[member.number.value()];
      indexed.resize(holds.size());
      missing_[member.number.value()].Add(hold.number, hold.scope);
      indexed[hold.number] = true;
      again_ = true;
    }
  }
}

void NoticeSearch::LookAt(const State& state, const Transfer& transfer, std::uint32_t number,
                          std::vector<ledger::v1::NoticeGiven>& found) {
  const RecordChunk* chunk = transfer.records.chunk(number);
  ScopeIndex& missing = missing_[transfer.requester.value()];
  if (chunk == nullptr || chunk->accepted == 0) return;
  for (std::uint32_t i = 0; i < kRowsPerChunk && !missing.empty(); ++i) {
    const Record& record = chunk->records[i];
    const std::uint32_t row = number * kRowsPerChunk + i;
    if (!record.accepted() || !HasCopy(transfer, row, record)) continue;
    const RecordFacts facts = transfer.FactsOf(row, record);
    while (const auto hold = missing.Find(facts)) {
      missing.Remove(*hold, known_[*hold].scope);
      indexed_[transfer.requester.value()][*hold] = false;
      ledger::v1::NoticeGiven notice;
      notice.set_placed_index(known_[*hold].placed_index);
      notice.set_requester(state.agreement().member(transfer.requester).id);
      notice.set_transfer(transfer.number);
      notice.set_row(row);
      found.push_back(std::move(notice));
    }
  }
}

std::vector<ledger::v1::NoticeGiven> NoticeSearch::Next(const State& state,
                                                        std::uint32_t max_chunks) {
  std::vector<ledger::v1::NoticeGiven> found;
  if (!state.open()) return found;
  NoteHolds(state);
  if (missing_.empty()) {  // There has never been a hold.
    copies_ = state.copies();
    return found;
  }
  if (!passing_) {
    if (!again_ && copies_ == state.copies()) return found;
    copies_ = state.copies();
    again_ = false;
    passing_ = true;
    transfer_ = 0;
    chunk_ = 0;
  }
  const auto transfers = state.transfers();
  for (std::uint32_t looked = 0; looked < max_chunks; ++looked) {
    while (transfer_ < transfers.size() &&
           (chunk_ >= transfers[transfer_].records.chunk_count() ||
            missing_[transfers[transfer_].requester.value()].empty())) {
      ++transfer_;
      chunk_ = 0;
    }
    if (transfer_ >= transfers.size()) {
      passing_ = false;
      break;
    }
    LookAt(state, transfers[transfer_], chunk_++, found);
  }
  return found;
}

}  // namespace holdfast::policy
