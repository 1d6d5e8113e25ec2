// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <array>
#include <ctime>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "cli/hints.h"

namespace holdfast::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenDrawings{100};
constexpr std::size_t kBarCharacters = 30;

// A refusal that is on the record: which hold it was, and where the ledger has it. Empty for
// anything else. What a gateway says was made harmless where it came in (client/channel.h).
std::string OnRecord(const std::map<std::string, std::string>& metadata) {
  const auto entry = metadata.find("ledger_index");
  if (entry == metadata.end()) return {};
  const auto matter = metadata.find("matter");
  return fmt::format("  refused: {}ledger entry {}\n",
                     matter == metadata.end() ? "" : "matter " + matter->second + ", ",
                     entry->second);
}

}  // namespace

void Output::Configure(OutputForm form, Verbosity verbosity, TimeForm time_form) {
  form_ = form;
  verbosity_ = verbosity;
  time_form_ = time_form;
}

std::string Output::Strong(std::string_view text) const {
  return colours_ ? "\x1b[1m" + std::string(text) + "\x1b[0m" : std::string(text);
}

std::string Output::Good(std::string_view text) const {
  return colours_ ? "\x1b[1;32m" + std::string(text) + "\x1b[0m" : std::string(text);
}

void Output::Line(std::string_view text) {
  if (!json()) out_ << text << '\n';
}

void Output::Result(const JsonObject& object, std::string_view text) {
  if (json()) {
    out_ << object.text() << '\n';
  } else {
    out_ << text << '\n';
  }
  out_.flush();
}

void Output::Note(std::string_view text) {
  if (verbosity_ == Verbosity::kQuiet) return;
  const MutexLock lock(err_mutex_);
  err_ << text << '\n';
}

void Output::Draw(std::string_view text) {
  const MutexLock lock(err_mutex_);
  err_ << text << std::flush;
}

void Output::Detail(std::string_view text) {
  if (verbosity_ == Verbosity::kVerbose) Note(text);
}

ExitStatus Output::Fail(const absl::Status& error) {
  return Report(error, HintFor(error), ExitStatusOf(error));
}

ExitStatus Output::FailUsage(const absl::Status& error, const std::string& help) {
  return Report(error, help.empty() ? HintFor(error) : help, ExitStatus::kUsage);
}

ExitStatus Output::Report(const absl::Status& error, const std::string& help, ExitStatus exit) {
  const std::string message(error.message());
  const std::string reason(ReasonName(ReasonOf(error).value_or(Reason::kInternal)));
  if (json()) {
    JsonObject metadata;
    for (const auto& [key, value] : MetadataOf(error)) metadata.Set(key, value);
    JsonObject object("Error");
    object.Set("reason", reason)
        .Set("message", message)
        .Set("retryable", IsRetryable(error))
        .Set("metadata", metadata)
        .Set("help", help)
        .Set("exit_status", static_cast<int>(exit));
    out_ << object.text() << '\n';
    out_.flush();
    return exit;
  }
  err_ << "holdfast: " << message << " (" << reason << ")\n" << OnRecord(MetadataOf(error));
  if (verbosity_ == Verbosity::kVerbose) {
    for (const auto& [key, value] : MetadataOf(error)) err_ << "  " << key << ": " << value << '\n';
  }
  if (!help.empty()) err_ << "  " << help << '\n';
  return exit;
}

std::string Output::Time(UnixMillis time) const {
  if (time_form_ == TimeForm::kUtc || json()) return FormatRfc3339(time);
  const std::time_t seconds = static_cast<std::time_t>(time.value() / 1000);
  std::tm local{};
  if (localtime_r(&seconds, &local) == nullptr) return FormatRfc3339(time);
  std::array<char, 64> text{};
  const std::size_t length =
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S %z (%Z)", &local);
  return std::string(text.data(), length);
}

Progress::Progress(Output& output, std::string label, std::uint64_t total)
    : output_(output),
      label_(std::move(label)),
      total_(total),
      start_(std::chrono::steady_clock::now()),
      drawn_(start_) {}

Progress::~Progress() {
  if (width_ != 0) output_.Draw("\r" + std::string(width_, ' ') + "\r");
}

void Progress::Update(std::uint64_t done) {
  done_ = done;
  if (!output_.ShowsProgress()) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - drawn_ < kBetweenDrawings) return;
  drawn_ = now;
  Draw();
}

void Progress::Draw() {
  const double seconds = std::chrono::duration<double>(drawn_ - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  std::string line = label_ + " ";
  if (total_ != 0) {
    const std::uint64_t filled =
        std::min<std::uint64_t>(kBarCharacters, done_ * kBarCharacters / total_);
    line += "[" + std::string(filled, '#') + std::string(kBarCharacters - filled, '.') + "] ";
    line += fmt::format("{}/{}", done_, total_);
  } else {
    line += std::to_string(done_);
  }
  line += fmt::format(" {:.0f}/s", rate);
  const std::size_t width = line.size();
  if (width < width_) line += std::string(width_ - width, ' ');
  width_ = width;
  output_.Draw("\r" + line);
}

}  // namespace holdfast::cli
