// SPDX-License-Identifier: Apache-2.0
// A lookup by a program of the agency's own: JSON lines into its standard input and out of its
// standard output (docs/sources.md, version 1).
//
// The program is started with the first question, greeted, and kept. Several questions are open at
// a time, and may be answered in any order. If it ends, or gives no answer for too long, it is
// started again and asked again; if one question has been open at three such ends, the lookup gives
// up. What it prints is read strictly: anything that is no answer to an open question ends the
// lookup at once, since a program that is wrong about the format may be wrong about the person.
//
// When to use  Where the records are behind something that we do not speak. In C++: a SourceLookup.
// Threads      Find() and FindAll() may be called concurrently; a thread of its own talks.
// Ownership    Owns the program, and ends it: by the end of its input, and by force 5 s later.
//              Borrows the clock.
// Errors       kRequestMalformed, kRequestTooLarge  the program said what it should not;
//              kUnavailable  it ended or stalled three times, or said that it cannot tell;
//              kNotFound, kPermissionDenied, kStoreFailed  it cannot be started.
//              The first error is final: every later call gets it. None shows what a line holds.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "base/clock.h"
#include "client/lookup/people_columns.h"
#include "client/source_lookup.h"

namespace holdfast::client {

struct LookupCommand {
  // The program's path, and arguments. Everybody on the machine sees them: no personal data.
  std::vector<std::string> command;

  // How many questions may be open at a time.
  std::size_t in_flight = 16;

  // How long the program may be silent while a question is open.
  std::chrono::milliseconds patience{30'000};
};

class CommandLookup final : public SourceLookup {
 public:
  // Starts nothing yet. REQUIRES: command.command is not empty, command.in_flight is positive.
  CommandLookup(LookupCommand command, FieldFilter filter, Clock& clock);
  ~CommandLookup() override;

  absl::StatusOr<Candidates> Find(const LookupQuery& query) override;
  absl::StatusOr<std::vector<Candidates>> FindAll(const v1::FetchSubjectsResponse& chunk) override;

  // How often the program was started again.
  std::uint64_t restarts() const;

 private:
  class Talk;
  const std::unique_ptr<Talk> talk_;
};

}  // namespace holdfast::client
