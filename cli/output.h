// SPDX-License-Identifier: Apache-2.0
// What a command says, and to whom.
//
// People's text goes to standard output, progress and advice to standard error. With --json each
// result is one object on a line of standard output, an error too, and nothing else is there.
//
// When to use  For every character that a command prints.
// Threads      Note() and Draw() may be used concurrently with everything; the rest may not.
// Ownership    Borrows both streams.
// Errors       A stream that fails is noticed by Healthy() only.
#pragma once

#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "base/mutex.h"
#include "base/time.h"
#include "cli/exit_status.h"
#include "cli/json.h"

namespace holdfast::cli {

enum class OutputForm { kPeople = 0, kJson };
enum class Verbosity { kNormal = 0, kQuiet, kVerbose };
enum class TimeForm { kLocal = 0, kUtc };
enum class Terminal { kNo = 0, kYes };

class Output final {
 public:
  Output(std::ostream& out, std::ostream& err, Terminal err_is_terminal)
      : out_(out), err_(err), err_is_terminal_(err_is_terminal) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void Configure(OutputForm form, Verbosity verbosity, TimeForm time_form);

  // For a command line of which no more than that was understood.
  void AnswerInJson() { form_ = OutputForm::kJson; }

  // Lets some words stand out on a terminal.
  void UseColours() { colours_ = true; }

  // `text`, in bold, and in bold and green, where colours are used. The words alone say it too.
  std::string Strong(std::string_view text) const;
  std::string Good(std::string_view text) const;

  bool json() const { return form_ == OutputForm::kJson; }

  // A line for people on standard output. Nothing with --json.
  void Line(std::string_view text);

  // A result: the object with --json, otherwise `text`, which may have several lines and ends
  // without a line break.
  void Result(const JsonObject& object, std::string_view text);

  // A line on standard error, unless --quiet.
  void Note(std::string_view text);

  // Text on standard error that draws over itself.
  void Draw(std::string_view text);

  // A line on standard error, only with --verbose.
  void Detail(std::string_view text);

  // Reports an error with what to do next. Returns the exit status for it.
  ExitStatus Fail(const absl::Status& error);

  // Reports a command line that is wrong, with what to do next if `help` says that.
  ExitStatus FailUsage(const absl::Status& error, const std::string& help = {});

  // A time for people, local with offset and zone, or UTC with --utc.
  std::string Time(UnixMillis time) const;

  bool ShowsProgress() const {
    return err_is_terminal_ == Terminal::kYes && verbosity_ != Verbosity::kQuiet && !json();
  }

  // False once standard output did not take what was written.
  bool Healthy() const { return out_.good(); }

 private:
  ExitStatus Report(const absl::Status& error, const std::string& help, ExitStatus exit);

  std::ostream& out_;
  Mutex err_mutex_;
  std::ostream& err_;
  const Terminal err_is_terminal_;
  OutputForm form_ = OutputForm::kPeople;
  Verbosity verbosity_ = Verbosity::kNormal;
  TimeForm time_form_ = TimeForm::kLocal;
  bool colours_ = false;
};

// A bar on a terminal for work that takes long; silent anywhere else. Cleared when it is destroyed.
class Progress final {
 public:
  Progress(Output& output, std::string label, std::uint64_t total);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  // Draws at most ten times a second.
  void Update(std::uint64_t done);

 private:
  void Draw();

  Output& output_;
  const std::string label_;
  const std::uint64_t total_;
  const std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
  std::uint64_t done_ = 0;
  std::size_t width_ = 0;
};

}  // namespace holdfast::cli
