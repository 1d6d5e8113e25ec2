// SPDX-License-Identifier: Apache-2.0
// Commands, their arguments, and what runs when one is given.
//
// When to use  A file for each noun declares its commands with Command and never sees the parser
//              behind it, which takes seconds to compile.
// Threads      Not safe for concurrent use.
// Ownership    A Command is a reference into its CommandLine. What an argument is written to must
//              live as long; the usual way is a shared struct that the action captures.
// Errors       A wrong command line is ExitStatus::kUsage.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "cli/exit_status.h"
#include "cli/output.h"

namespace CLI {
class App;
}  // namespace CLI

namespace holdfast::cli {

class Session;

using Action = std::function<absl::StatusOr<ExitStatus>(Session&)>;

// A noun or a verb.
class Command final {
 public:
  Command(CLI::App* app, std::vector<std::pair<CLI::App*, Action>>* actions)
      : app_(app), actions_(actions) {}

  // A command below this one.
  Command Sub(const std::string& name, const std::string& help);

  // `flags` is "--out" or "-o,--out"; without a hyphen it is a positional argument.
  Command& Required(const std::string& flags, std::string& target, const std::string& help);
  Command& Optional(const std::string& flags, std::string& target, const std::string& help);
  Command& Number(const std::string& flags, std::uint64_t& target, const std::string& help);
  Command& RequiredNumber(const std::string& flags, std::uint64_t& target, const std::string& help);

  // May be given more than once.
  Command& Several(const std::string& flags, std::vector<std::string>& target,
                   const std::string& help);
  Command& RequiredSeveral(const std::string& flags, std::vector<std::string>& target,
                           const std::string& help);
  Command& Flag(const std::string& flags, bool& target, const std::string& help);

  // Required: exactly one of several values.
  Command& OneOf(const std::string& flags, std::string& target,
                 const std::vector<std::string>& values, const std::string& help);

  // Text below the list of arguments.
  Command& Footer(const std::string& text);

  // What the command does.
  void Runs(Action action);

 private:
  CLI::App* app_;
  std::vector<std::pair<CLI::App*, Action>>* actions_;
};

// What every command understands.
struct GlobalOptions {
  std::string profile;
  std::string server;
  std::string exchange;
  std::string timeout;
  std::string passphrase_fd;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool utc = false;
};

// What came out of reading a command line: exactly one of the four.
struct Parsed {
  // What is to be run.
  Action action;

  // The help that was asked for.
  std::string help;

  bool asks_for_version = false;

  // What is wrong with the command line, and what to do next.
  absl::Status error;
  std::string advice;
};

// Whether --json is among the arguments, also where the rest of them cannot be read.
bool AsksForJson(std::span<const std::string> arguments);

class CommandLine final {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;
  ~CommandLine();

  Command Root();
  const GlobalOptions& globals() const { return globals_; }

  // Reads arguments, without the program's name.
  Parsed Parse(std::span<const std::string> arguments);

  // Returns the help of a command such as {"hold", "place"}, or an empty text.
  std::string HelpFor(std::span<const std::string> command) const;

  // Returns what may stand in place of the last of `words`, for a shell's completion.
  std::vector<std::string> Completions(std::span<const std::string> words) const;

  // Returns the names of the commands below `command`, in order of declaration.
  std::vector<std::string> NamesBelow(std::span<const std::string> command) const;

 private:
  GlobalOptions globals_;
  std::unique_ptr<CLI::App> app_;
  std::vector<std::pair<CLI::App*, Action>> actions_;
};

// Reads a duration such as 500ms, 30s, 5m, 72h or 3d; digits and one unit.
// Errors: kRequestMalformed.
absl::StatusOr<std::chrono::milliseconds> ParseDuration(std::string_view text);

}  // namespace holdfast::cli
