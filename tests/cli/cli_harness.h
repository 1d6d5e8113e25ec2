// SPDX-License-Identifier: Apache-2.0
// Runs commands inside a test: no process, no terminal, files in memory or in a folder.
//
// Threads      One thread.
// Ownership    Borrows the file system.
// Errors       What the command says.
#pragma once

#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "cli/run.h"
#include "crypto/random.h"
#include "tests/support/fake_clock.h"

namespace holdfast::cli {

struct CommandResult {
  int exit = 0;
  std::string out;
  std::string err;
};

class CliHarness final {
 public:
  explicit CliHarness(FileSystem& files) : files_(files) {}

  std::map<std::string, std::string> variables = {{"HOLDFAST_HOME", "/home"}};
  test::FakeClock clock;

  CommandResult Run(const std::vector<std::string>& arguments, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    Environment environment{in,
                            out,
                            err,
                            Terminal::kNo,
                            Terminal::kNo,
                            files_,
                            clock,
                            random_,
                            [this](const std::string& name) -> std::optional<std::string> {
                              const auto it = variables.find(name);
                              if (it == variables.end()) return std::nullopt;
                              return it->second;
                            }};
    const ExitStatus exit = cli::Run(arguments, environment);
    return {static_cast<int>(exit), out.str(), err.str()};
  }

 private:
  FileSystem& files_;
  crypto::SystemRandom random_;
};

}  // namespace holdfast::cli
