// SPDX-License-Identifier: Apache-2.0
// Holds and revocations, to read. The acts themselves are orders (order_service.h).
//
// When to use  Register once, before the server starts.
// Threads      Handlers run on gRPC's threads, what they read on the writer's.
// Ownership    Borrows the directory.
// Errors       As documented in proto/holdfast/v1/hold_service.proto and disposal_service.proto.
#pragma once

#include "daemon/rpc/directory.h"
#include "daemon/rpc/method_table.h"

namespace holdfast::rpc {

void RegisterHolds(const Directory& directory, MethodTable& table);

}  // namespace holdfast::rpc
