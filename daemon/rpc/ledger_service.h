// SPDX-License-Identifier: Apache-2.0
// The exchange, its checkpoints, proofs and entries.
//
// When to use  Register once, before the server starts.
// Threads      Handlers run on gRPC's threads; proofs are made on the executor.
// Ownership    Borrows the directory.
// Errors       As documented in proto/holdfast/v1/ledger_service.proto.
#pragma once

#include "daemon/rpc/directory.h"
#include "daemon/rpc/method_table.h"

namespace holdfast::rpc {

void RegisterLedger(const Directory& directory, MethodTable& table);

}  // namespace holdfast::rpc
