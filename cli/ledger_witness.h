// SPDX-License-Identifier: Apache-2.0
// holdfast ledger witness, cosign: a witness that anybody can run, and who asks it.
//
// Threads      As the command line.
// Ownership    What a command's arguments are written to is owned by its action.
// Errors       None here.
#pragma once

#include "cli/command_line.h"

namespace holdfast::cli {

void DeclareLedgerWitness(Command ledger);

}  // namespace holdfast::cli
