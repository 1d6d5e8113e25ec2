// SPDX-License-Identifier: Apache-2.0
// AccountService: what was asked for and disclosed about one person (R39).
//
// When to use  Registered once, while the daemon is wired.
// Threads      Handlers may be called concurrently.
// Ownership    Borrows the directory.
// Errors       Those of the service (proto/holdfast/v1/account_service.proto).
#pragma once

#include "daemon/rpc/directory.h"
#include "daemon/rpc/method_table.h"

namespace holdfast::rpc {

void RegisterAccounts(const Directory& directory, MethodTable& table);

}  // namespace holdfast::rpc
