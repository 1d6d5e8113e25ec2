// SPDX-License-Identifier: Apache-2.0
// client/lookup/command_lookup.h with programs that do well, and with programs that do not.
#include "client/lookup/command_lookup.h"

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/clock.h"
#include "base/error.h"
#include "tests/client/lookup/people_fixtures.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::client {
namespace {

using ::holdfast::test::HasMetadata;
using ::holdfast::test::HasReason;
using ::holdfast::test::IsOk;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

// What every program begins with: say() prints an object, ask() returns the next question or ends,
// answer() finds one person, whose first line is the name that was asked for. `started` counts how
// often the program was started before.
constexpr char kPrelude[] = R"(#!/usr/bin/python3
import json, os, signal, sys
def say(value):
    print(json.dumps(value), flush=True)
def ask():
    line = sys.stdin.readline()
    if not line: sys.exit(0)
    return json.loads(line)
def answer(question):
    say({"id": question["id"], "candidates": [
        {"name": question["subject"]["name"], "line1": question["subject"]["name"],
         "fields": {"wages": "100", "secret": "hush"}}]})
folder = os.path.dirname(sys.argv[0])
started = len([name for name in os.listdir(folder) if name.startswith("start-")])
open(f"{folder}/start-{started}-{os.getpid()}", "x").close()
def greet():
    assert ask() == {"holdfast_lookup": 1}
    say({"holdfast_lookup": 1})
)";

class CommandLookupTest : public ::testing::Test {
 protected:
  LookupCommand Program(const std::string& body, std::size_t in_flight = 16,
                        milliseconds patience = milliseconds(30'000)) {
    const std::string path = folder_.File("program");
    std::ofstream(path) << kPrelude << body;
    EXPECT_EQ(chmod(path.c_str(), 0700), 0);
    return {{path}, in_flight, patience};
  }

  static std::string LineOf(const Candidates& candidates) {
    return candidates.size() == 1 ? candidates[0].person().address().line1() : "none";
  }

  test::TempDir folder_;
  SystemClock clock_;
};

TEST_F(CommandLookupTest, AnswersFromOneProgramForAllQuestions) {
  CommandLookup lookup(Program("greet()\nwhile True: answer(ask())\n"), OnlyWages, clock_);
  for (const char* name : {"Ada Example", "Bea \"B\" Other\\", "Zo\xC3\xAB Third"}) {
    const auto found = lookup.Find(Subject(name).query());
    ASSERT_THAT(found, IsOk());
    EXPECT_EQ(LineOf(*found), name);
    ASSERT_EQ(found->at(0).fields_size(), 1);
    EXPECT_EQ(found->at(0).fields(0).name(), "wages");
  }
  EXPECT_EQ(lookup.restarts(), 0U);
}

TEST_F(CommandLookupTest, AsksSeveralAtATimeAndTakesAnswersInAnyOrder) {
  // Answers three at a time, the last first: it would wait for ever if one were asked alone.
  CommandLookup lookup(Program("greet()\n"
                               "while True:\n"
                               "    three = [ask(), ask(), ask()]\n"
                               "    for each in reversed(three): answer(each)\n",
                               3),
                       OnlyWages, clock_);
  const auto chunk = ChunkOf({"A One", "B Two", "C Three", "D Four", "E Five", "F Six"});
  const auto found = lookup.FindAll(chunk);
  ASSERT_THAT(found, IsOk());
  ASSERT_EQ(found->size(), 6U);
  for (int i = 0; i < chunk.subjects_size(); ++i) {
    EXPECT_EQ(LineOf(found->at(static_cast<std::size_t>(i))), chunk.subjects(i).person().name());
  }
}

TEST_F(CommandLookupTest, KeepsToTheNumberOfOpenQuestions) {
  // Reads as much as comes before it answers; the third would be there if it had been sent.
  CommandLookup lookup(Program("greet()\n"
                               "import select\n"
                               "os.set_blocking(0, False)\n"
                               "while True:\n"
                               "    select.select([0], [], [])\n"
                               "    data = os.read(0, 1 << 20)\n"
                               "    if not data: break\n"
                               "    lines = data.splitlines()\n"
                               "    if len(lines) > 2: sys.exit(3)\n"
                               "    for line in lines: answer(json.loads(line))\n",
                               2),
                       OnlyWages, clock_);
  const auto found = lookup.FindAll(ChunkOf({"A A", "B B", "C C", "D D", "E E", "F F", "G G"}));
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(lookup.restarts(), 0U);
}

TEST_F(CommandLookupTest, ServesSeveralThreads) {
  CommandLookup lookup(Program("greet()\nwhile True: answer(ask())\n", 4), OnlyWages, clock_);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&lookup, i] {
      const std::string name = std::string("Ada ") + static_cast<char>('A' + i) + "x";
      for (int k = 0; k < 20; ++k) {
        const auto found = lookup.Find(Subject(name).query());
        ASSERT_THAT(found, IsOk());
        EXPECT_EQ(LineOf(*found), name);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(CommandLookupTest, StartsAProgramAgainThatCrashesAndAsksAgain) {
  CommandLookup lookup(Program("greet()\n"
                               "answer(ask())\n"
                               "if started < 2: ask(); os.kill(os.getpid(), signal.SIGKILL)\n"
                               "while True: answer(ask())\n",
                               2),
                       OnlyWages, clock_);
  const auto found = lookup.FindAll(ChunkOf({"A One", "B Two", "C Three", "D Four", "E Five"}));
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(LineOf(found->at(4)), "E Five");
  EXPECT_EQ(lookup.restarts(), 2U);
}

TEST_F(CommandLookupTest, StartsAProgramAgainThatStallsAndAsksAgain) {
  CommandLookup lookup(Program("greet()\n"
                               "if started == 0:\n"
                               "    while True: ask()\n"
                               "while True: answer(ask())\n",
                               2, milliseconds(2'000)),
                       OnlyWages, clock_);
  const auto found = lookup.FindAll(ChunkOf({"A One", "B Two", "C Three"}));
  ASSERT_THAT(found, IsOk());
  EXPECT_GE(lookup.restarts(), 1U);
}

TEST_F(CommandLookupTest, GivesUpOnAQuestionThatEndsTheProgramThreeTimes) {
  CommandLookup lookup(Program("greet()\n"
                               "while True:\n"
                               "    question = ask()\n"
                               "    if 'Poison' in question['subject']['name']: sys.exit(3)\n"
                               "    answer(question)\n",
                               1),
                       OnlyWages, clock_);
  const auto found = lookup.FindAll(ChunkOf({"A One", "B Poison", "C Three"}));
  EXPECT_THAT(found, HasReason(Reason::kUnavailable));
  EXPECT_THAT(found, HasMetadata("program", "exit status 3"));
  EXPECT_THAT(found, HasMetadata("attempts", "3"));
  EXPECT_THAT(found.status().ToString(), Not(HasSubstr("Poison")));
  EXPECT_EQ(lookup.restarts(), 2U);
  // The error is final.
  EXPECT_THAT(lookup.Find(Subject("A One").query()), HasReason(Reason::kUnavailable));
}

TEST_F(CommandLookupTest, GivesUpOnAProgramThatNeverGreets) {
  CommandLookup ends(Program("sys.exit(0)\n"), OnlyWages, clock_);
  EXPECT_THAT(ends.Find(Subject("A One").query()), HasReason(Reason::kUnavailable));
  CommandLookup silent(Program("while True: ask()\n", 1, milliseconds(300)), OnlyWages, clock_);
  EXPECT_THAT(silent.Find(Subject("A One").query()), HasReason(Reason::kUnavailable));
}

TEST_F(CommandLookupTest, SendsNothingPersonalBeforeTheGreeting) {
  CommandLookup lookup(Program("with open(f'{folder}/seen', 'w') as seen:\n"
                               "    seen.write(sys.stdin.readline())\n"
                               "say({'holdfast_lookup': 2})\n"
                               "with open(f'{folder}/seen', 'a') as seen:\n"
                               "    seen.write(sys.stdin.read())\n"),
                       OnlyWages, clock_);
  const auto found = lookup.Find(Subject("Ada Example").query());
  EXPECT_THAT(found, HasReason(Reason::kRequestMalformed));
  EXPECT_THAT(found, HasMetadata("version", "2"));
  std::ifstream seen(folder_.File("seen"));
  std::string text((std::istreambuf_iterator<char>(seen)), std::istreambuf_iterator<char>());
  EXPECT_THAT(text, Not(HasSubstr("Ada")));
}

TEST_F(CommandLookupTest, EndsAtOnceWhereTheOutputIsNoAnswer) {
  for (const char* bad :
       {"print('Traceback: Ada Example', flush=True)", "say({'id': 99, 'candidates': []})",
        "answer(question); answer(question)", "say({'id': question['id']})",
        "sys.stdout.buffer.write(b'\\xff\\n'); sys.stdout.flush()"}) {
    const std::string body =
        std::string("greet()\nquestion = ask()\n") + bad + "\nwhile True: answer(ask())\n";
    CommandLookup lookup(Program(body), OnlyWages, clock_);
    const auto found = lookup.FindAll(ChunkOf({"Ada Example", "B Two"}));
    EXPECT_THAT(found, HasReason(Reason::kRequestMalformed)) << bad;
    EXPECT_THAT(found.status().ToString(), Not(HasSubstr("Ada")));
    EXPECT_EQ(lookup.restarts(), 0U);
  }
}

TEST_F(CommandLookupTest, EndsAtOnceWhereALineDoesNotEnd) {
  CommandLookup lookup(Program("greet()\nask()\nwhile True: print('x' * 65536, end='')\n"),
                       OnlyWages, clock_);
  EXPECT_THAT(lookup.Find(Subject("A One").query()), HasReason(Reason::kRequestTooLarge));
}

TEST_F(CommandLookupTest, StopsWhereTheProgramCannotTell) {
  CommandLookup lookup(
      Program("greet()\nsay({'id': ask()['id'], 'error': 'DATABASE_DOWN'})\nask()\n"), OnlyWages,
      clock_);
  const auto found = lookup.Find(Subject("A One", "", "", 17).query());
  EXPECT_THAT(found, HasReason(Reason::kUnavailable));
  EXPECT_THAT(found, HasMetadata("lookup_error", "DATABASE_DOWN"));
  EXPECT_THAT(found, HasMetadata("row", "17"));
}

TEST_F(CommandLookupTest, SaysWhatCannotBeStarted) {
  CommandLookup none({{folder_.File("none")}, 1, milliseconds(1000)}, OnlyWages, clock_);
  EXPECT_THAT(none.Find(Subject("A One").query()), HasReason(Reason::kNotFound));
  std::ofstream(folder_.File("text")) << "no program";
  CommandLookup text({{folder_.File("text")}, 1, milliseconds(1000)}, OnlyWages, clock_);
  EXPECT_THAT(text.Find(Subject("A One").query()), HasReason(Reason::kPermissionDenied));
}

TEST_F(CommandLookupTest, ComesAndGoesWithNothingOpen) {
  CommandLookup lookup(Program("greet()\nanswer(ask())\n"), OnlyWages, clock_);
  for (int i = 0; i < 5; ++i) {
    ASSERT_THAT(lookup.Find(Subject("A One").query()), IsOk());
  }
}

TEST_F(CommandLookupTest, TellsTheProgramOfTheEndAndLeavesNothingBehind) {
  {
    CommandLookup lookup(Program("greet()\n"
                                 "answer(ask())\n"
                                 "assert not sys.stdin.readline()\n"
                                 "open(f'{folder}/farewell', 'x').close()\n"),
                         OnlyWages, clock_);
    ASSERT_THAT(lookup.Find(Subject("A One").query()), IsOk());
  }
  EXPECT_TRUE(std::ifstream(folder_.File("farewell")).good());
}

TEST_F(CommandLookupTest, PutsNothingOnTheCommandLineOrInTheEnvironment) {
  const LookupCommand program = Program(
      "greet()\n"
      "question = ask()\n"
      "own = open('/proc/self/cmdline').read() + open('/proc/self/environ').read()\n"
      "assert 'Example' not in own and '531864001' not in own\n"
      "assert sorted(os.listdir('/proc/self/fd'))[:3] == ['0', '1', '2']\n"
      "assert len(os.listdir('/proc/self/fd')) <= 4\n"  // The fourth reads the folder.
      "answer(question)\nask()\n");
  CommandLookup lookup(program, OnlyWages, clock_);
  EXPECT_THAT(lookup.Find(Subject("Ada Example", "", "531864001").query()), IsOk());
}

}  // namespace
}  // namespace holdfast::client
