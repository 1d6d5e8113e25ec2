// SPDX-License-Identifier: Apache-2.0
// SubmitSubjects: the request gate, and sealing of what it accepts.
//
// When to use  Register() once, before the server starts.
// Threads      Messages are read on gRPC's threads, judged and sealed on those for chunks.
// Ownership    Borrows the directory.
// Errors       As documented in proto/holdfast/v1/transfer_service.proto.
#pragma once

#include "daemon/rpc/directory.h"
#include "daemon/rpc/method_table.h"

namespace holdfast::rpc {

void RegisterSubmit(const Directory& directory, MethodTable& table);

}  // namespace holdfast::rpc
