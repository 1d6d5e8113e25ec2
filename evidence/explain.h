// SPDX-License-Identifier: Apache-2.0
// One ledger entry in plain words: what happened, by whom, and which rule decided.
//
// When to use  Behind `holdfast ledger explain` and in an export's events.jsonl, for people who
//              read a ledger without its schema. It explains; it verifies nothing.
// Threads      Functions may be called concurrently.
// Ownership    Values.
// Errors       None: what cannot be read is said to be unreadable.
#pragma once

#include <string>

#include "base/bytes.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/state.h"

namespace holdfast::evidence {

// One sentence or more. `before` is the state that all earlier entries made: it gives transfers,
// leases and people their names.
std::string ExplainEntry(const policy::State& before, const ledger::v1::Entry& entry);

// Which rules had to hold for this fact to be written, in one sentence.
std::string RuleOf(const ledger::v1::Entry& entry);

}  // namespace holdfast::evidence
