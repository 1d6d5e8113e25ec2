// SPDX-License-Identifier: Apache-2.0
// The verification of a ledger as --json shows it.
//
// When to use  In the two programs that verify an export.
// Threads      May be called concurrently.
// Ownership    Values.
// Errors       None.
#pragma once

#include "evidence/verification.h"

#include "cli/json.h"

namespace holdfast::cli {

// Schema LedgerVerified.
JsonObject LedgerVerifiedView(const evidence::Verification& verification);

}  // namespace holdfast::cli
