// SPDX-License-Identifier: Apache-2.0
// What a person has to know about the keyslot at the moment at which it matters.
//
// When to use  By the commands that show the state of a gateway, or place a hold that preserves.
// Threads      As the session.
// Ownership    Values.
// Errors       None.
#pragma once

#include "cli/session.h"
#include "holdfast/v1/ledger_service.pb.h"

namespace holdfast::cli {

// Says on standard error what the loss of the keyslot would mean, if there is one alone.
void NoteSingleKeyslot(Session& session, const v1::Exchange& exchange);

}  // namespace holdfast::cli
