// SPDX-License-Identifier: Apache-2.0
#include "cli/source_lookups.h"

#include <chrono>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/status_macros.h"
#include "client/lookup/command_lookup.h"
#include "client/lookup/csv_lookup.h"
#include "client/lookup/sqlite_lookup.h"

namespace holdfast::cli {
namespace {

constexpr std::uint64_t kMostInFlight = 256;
constexpr std::chrono::hours kLongestPatience{1};

absl::Status Misused(std::string what) {
  return MakeError(Reason::kRequestMalformed, std::move(what));
}

absl::Status CheckOptions(const LookupOptions& options) {
  const int sources = static_cast<int>(!options.people.empty()) +
                      static_cast<int>(!options.sqlite.empty()) +
                      static_cast<int>(!options.command.empty());
  if (sources != 1) return Misused("give one of --people, --sqlite and --lookup-command");
  const bool of_sqlite = !options.table.empty() || !options.query.empty() || !options.key.empty();
  if (options.sqlite.empty() && of_sqlite) {
    return Misused("--table, --query and --key belong to --sqlite");
  }
  const bool of_command = !options.arguments.empty() || !options.patience.empty();
  if (options.command.empty() && of_command) {
    return Misused("--lookup-argument and --lookup-timeout belong to --lookup-command");
  }
  if (options.in_flight < 1 || options.in_flight > kMostInFlight) {
    return Misused("--in-flight must be from 1 to 256");
  }
  return absl::OkStatus();
}

template <typename Lookup>
std::unique_ptr<client::SourceLookup> Announced(Session& session, std::unique_ptr<Lookup> lookup,
                                                const std::string& path) {
  session.out().Note(fmt::format("{} people in {}", lookup->people(), path));
  if (lookup->without_key() > 0) {
    session.out().Note(
        fmt::format("{} of them have no readable name and no tax number, and are never found",
                    lookup->without_key()));
  }
  return lookup;
}

}  // namespace

void DeclareLookup(Command& command, LookupOptions& options) {
  command.Optional("--people", options.people, "the source's file of people: a CSV file")
      .Optional("--sqlite", options.sqlite, "the source's people: a SQLite file")
      .Optional("--table", options.table, "with --sqlite: a table or a view")
      .Optional("--query", options.query, "with --sqlite: one SELECT in place of a table")
      .Optional("--key", options.key, "with --sqlite: a column with a number that no other row has")
      .Optional("--lookup-command", options.command, "a program that looks people up, by its path")
      .Several("--lookup-argument", options.arguments,
               "an argument for the program; everybody on the machine sees it")
      .Optional("--lookup-timeout", options.patience,
                "how long the program may be silent; default 30s")
      .Number("--in-flight", options.in_flight,
              "how many questions the program has at a time; default 16");
}

client::FieldFilter PermittedFields(const policy::OpenedAgreement& agreement) {
  std::set<std::string, std::less<>> permitted;
  for (const policy::Authority& authority : agreement.authorities()) {
    permitted.insert(authority.fields.begin(), authority.fields.end());
  }
  return [permitted](std::string_view column) { return permitted.contains(column); };
}

absl::StatusOr<std::unique_ptr<client::SourceLookup>> OpenLookup(
    Session& session, const LookupOptions& options, const policy::OpenedAgreement& agreement) {
  HF_RETURN_IF_ERROR(CheckOptions(options));
  const client::FieldFilter filter = PermittedFields(agreement);
  if (!options.command.empty()) {
    client::LookupCommand command;
    command.command = {options.command};
    command.command.insert(command.command.end(), options.arguments.begin(),
                           options.arguments.end());
    command.in_flight = static_cast<std::size_t>(options.in_flight);
    if (!options.patience.empty()) {
      HF_ASSIGN_OR_RETURN(command.patience, ParseDuration(options.patience));
      if (command.patience.count() == 0 || command.patience > kLongestPatience) {
        return Misused("--lookup-timeout must be from 1ms to 1h");
      }
    }
    return std::make_unique<client::CommandLookup>(std::move(command), filter, session.clock());
  }
  Progress progress(session.out(), "reading people", 0);
  const auto update = [&](std::uint64_t people) { progress.Update(people); };
  if (!options.sqlite.empty()) {
    HF_ASSIGN_OR_RETURN(
        std::unique_ptr<client::SqliteLookup> lookup,
        client::SqliteLookup::Open({options.sqlite, options.table, options.query, options.key},
                                   filter, update));
    return Announced(session, std::move(lookup), options.sqlite);
  }
  HF_ASSIGN_OR_RETURN(std::unique_ptr<client::CsvLookup> lookup,
                      client::CsvLookup::Open(session.files(), options.people, filter, update));
  return Announced(session, std::move(lookup), options.people);
}

}  // namespace holdfast::cli
