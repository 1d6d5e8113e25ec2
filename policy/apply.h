// SPDX-License-Identifier: Apache-2.0
//
// Makes an allowed fact true.
//
// When to use  After Decide has allowed the fact and before anything else is decided; at recovery,
//              for each entry of the ledger in order.
// Threads      Changes the state: alone.
// Ownership    Borrows for the call.
// Errors       kLedgerInconsistent if the fact cannot be folded, because nobody decided it. The
//              state is then unusable: drop it.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"

#include "holdfast/ledger/v1/entry.pb.h"
#include "policy/opened_order.h"
#include "policy/state.h"

namespace holdfast::policy {

// Folds `entry`, whose place in the ledger is `index`, into `state`.
//
// `order` is the order of an OrderAccepted, else null; its head_check is not read. `agreement` is
// that of an ExchangeOpened, else null.
// REQUIRES: index == state.ledger_size(); Decide has allowed it, or it is a Refused.
// Errors: kLedgerInconsistent.
[[nodiscard]] absl::Status Apply(State& state, const ledger::v1::Entry& entry,
                                 const OpenedOrder* order, std::uint64_t index,
                                 std::shared_ptr<const OpenedAgreement> agreement = nullptr);

}  // namespace holdfast::policy
