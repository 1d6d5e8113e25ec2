// SPDX-License-Identifier: Apache-2.0
// holdfast disposal certificate: create from an export, show and verify offline.
//
// Threads      As the command line.
// Ownership    What a command's arguments are written to is owned by its action.
// Errors       None here.
#pragma once

#include "cli/command_line.h"

namespace holdfast::cli {

void DeclareErasureCertificate(Command disposal);

}  // namespace holdfast::cli
