// SPDX-License-Identifier: Apache-2.0
#include "cli/run.h"

#include <exception>
#include <memory>
#include <vector>

#include "base/error.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/version.h"

namespace holdfast::cli {
namespace {

void DeclareHelp(CommandLine& line) {
  auto words = std::make_shared<std::vector<std::string>>();
  Command help = line.Root().Sub("help", "help for a command, or `exit-status`");
  help.Several("command", *words, "a command, such as `hold place`");
  help.Runs([words, &line](Session& session) -> absl::StatusOr<ExitStatus> {
    std::string text;
    if (*words == std::vector<std::string>{"exit-status"}) {
      text = ExitStatusHelp();
    } else {
      text = line.HelpFor(*words);
    }
    if (text.empty()) {
      return MakeError(Reason::kRequestMalformed, "there is no such command or topic");
    }
    while (text.ends_with('\n')) text.pop_back();
    JsonObject object("Help");
    object.Set("text", text);
    session.out().Result(object, text);
    return ExitStatus::kDone;
  });
}

absl::StatusOr<ExitStatus> RunAction(const Action& action, Session& session) {
  try {
    return action(session);
  } catch (const std::exception& error) {
    return MakeError(Reason::kInternal, std::string("unexpected: ") + error.what());
  }
}

}  // namespace

void DeclareCommands(CommandLine& line) {
  DeclareHelp(line);
  Command root = line.Root();
  DeclareStatus(root);
  DeclareOrder(root);
  DeclareIdentity(root);
  DeclareDoctor(root);
  DeclareTransfer(root);
  DeclareEnvelope(root);
  DeclareSource(root);
  DeclareHold(root);
  DeclareDisposal(root);
  DeclareLedger(root);
  DeclareAgreement(root);
  DeclarePki(root);
  DeclareSample(root);
}

ExitStatus Run(std::span<const std::string> arguments, Environment& environment) {
  if (arguments.size() == 1 && arguments[0] == "--version") {
    environment.out << "holdfast " << kVersion << '\n';
    return ExitStatus::kDone;
  }
  CommandLine line;
  DeclareCommands(line);
  if (!arguments.empty() && arguments[0] == "--complete") {
    // What completion.bash asks for.
    for (const std::string& name : line.Completions(arguments.subspan(1))) {
      environment.out << name << '\n';
    }
    return ExitStatus::kDone;
  }
  const Parsed parsed = line.Parse(arguments);
  if (!parsed.action) {
    std::ostream& stream = parsed.exit == ExitStatus::kDone ? environment.out : environment.err;
    stream << parsed.text;
    return parsed.exit;
  }
  Session session(environment, line.globals());
  const absl::Status prepared = session.Prepare();
  if (!prepared.ok()) {
    session.out().Fail(prepared);
    return ExitStatus::kUsage;
  }
  const absl::StatusOr<ExitStatus> result = RunAction(parsed.action, session);
  if (!result.ok()) return session.out().Fail(result.status());
  environment.out.flush();
  if (!session.out().Healthy()) return ExitStatus::kDisk;
  return *result;
}

}  // namespace holdfast::cli
