// SPDX-License-Identifier: Apache-2.0
// People by who they are.
//
// When to use  Register once, before the server starts.
// Threads      Handlers run on gRPC's threads.
// Ownership    Borrows the directory. An identity lives as long as its request.
// Errors       As documented in proto/holdfast/v1/person_service.proto.
#pragma once

#include "daemon/rpc/directory.h"
#include "daemon/rpc/method_table.h"

namespace holdfast::rpc {

void RegisterPeople(const Directory& directory, MethodTable& table);

}  // namespace holdfast::rpc
