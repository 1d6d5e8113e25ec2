// SPDX-License-Identifier: Apache-2.0
#include "daemon/observe/log.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <memory>

#include <sys/stat.h>
#include <unistd.h>

#include "fmt/format.h"
#include "spdlog/logger.h"
#include "spdlog/sinks/stdout_sinks.h"

#include "base/error.h"
#include "base/escape.h"
#include "base/time.h"

namespace holdfast::observe {
namespace {

std::atomic<LogFormat> chosen_format{LogFormat::kAutomatic};
std::atomic<Level> lowest_level{Level::kInfo};

std::string_view LevelName(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "error";
}

// See sd-daemon(3).
std::string_view JournalPriority(Level level) {
  switch (level) {
    case Level::kDebug:
      return "<7>";
    case Level::kInfo:
      return "<6>";
    case Level::kWarning:
      return "<4>";
    case Level::kError:
      return "<3>";
  }
  return "<3>";
}

// JOURNAL_STREAM is inherited, so it counts only if it names the standard error that we have.
bool WritesToJournal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  if (stream == nullptr) return false;
  struct stat info = {};
  if (fstat(STDERR_FILENO, &info) != 0) return false;
  return stream == fmt::format("{}:{}", info.st_dev, info.st_ino);
}

LogFormat EffectiveFormat() {
  const LogFormat format = chosen_format.load(std::memory_order_relaxed);
  if (format != LogFormat::kAutomatic) return format;
  static const bool is_terminal = isatty(STDERR_FILENO) == 1;
  return is_terminal ? LogFormat::kText : LogFormat::kJson;
}

// The only place that touches spdlog. Its own format is one line as it is.
spdlog::logger& Sink() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>("holdfastd",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    // A full disk or a closed pipe must not become an exception, nor a second line.
    made->set_error_handler([](const std::string&) {});
    return made;
  }();
  return *logger;
}

// `escaped` is printable ASCII; a backslash of its escapes is one more to escape.
void AppendJsonText(std::string_view escaped, std::string& line) {
  line += '"';
  for (const char c : escaped) {
    if (c == '"' || c == '\\') line += '\\';
    line += c;
  }
  line += '"';
}

void AppendTextValue(std::string_view escaped, std::string& line) {
  if (!escaped.empty() && escaped.find_first_of(" =") == std::string_view::npos) {
    line += escaped;
    return;
  }
  line += '"';
  line += escaped;
  line += '"';
}

void AppendValue(LogFormat format, const Field& field, std::string& line) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    const std::string escaped = EscapeForLog(*text, kMaxFieldBytes);
    if (format == LogFormat::kJson) {
      AppendJsonText(escaped, line);
    } else {
      AppendTextValue(escaped, line);
    }
  } else if (const auto* flag = std::get_if<bool>(&field.value)) {
    line += *flag ? "true" : "false";
  } else if (const auto* number = std::get_if<double>(&field.value)) {
    line += std::isfinite(*number) ? fmt::format("{:.6g}", *number) : "null";
  } else if (const auto* integer = std::get_if<std::int64_t>(&field.value)) {
    line += fmt::format("{}", *integer);
  } else {
    line += fmt::format("{}", std::get<std::uint64_t>(field.value));
  }
}

void AppendJsonMember(std::string_view key, std::string_view text, std::string& line) {
  line += fmt::format(",\"{}\":", key);
  AppendJsonText(EscapeForLog(text, kMaxFieldBytes), line);
}

// The part of a line that does not depend on the moment.
std::string JsonBody(Level level, std::string_view component, std::string_view event,
                     std::string_view message, std::initializer_list<Field> fields) {
  std::string body = fmt::format("\"level\":\"{}\"", LevelName(level));
  AppendJsonMember("msg", message, body);
  AppendJsonMember("component", component, body);
  AppendJsonMember("event", event, body);
  for (const Field& field : fields) {
    body += fmt::format(",\"{}\":", field.key);
    AppendValue(LogFormat::kJson, field, body);
  }
  return body;
}

std::string TextBody(Level level, std::string_view component, std::string_view event,
                     std::string_view message, std::initializer_list<Field> fields) {
  std::string body = fmt::format("{:<7} {}: {} event={}", LevelName(level), component,
                                 EscapeForLog(message, kMaxFieldBytes), event);
  for (const Field& field : fields) {
    body += fmt::format(" {}=", field.key);
    AppendValue(LogFormat::kText, field, body);
  }
  return body;
}

std::string Now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return FormatRfc3339(
      UnixMillis(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()));
}

}  // namespace

void ConfigureLog(const LogOptions& options) {
  chosen_format.store(options.format, std::memory_order_relaxed);
  lowest_level.store(options.level, std::memory_order_relaxed);
}

absl::StatusOr<Level> ParseLevel(std::string_view text) {
  if (text.empty()) return Level::kInfo;
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError}) {
    if (text == LevelName(level)) return level;
  }
  return MakeError(Reason::kConfigInvalid, "a level is debug, info, warning or error");
}

bool LogEnabled(Level level) { return level >= lowest_level.load(std::memory_order_relaxed); }

std::string FormatEvent(LogFormat format, Level level, std::string_view component,
                        std::string_view event, std::string_view message,
                        std::initializer_list<Field> fields) {
  if (format == LogFormat::kJson) {
    return "{" + JsonBody(level, component, event, message, fields) + "}";
  }
  return TextBody(level, component, event, message, fields);
}

void Log(Level level, std::string_view component, std::string_view event, std::string_view message,
         std::initializer_list<Field> fields) {
  if (!LogEnabled(level)) return;
  static const bool journal = WritesToJournal();
  std::string line(journal ? JournalPriority(level) : std::string_view());
  if (EffectiveFormat() == LogFormat::kJson) {
    line += fmt::format("{{\"ts\":\"{}\",{}}}", Now(),
                        JsonBody(level, component, event, message, fields));
  } else {
    // The journal has a clock of its own.
    if (!journal) line += Now() + " ";
    line += TextBody(level, component, event, message, fields);
  }
  Sink().log(spdlog::level::info, line);
}

}  // namespace holdfast::observe
