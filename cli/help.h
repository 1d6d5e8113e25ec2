// SPDX-License-Identifier: Apache-2.0
// The texts that are written by hand: the first screen, and topics that are no command.
//
// Threads      May be called concurrently.
// Ownership    Values.
// Errors       None.
#pragma once

#include <string>

namespace holdfast::cli {

// `holdfast --help`.
std::string TopHelp();

// `holdfast help exit-status`.
std::string ExitStatusHelp();

}  // namespace holdfast::cli
