// SPDX-License-Identifier: Apache-2.0
// RehearseOrder: what an order would come to.
//
// When to use  Register once, before the server starts.
// Threads      May be called concurrently.
// Ownership    Borrows the directory.
// Errors       As documented in proto/holdfast/v1/drill_service.proto.
#pragma once

#include "daemon/rpc/directory.h"
#include "daemon/rpc/method_table.h"

namespace holdfast::rpc {

void RegisterDrills(const Directory& directory, MethodTable& table);

}  // namespace holdfast::rpc
