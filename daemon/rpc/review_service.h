// SPDX-License-Identifier: Apache-2.0
// ReviewService: the custodian's queue of doubtful cases, and verdicts run again.
//
// When to use  Registered once, while the daemon is wired.
// Threads      Handlers may be called concurrently.
// Ownership    Borrows the directory.
// Errors       Those of the service (proto/holdfast/v1/review_service.proto).
#pragma once

#include "daemon/rpc/directory.h"
#include "daemon/rpc/method_table.h"

namespace holdfast::rpc {

void RegisterReviews(const Directory& directory, MethodTable& table);

}  // namespace holdfast::rpc
