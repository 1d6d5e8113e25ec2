// SPDX-License-Identifier: Apache-2.0
// SubmitOrder and GetOrderContext: the one way in for every act of a person.
//
// When to use  Register once, before the server starts. SubmitOrder() also for orders that were
// found
//              in the orders folder.
// Threads      May be called concurrently.
// Ownership    Borrows the directory and the hosted exchange.
// Errors       As documented in proto/holdfast/v1/hold_service.proto.
#pragma once

#include "base/bytes.h"
#include "daemon/exchange/order_command.h"
#include "daemon/rpc/directory.h"
#include "daemon/rpc/method_table.h"

namespace holdfast::rpc {

void RegisterOrders(const Directory& directory, MethodTable& table);

// Opens `dsse`, checks the head that its signer saw, and submits it.
// Errors: those of policy::OpenOrder, at once; all others in the outcome.
absl::Status SubmitOrder(const Hosted& hosted, Bytes dsse,
                         exchange::OrderCommand::DoneCallback done);

// Whether the ledger of that size had that root. A head that was shown lately is known from memory,
// and of any other one the committed ledger is asked: a hold need not queue behind anybody to be
// checked.
absl::StatusOr<policy::HeadCheck> CheckHead(const Hosted& hosted,
                                            const exchange::Published& published,
                                            std::uint64_t size, const Digest32& root);

// Returns the error of an outcome, or OK.
absl::Status ErrorOf(const exchange::OrderOutcome& outcome);

}  // namespace holdfast::rpc
