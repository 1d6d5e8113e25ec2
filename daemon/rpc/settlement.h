// SPDX-License-Identifier: Apache-2.0
// Settles cases that wait for review: by a custodian's order, or because their time is over.
//
// The writer is asked which cases it is about; a worker opens them and seals the envelopes; the
// writer then takes order and envelopes in one command (exchange/settle_command.h). If somebody was
// faster it begins anew. The leaf of an envelope is the one that was kept for the row at its
// deposit (I5 of docs/key-tree.md); each sealing has a salt of its own, and one alone is ever
// committed.
//
// When to use  SettleByOrder() for ReleaseCase and RefuseCases, in place of an OrderCommand;
//              SettleExpired() from the exchange's own timer.
// Threads      May be called concurrently; callbacks run on the executor.
// Ownership    Borrows the hosted exchange, which waits for its executor before it goes.
// Errors       In the outcome: kRequestTooLarge if the cases lie in too many chunks for one order;
//              kOverloaded if others were faster again and again; what opening and sealing fail
//              with.
#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.h"
#include "daemon/exchange/order_command.h"
#include "daemon/rpc/directory.h"
#include "policy/opened_order.h"

namespace holdfast::rpc {

// Stored envelopes that one settlement rewrites, at most.
inline constexpr std::size_t kMaxSettleBytes = std::size_t{64} << 20;

// Whether `order` settles cases.
bool SettlesCases(const policy::OpenedOrder& order);

// REQUIRES: SettlesCases(*order), which was opened from `dsse` and its head was checked.
void SettleByOrder(const Hosted& hosted, Bytes dsse,
                   std::shared_ptr<const policy::OpenedOrder> order,
                   exchange::OrderCommand::DoneCallback done);

// Settles what is over in each hosted exchange, from now on. Once, before traffic.
void SettleExpired(const Directory& directory);

}  // namespace holdfast::rpc
