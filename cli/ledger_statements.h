// SPDX-License-Identifier: Apache-2.0
// holdfast ledger non-use, incident, certify: what is written for others from a verified export.
//
// Threads      As the command line.
// Ownership    What a command's arguments are written to is owned by its action.
// Errors       None here.
#pragma once

#include "cli/command_line.h"

namespace holdfast::cli {

void DeclareLedgerStatements(Command ledger);

}  // namespace holdfast::cli
