// SPDX-License-Identifier: Apache-2.0
// ReleaseKeys: a lease, and record keys under it.
//
// A call becomes a command; the writer decides it and commits the entry; only then is the key
// derived from the vault and wrapped for the reply. A reply that is on its way is known to the
// Egress, so that a hold can wait for it or cut it off.
//
// When to use  Register once, before the server starts.
// Threads      Messages are checked on gRPC's threads, keys are wrapped on the executor.
// Ownership    Borrows the directory.
// Errors       As documented in proto/holdfast/v1/key_service.proto.
#pragma once

#include "daemon/rpc/directory.h"
#include "daemon/rpc/method_table.h"

namespace holdfast::rpc {

void RegisterKeys(const Directory& directory, MethodTable& table);

}  // namespace holdfast::rpc
