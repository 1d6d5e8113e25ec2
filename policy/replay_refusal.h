// SPDX-License-Identifier: Apache-2.0
//
// Was there a reason to refuse what a Refused entry says was refused?
//
// When to use  In a replay, before the entry is applied.
// Threads      Reads the state: not while Apply runs.
// Ownership    Borrows for the call.
// Errors       None.
#pragma once

#include <cstdint>

#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/state.h"

namespace holdfast::policy {

enum class RefusedAgain : std::uint8_t {
  kDisagrees = 0,  // What is in the ledger shows that the reason did not hold.
  kAgrees,
  kCannotTell,  // The request itself is not in the ledger.
};

// A refusal for several rows agrees if its reason holds for one of them: a chunk or a batch is
// refused whole.
RefusedAgain DecideRefusedAgain(const State& state, const ledger::v1::Refused& fact);

}  // namespace holdfast::policy
