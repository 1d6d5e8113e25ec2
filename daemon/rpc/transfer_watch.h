// SPDX-License-Identifier: Apache-2.0
// WatchTransfer: a transfer now, and again whenever it has changed.
//
// When to use  Register once, before the server starts.
// Threads      Steps run on the executor and on gRPC's threads.
// Ownership    Borrows the directory. A watch lives as long as its call.
// Errors       kTransferNotFound; kExchangeStopped ends the stream.
#pragma once

#include "daemon/rpc/directory.h"
#include "daemon/rpc/method_table.h"

namespace holdfast::rpc {

void RegisterWatch(const Directory& directory, MethodTable& table);

}  // namespace holdfast::rpc
