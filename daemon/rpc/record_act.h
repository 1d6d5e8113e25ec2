// SPDX-License-Identifier: Apache-2.0
// Puts on the record that somebody is about to learn something, or was refused.
//
// When to use  Before an answer that the ledger has to know of: what has left cannot be put on the
//              record any more.
// Threads      May be called concurrently; `done` runs on the executor.
// Ownership    Borrows the hosted exchange.
// Errors       In `done`: a refusal, which is in the ledger too, or that nobody can tell. Then
//              nothing may leave.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "absl/status/statusor.h"

#include "daemon/rpc/directory.h"
#include "daemon/rpc/transfer_facts.h"
#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/refusal.h"

namespace holdfast::rpc {

// Calls `done` with the ledger index of `fact`, whose salt and version are filled in. A refusal
// says that `viewer` asked for `what`, of `transfer` where there is one.
void RecordAct(const Hosted& hosted, const Viewer& viewer, const ledger::v1::Entry& fact,
               ledger::v1::Refused::Act what, std::optional<std::uint32_t> transfer,
               std::function<void(absl::StatusOr<std::uint64_t>)> done);

// Puts on the record that `viewer` asked for `what`, of `transfer` where there is one, and was
// refused by a rule that needs no more than the caller knows. Then calls `done` with the error of
// `why`, which names the entry, or with another one if that could not be written.
// REQUIRES: `why` is a refusal.
void RecordRefusal(const Hosted& hosted, const Viewer& viewer, ledger::v1::Refused::Act what,
                   std::optional<std::uint32_t> transfer, policy::Refusal why,
                   std::function<void(absl::Status)> done);

}  // namespace holdfast::rpc
