// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/freed_memory.h"
#include "cli/run.h"
#include "crypto/random.h"

namespace {

std::optional<std::string> Variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

holdfast::cli::Terminal IsTerminal(int descriptor) {
  return isatty(descriptor) == 1 ? holdfast::cli::Terminal::kYes : holdfast::cli::Terminal::kNo;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    holdfast::ReuseFreedMemory();
    // A pager that was closed is noticed at the stream, not by a signal.
    std::signal(SIGPIPE, SIG_IGN);
    holdfast::PosixFileSystem files;
    holdfast::SystemClock clock;
    holdfast::crypto::SystemRandom random;
    holdfast::cli::Environment environment{
        std::cin, std::cout, std::cerr, IsTerminal(STDIN_FILENO), IsTerminal(STDERR_FILENO), files,
        clock,    random,    Variable};
    environment.in_descriptor = STDIN_FILENO;
    environment.out_is_terminal = IsTerminal(STDOUT_FILENO);
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    return static_cast<int>(holdfast::cli::Run(arguments, environment));
  } catch (const std::exception& error) {
    std::cerr << "holdfast: unexpected: " << error.what() << '\n';
    return static_cast<int>(holdfast::cli::ExitStatus::kInternal);
  }
}
