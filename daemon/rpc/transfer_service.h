// SPDX-License-Identifier: Apache-2.0
// The life of a transfer: create, finish, close, and to look at. Its records move in
// submit_service.h, fetch_service.h and deposit_service.h.
//
// When to use  Register once, before the server starts.
// Threads      Handlers run on gRPC's threads.
// Ownership    Borrows the directory.
// Errors       As documented in proto/holdfast/v1/transfer_service.proto.
#pragma once

#include "daemon/rpc/directory.h"
#include "daemon/rpc/method_table.h"

namespace holdfast::rpc {

void RegisterTransfers(const Directory& directory, MethodTable& table);

}  // namespace holdfast::rpc
