// SPDX-License-Identifier: Apache-2.0
// Destruction that holds stand against, and that a court orders all the same.
//
// When to use  Behind `holdfast disposal conflicts` and `disposal authorise`.
// Threads      As the session.
// Ownership    Values.
// Errors       Those of cli/orders.h.
#pragma once

#include "cli/command_line.h"

namespace holdfast::cli {

void DeclareConflicts(Command disposal);
void DeclareAuthorise(Command disposal);

}  // namespace holdfast::cli
