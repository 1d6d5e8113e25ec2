// SPDX-License-Identifier: Apache-2.0
// Where a source's people are, as options say: a CSV file, a SQLite file, or a program.
//
// When to use  In the commands of `holdfast source` that look people up.
// Threads      As the session.
// Ownership    A lookup borrows the session's files and clock.
// Errors       kRequestMalformed for options that do not fit; those of client/lookup/.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "cli/command_line.h"
#include "cli/session.h"
#include "client/lookup/people_columns.h"
#include "client/source_lookup.h"
#include "policy/agreement.h"

namespace holdfast::cli {

struct LookupOptions {
  std::string people;
  std::string sqlite;
  std::string table;
  std::string query;
  std::string key;
  std::string command;
  std::vector<std::string> arguments;
  std::string patience;
  std::uint64_t in_flight = 16;

  bool given() const { return !people.empty() || !sqlite.empty() || !command.empty(); }
};

// Declares the options.
void DeclareLookup(Command& command, LookupOptions& options);

// Whether some authority of the agreement permits the field: what none permits does not even leave
// the source.
client::FieldFilter PermittedFields(const policy::OpenedAgreement& agreement);

// Opens what the options name.
absl::StatusOr<std::unique_ptr<client::SourceLookup>> OpenLookup(
    Session& session, const LookupOptions& options, const policy::OpenedAgreement& agreement);

}  // namespace holdfast::cli
