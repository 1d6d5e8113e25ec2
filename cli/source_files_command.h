// SPDX-License-Identifier: Apache-2.0
// The commands of `holdfast source` that work with files: pull, push, explain.
//
// Threads      Not safe for concurrent use.
// Ownership    As cli/commands.h.
// Errors       None here.
#pragma once

#include "cli/command_line.h"

namespace holdfast::cli {

void DeclareSourceFiles(Command source);

}  // namespace holdfast::cli
