// SPDX-License-Identifier: Apache-2.0
// Signed orders that were delivered as files: applied before anyone is served.
//
// A file `NAME.json` in the orders folder is an order's DSSE envelope. Accepted ones are moved to
// `accepted/`, refused ones to `refused/`; what could not be decided stays, and the daemon does not
// start: a hold that was delivered to a stopped daemon is in force before anybody is served.
//
// When to use  Once for each exchange, after it was opened and before the server starts.
// Threads      The main thread. Waits for the exchange.
// Ownership    Borrows everything.
// Errors       The store's and the file system's. A refused order is not an error.
#pragma once

#include <string>

#include "absl/status/status.h"

#include "base/file_system.h"
#include "daemon/rpc/directory.h"

namespace holdfast::daemon {

absl::Status ApplyOrdersFolder(FileSystem& files, const std::string& folder,
                               const rpc::Hosted& hosted);

}  // namespace holdfast::daemon
