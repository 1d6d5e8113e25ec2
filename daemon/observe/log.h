// SPDX-License-Identifier: Apache-2.0
// The daemon's log: events with fields, as text for people or as one JSON object a line.
//
//   observe::Info("exchange", "exchange_recovered", "the exchange is serving",
//                 {{"exchange", name}, {"ledger_size", size}});
//
// When to use  For what an operator should see. Not instead of the ledger: who may read logs and
// who
//              may read the ledger differ. Never with personal data, keys, matters or officers.
//              Text from a peer only where it is the value of a field (a name in a certificate,
//              say).
// Threads      Every function may be called concurrently; a line is written whole.
// Ownership    Nothing is kept after the call.
// Errors       None: a log that cannot be written is not a reason to stop serving.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"

namespace holdfast::observe {

enum class Level { kDebug, kInfo, kWarning, kError };

enum class LogFormat {
  kAutomatic = 0,  // kText on a terminal, kJson otherwise.
  kText,
  kJson,
};

// One field of an event. A text value is escaped and cut after kMaxFieldBytes.
struct Field {
  template <std::convertible_to<std::string_view> T>
  Field(std::string_view k, const T& v) : key(k), value(std::string_view(v)) {}
  template <std::same_as<bool> T>
  Field(std::string_view k, T v) : key(k), value(v) {}
  template <std::floating_point T>
  Field(std::string_view k, T v) : key(k), value(static_cast<double>(v)) {}
  template <std::signed_integral T>
  Field(std::string_view k, T v) : key(k), value(static_cast<std::int64_t>(v)) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) Field(std::string_view k, T v)
      : key(k), value(static_cast<std::uint64_t>(v)) {}

  std::string_view key;  // [a-z0-9_]+
  std::variant<std::string_view, bool, double, std::int64_t, std::uint64_t> value;
};

inline constexpr std::size_t kMaxFieldBytes = 256;

struct LogOptions {
  LogFormat format = LogFormat::kAutomatic;
  Level level = Level::kInfo;
};

// Sets how lines look from now on. Until then: kAutomatic, kInfo. With a journal at the other end
// (JOURNAL_STREAM names standard error) each line begins with its priority, "<6>" and such.
void ConfigureLog(const LogOptions& options);

// Reads "debug", "info", "warning" or "error"; an empty text is kInfo.
// Errors: kConfigInvalid.
absl::StatusOr<Level> ParseLevel(std::string_view text);

// Writes one event. `component` is the folder or part that speaks; `event` is a stable name that
// programs may match, [a-z0-9_]+; `message` is one constant sentence for people.
void Log(Level level, std::string_view component, std::string_view event, std::string_view message,
         std::initializer_list<Field> fields);

inline void Debug(std::string_view component, std::string_view event, std::string_view message,
                  std::initializer_list<Field> fields = {}) {
  Log(Level::kDebug, component, event, message, fields);
}
inline void Info(std::string_view component, std::string_view event, std::string_view message,
                 std::initializer_list<Field> fields = {}) {
  Log(Level::kInfo, component, event, message, fields);
}
inline void Warning(std::string_view component, std::string_view event, std::string_view message,
                    std::initializer_list<Field> fields = {}) {
  Log(Level::kWarning, component, event, message, fields);
}
inline void Error(std::string_view component, std::string_view event, std::string_view message,
                  std::initializer_list<Field> fields = {}) {
  Log(Level::kError, component, event, message, fields);
}

// True if a line of `level` would be written: to skip the work of making one.
bool LogEnabled(Level level);

// Returns the line that Log() would write, without priority, time and line end. For tests.
std::string FormatEvent(LogFormat format, Level level, std::string_view component,
                        std::string_view event, std::string_view message,
                        std::initializer_list<Field> fields);

}  // namespace holdfast::observe
