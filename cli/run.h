// SPDX-License-Identifier: Apache-2.0
// The program, apart from the process that it runs in.
//
// Threads      Not safe for concurrent use.
// Ownership    Borrows the environment for the call.
// Errors       The exit status, and what was printed.
#pragma once

#include <span>
#include <string>

#include "cli/exit_status.h"
#include "cli/session.h"

namespace holdfast::cli {

// Runs one command line, without the program's name. Does not throw.
ExitStatus Run(std::span<const std::string> arguments, Environment& environment);

// Declares every command. The order is that of `holdfast --help`.
void DeclareCommands(CommandLine& line);

}  // namespace holdfast::cli
