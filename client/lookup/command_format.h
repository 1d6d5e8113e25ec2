// SPDX-License-Identifier: Apache-2.0
// What goes between a lookup command and us: one JSON object a line (docs/sources.md, version 1).
//
// When to use  In CommandLookup and its tests.
// Threads      Every function may be called concurrently.
// Ownership    Values.
// Errors       kRequestMalformed and kRequestTooLarge for a line that is not an answer. No error
//              shows what a line holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "client/lookup/people_columns.h"
#include "client/source_lookup.h"

namespace holdfast::client {

inline constexpr std::int64_t kCommandVersion = 1;

// Inclusive, without the line feed.
inline constexpr std::size_t kMaxAnswerBytes = std::size_t{1} << 20;

// {"holdfast_lookup":1}, with a line feed: what both sides say first.
std::string CommandGreeting();

// Whether `line` is the other side's greeting, for a version that we speak.
absl::Status CheckGreeting(std::string_view line);

// The line, with its line feed, that asks about a subject.
std::string CommandQuestion(std::uint64_t id, const LookupQuery& query);

struct CommandAnswer {
  std::uint64_t id = 0;
  Candidates candidates;
  std::string error;  // The program's own word for why it cannot tell; otherwise empty.
};

// Reads an answer. Fields that `filter` does not let pass are dropped.
absl::StatusOr<CommandAnswer> ReadAnswer(std::string_view line, const FieldFilter& filter);

}  // namespace holdfast::client
