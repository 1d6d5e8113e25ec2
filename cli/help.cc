// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include <fmt/format.h>

#include "cli/exit_status.h"

namespace holdfast::cli {

std::string TopHelp() {
  return R"(holdfast: release records you can take back

Usage: holdfast [--profile NAME] COMMAND [ARGUMENTS]

Everyone
  identity      create, show: signing keys
Operator
  pki           init, issue: certificates for a test
  sample        made-up people

Options
  --json  --quiet  --verbose  --utc  --timeout 30s  --server HOST:PORT

Examples
  holdfast sample --records 10000 --out sample/
  holdfast pki init --domain holdfast.example --out pki/

holdfast help COMMAND, holdfast help exit-status, man holdfast(1)
)";
}

std::string ExitStatusHelp() {
  std::string text = "What holdfast tells the shell:\n\n";
  for (const ExitStatusText& row : AllExitStatuses()) {
    text += fmt::format("  {:>3}  {}\n", static_cast<int>(row.status), row.meaning);
  }
  text +=
      "\nA program may depend on these numbers. With --json an error is an object of schema\n"
      "holdfast.cli.v1.Error, whose `reason` says more.\n";
  return text;
}

}  // namespace holdfast::cli
