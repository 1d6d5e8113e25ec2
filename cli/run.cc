// SPDX-License-Identifier: Apache-2.0
#include "cli/run.h"

#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "base/error.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/version.h"

namespace holdfast::cli {
namespace {

void ShowHelp(Output& output, std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  JsonObject object("Help");
  object.Set("text", text);
  output.Result(object, text);
}

void DeclareHelp(CommandLine& line) {
  auto words = std::make_shared<std::vector<std::string>>();
  Command help = line.Root().Sub("help", "help for a command, or `exit-status`");
  help.Several("command", *words, "a command, such as `hold place`");
  help.Runs([words, &line](Session& session) -> absl::StatusOr<ExitStatus> {
    std::string text =
        *words == std::vector<std::string>{"exit-status"} ? ExitStatusHelp() : line.HelpFor(*words);
    if (text.empty()) {
      return MakeError(Reason::kRequestMalformed, "there is no such command or topic");
    }
    ShowHelp(session.out(), std::move(text));
    return ExitStatus::kDone;
  });
}

ExitStatus RunParsed(const Parsed& parsed, Session& session) {
  Output& output = session.out();
  if (!parsed.error.ok()) return output.FailUsage(parsed.error, parsed.advice);
  if (parsed.asks_for_version) {
    JsonObject object("Version");
    object.Set("version", kVersion);
    output.Result(object, "holdfast " + std::string(kVersion));
    return ExitStatus::kDone;
  }
  if (!parsed.action) {
    ShowHelp(output, parsed.help);
    return ExitStatus::kDone;
  }
  const absl::Status prepared = session.Prepare();
  if (!prepared.ok()) return output.FailUsage(prepared);
  const absl::StatusOr<ExitStatus> result = parsed.action(session);
  return result.ok() ? *result : output.Fail(result.status());
}

ExitStatus RunAny(std::span<const std::string> arguments, Environment& environment) {
  if (arguments.empty()) {
    environment.err << TopHelp();
    return ExitStatus::kUsage;
  }
  CommandLine line;
  DeclareCommands(line);
  if (arguments[0] == "--complete") {
    // What completion.bash asks for.
    for (const std::string& name : line.Completions(arguments.subspan(1))) {
      environment.out << name << '\n';
    }
    return ExitStatus::kDone;
  }
  const Parsed parsed = line.Parse(arguments);
  Session session(environment, line.globals());
  // Options that come behind what is wrong were not read.
  if (AsksForJson(arguments)) session.out().AnswerInJson();
  return RunParsed(parsed, session);
}

}  // namespace

void DeclareCommands(CommandLine& line) {
  DeclareHelp(line);
  Command root = line.Root();
  DeclareStatus(root);
  DeclareOrder(root);
  DeclareIdentity(root);
  DeclareDoctor(root);
  DeclareDrill(root);
  DeclareTransfer(root);
  DeclareEnvelope(root);
  DeclareSource(root);
  DeclareHold(root);
  DeclareNotices(root);
  DeclareDisposal(root);
  DeclareReview(root);
  DeclareKeyslot(root);
  DeclareBackup(root);
  DeclareLedger(root);
  DeclareAccount(root);
  DeclareAgreement(root);
  DeclarePki(root);
  DeclareSample(root);
}

ExitStatus Run(std::span<const std::string> arguments, Environment& environment) {
  // For what ends a session.
  Output output(environment.out, environment.err, environment.err_is_terminal);
  if (AsksForJson(arguments)) output.AnswerInJson();
  try {
    const ExitStatus exit = RunAny(arguments, environment);
    environment.out.flush();
    return output.Healthy() || exit != ExitStatus::kDone ? exit : ExitStatus::kDisk;
  } catch (const std::exception& error) {
    return output.Fail(MakeError(Reason::kInternal, std::string("unexpected: ") + error.what()));
  }
}

}  // namespace holdfast::cli
