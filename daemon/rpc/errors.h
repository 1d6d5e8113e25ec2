// SPDX-License-Identifier: Apache-2.0
// The one place where an error of ours becomes an error on the wire.
//
// When to use  Inside rpc/, for every call that does not end well. Handlers hand over absl::Status.
// Threads      May be called concurrently.
// Ownership    Values.
// Errors       None.
#pragma once

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace holdfast::rpc {

// Returns `status` as it goes out: the code of its reason, its message cut to a bound, and details
// with ErrorInfo (domain "holdfast.dev", reason, metadata), plus RetryInfo where the same call may
// succeed later. A status that MakeError() did not make goes out as INTERNAL without its text: it
// was never meant for a peer. OK stays OK.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace holdfast::rpc
