// SPDX-License-Identifier: Apache-2.0
// holdfast transfer dossier, approve, deny, suspend, resume, cap, end, let-go-on: what a custodian
// orders about a transfer.
//
// When to use  Once, when `holdfast transfer` is declared.
// Threads      As the session.
// Ownership    The command owns its options.
// Errors       None; the commands' own.
#pragma once

#include "cli/command_line.h"

namespace holdfast::cli {

void DeclareTransferOrders(Command& transfer);

}  // namespace holdfast::cli
