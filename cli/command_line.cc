// SPDX-License-Identifier: Apache-2.0
// The only file that sees the parser.
#include "cli/command_line.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/check.h"
#include "base/error.h"
#include "base/escape.h"
#include "cli/help.h"
#include "cli/version.h"

namespace holdfast::cli {
namespace {

// The subcommand at the end of the chain that was given.
const CLI::App* Deepest(const CLI::App* app) {
  for (;;) {
    const auto given = app->get_subcommands();
    if (given.empty()) return app;
    app = given.front();
  }
}

std::string PathOf(const CLI::App* app) {
  std::string path;
  for (const CLI::App* a = app; a != nullptr; a = a->get_parent()) {
    path = a->get_name() + (path.empty() ? "" : " " + path);
  }
  return path;
}

// The parser's own text, with the whole command in its usage line.
std::string HelpText(const CLI::App* app) {
  return app->get_parent() == nullptr ? TopHelp() : app->help(PathOf(app->get_parent()));
}

const CLI::App* Find(const CLI::App* app, std::span<const std::string> command) {
  for (const std::string& name : command) {
    const auto below =
        app->get_subcommands([&](const CLI::App* s) { return s->get_name() == name; });
    if (below.empty()) return nullptr;
    app = below.front();
  }
  return app;
}

}  // namespace

bool AsksForJson(std::span<const std::string> arguments) {
  return std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
}

Command Command::Sub(const std::string& name, const std::string& help) {
  CLI::App* sub = app_->add_subcommand(name, help);
  sub->fallthrough();
  // Until it has an action of its own.
  app_->require_subcommand(1);
  return {sub, actions_};
}

Command& Command::Required(const std::string& flags, std::string& target, const std::string& help) {
  app_->add_option(flags, target, help)->required();
  return *this;
}

Command& Command::Optional(const std::string& flags, std::string& target, const std::string& help) {
  app_->add_option(flags, target, help);
  return *this;
}

Command& Command::Number(const std::string& flags, std::uint64_t& target, const std::string& help) {
  app_->add_option(flags, target, help);
  return *this;
}

Command& Command::RequiredNumber(const std::string& flags, std::uint64_t& target,
                                 const std::string& help) {
  app_->add_option(flags, target, help)->required();
  return *this;
}

Command& Command::Several(const std::string& flags, std::vector<std::string>& target,
                          const std::string& help) {
  app_->add_option(flags, target, help);
  return *this;
}

Command& Command::RequiredSeveral(const std::string& flags, std::vector<std::string>& target,
                                  const std::string& help) {
  app_->add_option(flags, target, help)->required();
  return *this;
}

Command& Command::Flag(const std::string& flags, bool& target, const std::string& help) {
  app_->add_flag(flags, target, help);
  return *this;
}

Command& Command::OneOf(const std::string& flags, std::string& target,
                        const std::vector<std::string>& values, const std::string& help) {
  app_->add_option(flags, target, help)->required()->check(CLI::IsMember(values));
  return *this;
}

Command& Command::Footer(const std::string& text) {
  app_->footer(text);
  return *this;
}

void Command::Runs(Action action) { actions_->emplace_back(app_, std::move(action)); }

CommandLine::CommandLine() : app_(std::make_unique<CLI::App>("", "holdfast")) {
  app_->set_help_flag("-h,--help", "print help and exit");
  app_->set_version_flag("--version", std::string(kVersion));
  app_->add_option("--profile", globals_.profile,
                   "who I am: a file in ~/.config/holdfast/profiles");
  app_->add_option("--server", globals_.server, "HOST:PORT in place of the profile's");
  app_->add_option("--exchange", globals_.exchange, "its name, where the gateway hosts several");
  app_->add_option("--timeout", globals_.timeout, "the longest a call may take, such as 30s");
  app_->add_option("--passphrase-fd", globals_.passphrase_fd,
                   "a descriptor whose next line is the signing key's passphrase");
  app_->add_flag("--json", globals_.json, "one JSON object a result");
  app_->add_flag("--quiet", globals_.quiet, "no progress and no notes");
  app_->add_flag("--verbose", globals_.verbose, "more detail");
  app_->add_flag("--utc", globals_.utc, "times in UTC");
}

CommandLine::~CommandLine() = default;

Command CommandLine::Root() { return {app_.get(), &actions_}; }

Parsed CommandLine::Parse(std::span<const std::string> arguments) {
  Parsed parsed;
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app_->parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    parsed.help = HelpText(Deepest(app_.get()));
    return parsed;
  } catch (const CLI::CallForVersion&) {
    parsed.asks_for_version = true;
    return parsed;
  } catch (const CLI::ParseError& error) {
    parsed.error = MakeError(Reason::kRequestMalformed, EscapeForLog(error.what(), 400));
    parsed.advice = "`" + PathOf(Deepest(app_.get())) + " --help` shows what it takes";
    return parsed;
  }
  const CLI::App* chosen = Deepest(app_.get());
  for (const auto& [app, action] : actions_) {
    if (app == chosen) parsed.action = action;
  }
  HF_CHECK(parsed.action != nullptr);  // A command without one demands a command below it.
  return parsed;
}

std::string CommandLine::HelpFor(std::span<const std::string> command) const {
  if (command.empty()) return TopHelp();
  const CLI::App* app = Find(app_.get(), command);
  return app == nullptr ? std::string() : HelpText(app);
}

std::vector<std::string> CommandLine::Completions(std::span<const std::string> words) const {
  std::vector<std::string> found;
  if (words.empty()) return found;
  const CLI::App* app = app_.get();
  for (const std::string& word : words.first(words.size() - 1)) {
    const CLI::App* below = Find(app, std::span(&word, 1));
    if (below != nullptr) app = below;
  }
  const std::string& begun = words.back();
  const auto offer = [&](const std::string& candidate) {
    if (candidate.starts_with(begun)) found.push_back(candidate);
  };
  if (!begun.starts_with('-')) {
    for (const CLI::App* sub : app->get_subcommands([](const CLI::App*) { return true; })) {
      offer(sub->get_name());
    }
    return found;
  }
  for (const CLI::App* a = app; a != nullptr; a = a->get_parent()) {
    for (const CLI::Option* option : a->get_options()) {
      for (const std::string& name : option->get_lnames()) offer("--" + name);
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::vector<std::string> CommandLine::NamesBelow(std::span<const std::string> command) const {
  std::vector<std::string> names;
  const CLI::App* app = Find(app_.get(), command);
  if (app == nullptr) return names;
  for (const CLI::App* sub : app->get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(sub->get_name());
  }
  return names;
}

absl::StatusOr<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
  };
  constexpr std::array kUnits = {Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000},
                                 Unit{"h", 3'600'000}, Unit{"d", 86'400'000}};
  std::int64_t number = 0;
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9' && digits < 9) {
    number = number * 10 + (text[digits] - '0');
    ++digits;
  }
  for (const Unit& unit : kUnits) {
    if (digits > 0 && text.substr(digits) == unit.name) {
      return std::chrono::milliseconds(number * unit.milliseconds);
    }
  }
  return MakeError(Reason::kRequestMalformed,
                   "not a duration: " + EscapeForLog(text) + " (such as 500ms, 30s, 5m, 72h)");
}

}  // namespace holdfast::cli
