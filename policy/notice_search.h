// SPDX-License-Identifier: Apache-2.0
//
// Finds which requesters have to get notice of which holds (R30), a little at a time.
//
// When to use  By the exchange's writer, between other things. Placing a hold looks at no record;
//              which requesters have copies of what it covers is found out afterwards, by this.
// Threads      Reads the state: not while Apply runs.
// Ownership    A NoticeSearch owns what it remembers, nothing of the state.
// Errors       None.
//
// Invariant: when Idle(), every requester that has a copy of a record that a hold in force covers
// has its notice, or it is among those that Next() has returned.
#pragma once

#include <cstdint>
#include <vector>

#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/scope.h"
#include "policy/state.h"

namespace holdfast::policy {

class NoticeSearch final {
 public:
  // Looks at the records of about `max_chunks` chunks and returns the notices that are missing, as
  // facts that Decide allows: the caller has them applied before it calls again.
  // REQUIRES: it is always the same exchange, whose state only goes on.
  std::vector<ledger::v1::NoticeGiven> Next(const State& state, std::uint32_t max_chunks);

  // Whether Next() would find nothing, because nothing that matters has happened.
  bool Idle(const State& state) const;

 private:
  // What a hold was like when it was last looked at: an entry in each index of `missing_` but those
  // of requesters that have the notice.
  struct Known {
    std::uint64_t placed_index = 0;  // 0: not in force.
    CompiledScope scope;
  };

  void NoteHolds(const State& state);
  void Remove(std::uint32_t hold);
  void LookAt(const State& state, const Transfer& transfer, std::uint32_t chunk,
              std::vector<ledger::v1::NoticeGiven>& found);

  std::vector<Known> known_;                // By hold.
  std::vector<ScopeIndex> missing_;         // By member: holds of which it has no notice.
  std::vector<std::vector<bool>> indexed_;  // By member and hold: whether it is in `missing_`.
  std::uint64_t changes_ = 0;               // HoldBook::changes() at the last look.
  std::uint64_t copies_ = 0;                // State::copies() when this pass began.
  bool again_ = false;                      // Another pass is needed after this one.
  bool passing_ = false;
  std::uint32_t transfer_ = 0;  // Where the pass is.
  std::uint32_t chunk_ = 0;
};

}  // namespace holdfast::policy
