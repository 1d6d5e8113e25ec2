// SPDX-License-Identifier: Apache-2.0
// What every command shares: exit status, JSON, durations, profiles, help.
#include <algorithm>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/error.h"
#include "cli/command_line.h"
#include "cli/exit_status.h"
#include "cli/help.h"
#include "cli/hints.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/profile.h"
#include "cli/run.h"
#include "tests/cli/cli_harness.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/mutations.h"
#include "tests/support/status_matchers.h"

namespace holdfast::cli {
namespace {

using ::holdfast::test::HasMetadata;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using ::holdfast::test::IsOkAndHolds;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// The numbers are an interface: this list changes only by additions.
TEST(ExitStatusTest, KeepsItsNumbers) {
  const std::vector<int> expected = {0, 1, 10, 11, 12, 13, 64, 65, 69, 70, 74, 75, 77, 78};
  std::vector<int> found;
  for (const ExitStatusText& row : AllExitStatuses()) found.push_back(static_cast<int>(row.status));
  EXPECT_EQ(found, expected);
}

TEST(ExitStatusTest, IsDocumentedByHelp) {
  test::MemoryFileSystem files;
  const CommandResult result = CliHarness(files).Run({"help", "exit-status"});
  EXPECT_EQ(result.exit, 0);
  for (const ExitStatusText& row : AllExitStatuses()) {
    EXPECT_THAT(result.out, HasSubstr(std::to_string(static_cast<int>(row.status)) + "  " +
                                      std::string(row.meaning)));
  }
}

TEST(ExitStatusTest, EveryReasonHasOneAndNoneIsSuccess) {
  for (const Reason reason : AllReasons()) {
    SCOPED_TRACE(ReasonName(reason));
    EXPECT_NE(ExitStatusOf(MakeError(reason, "x")), ExitStatus::kDone);
  }
  EXPECT_EQ(ExitStatusOf(absl::OkStatus()), ExitStatus::kDone);
  EXPECT_EQ(ExitStatusOf(MakeError(Reason::kHeld, "x")), ExitStatus::kHeld);
  EXPECT_EQ(ExitStatusOf(MakeError(Reason::kBrakeOn, "x")), ExitStatus::kWaits);
}

TEST(ExitStatusTest, TellsOurDiskFromTheGateways) {
  const absl::Status full = MakeError(Reason::kStoreFull, "x");
  EXPECT_EQ(ExitStatusOf(full), ExitStatus::kDisk);
  EXPECT_EQ(ExitStatusOf(AddMetadata(full, kGatewayKey, "yes")), ExitStatus::kTryAgain);
  const absl::Status away = MakeError(Reason::kUnavailable, "x");
  EXPECT_EQ(ExitStatusOf(away), ExitStatus::kTryAgain);
  EXPECT_EQ(ExitStatusOf(AddMetadata(away, kUnreachableKey, "yes")), ExitStatus::kUnreachable);
}

TEST(HintsTest, NameTheMatterOfAHold) {
  EXPECT_THAT(HintFor(AddMetadata(MakeError(Reason::kHeld, "x"), "matter", "1:26-cv-00001")),
              HasSubstr("1:26-cv-00001"));
}

TEST(JsonTest, WritesOneLineWithItsSchemaFirst) {
  JsonArray list;
  list.Add("a").Add("b");
  JsonObject object("Thing");
  object.Set("text", "say \"hi\"\n\\").Set("yes", true).Set("n", std::uint64_t{7}).Set("l", list);
  EXPECT_EQ(
      object.text(),
      R"({"schema": "holdfast.cli.v1.Thing", "text": "say \"hi\"\n\\", "yes": true, "n": 7, "l": ["a", "b"]})");
}

TEST(JsonTest, EscapesControlCharactersAndBytesThatAreNoText) {
  EXPECT_EQ(JsonQuote(std::string_view("\0\x1F\x7F", 3)), R"("\u0000\u001f\u007f")");
  EXPECT_EQ(JsonQuote("Zo\xC3\xAB"), "\"Zo\xC3\xAB\"");
  EXPECT_EQ(JsonQuote("\xC3"), "\"\xEF\xBF\xBD\"");
}

TEST(DurationTest, TakesOneNumberWithOneUnit) {
  using std::chrono::milliseconds;
  EXPECT_THAT(ParseDuration("500ms"), IsOkAndHolds(milliseconds(500)));
  EXPECT_THAT(ParseDuration("30s"), IsOkAndHolds(milliseconds(30'000)));
  EXPECT_THAT(ParseDuration("72h"), IsOkAndHolds(milliseconds(259'200'000)));
  for (const std::string_view text : {"", "s", "5", "-1s", "1.5s", "1h30m", "1 s", "9999999999s"}) {
    EXPECT_THAT(ParseDuration(text), HasReason(Reason::kRequestMalformed)) << text;
  }
}

constexpr char kProfile[] =
    "# counsel\n"
    "server = 127.0.0.1:7443\n"
    "exchange_id = 00\n"
    "certificate = ../pki/counsel.pem\n"
    "key = /abs/counsel.key\n";

TEST(ProfileTest, ResolvesPathsAgainstItsFolder) {
  const auto profile = ParseProfile(kProfile, "counsel", "/home/profiles/counsel");
  ASSERT_THAT(profile, IsOk());
  EXPECT_EQ(profile->server, "127.0.0.1:7443");
  EXPECT_EQ(profile->certificate, "/home/profiles/../pki/counsel.pem");
  EXPECT_EQ(profile->key, "/abs/counsel.key");
  EXPECT_EQ(profile->server_name, "localhost");
}

TEST(ProfileTest, NamesFileAndLineOfADefect) {
  for (const std::string_view text : {"server = a\nport = 1\n", "server = a\nserver = b\n",
                                      "server = a\nkey =\n", "server = a\nhello\n"}) {
    SCOPED_TRACE(text);
    const auto profile = ParseProfile(text, "p", "/p");
    EXPECT_THAT(profile, HasReason(Reason::kConfigInvalid));
    EXPECT_THAT(profile, HasMetadata("line", "2"));
    EXPECT_THAT(std::string(profile.status().message()), StartsWith("/p:2: "));
  }
}

TEST(ProfileTest, SurvivesEveryMutation) {
  for (const test::Mutation& m : test::BitFlipsAndTruncations(AsBytes(kProfile))) {
    const auto profile = ParseProfile(AsText(m.bytes), "p", "/p");
    if (profile.ok()) continue;
    EXPECT_THAT(profile, HasReason(Reason::kConfigInvalid)) << m.description;
  }
}

TEST(ProfileTest, IsReadFromTheHomeFolderOrByPath) {
  test::MemoryFileSystem files;
  files.Preload("/home/profiles/counsel", AsBytes(kProfile));
  EXPECT_THAT(LoadProfile(files, "/home", "counsel"), IsOk());
  EXPECT_THAT(LoadProfile(files, "/elsewhere", "/home/profiles/counsel"), IsOk());
  EXPECT_THAT(LoadProfile(files, "/home", "nobody"), HasReason(Reason::kConfigInvalid));
  EXPECT_EQ(HomeFolder(std::nullopt, "/root"), "/root/.config/holdfast");
  EXPECT_EQ(HomeFolder("/h", "/root"), "/h");
}

TEST(CommandLineTest, PrintsTheFirstScreenOnRequest) {
  test::MemoryFileSystem files;
  CliHarness cli(files);
  EXPECT_EQ(cli.Run({"--help"}).out, TopHelp());
  EXPECT_EQ(cli.Run({"--help"}).exit, 0);
  EXPECT_EQ(cli.Run({"help"}).exit, 0);
  const CommandResult nothing = cli.Run({});
  EXPECT_EQ(nothing.exit, 64);
  EXPECT_EQ(nothing.out, "");
  EXPECT_EQ(nothing.err, TopHelp());
}

// Each noun of the first screen exists, and each that exists is on it.
TEST(CommandLineTest, FirstScreenListsExactlyTheCommandsThatExist) {
  CommandLine line;
  DeclareCommands(line);
  std::vector<std::string> declared = line.NamesBelow({});
  declared.erase(std::remove(declared.begin(), declared.end(), "help"), declared.end());
  std::vector<std::string> listed;
  std::istringstream help(TopHelp());
  for (std::string text; std::getline(help, text) && text != "Options";) {
    if (!text.starts_with("  ") || text.size() < 3 || text[2] == ' ' || text[2] == '-') continue;
    const std::string noun = text.substr(2, text.find(' ', 2) - 2);
    if (std::find(listed.begin(), listed.end(), noun) == listed.end()) listed.push_back(noun);
  }
  std::sort(declared.begin(), declared.end());
  std::sort(listed.begin(), listed.end());
  EXPECT_EQ(listed, declared);
}

TEST(CommandLineTest, EveryCommandHasHelpThatNamesItWhole) {
  CommandLine line;
  DeclareCommands(line);
  for (const std::string& noun : line.NamesBelow({})) {
    EXPECT_THAT(line.HelpFor(std::vector<std::string>{noun}), HasSubstr("holdfast " + noun));
    for (const std::string& verb : line.NamesBelow(std::vector<std::string>{noun})) {
      EXPECT_THAT(line.HelpFor(std::vector<std::string>{noun, verb}),
                  HasSubstr("holdfast " + noun + " " + verb));
    }
  }
}

TEST(CommandLineTest, SaysWhatIsWrongAndWhereToLook) {
  test::MemoryFileSystem files;
  CliHarness cli(files);
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"pki"},
                                             {"pki", "init"},
                                             {"pki", "dance"},
                                             {"pki", "init", "--domain"},
                                             {"pki", "init", "--colour", "red"},
                                             {"sample", "--out", "/s", "--records", "many"}}) {
    const CommandResult result = cli.Run(arguments);
    EXPECT_EQ(result.exit, 64);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("--help` shows what it takes"));
    for (const bool at_the_end : {false, true}) {
      std::vector<std::string> with_json = arguments;
      with_json.insert(at_the_end ? with_json.end() : with_json.begin(), "--json");
      const CommandResult json = cli.Run(with_json);
      EXPECT_EQ(json.exit, 64);
      EXPECT_EQ(json.err, "");
      EXPECT_THAT(json.out, StartsWith(R"({"schema": "holdfast.cli.v1.Error", "reason": )"
                                       R"("REQUEST_MALFORMED", "message": ")"));
      EXPECT_THAT(json.out, HasSubstr(R"("retryable": false, "metadata": {}, "help": "`holdfast)"));
      EXPECT_THAT(json.out, HasSubstr(R"("exit_status": 64})"));
    }
  }
}

TEST(CommandLineTest, TakesGlobalOptionsBeforeAndAfterTheCommand) {
  test::MemoryFileSystem files;
  CliHarness cli(files);
  EXPECT_THAT(cli.Run({"--json", "help", "exit-status"}).out, StartsWith("{\"schema\""));
  EXPECT_THAT(cli.Run({"help", "exit-status", "--json"}).out, StartsWith("{\"schema\""));
  EXPECT_EQ(cli.Run({"help", "--timeout", "soon"}).exit, 64);
  EXPECT_EQ(cli.Run({"help", "--quiet", "--verbose"}).exit, 64);
}

TEST(CommandLineTest, AnswersEveryQuestionInJson) {
  test::MemoryFileSystem files;
  CliHarness cli(files);
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"--json"}, {"--json", "--quiet", "--verbose", "help"}, {"status", "--timeout", "x"}}) {
    std::vector<std::string> with_json = arguments;
    with_json.emplace_back("--json");
    const CommandResult result = cli.Run(with_json);
    EXPECT_EQ(result.exit, 64);
    EXPECT_EQ(result.err, "");
    EXPECT_THAT(result.out, StartsWith(R"({"schema": "holdfast.cli.v1.Error")"));
    EXPECT_THAT(result.out, HasSubstr(R"("exit_status": 64})"));
  }
  EXPECT_THAT(cli.Run({"--json", "--help"}).out,
              StartsWith(R"({"schema": "holdfast.cli.v1.Help")"));
  EXPECT_THAT(cli.Run({"hold", "-h", "--json"}).out,
              StartsWith(R"({"schema": "holdfast.cli.v1.Help")"));
  EXPECT_THAT(cli.Run({"--version", "--json"}).out,
              StartsWith(R"({"schema": "holdfast.cli.v1.Version", "version": ")"));
}

TEST(ErrorOutputTest, SendsNobodyToAnotherProfileForWantOfADocument) {
  const absl::Status denied = MakeError(Reason::kPermissionDenied, "no");
  EXPECT_THAT(HintFor(denied), HasSubstr("--profile"));
  EXPECT_THAT(HintFor(AddMetadata(denied, "refusal", "ROLE_FORBIDS")), HasSubstr("--profile"));
  for (const char* document : {"DELEGATION_NOT_IN_FORCE", "SAFEGUARD_NOT_IN_FORCE"}) {
    EXPECT_THAT(HintFor(AddMetadata(denied, "refusal", document)), HasSubstr("principals"));
  }
}

TEST(ErrorOutputTest, SaysToPeopleWhereARefusalIsOnTheRecord) {
  const auto said = [](absl::Status error) {
    std::ostringstream out;
    std::ostringstream err;
    Output output(out, err, Terminal::kNo);
    output.Fail(error);
    EXPECT_EQ(out.str(), "");
    return err.str();
  };
  const absl::Status held = MakeError(Reason::kHeld, "a hold stops it");
  EXPECT_THAT(said(held), Not(HasSubstr("refused:")));
  const absl::Status known = AddMetadata(held, "ledger_index", "81203");
  EXPECT_THAT(said(known), HasSubstr("(HELD)\n  refused: ledger entry 81203\n"));
  EXPECT_THAT(said(AddMetadata(known, "matter", "1:25-cv-00457")),
              HasSubstr("(HELD)\n  refused: matter 1:25-cv-00457, ledger entry 81203\n"));
}

TEST(ErrorOutputTest, IsTextOnStandardErrorOrJsonOnStandardOutput) {
  test::MemoryFileSystem files;
  files.Preload("/k/ca.key", AsBytes("x"));
  CliHarness cli(files);
  const std::vector<std::string> command = {"pki", "init", "--domain", "d", "--out", "/k"};
  const CommandResult text = cli.Run(command);
  EXPECT_EQ(text.exit, 65);
  EXPECT_EQ(text.out, "");
  EXPECT_THAT(text.err, HasSubstr("/k/ca.key exists already (ALREADY_EXISTS)"));
  std::vector<std::string> with_json = command;
  with_json.push_back("--json");
  const CommandResult json = cli.Run(with_json);
  EXPECT_EQ(json.exit, 65);
  EXPECT_EQ(json.err, "");
  EXPECT_THAT(json.out,
              StartsWith(R"({"schema": "holdfast.cli.v1.Error", "reason": "ALREADY_EXISTS")"));
  EXPECT_THAT(json.out, HasSubstr(R"("retryable": false)"));
  EXPECT_THAT(json.out, HasSubstr(R"("metadata": {"file": "/k/ca.key"})"));
}

TEST(CommandLineTest, PrintsItsVersion) {
  test::MemoryFileSystem files;
  const CommandResult result = CliHarness(files).Run({"--version"});
  EXPECT_EQ(result.exit, 0);
  EXPECT_THAT(result.out, StartsWith("holdfast "));
  EXPECT_THAT(result.out, Not(HasSubstr("\"")));
}

}  // namespace
}  // namespace holdfast::cli
