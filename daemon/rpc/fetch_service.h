// SPDX-License-Identifier: Apache-2.0
// FetchSubjects and CollectEnvelopes: what leaves in chunks.
//
// When to use  Register once, before the server starts.
// Threads      See ChunkStream.
// Ownership    Borrows the directory.
// Errors       As documented in proto/holdfast/v1/transfer_service.proto.
#pragma once

#include "daemon/rpc/directory.h"
#include "daemon/rpc/method_table.h"

namespace holdfast::rpc {

void RegisterFetch(const Directory& directory, MethodTable& table);

}  // namespace holdfast::rpc
